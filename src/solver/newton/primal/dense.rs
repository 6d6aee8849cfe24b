//! The quadratic model with its Hessian in memory.

use super::pivots::Pivots;
use super::{FLAT, Start, Subspace, curvature, minimum_along};
use crate::problem::{Curves, Examples};
use crate::solver::newton::hessian::{self, Assembly};

/// Most coordinates.
const MOST: usize = 2048;

/// The quadratic model plus l1 at some point.
pub(super) struct Model {
    pub hessian: Vec<f64>,
    /// The quadratic part's gradient at the point.
    pub slope: Vec<f64>,
    pub point: Vec<f64>,
    pub l1: f64,
}

impl Model {
    /// The model of `subspace` at `start`, where examples have these scores; `None` if its Hessian
    /// would cost too much.
    pub fn new(
        examples: &Examples<'_>,
        curves: &dyn Curves,
        subspace: &Subspace,
        scores: &[f64],
        start: Start<'_>,
        assembly: &mut Assembly,
    ) -> Option<Self> {
        let (m, products) = (subspace.coordinates.len(), products(examples, subspace));
        let every = assembly.thinning.every(products, examples.touches(), examples.len(), m);
        let is_cheap = m <= MOST && products / every as f64 <= start.budget as f64;
        is_cheap.then(|| Model {
            hessian: hessian(examples, curves, subspace, scores, start.penalty.l2, every, assembly),
            slope: start.slope.to_vec(),
            point: start.point.to_vec(),
            l1: start.penalty.l1,
        })
    }

    /// A point near the minimum. Without l1, a linear system has it; with l1, coordinate descent
    /// finds roughly which coordinates are 0, and pivots finish. Stops after about `budget`
    /// multiplications.
    pub fn minimize(mut self, budget: usize) -> Vec<f64> {
        let m = self.point.len();
        let affordable = SOLVING * budget;
        if self.l1 == 0.0 && m * m * m / 6 <= affordable && self.solve() {
            return self.point;
        }
        let rounds = (budget / (SWEEPS * m * m)).clamp(FEWEST_ROUNDS, MOST_ROUNDS);
        let mut tries = if self.l1 > 0.0 { MOST_TRIES } else { 0 };
        let mut first = None;
        for _ in 0..rounds {
            let mut moved = 0.0;
            for _ in 0..SWEEPS {
                moved = self.sweep();
            }
            let close = CLOSE * *first.get_or_insert(moved);
            if moved <= close {
                break;
            }
            if tries > 0 && self.active().count() * m * m <= affordable {
                tries -= 1;
                if let Some(pivots) = Pivots::new(&mut self) {
                    pivots.run();
                }
                if self.sweep() <= close {
                    break;
                }
            }
        }
        self.point
    }

    /// The coordinates that are not 0.
    pub fn active(&self) -> impl Iterator<Item = usize> {
        (0..self.point.len()).filter(|&k| self.point[k] != 0.0)
    }

    /// Minimizes over each coordinate in turn; returns the decrease, roughly.
    fn sweep(&mut self) -> f64 {
        let m = self.point.len();
        let mut moved = 0.0;
        for k in 0..m {
            let line = &self.hessian[k * m..][..m];
            let curvature = line[k];
            let target = minimum_along(self.point[k], self.slope[k], curvature, self.l1);
            let change = target - self.point[k];
            if change != 0.0 {
                self.point[k] = target;
                moved += change * change * curvature;
                self.slope.iter_mut().zip(line).for_each(|(slope, h)| *slope += change * h);
            }
        }
        moved
    }

    /// Minimizes the quadratic part over all coordinates, unless rounding forbids it; says whether
    /// it did.
    fn solve(&mut self) -> bool {
        let downhill = self.slope.iter().map(|slope| -slope).collect();
        let change = hessian::solve(&mut self.hessian.clone(), downhill);
        if let Some(change) = &change {
            self.point.iter_mut().zip(change).for_each(|(z, change)| *z += change);
        }
        change.is_some()
    }
}

/// Sweeps in a round, which may end with pivots.
const SWEEPS: usize = 4;
/// Bounds of the number of rounds.
const FEWEST_ROUNDS: usize = 16;
const MOST_ROUNDS: usize = 1000;
/// What linear systems may cost in multiplications, which here are the fastest of all, for each one
/// in the budget.
const SOLVING: usize = 8;
/// How often pivots are tried.
const MOST_TRIES: usize = 3;
/// A sweep that decreases the model by less than this share of the first is the last one.
const CLOSE: f64 = 1e-12;

/// Examples that show how many entries all have.
const SAMPLED: usize = 512;

/// About how many products of two entries of an example the Hessian sums up.
fn products(examples: &Examples<'_>, subspace: &Subspace) -> f64 {
    let every = examples.len().div_ceil(SAMPLED);
    let counts = (0..examples.len()).step_by(every).map(|i| subspace.entries(examples, i).count());
    counts.map(|count| (count * (count + 1) / 2) as f64).sum::<f64>() * every as f64
}

/// The Hessian of mean loss plus squares.
fn hessian(
    examples: &Examples<'_>,
    curves: &dyn Curves,
    subspace: &Subspace,
    scores: &[f64],
    l2: f64,
    every: usize,
    assembly: &mut Assembly,
) -> Vec<f64> {
    let m = subspace.coordinates.len();
    let curvature = |i: usize| curvature(examples, curves, i, scores[i]);
    let entries = |i: usize, row: &mut Vec<(u32, f64)>| row.extend(subspace.entries(examples, i));
    let mut hessian = assembly.sum(m, examples.len(), every, &curvature, &entries).to_vec();
    let trace: f64 = (0..m).map(|k| hessian[k * m + k]).sum();
    let flat = FLAT * trace / m as f64 + f64::MIN_POSITIVE;
    (0..m).for_each(|k| hessian[k * m + k] += l2 + flat);
    hessian
}
