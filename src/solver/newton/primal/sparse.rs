//! Minimizes the quadratic model without its Hessian: coordinate descent on the examples' entries,
//! which tracks the move of each example's score, times its curvature.

use super::subspace::{FLAT, NEAR, Start, Subspace, minimum_along};
use crate::parallel;
use crate::problem::Examples;

/// The quadratic model plus regularizer at some point.
pub(super) struct Model {
    /// End of each coordinate's entries.
    ends: Vec<usize>,
    /// (example, value), grouped by coordinate.
    entries: Vec<(u32, f32)>,
    /// Second derivative along each example's score.
    curvatures: Vec<f64>,
    /// Second derivative along each coordinate.
    along: Vec<f64>,
    /// Curvature times the move of each example's score.
    pulls: Vec<f64>,
    /// Gradient of mean loss plus squares at the start.
    slope: Vec<f64>,
    start: Vec<f64>,
    point: Vec<f64>,
    l1: f64,
    l2: f64,
}

/// Sweeps end when one decreases the model by less than this fraction of the first one's decrease.
const CLOSE: f64 = 1e-7;

impl Model {
    /// Creates the model of the subspace with these entries, at `start`.
    pub fn new(of_subspace: &Entries, curvatures: Vec<f64>, start: Start<'_>) -> Self {
        let m = start.point.len();
        let all = || of_subspace.runs.iter().flat_map(Run::rows);
        let mut ends = vec![0; m];
        all().for_each(|(_, row)| row.iter().for_each(|&(k, _)| ends[k as usize] += 1));
        let mut begin = 0;
        for end in &mut ends {
            (*end, begin) = (begin, begin + *end);
        }
        let mut along = vec![0.0; m];
        let mut entries = vec![(0, 0.0); of_subspace.count()];
        for (i, row) in all() {
            for &(k, x) in row {
                let end = &mut ends[k as usize];
                entries[*end] = (i as u32, x as f32);
                *end += 1;
                along[k as usize] += curvatures[i] * x * x;
            }
        }
        let flat =
            FLAT * along.iter().sum::<f64>() / m as f64 + start.penalty.l2 + f64::MIN_POSITIVE;
        along.iter_mut().for_each(|along| *along += flat);
        Model {
            ends,
            entries,
            pulls: vec![0.0; curvatures.len()],
            curvatures,
            along,
            slope: start.slope.to_vec(),
            start: start.point.to_vec(),
            point: start.point.to_vec(),
            l1: start.penalty.l1,
            l2: start.penalty.l2,
        }
    }

    /// Returns a point near the minimum. Stops after about `budget` multiplications.
    pub fn minimize(mut self, budget: usize) -> Vec<f64> {
        let mut left = budget;
        let mut live: Vec<usize> = (0..self.point.len()).collect();
        let mut first = None;
        loop {
            let all = live.len() == self.point.len();
            let (moved, work) = self.sweep(&mut live);
            left = left.saturating_sub(work);
            let done = moved <= CLOSE * *first.get_or_insert(moved);
            if left == 0 || done && all {
                return self.point;
            }
            if done {
                live = (0..self.point.len()).collect();
            }
        }
    }

    /// Minimizes over each live coordinate in turn, and removes those from the list that are 0 and
    /// far from moving. Returns a rough measure of the decrease, and the multiplications.
    fn sweep(&mut self, live: &mut Vec<usize>) -> (f64, usize) {
        let (mut moved, mut work) = (0.0, 0);
        live.retain(|&k| {
            let begin = if k == 0 { 0 } else { self.ends[k - 1] };
            let entries = &self.entries[begin..self.ends[k]];
            let pulled: f64 =
                entries.iter().map(|&(i, x)| self.pulls[i as usize] * f64::from(x)).sum();
            let now = self.point[k];
            let slope = self.slope[k] + pulled + self.l2 * (now - self.start[k]);
            let target = minimum_along(now, slope, self.along[k], self.l1);
            work += entries.len();
            let change = target - now;
            if change != 0.0 {
                self.point[k] = target;
                moved += change * change * self.along[k];
                for &(i, x) in entries {
                    let i = i as usize;
                    self.pulls[i] += change * self.curvatures[i] * f64::from(x);
                }
                work += 2 * entries.len();
            }
            target != 0.0 || now != 0.0 || slope.abs() > NEAR * self.l1
        });
        (moved, work)
    }
}

/// Entries of consecutive examples.
struct Run {
    first: usize,
    /// End of each example's entries.
    ends: Vec<usize>,
    /// (position in the subspace, value), positions ascending in each example.
    entries: Vec<(u32, f64)>,
}

impl Run {
    /// Iterates over the examples and their entries.
    fn rows(&self) -> impl Iterator<Item = (usize, &[(u32, f64)])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let rows = starts.zip(&self.ends).map(|(start, &end)| &self.entries[start..end]);
        rows.enumerate().map(|(k, row)| (self.first + k, row))
    }
}

/// The examples' entries in a subspace.
pub(super) struct Entries {
    runs: Vec<Run>,
}

impl Entries {
    /// Collects the entries of all examples.
    pub fn of(examples: &Examples<'_>, subspace: &Subspace) -> Self {
        let length = examples.len().div_ceil(4 * parallel::threads()).max(1);
        let runs = parallel::collect(examples.len(), length, &|_, range| {
            let (mut ends, mut entries) = (Vec::with_capacity(range.len()), Vec::new());
            for i in range.clone() {
                entries.extend(subspace.entries(examples, i));
                ends.push(entries.len());
            }
            Run { first: range.start, ends, entries }
        });
        Entries { runs }
    }

    /// Returns the number of entries.
    pub fn count(&self) -> usize {
        self.runs.iter().map(|run| run.entries.len()).sum()
    }
}
