//! Frequencies of features.

use rayon::prelude::*;
use serde::Serialize;

use super::ratio::ratio;
use crate::data::Dataset;

/// Sizes of the sets of hot features.
const HOT: [usize; 3] = [64, 1024, 4096];

/// A feature that occurs often.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hottest {
    /// The feature's number, as in the file.
    pub feature: u64,
    /// Number of examples that have an entry for it.
    pub examples: u32,
    /// Fraction of all examples, from 0 to 1.
    pub share: f64,
}

/// Entries of the most frequent features.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HotShare {
    /// Number of features: the 64, 1,024 or 4,096 most frequent, or all if there are fewer.
    pub features: usize,
    /// Fraction of all entries that these features hold, from 0 to 1.
    pub share: f64,
}

/// Counts of one pass over all entries.
#[derive(Debug)]
pub(super) struct Counts {
    /// Number of examples that have an entry, for each feature.
    pub features: Vec<u32>,
    /// Entries whose value is 0.
    pub zeros: u64,
    /// True if all values are 1.
    pub all_ones: bool,
}

impl Counts {
    pub fn of(data: &Dataset) -> Self {
        let parts = runs(data).into_par_iter().map(|run| Self::of_run(data, run));
        parts.reduce_with(Self::add).expect("there is an example")
    }

    fn of_run(data: &Dataset, run: std::ops::Range<usize>) -> Self {
        let mut counts = Counts { features: vec![0; data.width()], zeros: 0, all_ones: true };
        for i in run {
            let row = data.row(i);
            row.indices().iter().for_each(|&j| counts.features[j as usize] += 1);
            if let Some(values) = row.values() {
                counts.zeros += values.iter().filter(|&&x| x == 0.0).count() as u64;
                counts.all_ones &= values.iter().all(|&x| x == 1.0);
            }
        }
        counts
    }

    fn add(mut self, other: Self) -> Self {
        self.features.iter_mut().zip(other.features).for_each(|(a, b)| *a += b);
        self.zeros += other.zeros;
        self.all_ones &= other.all_ones;
        self
    }

    /// The counts in ascending order.
    pub fn sorted(&self) -> Vec<u32> {
        let mut sorted = self.features.clone();
        sorted.par_sort_unstable();
        sorted
    }
}

/// Renumbers the features that occur as 0, 1, 2 and so on, in their order. Returns the examples
/// with the new numbers, and the old number of each.
pub(super) fn renumbered(data: &Dataset) -> (Dataset, Vec<u32>) {
    let mut numbers: Vec<u32> = data.iter().flat_map(|(row, _)| row.indices()).copied().collect();
    numbers.par_sort_unstable();
    numbers.dedup();
    let mut offsets = vec![0];
    let mut indices = Vec::with_capacity(data.nonzeros());
    let mut values = data.row(0).values().map(|_| Vec::with_capacity(data.nonzeros()));
    for (row, _) in data.iter() {
        let place = |j: &u32| numbers.binary_search(j).expect("all numbers were collected") as u32;
        indices.extend(row.indices().iter().map(place));
        if let (Some(values), Some(row)) = (&mut values, row.values()) {
            values.extend_from_slice(row);
        }
        offsets.push(indices.len());
    }
    let data = Dataset::from_parts(offsets, indices, values, data.labels().to_vec(), numbers.len());
    (data.expect("renumbering keeps the order of the indices"), numbers)
}

/// The `most` most frequent features by their `number`. Of equally frequent ones, the first come
/// first.
pub(super) fn hottest(
    counts: &[u32],
    examples: usize,
    most: usize,
    number: impl Fn(u32) -> u64,
) -> Vec<Hottest> {
    let mut top: Vec<u32> = Vec::with_capacity(most + 1);
    for (j, &count) in counts.iter().enumerate() {
        let colder = top.len() == most && counts[top[most - 1] as usize] >= count;
        if count > 0 && !colder {
            top.insert(top.partition_point(|&other| counts[other as usize] >= count), j as u32);
            top.truncate(most);
        }
    }
    let named = |j: u32| {
        let examples_with = counts[j as usize];
        Hottest {
            feature: number(j),
            examples: examples_with,
            share: f64::from(examples_with) / examples as f64,
        }
    };
    top.into_iter().map(named).collect()
}

/// The fractions of `entries` that the last, hottest ones of `frequencies` hold.
pub(super) fn hot_shares(frequencies: &[u32], entries: usize) -> Vec<HotShare> {
    let share = |&hot: &usize| {
        let features = hot.min(frequencies.len());
        let held: u64 =
            frequencies[frequencies.len() - features..].iter().map(|&count| u64::from(count)).sum();
        HotShare { features, share: ratio(held as f64, entries as f64) }
    };
    let mut shares: Vec<HotShare> = HOT.iter().map(share).collect();
    shares.dedup_by_key(|share| share.features);
    shares
}

/// Number of features that have the same value in all examples.
pub(super) fn constant(data: &Dataset, counts: &[u32]) -> usize {
    let everywhere = |j: u32| counts[j as usize] as usize == data.len();
    let candidates: Vec<(usize, f32)> =
        data.row(0).iter().filter(|&(j, _)| everywhere(j as u32)).collect();
    if candidates.is_empty() || data.row(0).values().is_none() {
        return candidates.len();
    }
    let survivors = runs(data).into_par_iter().map(|run| {
        let mut alive = candidates.clone();
        for i in run {
            let mut entries = data.row(i).iter();
            // Both ascend, and the row has every candidate: one walk along the row finds them all.
            alive.retain(|&(j, x)| {
                entries.find(|&(other, _)| other == j).is_some_and(|(_, y)| x == y)
            });
            if alive.is_empty() {
                break;
            }
        }
        alive
    });
    let both = |mut a: Vec<(usize, f32)>, b: Vec<(usize, f32)>| {
        a.retain(|pair| b.contains(pair));
        a
    };
    survivors.reduce_with(both).map_or(0, |alive| alive.len())
}

/// Cuts the rows of `data` into runs, one per thread. There are fewer if an array of one number per
/// feature for each run would take more memory than the data.
fn runs(data: &Dataset) -> Vec<std::ops::Range<usize>> {
    let affordable = data.nonzeros() / data.width().max(1);
    let runs = affordable.clamp(1, rayon::current_num_threads()).min(data.len());
    (0..runs).map(|k| k * data.len() / runs..(k + 1) * data.len() / runs).collect()
}
