//! Axes, lines, marks and legends.

use std::fmt::{self, Write};

use crate::report::drawing::escaped;

pub(super) const WIDTH: f64 = 560.0;
pub(super) const LEFT: f64 = 72.0;
pub(super) const RIGHT: f64 = WIDTH - 16.0;
pub(super) const TOP: f64 = 16.0;
pub(super) const BOTTOM: f64 = 316.0;
/// Height of a line of a legend.
pub(super) const LINE: f64 = 20.0;

/// Draws horizontal lines, each with its label; the first is the axis.
pub(super) fn grid(lines: &[(f64, String)]) -> String {
    let mut body = String::new();
    for (k, (y, text)) in lines.iter().enumerate() {
        let class = if k == 0 { "x" } else { "g" };
        write(&mut body, format_args!(r#"<path class="{class}" d="M{LEFT} {y:.1}H{RIGHT}"/>"#));
        write(
            &mut body,
            format_args!(r#"<text class="e" x="{}" y="{:.1}">{text}</text>"#, LEFT - 6.0, y + 4.0),
        );
    }
    body
}

/// Draws a number below the axis.
pub(super) fn label(body: &mut String, x: f64, text: &str) {
    write(body, format_args!(r#"<path class="x" d="M{x:.1} {BOTTOM}v5"/>"#));
    write(body, format_args!(r#"<text class="m" x="{x:.1}" y="{}">{text}</text>"#, BOTTOM + 19.0));
}

/// Labels both axes.
pub(super) fn axis(body: &mut String, below: &str, beside: &str) {
    let (middle, center) = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
    write(
        body,
        format_args!(r#"<text class="m" x="{middle}" y="{}">{below}</text>"#, BOTTOM + 39.0),
    );
    write(
        body,
        format_args!(
            r#"<text class="m" transform="translate(14 {center}) rotate(-90)">{beside}</text>"#
        ),
    );
}

/// Draws a line through two or more points.
pub(super) fn line(body: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
    let points: Vec<String> = points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    if points.len() > 1 {
        write(body, format_args!(r#"<path class="{class}" d="M{}"/>"#, points.join("L")));
    }
}

/// Draws a whisker from the smallest to the largest value.
pub(super) fn whisker(body: &mut String, color: usize, x: f64, [low, high]: [f64; 2]) {
    write(
        body,
        format_args!(
            r#"<path class="o l{color} n" d="M{x:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h8M{:.1} {high:.1}h8"/>"#,
            x - 4.0,
            x - 4.0
        ),
    );
}

/// Draws a mark with its numbers as a tooltip.
pub(super) fn dot(body: &mut String, color: usize, x: f64, y: f64, words: &str) {
    let words = escaped(words);
    write(
        body,
        format_args!(
            r#"<circle class="f{color}" cx="{x:.1}" cy="{y:.1}" r="3.4"><title>{words}</title></circle>"#
        ),
    );
}

/// Draws a legend of lines (`l`, `i`) and bars in `columns` columns from `y` on; returns where it
/// ends.
pub(super) fn entries(
    body: &mut String,
    y: f64,
    legend: &[(String, String)],
    columns: usize,
) -> f64 {
    let width = (RIGHT - LEFT) / columns as f64;
    for (k, (class, name)) in legend.iter().enumerate() {
        let (x, y) = (LEFT + width * (k % columns) as f64, y + LINE * (k / columns) as f64);
        if class.starts_with(['l', 'i']) {
            write(body, format_args!(r#"<path class="{class}" d="M{x:.1} {:.1}h20"/>"#, y - 4.0));
        } else {
            write(
                body,
                format_args!(
                    r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="20" height="10"/>"#,
                    y - 9.0
                ),
            );
        }
        write(
            body,
            format_args!(r#"<text x="{:.1}" y="{y:.1}">{}</text>"#, x + 26.0, escaped(name)),
        );
    }
    y + LINE * (legend.len().div_ceil(columns) as f64 - 1.0) + 12.0
}

/// Formats a round number without rounding noise.
pub(super) fn tidy(x: f64) -> String {
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Adds a line of text.
pub(super) fn write(body: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(body, "{text}");
}
