//! The plots: drawings that need nothing else, for the page and as files of their own.

mod bars;
mod canvas;
mod curves;

use std::fmt::{self, Display};
use std::path::Path;

use super::Scaled;
use crate::error::Result;
use crate::report::drawing::{STYLE, escaped};
use crate::save;
use canvas::{LEFT, WIDTH};

/// A drawing, with what it shows in words.
pub(super) struct Plot {
    /// Name of its file, without the ending.
    pub(super) name: &'static str,
    pub(super) title: String,
    height: f64,
    body: String,
}

/// Draws all plots into files in `folder`: `speed-up.svg`, `time-to-target.svg`, `objective.svg`,
/// `model.svg`, each [at once or not at all](save::atomically).
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if a file cannot be written.
pub fn write_plots(report: &Scaled, folder: impl AsRef<Path>) -> Result<()> {
    let folder = folder.as_ref();
    plots(report).iter().try_for_each(|plot| {
        save::atomically(folder.join(format!("{}.svg", plot.name)), |out| {
            writeln!(out, "{}", Alone(plot))
        })
    })
}

/// All plots.
pub(super) fn plots(report: &Scaled) -> [Plot; 4] {
    [
        curves::speed_up(report),
        bars::time_to_target(report),
        curves::objective(report),
        bars::model(report),
    ]
}

/// Number of colors; strategies beyond that have broken lines.
const COLORS: usize = 8;
/// Lines and marks of the strategies: colors that differ in brightness too, for light paper and for
/// dark.
const LIGHT: [&str; COLORS] =
    ["#1f6fb4", "#d1495b", "#2a9d3f", "#8a4fbf", "#c77700", "#0b8a8f", "#b0308f", "#6b7280"];
const DARK: [&str; COLORS] =
    ["#58a6ff", "#ff7b86", "#56d364", "#c297ff", "#f0a040", "#3fc9ce", "#f778ba", "#9aa4b0"];

/// The style of plots, beside that of all drawings.
pub(super) fn style() -> String {
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

/// A whole drawing, with its own style and paper.
struct Alone<'a>(&'a Plot);

impl Display for Alone<'_> {
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
    /// The drawing for a page that has the style.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plot { title, height, body, .. } = self;
        write!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><title>{}</title>{body}</svg>"#,
            escaped(title)
        )
    }
}
