//! Style, escaping and axis ticks that all drawings share.

/// Colors and fonts, light and dark by the reader's setting: text (`h` a heading, `t` a title; `m`
/// centered, `e` right-aligned), `p` paper, `g` grid, `x` axis, `a` and `b` two kinds of bars.
pub(super) const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#24292f}.h{font-size:15px;font-weight:600}.t{font-weight:600}\
.m{text-anchor:middle}.e{text-anchor:end}.p{fill:#fff}.g{stroke:#d8dee4}.x{stroke:#57606a}\
.a{fill:#1f6fb4}.b{fill:#e08214}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.p{fill:#0d1117}.g{stroke:#30363d}.x{stroke:#8b949e}\
.a{fill:#58a6ff}.b{fill:#f0a040}}";

/// Escapes text for XML: no markup, and no characters that XML forbids.
pub(super) fn escaped(text: &str) -> String {
    let legal = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(if legal(c) { c } else { '\u{fffd}' }),
        }
    }
    escaped
}

/// Returns round numbers from 0 to `most` or slightly more, at most `count` steps apart by 1, 2 or
/// 5 times a power of 10.
pub(super) fn ticks(most: f64, count: usize) -> Vec<f64> {
    if !(most.is_finite() && most > 0.0) {
        return vec![0.0, 1.0];
    }
    let rough = most / count as f64;
    let unit = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * unit)
        .into_iter()
        .find(|step| *step >= rough * (1.0 - 1e-9));
    let step = step.unwrap_or(rough);
    (0..=(most / step - 1e-9).ceil() as usize).map(|k| k as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(2.0, 4), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(ticks(7.3, 5), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(0.0, 5), [0.0, 1.0]);
        assert!(ticks(1e-3, 5).len() <= 6);
    }
}
