//! Ranges of columns with about equal work: each thread sums its own range of w(a).

use std::ops::Range;

use crate::problem::Examples;

/// Rows that are sampled for the distribution of the entries over the columns.
const SAMPLED: usize = 512;

/// Splits the columns into a range of neighbors for each of `threads` threads, with about equally
/// many entries each.
pub(super) fn columns(examples: &Examples<'_>, threads: usize) -> Vec<Range<u32>> {
    let width = examples.features() as u32;
    let every = examples.len().div_ceil(SAMPLED);
    let mut sampled: Vec<u32> = (0..examples.len())
        .step_by(every)
        .flat_map(|i| examples.row(i).indices())
        .copied()
        .collect();
    sampled.sort_unstable();
    let mut bounds: Vec<u32> =
        (1..threads).filter_map(|k| sampled.get(sampled.len() * k / threads)).copied().collect();
    bounds.dedup();
    bounds.retain(|&bound| bound > 0);
    let starts = [0].into_iter().chain(bounds.iter().copied());
    starts.zip(bounds.iter().copied().chain([width])).map(|(start, end)| start..end).collect()
}
