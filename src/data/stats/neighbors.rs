//! Number of neighbors of the example that has most: rho of Niu et al. (2011, section 2).
//!
//! Comparing all pairs would take n times the entries. Here, one pass over the data compares 64
//! examples with all. Bit k of a feature's mask is set if the k-th of them has the feature, so that
//! the union of a row's masks identifies its neighbors among them. Examples come in descending
//! order of the sum of their features' counts, which bounds their number of neighbors. Once that
//! bound is no larger than the most that was found, no other example can have more, and rho is
//! exact. If the work runs out before, the most that was found is a lower bound, and the next
//! example's bound an upper one.

use std::collections::HashSet;

use rayon::prelude::*;
use serde::Serialize;

use crate::data::Dataset;

/// Examples that one pass compares with all.
const BATCH: usize = u64::BITS as usize;
/// Fewest rows of a task.
const TASK: usize = 1024;

/// The largest fraction of the examples that meet one of them, that is, share a feature with it
/// (every example meets itself): max over e of |{e' : e' meets e}| / n.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rho {
    /// Lower bound.
    pub lower: f64,
    /// Upper bound. If both bounds are equal, rho is known exactly.
    pub upper: f64,
}

impl Rho {
    /// Searches examples whose features have these `counts`, by reading about `work` entries.
    /// Deterministic. Bounds that differ depend on the order of the examples.
    pub(super) fn of(data: &Dataset, counts: &[u32], work: u64) -> Self {
        let mut search = Search::new(data, counts);
        let passes = (work / data.nonzeros().max(1) as u64).max(1);
        for _ in 0..passes {
            let batch: Vec<usize> =
                std::iter::from_fn(|| search.next()).take(BATCH).map(|(_, i)| i).collect();
            if batch.is_empty() {
                break;
            }
            search.compare(&batch);
        }
        let upper = search.next().map_or(search.most, |(bound, _)| bound);
        let fraction = |rows| rows as f64 / data.len() as f64;
        Rho { lower: fraction(search.most), upper: fraction(upper) }
    }

    /// Returns true if both bounds are the same.
    pub fn is_exact(&self) -> bool {
        self.lower == self.upper
    }
}

struct Search<'a> {
    data: &'a Dataset,
    /// Rows that are not empty.
    rows: u64,
    /// Bound and number of the rows that were not compared yet, ascending.
    open: Vec<(u64, u32)>,
    /// The features of rows taken from `open`: rows with equal features have the same neighbors.
    taken: HashSet<&'a [u32]>,
    /// The largest number of neighbors found.
    most: u64,
    /// Set of the examples of a batch that have a feature, for each feature. 0 between batches.
    masks: Vec<u64>,
}

impl<'a> Search<'a> {
    fn new(data: &'a Dataset, counts: &[u32]) -> Self {
        let bound = |i| data.row(i).indices().iter().map(|&j| u64::from(counts[j as usize])).sum();
        let mut open: Vec<(u64, u32)> =
            (0..data.len()).into_par_iter().map(|i| (bound(i), i as u32)).collect();
        open.par_sort_unstable();
        Search {
            data,
            rows: open.iter().filter(|&&(bound, _)| bound > 0).count() as u64,
            open,
            taken: HashSet::new(),
            // An example with the most frequent feature meets all that have it.
            most: counts.iter().copied().max().unwrap_or(0).into(),
            masks: vec![0; data.width()],
        }
    }

    /// The next example that may have more neighbors than `most`, and its bound.
    fn next(&mut self) -> Option<(u64, usize)> {
        while let Some((sum, i)) = self.open.pop() {
            let bound = sum.min(self.rows);
            if bound <= self.most {
                self.open.clear();
            } else if self.taken.insert(self.data.row(i as usize).indices()) {
                return Some((bound, i as usize));
            }
        }
        None
    }

    /// Counts the neighbors of at most 64 rows.
    fn compare(&mut self, batch: &[usize]) {
        let all = u64::MAX >> (BATCH - batch.len());
        for (k, &i) in batch.iter().enumerate() {
            self.data.row(i).indices().iter().for_each(|&j| self.masks[j as usize] |= 1 << k);
        }
        let missed = self.missed(all);
        for &i in batch {
            self.data.row(i).indices().iter().for_each(|&j| self.masks[j as usize] = 0);
        }
        let least = missed[..batch.len()].iter().copied().min().expect("a batch holds an example");
        self.most = self.most.max(self.rows - least);
    }

    /// Number of rows with entries that do not meet an example, for each example of the batch.
    fn missed(&self, all: u64) -> [u64; BATCH] {
        let count = |mut missed: [u64; BATCH], i: usize| {
            let indices = self.data.row(i).indices();
            let mut met = 0;
            for &j in indices {
                met |= self.masks[j as usize];
                if met == all {
                    return missed;
                }
            }
            let mut unmet = if indices.is_empty() { 0 } else { all & !met };
            while unmet != 0 {
                missed[unmet.trailing_zeros() as usize] += 1;
                unmet &= unmet - 1;
            }
            missed
        };
        let add = |mut a: [u64; BATCH], b: [u64; BATCH]| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let rows = (0..self.data.len()).into_par_iter().with_min_len(TASK);
        rows.fold(|| [0; BATCH], count).reduce(|| [0; BATCH], add)
    }
}
