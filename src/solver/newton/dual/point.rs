//! The smoothed objective at some weights: value and gradient, by one pass over the examples.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use super::super::hessian::dot;
use super::subproblem::Subproblem;
use crate::parallel;
use crate::params::Real;
use crate::row::kernel;
use crate::row::real::Slot;
use crate::solver::dual::{Dual, SUMMED_TOGETHER, SharedSum};

/// Number of parts of the examples that are summed in parallel where there are few weights.
const PARTS: usize = 16;

/// A point on the way to the minimum; objective and gradient are in units of l2.
pub(super) struct Point {
    pub weights: Vec<f64>,
    pub scores: Vec<f64>,
    /// The dual variables of the smoothed losses at the scores.
    pub duals: Vec<f64>,
    /// The sum of the smoothed losses.
    pub losses: f64,
    /// The gradient of the objective.
    pub gradient: Vec<f64>,
}

impl Point {
    /// Returns a bound on the distance of the smoothed losses' objective to its minimum: its
    /// duality gap, which is also the drift of the weights.
    pub fn drift(&self) -> f64 {
        dot(&self.gradient, &self.gradient) / 2.0
    }

    /// Returns the objective of the smoothed losses.
    pub fn objective(&self) -> f64 {
        self.losses + dot(&self.weights, &self.weights) / 2.0
    }

    /// Drops the point, and leaves its buffers to later ones.
    pub fn recycle(self, subproblem: &mut Subproblem<'_>) {
        subproblem.spare.extend([self.scores, self.duals]);
    }
}

