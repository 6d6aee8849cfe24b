//! Newton's method on the few coordinates that matter (newGLMNET: Yuan, Ho & Lin, JMLR 2012).
//!
//! Once most weights are 0 and stay there, the loss is nearly quadratic in the others. Minimizing the quadratic model plus
//! regularizer costs little beside one pass over the data: by an explicit Hessian where that is small (`dense.rs`),
//! whatever its condition, and by coordinate descent on the examples' entries elsewhere (`sparse.rs`).

mod dense;
mod sparse;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::certificate::Judged;
use crate::params::Real;
use crate::problem::{Curved, Linear, Problem};
use crate::rule::Penalty;

/// Most multiplications for a step, for each entry of the data: as much time as a few epochs.
const WORK: usize = 24;
/// Largest share of the data's entries that coordinates which matter may have, 1 to this.
const FEW: usize = 2;
/// Most coordinates that matter.
const MOST: usize = 1 << 16;
/// A coordinate whose weight is 0 takes part if its gradient is at least this share of what moves it off 0.
const NEAR: f64 = 0.9;
/// Share of the model's decrease that the objective must decrease by.
const ENOUGH: f64 = 1e-3;
/// Share of an objective that its rounding may change.
const ROUNDING: f64 = f64::EPSILON;
/// Halvings of a step that does not decrease the objective enough.
const HALVINGS: usize = 12;

/// The coordinates of a step, and the examples' entries there.
struct Subspace {
    coordinates: Vec<u32>,
    runs: Vec<Run>,
    /// Number of entries.
    entries: usize,
}

/// Where a model is made, and what its minimum may cost.
#[derive(Clone, Copy)]
struct Start<'a> {
    /// Gradient of mean loss plus squares.
    slope: &'a [f64],
    point: &'a [f64],
    penalty: Penalty,
    /// Multiplications.
    budget: usize,
}

/// Entries of consecutive examples.
struct Run {
    first: usize,
    /// Where each example's entries end.
    ends: Vec<usize>,
    /// (place in the subspace, value), places ascending in each example.
    entries: Vec<(u32, f64)>,
}

impl Run {
    /// The examples and their entries.
    fn rows(&self) -> impl Iterator<Item = (usize, &[(u32, f64)])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let rows = starts.zip(&self.ends).map(|(start, &end)| &self.entries[start..end]);
        rows.enumerate().map(|(k, row)| (self.first + k, row))
    }
}

/// Weights with a lower objective than `from`, by one step of Newton's method with line search. `None` if too many
/// coordinates matter for that to be cheap, or no decrease is found. Runs on the threads of the current pool.
pub(super) fn step<L: Curved, R: Real>(
    problem: &Linear<'_, L>,
    penalty: Penalty,
    from: &Judged<R>,
) -> Option<Vec<R>> {
    let budget = WORK * (problem.touches() + problem.terms());
    let subspace = Subspace::of(problem, penalty.l1, from)?;
    let at = |values: &dyn Fn(usize) -> f64| -> Vec<f64> {
        subspace.coordinates.iter().map(|&j| values(j as usize)).collect()
    };
    let weights = at(&|j| from.weights[j].to_f64());
    let gradient: Vec<f64> =
        at(&|j| from.gradient[j]).iter().zip(&weights).map(|(g, w)| g + penalty.l2 * w).collect();
    let start = Start { slope: &gradient, point: &weights, penalty, budget };
    let curvatures = subspace.curvatures(problem, &from.scores);
    let point = match dense::Model::new(&subspace, &curvatures, start) {
        Some(model) => model.minimize(budget),
        None if subspace.entries <= problem.touches() / FEW => {
            sparse::Model::new(&subspace, curvatures, start).minimize(budget)
        }
        None => return None,
    };
    let direction: Vec<f64> = point.iter().zip(&weights).map(|(z, w)| z - w).collect();
    let decrease: f64 = (0..weights.len())
        .map(|k| gradient[k] * direction[k] + penalty.l1 * (point[k].abs() - weights[k].abs()))
        .sum();
    let length = line_search(problem, penalty, from, &subspace, &weights, &direction, decrease)?;
    let mut moved = from.weights.clone();
    for (k, &j) in subspace.coordinates.iter().enumerate() {
        moved[j as usize] = R::of(if length == 1.0 { point[k] } else { weights[k] + length * direction[k] });
    }
    Some(moved)
}

