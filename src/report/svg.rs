//! Distributions as a self-contained drawing: no script, no font, light and dark by the reader's
//! setting.

use std::fmt::{self, Display};
use std::path::Path;

use super::Inspected;
use super::drawing::{STYLE, escaped};
use crate::data::stats::{Bin, Spread};
use crate::error::Result;
use crate::human::Count;
use crate::save;

const WIDTH: f64 = 760.0;
const HEAD: f64 = 64.0;
const PANEL: f64 = 290.0;
/// Frame of the bars within a panel.
const LEFT: f64 = 58.0;
const RIGHT: f64 = WIDTH - 18.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 226.0;
/// Grid spacings as fractions: the first that needs at most five lines is used.
const STEPS: [f64; 6] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
/// Width of a digit, or slightly more.
const LETTER: f64 = 7.0;

/// Draws the row lengths and the feature frequencies to a file, [atomically](save::atomically).
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write_svg(report: &Inspected, path: impl AsRef<Path>) -> Result<()> {
    save::atomically(path, |out| writeln!(out, "{}", Drawing(report)))
}

struct Drawing<'a>(&'a Inspected);

impl Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (data, stats) = (&self.0.data, &self.0.stats);
        let lengths =
            Panel { spread: &stats.row_lengths, unit: "examples", axis: "non-zeros per example" };
        let frequencies = stats.frequencies.as_ref();
        let frequencies = frequencies.map(|spread| Panel {
            spread,
            unit: "features",
            axis: "examples per feature",
        });
        let panels = || [Some(&lengths), frequencies.as_ref()].into_iter().flatten();
        let height = HEAD + PANEL * panels().count() as f64;
        let name = escaped(&data.path);
        let [n, d, z] = [data.examples, data.features, data.nonzeros].map(|n| Count(n as u64));
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">"#
        )?;
        writeln!(f, "<title>Distributions of {name}</title>\n<style>{STYLE}</style>")?;
        writeln!(f, r#"<rect class="p" width="{WIDTH}" height="{height}"/>"#)?;
        writeln!(f, r#"<text class="h" x="{LEFT}" y="28">{name}</text>"#)?;
        writeln!(f, r#"<text x="{LEFT}" y="48">{n} examples, {d} features, {z} non-zeros</text>"#)?;
        for (k, panel) in panels().enumerate() {
            writeln!(f, r#"<g transform="translate(0 {})">{panel}</g>"#, HEAD + PANEL * k as f64)?;
        }
        write!(f, "</svg>")
    }
}

/// Two bars per bin: its fraction of the members, and of the non-zeros.
struct Panel<'a> {
    spread: &'a Spread,
    /// Name of the members.
    unit: &'static str,
    axis: &'static str,
}

impl Display for Panel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shares = self.spread.shares();
        let largest = shares.iter().flatten().copied().fold(0.0, f64::max);
        let step = STEPS.into_iter().find(|step| largest / step <= 5.0).unwrap_or(0.25);
        let lines = (largest / step - 1e-9).ceil().max(1.0) as usize;
        let top = step * lines as f64;
        let y = |share: f64| BOTTOM - (BOTTOM - TOP) * share / top;
        self.legend(f)?;
        for line in 0..=lines {
            let share = step * line as f64;
            let (y, percent) = (y(share), (100.0 * share).round());
            let class = if line == 0 { "x" } else { "g" };
            writeln!(f, r#"<path class="{class}" d="M{LEFT} {y:.1}H{RIGHT}"/>"#)?;
            writeln!(
                f,
                r#"<text class="e" x="{}" y="{:.1}">{percent} %</text>"#,
                LEFT - 6.0,
                y + 4.0
            )?;
        }
        let slot = (RIGHT - LEFT) / shares.len() as f64;
        let bar = (0.4 * slot).min(40.0);
        for (k, (bin, shares)) in self.spread.bins.iter().zip(&shares).enumerate() {
            let middle = LEFT + slot * (k as f64 + 0.5);
            let units = [("a", middle - bar, self.unit), ("b", middle, "non-zeros")];
            for (&share, (class, x, unit)) in
                shares.iter().zip(units).filter(|(share, _)| **share > 0.0)
            {
                let (y, height) = (y(share), BOTTOM - y(share));
                writeln!(
                    f,
                    r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{bar:.1}" height="{height:.1}"><title>{}: {:.2} % of the {unit}</title></rect>"#,
                    bin.range(),
                    100.0 * share
                )?;
            }
        }
        self.marks(f, slot)?;
        writeln!(
            f,
            r#"<text class="m" x="{}" y="{}">{}</text>"#,
            (LEFT + RIGHT) / 2.0,
            BOTTOM + 40.0,
            self.axis
        )
    }
}

impl Panel<'_> {
    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, r#"<text class="t" x="{LEFT}" y="14">{}</text>"#, self.axis)?;
        for (class, x, what) in [("a", RIGHT - 290.0, self.unit), ("b", RIGHT - 140.0, "non-zeros")]
        {
            writeln!(f, r#"<rect class="{class}" x="{x}" y="4" width="11" height="11"/>"#)?;
            writeln!(f, r#"<text x="{}" y="14">share of {what}</text>"#, x + 17.0)?;
        }
        Ok(())
    }

    /// Labels the bins: below them if all names fit, else at their starts by their first value, and
    /// only as many as fit.
    fn marks(&self, f: &mut fmt::Formatter<'_>, slot: f64) -> fmt::Result {
        let bins = &self.spread.bins;
        let widest = |name: fn(&Bin) -> String| {
            LETTER
                * (2 + bins.iter().map(|bin| name(bin).chars().count()).max().unwrap_or(0)) as f64
        };
        let start: fn(&Bin) -> String = |bin| Count(bin.from.into()).to_string();
        let single = bins.iter().all(|bin| bin.from == bin.to);
        let below = single || widest(Bin::range) <= slot;
        let (name, offset) =
            if below { (Bin::range as fn(&Bin) -> String, 0.5) } else { (start, 0.0) };
        let stride = (widest(name) / slot).ceil() as usize;
        for (k, bin) in bins.iter().enumerate().step_by(stride) {
            let (x, name) = (LEFT + slot * (k as f64 + offset), name(bin));
            if !below {
                writeln!(f, r#"<path class="x" d="M{x:.1} {BOTTOM}v5"/>"#)?;
            }
            writeln!(f, r#"<text class="m" x="{x:.1}" y="{}">{name}</text>"#, BOTTOM + 18.0)?;
        }
        Ok(())
    }
}