impl<R: Real> Dual<'_, R> {
    /// Evaluates the smoothed losses and their slopes at some weights.
    pub(super) fn evaluate_point(
        &self,
        subproblem: &mut Subproblem<'_>,
        weights: Vec<f64>,
        sums: &[SharedSum],
    ) -> Point {
        let (terms, is_narrow) = (self.examples.len(), self.is_narrow());
        let [mut scores, mut duals] =
            [(); 2].map(|()| subproblem.spare.pop().unwrap_or_else(|| vec![0.0; terms]));
        let subproblem = &*subproblem;
        let together = if is_narrow { terms.div_ceil(PARTS) } else { SUMMED_TOGETHER };
        let chunks = scores.chunks_mut(together).zip(duals.chunks_mut(together));
        let chunks: Vec<Mutex<_>> = chunks.map(Mutex::new).collect();
        let parts: Vec<(f64, Option<Sum>)> = parallel::collect(terms, together, &|part, range| {
            let mut sum = is_narrow.then(|| Sum::new(weights.len()));
            let mut losses = 0.0;
            let mut chunk = chunks[part].lock().unwrap_or_else(PoisonError::into_inner);
            let (scores, duals) = &mut *chunk;
            for (i, (score, dual)) in range.zip(scores.iter_mut().zip(duals.iter_mut())) {
                let s = self.examples.score(self.examples.row(i), &weights);
                let (loss, a) = self.smoothed(subproblem, i, s);
                losses += f64::from(self.examples.weight(i)) * loss;
                (*score, *dual) = (s, a);
                sum.iter_mut().for_each(|sum| self.add_row(sum, i, a));
            }
            (losses, sum)
        });
        drop(chunks);
        let losses = parts.iter().map(|(losses, _)| losses).sum::<f64>() * self.unit();
        if is_narrow {
            self.set_sum(parts.into_iter().filter_map(|(_, sum)| sum), sums);
        } else {
            self.sum_rows(&duals, sums);
        }
        let gradient = weights.iter().zip(sums).map(|(w, sum)| w - sum.get()).collect();
        Point { weights, scores, duals, losses, gradient }
    }

    /// Returns the smoothed loss of an example at a score, and its dual variable there.
    #[inline(always)]
    pub(super) fn smoothed(&self, subproblem: &Subproblem<'_>, i: usize, s: f64) -> (f64, f64) {
        let (y, loss, from) = (self.examples.target(i), self.loss, subproblem.center[i]);
        if subproblem.q == 0.0 {
            let (value, slope) = loss.value_and_slope(y, s);
            return (value, -slope);
        }
        let a = loss.ascend(y, s, subproblem.q, from);
        (-a * s - loss.conjugate(y, a) - subproblem.q / 2.0 * (a - from).powi(2), a)
    }

    /// Returns the objective, and the examples' parts of the duality gap, where `w` is w(a) of the
    /// point's dual variables.
    pub(super) fn gap(
        &self,
        subproblem: &Subproblem<'_>,
        point: &Point,
        w: &[SharedSum],
    ) -> (f64, f64) {
        if subproblem.q == 0.0 {
            return (point.objective(), 0.0);
        }
        let loss = |i: usize| {
            let y = self.examples.target(i);
            f64::from(self.examples.weight(i)) * self.loss.value(y, point.scores[i])
        };
        let primal = self.mean(loss) + dot(&point.weights, &point.weights) / 2.0;
        (primal, primal - self.dual_objective(&point.duals, w) - point.drift())
    }

    /// Returns D of dual variables whose w(a) is `w`.
    pub(super) fn dual_objective(&self, duals: &[f64], w: &[SharedSum]) -> f64 {
        let conjugate = |i: usize| {
            let y = self.examples.target(i);
            f64::from(self.examples.weight(i)) * self.loss.conjugate(y, duals[i])
        };
        let norm2: f64 = w.iter().map(|w| w.get().powi(2)).sum();
        -self.mean(conjugate) - norm2 / 2.0
    }

    /// Returns the mean of `of` over all terms, in units of l2.
    pub(super) fn mean(&self, of: impl Fn(usize) -> f64 + Sync) -> f64 {
        parallel::sum(self.examples.len(), SUMMED_TOGETHER, &|range| range.map(&of).sum())
            * self.unit()
    }

    /// Sets `sums` to w(a) of the dual variables `duals`.
    pub(super) fn sum_rows(&self, duals: &[f64], sums: &[SharedSum]) {
        if !self.is_narrow() {
            return self.add_up(duals.len(), &|i| (i, duals[i]), sums);
        }
        let together = duals.len().div_ceil(PARTS);
        let partial = parallel::collect(duals.len(), together, &|_, range| {
            let mut sum = Sum::new(sums.len());
            range.for_each(|i| self.add_row(&mut sum, i, duals[i]));
            sum
        });
        self.set_sum(partial.into_iter(), sums);
    }

    /// Adds a row times its dual variable to `sum`.
    #[inline(always)]
    fn add_row(&self, sum: &mut Sum, i: usize, dual: f64) {
        let a = dual * f64::from(self.examples.weight(i));
        if a != 0.0 {
            let cells = Cell::from_mut(&mut *sum.weights).as_slice_of_cells();
            kernel::for_each(cells, self.examples.row(i), |sum, x| sum.set(sum.get() + a * x));
            sum.bias += a;
        }
    }

    /// Sets `sums` to w(a), the sum over all parts.
    fn set_sum(&self, parts: impl Iterator<Item = Sum>, sums: &[SharedSum]) {
        let unit = self.unit();
        let constant = f64::from(self.examples.constant().unwrap_or(0.0));
        let mut all = Sum::new(sums.len());
        for part in parts {
            all.weights.iter_mut().zip(&part.weights).for_each(|(sum, part)| *sum += part);
            all.bias += part.bias;
        }
        sums.iter().zip(&all.weights).for_each(|(w, sum)| w.set(sum * unit));
        if let (Some(last), true) = (sums.last(), self.examples.common() > 0) {
            last.set(all.bias * constant * unit);
        }
    }
}

/// The sum of some rows, each times its dual variable, and the sum of these variables.
struct Sum {
    weights: Vec<f64>,
    bias: f64,
}

impl Sum {
    fn new(width: usize) -> Self {
        Sum { weights: vec![0.0; width], bias: 0.0 }
    }
}

/// Returns the numbers in `sums`.
pub(super) fn values(sums: &[SharedSum]) -> Vec<f64> {
    sums.iter().map(Slot::get).collect()
}
