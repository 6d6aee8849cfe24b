//! Measures of a data set, and their meaning for threads that share weights without locks.
//!
//! Invariant: every number is deterministic. None depends on the number of threads. None depends on
//! the order of the examples (but for the rounding of means), unless its docs say so.
//!
//! Explicit zeros count as entries: a step of SGD visits their weights.

mod conflicts;
mod duplicates;
mod features;
mod labels;
mod neighbors;
mod ratio;
mod spread;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use serde::Serialize;

pub use conflicts::{Collisions, Conflicts};
pub use duplicates::Duplicates;
pub use features::{HotShare, Hottest};
pub use labels::{Class, Labels, Target};
pub use neighbors::Rho;
pub use spread::{Bin, Spread};

use super::Dataset;
use crate::error::{Error, Result};
use features::Counts;
use ratio::ratio;

/// Most entries that the search for [`Rho`] reads: less than a second's work.
const RHO_WORK: u64 = 1 << 28;
/// Number of features in [`Stats::hottest`].
const NAMED: usize = 8;
/// Unused features per entry above which features are renumbered before they are counted.
const UNUSED: usize = 4;

/// Measures of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stats {
    /// Stored entries divided by examples times features, from 0 to 1.
    pub density: f64,
    /// Features with at least one entry.
    pub features_seen: usize,
    /// Features that every example has with the same value: they act like the bias.
    pub constant_features: usize,
    /// Bytes of the rows in memory: 4 per index, 4 per value unless all are 1, 4 per label, and 4
    /// per row for its offset (8 above 2^32 entries).
    pub memory_bytes: u64,
    /// True if all values are 1.
    pub all_ones: bool,
    /// Entries whose value is 0.
    pub explicit_zeros: u64,
    /// Examples without an entry.
    pub empty_rows: usize,
    /// Examples that equal another one.
    pub duplicates: Duplicates,
    /// Euclidean lengths of the examples that have entries. `None` if there are none.
    pub norms: Option<Norms>,
    /// Labels, as classes or as numbers.
    pub labels: Labels,
    /// Entries per example.
    pub row_lengths: Spread,
    /// Examples per feature, over the features with an entry. `None` if there are none.
    pub frequencies: Option<Spread>,
    /// The most frequent features, at most 8. Of equally frequent ones, the smaller number comes
    /// first.
    pub hottest: Vec<Hottest>,
    /// Fractions of the entries that the most frequent features hold.
    pub hot_shares: Vec<HotShare>,
    /// Overlap of examples.
    pub conflicts: Conflicts,
}

/// Euclidean lengths of rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Norms {
    /// The least.
    pub min: f64,
    /// The smallest that at least half of the rows do not exceed.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Stats {
    /// Measures `data`. `name` names it in messages, and its first feature has the number `first`.
    ///
    /// Takes a few passes over the rows, in parallel, and memory for a few numbers per feature and
    /// row.
    ///
    /// # Errors
    /// [`Error::Input`] if there is no example.
    ///
    /// # Examples
    /// ```
    /// use wildsgd::data::Builder;
    /// use wildsgd::internal::stats::Stats;
    ///
    /// let mut data = Builder::default();
    /// for label in [1.0, -1.0] {
    ///     data.entry(0, 1.0);
    ///     data.end_row(label);
    /// }
    /// let stats = Stats::of("a.svm", &data.finish(2), 1)?;
    /// assert_eq!((stats.density, stats.features_seen, stats.duplicates.copies), (0.5, 1, 1));
    /// # Ok::<(), wildsgd::Error>(())
    /// ```
    pub fn of(name: &str, data: &Dataset, first: u32) -> Result<Self> {
        Self::with_work(name, data, first, RHO_WORK)
    }

    fn with_work(name: &str, data: &Dataset, first: u32, rho_work: u64) -> Result<Self> {
        if data.is_empty() {
            return Err(Error::input(name, "holds no example", "at least one", "check the input"));
        }
        let width = data.width();
        // A few huge indices must not cost memory for all numbers below them.
        let compact = (width / UNUSED > data.nonzeros()).then(|| features::renumbered(data));
        let (data, numbers) = match &compact {
            Some((data, numbers)) => (data, Some(&numbers[..])),
            None => (data, None),
        };
        let counts = Counts::of(data);
        let number =
            |j: u32| u64::from(first) + u64::from(numbers.map_or(j, |numbers| numbers[j as usize]));
        let mut lengths: Vec<u32> =
            (0..data.len()).into_par_iter().map(|i| data.row(i).len() as u32).collect();
        lengths.par_sort_unstable();
        let frequencies = counts.sorted();
        let seen = frequencies.partition_point(|&count| count == 0);
        let frequencies = &frequencies[seen..];
        Ok(Stats {
            density: ratio(data.nonzeros() as f64, data.len() as f64 * width as f64),
            features_seen: frequencies.len(),
            constant_features: features::constant(data, &counts.features),
            memory_bytes: memory(data),
            all_ones: counts.all_ones,
            explicit_zeros: counts.zeros,
            empty_rows: lengths.partition_point(|&length| length == 0),
            duplicates: Duplicates::of(data),
            norms: Norms::of(data),
            labels: Labels::of(data.labels()),
            hottest: features::hottest(&counts.features, data.len(), NAMED, number),
            hot_shares: features::hot_shares(frequencies, data.nonzeros()),
            conflicts: Conflicts::of(data, &counts.features, frequencies, rho_work),
            row_lengths: Spread::of(&lengths).expect("there is an example"),
            frequencies: Spread::of(frequencies),
        })
    }
}

impl Norms {
    fn of(data: &Dataset) -> Option<Self> {
        let rows = (0..data.len()).into_par_iter().map(|i| data.row(i));
        let mut norms: Vec<f64> =
            rows.filter(|row| !row.is_empty()).map(|row| row.norm2().sqrt()).collect();
        norms.par_sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (norms.first()?, norms.last()?);
        Some(Norms { min, median: norms[spread::rank(norms.len(), 0.5)], max })
    }
}

fn memory(data: &Dataset) -> u64 {
    let (rows, entries) = (data.len() as u64, data.nonzeros() as u64);
    let value = if data.row(0).values().is_some() { 4 } else { 0 };
    let offset = if entries > u64::from(u32::MAX) { 8 } else { 4 };
    entries * (4 + value) + rows * 4 + (rows + 1) * offset
}
