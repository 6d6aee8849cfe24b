//! A plot with its colors and style.

use std::fmt::{self, Display};

use super::canvas::{LEFT, WIDTH};
use crate::report::drawing::{STYLE, escaped};

/// A plot with its title.
pub(in crate::report::scaled) struct Plot {
    /// File name without the extension.
    pub(in crate::report::scaled) name: &'static str,
    pub(in crate::report::scaled) title: String,
    pub(super) height: f64,
    pub(super) body: String,
}

/// Number of colors; further strategies have broken lines.
pub(super) const COLORS: usize = 8;
/// Colors of the strategies' lines and marks, which also differ in brightness, for light and dark
/// paper.
const LIGHT: [&str; COLORS] =
    ["#1f6fb4", "#d1495b", "#2a9d3f", "#8a4fbf", "#c77700", "#0b8a8f", "#b0308f", "#6b7280"];
const DARK: [&str; COLORS] =
    ["#58a6ff", "#ff7b86", "#56d364", "#c297ff", "#f0a040", "#3fc9ce", "#f778ba", "#9aa4b0"];

/// Returns the style of plots, in addition to that of all drawings.
pub(in crate::report::scaled) fn style() -> String {
    let colors = |colors: [&str; COLORS]| -> String {
        let class = |(k, color): (usize, &&str)| {
            format!(".l{k}{{stroke:{color}}}.f{k}{{fill:{color}}}.o{k}{{stroke:{color}}}")
        };
        colors.iter().enumerate().map(class).collect()
    };
    format!(
        "{STYLE}path.l{{fill:none;stroke-width:2.2}}.o{{fill:none;stroke-width:1.6}}.d{{stroke-dasharray:2 4}}\
         .i{{fill:none;stroke:#57606a;stroke-width:1.4;stroke-dasharray:7 5}}.w{{stroke-width:1.4}}.n{{opacity:.5}}.v{{stroke-dasharray:10 3}}{}\
         @media(prefers-color-scheme:dark){{.i{{stroke:#8b949e}}{}}}",
        colors(LIGHT),
        colors(DARK)
    )
}

/// A plot as a whole drawing, with its own style and paper.
pub(super) struct Standalone<'a>(pub(super) &'a Plot);

impl Display for Standalone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plot { title, height, body, .. } = self.0;
        let (height, title) = (height + 30.0, escaped(title));
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">"#
        )?;
        writeln!(f, "<title>{title}</title>\n<style>{}</style>", style())?;
        writeln!(f, r#"<rect class="p" width="{WIDTH}" height="{height}"/>"#)?;
        writeln!(f, r#"<text class="h" x="{LEFT}" y="24">{title}</text>"#)?;
        write!(f, r#"<g transform="translate(0 30)">{body}</g></svg>"#)
    }
}

impl Display for Plot {
    /// Writes the drawing for a page that has the style.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plot { title, height, body, .. } = self;
        write!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><title>{}</title>{body}</svg>"#,
            escaped(title)
        )
    }
}
