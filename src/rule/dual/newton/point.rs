//! What is known of the smoothed objective at some weights, by one pass over the examples.

use std::cell::Cell;

use rayon::prelude::*;

use super::super::{Dual, Place, SUMMED_TOGETHER};
use super::Aim;
use crate::hessian::dot;
use crate::kernel;
use crate::params::Real;
use crate::problem::{Conjugate, Problem};
use crate::real::Slot;

/// Parts of the examples that are summed up side by side where there are few weights.
const PARTS: usize = 16;

/// A point on the way to the minimum; everything is in units of l2.
pub(super) struct Point {
    pub weights: Vec<f64>,
    pub scores: Vec<f64>,
    /// The dual variables that the smoothed losses have at the scores.
    pub duals: Vec<f64>,
    /// The sum of the smoothed losses.
    pub losses: f64,
    /// The gradient of the objective.
    pub gradient: Vec<f64>,
}

impl Point {
    /// How far the objective of the smoothed losses is from its minimum at most: its duality gap, and the part of the gap
    /// that the weights have.
    pub fn drift(&self) -> f64 {
        dot(&self.gradient, &self.gradient) / 2.0
    }

    /// The objective of the smoothed losses.
    pub fn objective(&self) -> f64 {
        self.losses + dot(&self.weights, &self.weights) / 2.0
    }
}

impl<L: Conjugate, R: Real> Dual<'_, '_, L, R> {
    /// The smoothed losses and their slopes at some weights.
    pub(super) fn look(&self, aim: &mut Aim<'_>, weights: Vec<f64>, places: &[Place]) -> Point {
        let (terms, is_narrow) = (self.problem.terms(), self.is_narrow());
        let [mut scores, mut duals] = [(); 2].map(|()| aim.spare.pop().unwrap_or_else(|| vec![0.0; terms]));
        let aim = &*aim;
        let together = if is_narrow { terms.div_ceil(PARTS) } else { SUMMED_TOGETHER };
        let parts: Vec<(f64, Option<Sum>)> = scores
            .par_chunks_mut(together)
            .zip(duals.par_chunks_mut(together))
            .enumerate()
            .map(|(part, (scores, duals))| {
                let mut sum = is_narrow.then(|| Sum::new(weights.len()));
                let mut losses = 0.0;
                for (i, (score, dual)) in (part * together..).zip(scores.iter_mut().zip(duals)) {
                    let s = self.problem.score(self.problem.row(i), &weights);
                    let (loss, a) = self.smoothed(aim, i, s);
                    losses += f64::from(self.problem.weight(i)) * loss;
                    (*score, *dual) = (s, a);
                    sum.iter_mut().for_each(|sum| self.add_row(sum, i, a));
                }
                (losses, sum)
            })
            .collect();
        let losses = parts.iter().map(|(losses, _)| losses).sum::<f64>() * self.unit();
        if is_narrow {
            self.set_sum(parts.into_iter().filter_map(|(_, sum)| sum), places);
        } else {
            self.sum_rows(&duals, places);
        }
        let gradient = weights.iter().zip(places).map(|(w, sum)| w - sum.get()).collect();
        Point { weights, scores, duals, losses, gradient }
    }

    /// The smoothed loss of an example at a score, and its dual variable there.
    #[inline(always)]
    pub(super) fn smoothed(&self, aim: &Aim<'_>, i: usize, s: f64) -> (f64, f64) {
        let (y, loss, from) =
            (f64::from(self.problem.target(i)), self.problem.loss_function(), aim.around[i]);
        if aim.q == 0.0 {
            let (value, slope) = loss.value_and_slope(y, s);
            return (value, -slope);
        }
        let a = loss.ascend(y, s, aim.q, from);
        (-a * s - loss.conjugate(y, a) - aim.q / 2.0 * (a - from).powi(2), a)
    }