impl Subspace {
    fn of<L: Curved, R: Real>(problem: &Linear<'_, L>, l1: f64, from: &Judged<R>) -> Option<Self> {
        let matters = |j: &usize| from.weights[*j] != R::ZERO || from.gradient[*j].abs() > NEAR * l1;
        let coordinates: Vec<u32> = (0..problem.width()).filter(matters).map(|j| j as u32).collect();
        // More would have most of the entries of any data.
        if coordinates.is_empty() || coordinates.len() > MOST {
            return None;
        }
        const NONE: u32 = u32::MAX;
        let mut places = vec![NONE; problem.width()];
        for (k, &j) in coordinates.iter().enumerate() {
            places[j as usize] = k as u32;
        }
        let bias = problem.constant().map(f64::from).zip(places.last().copied()).filter(|&(_, k)| k != NONE);
        let length = problem.terms().div_ceil(4 * rayon::current_num_threads()).max(1);
        let runs: Vec<Run> = (0..problem.terms().div_ceil(length))
            .into_par_iter()
            .map(|run| {
                let (first, end) = (run * length, problem.terms().min((run + 1) * length));
                let (mut ends, mut entries) = (Vec::with_capacity(end - first), Vec::new());
                for i in first..end {
                    let found = problem.row(i).iter().map(|(j, x)| (places[j], f64::from(x)));
                    entries.extend(found.filter(|&(k, _)| k != NONE));
                    entries.extend(bias.map(|(c, k)| (k, c)));
                    ends.push(entries.len());
                }
                Run { first, ends, entries }
            })
            .collect();
        let entries = runs.iter().map(|run| run.entries.len()).sum();
        Some(Subspace { coordinates, runs, entries })
    }

    /// The share of each example in the mean loss's second derivative along its score.
    fn curvatures<L: Curved>(&self, problem: &Linear<'_, L>, scores: &[f64]) -> Vec<f64> {
        let scale = 1.0 / problem.terms() as f64;
        let curvature =
            |(i, &s): (usize, &f64)| problem.loss_function().curvature(f64::from(problem.target(i)), s);
        scores.par_iter().enumerate().map(|at| curvature(at) * scale).collect()
    }
}

/// What is added to each second derivative along a coordinate, as a share of their mean: where the loss is flat, a step
/// would have no end.
const FLAT: f64 = 1e-10;

/// The minimum over one coordinate of a quadratic plus l1.
fn minimum_along(at: f64, slope: f64, curvature: f64, l1: f64) -> f64 {
    let (z, threshold) = (at - slope / curvature, l1 / curvature);
    (z - threshold).max(0.0) + (z + threshold).min(0.0)
}

fn line_search<L: Curved, R: Real>(
    problem: &Linear<'_, L>,
    penalty: Penalty,
    from: &Judged<R>,
    subspace: &Subspace,
    weights: &[f64],
    direction: &[f64],
    decrease: f64,
) -> Option<f64> {
    let regularizer = |length: f64| {
        let all = weights.iter().zip(direction).map(|(w, d)| w + length * d);
        all.map(|z| penalty.l1 * z.abs() + penalty.l2 / 2.0 * z * z).sum::<f64>()
    };
    let moves: Vec<Vec<f64>> = subspace
        .runs
        .par_iter()
        .map(|run| {
            let dot = |row: &[(u32, f64)]| row.iter().map(|&(k, x)| direction[k as usize] * x).sum();
            run.rows().map(|(_, row)| dot(row)).collect()
        })
        .collect();
    let now = from.loss + regularizer(0.0);
    let mut length = 1.0;
    for _ in 0..=HALVINGS {
        let sums: Vec<f64> = subspace
            .runs
            .par_iter()
            .zip(&moves)
            .map(|(run, moves)| {
                let loss = |(k, &moved): (usize, &f64)| {
                    let i = run.first + k;
                    let y = f64::from(problem.target(i));
                    problem.loss_function().value(y, from.scores[i] + length * moved)
                };
                moves.iter().enumerate().map(loss).sum()
            })
            .collect();
        let objective = sums.iter().sum::<f64>() / problem.terms() as f64 + regularizer(length);
        if objective - now <= ENOUGH * length * decrease.min(0.0) + ROUNDING * now.abs() {
            return Some(length);
        }
        length *= 0.5;
    }
    None
}
