//! Distributions as bars of block characters, at most 80 columns wide.

use std::fmt::{self, Display};

use wildsgd::internal::stats::Spread;

use super::format::{COLUMNS, percent};

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
/// Width of a percentage.
const PERCENT: usize = 8;

/// One line per bin: its fraction of the members, and of the non-zeros.
pub struct Bars<'a> {
    pub spread: &'a Spread,
    /// Name of the members.
    pub unit: &'static str,
}

impl Display for Bars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bins, shares) = (&self.spread.bins, self.spread.shares());
        let label = bins.iter().map(|bin| bin.range().chars().count()).max().unwrap_or(0).max(9);
        let bar = (COLUMNS - label - 2 * PERCENT - 6) / 2;
        let column = bar + 1 + PERCENT;
        let head = format!("share of {}", self.unit);
        writeln!(f, "{:label$}  {head:column$}  share of non-zeros", "")?;
        let largest = [0, 1].map(|k| shares.iter().map(|shares| shares[k]).fold(0.0, f64::max));
        for (bin, share) in bins.iter().zip(&shares) {
            write!(f, "{:>label$}", bin.range())?;
            for (&share, largest) in share.iter().zip(largest) {
                write!(f, "  {:bar$} {:>PERCENT$}", blocks(share, largest, bar), percent(share))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Draws a bar; the `largest` share has `width` columns. Only a share of 0 is invisible.
fn blocks(share: f64, largest: f64, width: usize) -> String {
    if share == 0.0 {
        return String::new();
    }
    let eighths = ((8 * width) as f64 * share / largest).round().max(1.0) as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional() {
        assert_eq!(blocks(0.5, 0.5, 4), "████");
        assert_eq!(blocks(0.25, 1.0, 10), "██▌");
        assert_eq!(blocks(1e-9, 1.0, 10), "▏");
        assert_eq!(blocks(0.0, 0.0, 10), "");
    }
}
