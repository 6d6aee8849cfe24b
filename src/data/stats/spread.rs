//! Distributions of whole numbers.

use serde::Serialize;

use super::ratio::ratio;
use crate::human::Count;

/// Numbers that spread over fewer than this many values get one bin per value.
const FEW: u32 = 24;
/// Numbers that spread over at most this many powers of 2 get two bins per power.
const NARROW: u32 = 8;

/// Distribution of whole numbers. Quantile q is the smallest of them that at least the fraction q
/// of them does not exceed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: u32,
    /// Quantile 0.25.
    pub q25: u32,
    /// Quantile 0.5.
    pub median: u32,
    /// Quantile 0.75.
    pub q75: u32,
    /// Quantile 0.99.
    pub q99: u32,
    /// The largest.
    pub max: u32,
    /// The mean.
    pub mean: f64,
    /// Adjoining bins from the first to the last that holds a number. There is one per value if
    /// `max - min` is below 24. Otherwise each power of 2 starts a new bin (0, 1, 2-3, 4-7, 8-15
    /// and so on). If `max` is at most about 2^8 times `min`, so do the halves between (0, 1, 2, 3,
    /// 4-5, 6-7, 8-11 and so on).
    pub bins: Vec<Bin>,
}

/// Numbers between two bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bin {
    /// Lower bound, inclusive.
    pub from: u32,
    /// Upper bound, inclusive.
    pub to: u32,
    /// Count of the numbers.
    pub count: usize,
    /// Sum of the numbers: the non-zeros of these examples, or in these features.
    pub nonzeros: u64,
}

impl Spread {
    /// Measures ascending numbers. `None` if there are none.
    pub(super) fn of(sorted: &[u32]) -> Option<Self> {
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let quantile = |q| sorted[rank(sorted.len(), q)];
        let bins = bins(sorted, min, max);
        let total: u64 = bins.iter().map(|bin| bin.nonzeros).sum();
        Some(Spread {
            min,
            q25: quantile(0.25),
            median: quantile(0.5),
            q75: quantile(0.75),
            q99: quantile(0.99),
            max,
            mean: total as f64 / sorted.len() as f64,
            bins,
        })
    }
}

impl Spread {
    /// Fraction of the numbers and of their sum in each bin, from 0 to 1.
    pub fn shares(&self) -> Vec<[f64; 2]> {
        let count: usize = self.bins.iter().map(|bin| bin.count).sum();
        let nonzeros: u64 = self.bins.iter().map(|bin| bin.nonzeros).sum();
        let shares = |bin: &Bin| {
            [ratio(bin.count as f64, count as f64), ratio(bin.nonzeros as f64, nonzeros as f64)]
        };
        self.bins.iter().map(shares).collect()
    }
}

impl Bin {
    /// The bin as text, with digits in groups: `7`, `1,024–2,047`.
    pub fn range(&self) -> String {
        let [from, to] = [self.from, self.to].map(|x| Count(x.into()));
        if self.from == self.to { from.to_string() } else { format!("{from}–{to}") }
    }
}

/// Index of quantile `q` among `len` ascending numbers.
pub(super) fn rank(len: usize, q: f64) -> usize {
    ((q * len as f64).ceil() as usize).clamp(1, len) - 1
}

fn bins(sorted: &[u32], min: u32, max: u32) -> Vec<Bin> {
    let next: fn(u32) -> u32 = match () {
        _ if max - min < FEW => |from| from + 1,
        _ if exponent(max) - exponent(min) <= NARROW => next_half,
        _ => next_power,
    };
    let mut bins = Vec::new();
    let mut rest = sorted;
    let mut from = if max - min < FEW { min } else { start(min, next) };
    loop {
        // The last bin may end at the largest u32.
        let to = next(from).wrapping_sub(1);
        let (inside, above) = rest.split_at(rest.partition_point(|&x| x <= to));
        let nonzeros = inside.iter().map(|&x| u64::from(x)).sum();
        bins.push(Bin { from, to, count: inside.len(), nonzeros });
        if above.is_empty() {
            return bins;
        }
        (rest, from) = (above, to + 1);
    }
}

fn exponent(x: u32) -> u32 {
    x.checked_ilog2().unwrap_or(0)
}

/// The start of the bin that holds `x`.
fn start(x: u32, next: fn(u32) -> u32) -> u32 {
    let power = if x == 0 { 0 } else { 1 << exponent(x) };
    if (power + 1..=x).contains(&next(power)) { next(power) } else { power }
}

/// The next power of 2 after one or 0; 0 stands for 2^32.
fn next_power(from: u32) -> u32 {
    if from == 0 { 1 } else { from.wrapping_mul(2) }
}

/// The next number of the form 2^k or 3 * 2^k after one or 0; 0 stands for 2^32.
fn next_half(from: u32) -> u32 {
    match from {
        0 | 1 => from + 1,
        _ if from.is_power_of_two() => from + from / 2,
        _ => (from / 3).wrapping_mul(4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(numbers: &[u32]) -> Vec<(u32, u32, usize, u64)> {
        let spread = Spread::of(numbers).unwrap();
        spread.bins.iter().map(|bin| (bin.from, bin.to, bin.count, bin.nonzeros)).collect()
    }

    #[test]
    fn few_values_get_a_bin_each() {
        assert_eq!(bounds(&[11, 11, 13]), [(11, 11, 2, 22), (12, 12, 0, 0), (13, 13, 1, 13)]);
        assert_eq!(bounds(&[0]), [(0, 0, 1, 0)]);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn many_values_are_cut_at_powers_of_2() {
        let wide = bounds(&[0, 1, 2, 3, 512]);
        assert_eq!(wide[..4], [(0, 0, 1, 0), (1, 1, 1, 1), (2, 3, 2, 5), (4, 7, 0, 0)]);
        assert_eq!((wide.len(), wide[10]), (11, (512, 1023, 1, 512)));
        let widest = bounds(&[5, u32::MAX]);
        assert_eq!((widest[0], widest.len()), ((4, 7, 1, 5), 30));
        assert_eq!(widest[29], (1 << 31, u32::MAX, 1, u32::MAX.into()));
    }

    #[test]
    fn fewer_values_are_cut_between_them_too() {
        let bins = bounds(&[7, 31]);
        let expected =
            [(6, 7, 1, 7), (8, 11, 0, 0), (12, 15, 0, 0), (16, 23, 0, 0), (24, 31, 1, 31)];
        assert_eq!(bins, expected);
        let starts: Vec<u32> = bounds(&[0, 25]).iter().map(|bin| bin.0).collect();
        assert_eq!(starts, [0, 1, 2, 3, 4, 6, 8, 12, 16, 24]);
        let largest = bounds(&[1 << 31, u32::MAX]);
        assert_eq!(largest[1], (3 << 30, u32::MAX, 1, u32::MAX.into()));
    }

    #[test]
    fn quantiles_are_members() {
        let spread = Spread::of(&[1, 2, 3, 4]).unwrap();
        let quantiles = [spread.min, spread.q25, spread.median, spread.q75, spread.q99, spread.max];
        assert_eq!((quantiles, spread.mean), ([1, 1, 2, 3, 4, 4], 2.5));
        let single = Spread::of(&[7]).unwrap();
        assert_eq!((single.min, single.median, single.q99), (7, 7, 7));
    }
}
