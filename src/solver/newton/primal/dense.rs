//! Minimizes the quadratic model with its Hessian in memory.

use super::pivots::Pivots;
use super::quadratic::Quadratic;
use super::subspace::{FLAT, Start, Subspace, curvature};
use crate::problem::{Curves, Examples};
use crate::solver::newton::hessian::Assembly;

/// Most coordinates of a Hessian in memory.
/// Record: D032.
const MOST: usize = 2048;

/// Sweeps per round, which may end with pivots.
const SWEEPS: usize = 4;
/// Lower bound of the number of rounds.
const FEWEST_ROUNDS: usize = 16;
/// Upper bound of the number of rounds.
const MOST_ROUNDS: usize = 1000;
/// Multiplications in linear systems per multiplication in the budget: they are the fastest of all.
/// Record: D034.
const SOLVING: usize = 8;
/// Most trials of pivots.
const MOST_TRIES: usize = 3;
/// Sweeps end when one decreases the model by less than this fraction of the first one's decrease.
const CLOSE: f64 = 1e-12;

/// Creates the model of `subspace` at `start`, where examples have these scores; `None` if its
/// Hessian would cost too much.
pub(super) fn model(
    examples: &Examples<'_>,
    curves: &dyn Curves,
    subspace: &Subspace,
    scores: &[f64],
    start: Start<'_>,
    assembly: &mut Assembly,
) -> Option<Quadratic> {
    let (m, products) = (subspace.coordinates.len(), products(examples, subspace));
    let every = assembly.thinning.every(products, examples.touches(), examples.len(), m);
    let is_cheap = m <= MOST && products / every as f64 <= start.budget as f64;
    is_cheap.then(|| Quadratic {
        hessian: hessian(examples, curves, subspace, scores, start.penalty.l2, every, assembly),
        slope: start.slope.to_vec(),
        point: start.point.to_vec(),
        l1: start.penalty.l1,
    })
}

/// Returns a point near the minimum. Without l1, it solves a linear system. With l1, coordinate
/// descent finds roughly which coordinates are 0, and pivots finish. Stops after about `budget`
/// multiplications.
pub(super) fn minimize(mut model: Quadratic, budget: usize) -> Vec<f64> {
    let m = model.point.len();
    let affordable = SOLVING * budget;
    if model.l1 == 0.0 && m * m * m / 6 <= affordable && model.solve() {
        return model.point;
    }
    let rounds = (budget / (SWEEPS * m * m)).clamp(FEWEST_ROUNDS, MOST_ROUNDS);
    let mut tries = if model.l1 > 0.0 { MOST_TRIES } else { 0 };
    let mut first = None;
    for _ in 0..rounds {
        let mut moved = 0.0;
        for _ in 0..SWEEPS {
            moved = model.sweep();
        }
        let close = CLOSE * *first.get_or_insert(moved);
        if moved <= close {
            break;
        }
        if tries > 0 && model.active().count() * m * m <= affordable {
            tries -= 1;
            if let Some(pivots) = Pivots::new(&mut model) {
                pivots.run();
            }
            if model.sweep() <= close {
                break;
            }
        }
    }
    model.point
}

/// Examples that are sampled for their number of entries.
const SAMPLED: usize = 512;

/// Estimates the number of products of two entries of an example in the Hessian's sum.
fn products(examples: &Examples<'_>, subspace: &Subspace) -> f64 {
    let every = examples.len().div_ceil(SAMPLED);
    let counts = (0..examples.len()).step_by(every).map(|i| subspace.entries(examples, i).count());
    counts.map(|count| (count * (count + 1) / 2) as f64).sum::<f64>() * every as f64
}

/// Sums the Hessian of mean loss plus squares.
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
