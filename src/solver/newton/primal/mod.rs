//! Newton's method on the few coordinates that matter (newGLMNET: Yuan, Ho & Lin, JMLR 2012).
//!
//! Once most weights are 0 and stay there, or where there are few of them at all, the loss is
//! nearly quadratic in the others. Minimizing the quadratic model plus regularizer costs little
//! beside one pass over the data: by an explicit Hessian where that is small (`dense.rs`,
//! `pivots.rs`), whatever its condition, and by coordinate descent on the examples' entries
//! elsewhere (`sparse.rs`).

mod dense;
mod pivots;
mod sparse;
#[cfg(test)]
mod tests;

use crate::parallel;
use crate::params::Real;
use crate::problem::{Curves, Examples};
use crate::solver::newton::hessian::Assembly;
use crate::solver::saga::Certificate;
use crate::solver::sgd::Penalty;

/// Most multiplications for a step, for each entry of the data: as much time as a few epochs.
const WORK: usize = 24;
/// Largest share of the data's entries that coordinates which matter may have, 1 to this, if there
/// is no Hessian.
const FEW: usize = 2;
/// Most coordinates that matter.
const MOST: usize = 1 << 16;
/// A coordinate whose weight is 0 takes part if its gradient is at least this share of what moves
/// it off 0.
const NEAR: f64 = 0.9;
/// Share of the model's decrease that the objective must decrease by.
const ENOUGH: f64 = 1e-3;
/// Share of an objective that its rounding may change.
const ROUNDING: f64 = f64::EPSILON;
/// Halvings of a step that does not decrease the objective enough.
const HALVINGS: usize = 12;

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

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the minimum of the model with the whole Hessian.
    Exact,
    /// To about the minimum of a model that leaves something for visits to do.
    Rough,
}

/// Moves `next` from `from` to weights with a lower objective, by one step of Newton's method with
/// line search, and judges them. `None` if too many coordinates matter for that to be cheap, or no
/// decrease is found: then `next` is anywhere. `assembly` is that of the steps before. Runs on the
/// threads of the current pool.
pub(crate) fn step<R: Real>(
    examples: &Examples<'_>,
    curves: &dyn Curves,
    penalty: Penalty,
    from: &Certificate<R>,
    next: &mut Certificate<R>,
    assembly: &mut Assembly,
) -> Option<Step> {
    let budget = WORK * (examples.touches() + examples.len());
    let subspace = Subspace::of(examples, penalty.l1, from)?;
    let weights = subspace.at(|j| from.weights[j].to_f64());
    let gradient = subspace.at(|j| from.gradient[j] + penalty.l2 * from.weights[j].to_f64());
    let start = Start { slope: &gradient, point: &weights, penalty, budget };
    let (point, step) =
        match dense::Model::new(examples, curves, &subspace, &from.scores, start, assembly) {
            Some(model) => (model.minimize(budget), Step::Exact),
            None => {
                let entries = sparse::Entries::of(examples, &subspace);
                if entries.count() > examples.touches() / FEW {
                    return None;
                }
                let curvatures = curvatures(examples, curves, &from.scores);
                (sparse::Model::new(&entries, curvatures, start).minimize(budget), Step::Rough)
            }
        };
    let direction: Vec<f64> = point.iter().zip(&weights).map(|(z, w)| z - w).collect();
    let decrease: f64 = (0..weights.len())
        .map(|k| gradient[k] * direction[k] + penalty.l1 * (point[k].abs() - weights[k].abs()))
        .sum();
    let is_enough = |objective: f64, length: f64| {
        let now = from.objective;
        objective - now <= ENOUGH * length * decrease.min(0.0) + ROUNDING * now.abs()
    };
    let certify = |next: &mut Certificate<R>, length: f64| {
        next.weights.copy_from_slice(&from.weights);
        for (k, &j) in subspace.coordinates.iter().enumerate() {
            let moved = if length == 1.0 { point[k] } else { weights[k] + length * direction[k] };
            next.weights[j as usize] = R::of(moved);
        }
        next.certify(examples, curves, penalty);
        is_enough(next.objective, length)
    };
    if certify(next, 1.0) {
        return Some(step);
    }
    let moves: Vec<f64> =
        next.scores.iter().zip(&from.scores).map(|(to, from)| to - from).collect();
    let unmoved = penalty.value(&from.weights) - regularizer(penalty, &weights);
    let mut length = 1.0;
    for _ in 0..HALVINGS {
        length *= 0.5;
        let there: Vec<f64> = weights.iter().zip(&direction).map(|(w, d)| w + length * d).collect();
        let losses = parallel::sum(moves.len(), TOGETHER, &|range| {
            let loss = |i: usize| {
                let y = f64::from(examples.target(i));
                curves.value(y, from.scores[i] + length * moves[i])
            };
            range.map(loss).sum()
        });
        let objective = losses / examples.len() as f64 + unmoved + regularizer(penalty, &there);
        if is_enough(objective, length) {
            return certify(next, length).then_some(Step::Rough);
        }
    }
    None
}