    /// The objective, and the examples' parts of the duality gap, where `w` is w(a) of the point's dual variables.
    pub(super) fn gap(&self, aim: &Aim<'_>, point: &Point, w: &[Place]) -> (f64, f64) {
        if aim.q == 0.0 {
            return (point.objective(), 0.0);
        }
        let loss = |i: usize| {
            let y = f64::from(self.problem.target(i));
            f64::from(self.problem.weight(i)) * self.problem.loss_function().value(y, point.scores[i])
        };
        let primal = self.mean(loss) + dot(&point.weights, &point.weights) / 2.0;
        (primal, primal - self.dual_objective(&point.duals, w) - point.drift())
    }

    /// D of dual variables whose w(a) is `w`.
    pub(super) fn dual_objective(&self, duals: &[f64], w: &[Place]) -> f64 {
        let conjugate = |i: usize| {
            let y = f64::from(self.problem.target(i));
            f64::from(self.problem.weight(i)) * self.problem.loss_function().conjugate(y, duals[i])
        };
        let norm2: f64 = w.iter().map(|w| w.get().powi(2)).sum();
        -self.mean(conjugate) - norm2 / 2.0
    }

    /// The mean of a number over all terms, in units of l2.
    pub(super) fn mean(&self, of: impl Fn(usize) -> f64 + Sync) -> f64 {
        let n = self.problem.terms();
        let starts: Vec<usize> = (0..n).step_by(SUMMED_TOGETHER).collect();
        let part = |start: usize| (start..n.min(start + SUMMED_TOGETHER)).map(&of).sum();
        let sums: Vec<f64> = starts.into_par_iter().map(part).collect();
        sums.iter().sum::<f64>() * self.unit()
    }

    /// Sets `places` to w(a) of the dual variables `duals`.
    pub(super) fn sum_rows(&self, duals: &[f64], places: &[Place]) {
        if !self.is_narrow() {
            let duals = || duals.iter().copied().enumerate();
            self.columns.par_iter().for_each(|columns| self.add_up(columns, duals(), &|x| x, places));
            return;
        }
        let together = duals.len().div_ceil(PARTS);
        let sum = |(part, duals): (usize, &[f64])| {
            let mut sum = Sum::new(places.len());
            (part * together..).zip(duals).for_each(|(i, &a)| self.add_row(&mut sum, i, a));
            sum
        };
        let sums: Vec<Sum> = duals.par_chunks(together).enumerate().map(sum).collect();
        self.set_sum(sums.into_iter(), places);
    }

    /// Adds a row, times its dual variable.
    #[inline(always)]
    fn add_row(&self, sum: &mut Sum, i: usize, dual: f64) {
        let a = dual * f64::from(self.problem.weight(i));
        if a != 0.0 {
            let cells = Cell::from_mut(&mut *sum.weights).as_slice_of_cells();
            kernel::for_each(cells, self.problem.row(i), |sum, x| sum.set(sum.get() + a * x));
            sum.bias += a;
        }
    }

    /// Sets `places` to w(a), the sum of all parts.
    fn set_sum(&self, parts: impl Iterator<Item = Sum>, places: &[Place]) {
        let unit = self.unit();
        let constant = f64::from(self.problem.constant().unwrap_or(0.0));
        let mut all = Sum::new(places.len());
        for part in parts {
            all.weights.iter_mut().zip(&part.weights).for_each(|(sum, part)| *sum += part);
            all.bias += part.bias;
        }
        places.iter().zip(&all.weights).for_each(|(place, sum)| place.set(sum * unit));
        if let (Some(last), true) = (places.last(), self.problem.common() > 0) {
            last.set(all.bias * constant * unit);
        }
    }
}

/// The sum of some rows, each times its dual variable, and the sum of these.
struct Sum {
    weights: Vec<f64>,
    bias: f64,
}

impl Sum {
    fn new(width: usize) -> Self {
        Sum { weights: vec![0.0; width], bias: 0.0 }
    }
}
