//! Counts and percentages as `inspect` prints them.

use indicatif::HumanCount;

/// Maximum width of a line.
pub const COLUMNS: usize = 80;

/// Formats a whole number with its digits in groups.
pub fn count(n: usize) -> String {
    HumanCount(n as u64).to_string()
}

/// Formats a fraction as a percentage, as 0 or 100 only if that is exact.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 || percent == 100.0 {
        return format!("{percent} %");
    }
    match percent {
        ..0.01 => "<0.01 %".into(),
        99.99.. => ">99.99 %".into(),
        ..9.995 | 99.95.. => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages() {
        let cases = [
            (0.0, "0 %"),
            (1e-6, "<0.01 %"),
            (0.0123, "1.23 %"),
            (0.1, "10.0 %"),
            (0.5678, "56.8 %"),
            (0.9996, "99.96 %"),
            (0.99999, ">99.99 %"),
            (1.0, "100 %"),
        ];
        for (share, text) in cases {
            assert_eq!(percent(share), text);
        }
    }
}