fn regularizer(penalty: Penalty, weights: &[f64]) -> f64 {
    weights.iter().map(|w| penalty.l1 * w.abs() + penalty.l2 / 2.0 * w * w).sum()
}

/// Examples that one task handles at least.
const TOGETHER: usize = 4096;

/// The share of an example in the mean loss's second derivative along its score.
fn curvature(examples: &Examples<'_>, curves: &dyn Curves, i: usize, score: f64) -> f64 {
    curves.curvature(f64::from(examples.target(i)), score) / examples.len() as f64
}

/// That of each example.
fn curvatures(examples: &Examples<'_>, curves: &dyn Curves, scores: &[f64]) -> Vec<f64> {
    let mut curvatures = vec![0.0; scores.len()];
    parallel::parts(&mut curvatures, TOGETHER, &|first, curvatures| {
        for (i, place) in (first..).zip(curvatures) {
            *place = curvature(examples, curves, i, scores[i]);
        }
    });
    curvatures
}

/// The coordinates of a step.
struct Subspace {
    coordinates: Vec<u32>,
    /// The place of each coordinate of the problem among them, or [`NONE`].
    places: Vec<u32>,
    /// The bias's place and feature, if it is one of them.
    bias: Option<(u32, f64)>,
}

/// No place.
const NONE: u32 = u32::MAX;

impl Subspace {
    fn of<R: Real>(examples: &Examples<'_>, l1: f64, from: &Certificate<R>) -> Option<Self> {
        let matters =
            |j: &usize| from.weights[*j] != R::ZERO || from.gradient[*j].abs() > NEAR * l1;
        let coordinates: Vec<u32> =
            (0..examples.width()).filter(matters).map(|j| j as u32).collect();
        // More would have most of the entries of any data.
        if coordinates.is_empty() || coordinates.len() > MOST {
            return None;
        }
        let mut places = vec![NONE; examples.width()];
        for (k, &j) in coordinates.iter().enumerate() {
            places[j as usize] = k as u32;
        }
        let bias = places
            .last()
            .copied()
            .zip(examples.constant().map(f64::from))
            .filter(|&(k, _)| k != NONE);
        Some(Subspace { coordinates, places, bias })
    }

    /// A value for each of the coordinates.
    fn at(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        self.coordinates.iter().map(|&j| value(j as usize)).collect()
    }

    /// The entries of an example at the coordinates: places, which ascend, and values.
    fn entries<'a>(
        &'a self,
        examples: &Examples<'a>,
        example: usize,
    ) -> impl Iterator<Item = (u32, f64)> + 'a {
        let all = examples.row(example).iter().map(|(j, x)| (self.places[j], f64::from(x)));
        all.filter(|&(k, _)| k != NONE).chain(self.bias)
    }
}

/// What is added to each second derivative along a coordinate, as a share of their mean: where the
/// loss is flat, a step would have no end.
const FLAT: f64 = 1e-10;

/// The minimum over one coordinate of a quadratic plus l1.
fn minimum_along(at: f64, slope: f64, curvature: f64, l1: f64) -> f64 {
    let (z, threshold) = (at - slope / curvature, l1 / curvature);
    (z - threshold).max(0.0) + (z + threshold).min(0.0)
}
