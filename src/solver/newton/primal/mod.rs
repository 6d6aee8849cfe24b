//! Newton's method on the few coordinates that matter (newGLMNET: Yuan, Ho & Lin, JMLR 2012).
//!
//! Once most weights are 0 and stay there, or where there are few of them at all, the loss is
//! nearly quadratic in the others. Minimizing the quadratic model plus regularizer costs little
//! compared with a pass over the data: by an explicit Hessian where that is small (`dense.rs`,
//! `pivots.rs`), whatever its condition, and otherwise by coordinate descent on the examples'
//! entries (`sparse.rs`).

mod dense;
mod pivots;
mod quadratic;
mod sparse;
mod subspace;
#[cfg(test)]
mod tests;

use self::subspace::{Start, Subspace, TOGETHER, curvatures};
use crate::parallel;
use crate::params::Real;
use crate::problem::{Curves, Examples};
use crate::solver::newton::hessian::Assembly;
use crate::solver::saga::Certificate;
use crate::solver::sgd::Penalty;

/// Most multiplications per step, for each entry of the data: as much time as a few epochs.
/// Record: D034.
const WORK: usize = 24;
/// Without a Hessian, the coordinates of a step may have at most one in this many of the data's
/// entries.
const FEW: usize = 2;
/// Fraction of the model's decrease that the objective must achieve.
const ENOUGH: f64 = 1e-3;
/// Relative rounding error of an objective.
const ROUNDING: f64 = f64::EPSILON;
/// Most halvings of a step that does not decrease the objective enough.
const HALVINGS: usize = 12;

/// Kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To the minimum of the model with the whole Hessian.
    Exact,
    /// Near the minimum of a model that leaves something for visits to do.
    Rough,
}

/// Sets `next` to weights with a lower objective than `from`, by a Newton step with line search,
/// and certifies them. Returns `None` if too many coordinates matter for a cheap step, or no
/// decrease is found; `next` is then unspecified. `assembly` is that of the previous steps. Runs on
/// the threads of the current pool.
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
        match dense::model(examples, curves, &subspace, &from.scores, start, assembly) {
            Some(model) => (dense::minimize(model, budget), Step::Exact),
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
                let y = examples.target(i);
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
