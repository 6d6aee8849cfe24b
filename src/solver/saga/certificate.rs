//! Weights with the results of one dense pass over the examples: the objective, its gradient, and a
//! lower bound of the minimum.
//!
//! By Fenchel's inequality any slopes u_i give a bound: P(w) is at least D(u) = -(1/n) * sum of
//! loss*(u_i) - R*(-g) with g = (1/n) * sum of u_i x_i, where the regularizer R has the conjugate
//! R*(g) = sum of max(|g_j| - l1, 0)^2 / (2*l2); without l2 it is 0 if all |g_j| are at most l1,
//! and infinite otherwise. Two choices of u are tried: the slopes at w themselves, and these scaled
//! down until no |g_j| is above l1.

use std::sync::{Mutex, PoisonError};

use crate::parallel;
use crate::params::Real;
use crate::problem::{Curves, Examples};
use crate::row::kernel;
use crate::solver::sgd::Penalty;

/// Weights with their objective, its gradient, and a lower bound of the minimum.
#[derive(Clone, Debug)]
pub(crate) struct Certificate<R> {
    pub weights: Vec<R>,
    /// Score of each example.
    pub scores: Vec<f64>,
    /// Slope of each example's loss at its score.
    pub slopes: Vec<f64>,
    /// Gradient of the mean loss, without the regularizer.
    pub gradient: Vec<f64>,
    /// Mean loss.
    pub loss: f64,
    /// Mean loss plus regularizer.
    pub objective: f64,
    /// Lower bound of the objective of any weights; minus infinity if nothing is known.
    pub bound: f64,
    /// The dual variables that prove the bound are minus this times the slopes.
    factor: f64,
}

impl<R: Real> Certificate<R> {
    /// Creates zero weights for `examples`, not certified yet.
    pub fn zero(examples: &Examples<'_>) -> Self {
        Certificate {
            weights: vec![R::ZERO; examples.width()],
            scores: vec![0.0; examples.len()],
            slopes: vec![0.0; examples.len()],
            gradient: vec![0.0; examples.width()],
            loss: f64::INFINITY,
            objective: f64::INFINITY,
            bound: f64::NEG_INFINITY,
            factor: 1.0,
        }
    }

    /// Certifies the weights: updates all other fields from them, on the threads of the current
    /// pool. Deterministic given their number.
    pub fn certify(&mut self, examples: &Examples<'_>, curves: &dyn Curves, penalty: Penalty) {
        let terms = examples.len() as f64;
        let [loss, touching] = self.scan(examples, curves).map(|sum| sum / terms);
        let Squares { excess2, largest } = excess(&self.gradient, penalty.l1);
        self.loss = loss;
        self.objective = loss + penalty.value(&self.weights);
        (self.bound, self.factor) = (f64::NEG_INFINITY, 1.0);
        if penalty.l2 > 0.0 {
            // loss*(u_i) = u_i s_i - loss(s_i), because u_i is the slope at s_i.
            let conjugate = excess2 / (2.0 * penalty.l2);
            let size = loss.abs() + touching.abs() + conjugate;
            self.bound = loss - touching - conjugate - DIFFERENCE * size;
        }
        if penalty.l1 > 0.0 {
            let factor = if largest > penalty.l1 { penalty.l1 / largest } else { 1.0 };
            let conjugates = parallel::sum(examples.len(), TOGETHER, &|range| {
                let of = |i: usize| curves.conjugate(examples.target(i), -factor * self.slopes[i]);
                range.map(of).sum()
            });
            if -conjugates / terms > self.bound {
                (self.bound, self.factor) = (-conjugates / terms, factor);
            }
        }
    }

    /// Returns the dual variables that prove the bound.
    pub fn duals(&self) -> Vec<f64> {
        let mut duals = vec![0.0; self.slopes.len()];
        self.copy_duals(&mut duals);
        duals
    }

    /// Copies the dual variables that prove the bound to `duals`.
    pub fn copy_duals(&self, duals: &mut [f64]) {
        parallel::map(duals, &self.slopes, |slope| -self.factor * slope);
    }

    /// Sets scores, slopes and gradient; returns the sums of losses and of slope times score.
    fn scan(&mut self, examples: &Examples<'_>, curves: &dyn Curves) -> [f64; 2] {
        // One gradient per run of examples, but few enough runs that the gradients take no more
        // memory than the data.
        let affordable = examples.touches() / examples.width().max(1);
        let runs = affordable.clamp(1, parallel::threads());
        let length = examples.len().div_ceil(runs);
        let weights = &self.weights;
        let chunks: Vec<_> =
            self.scores.chunks_mut(length).zip(self.slopes.chunks_mut(length)).collect();
        let chunks: Vec<Mutex<_>> = chunks.into_iter().map(Mutex::new).collect();
        let parts: Vec<([f64; 2], Vec<f64>)> =
            parallel::collect(examples.len(), length, &|run, range| {
                let mut gradient = vec![0.0; examples.width()];
                let mut chunk = chunks[run].lock().unwrap_or_else(PoisonError::into_inner);
                let (scores, slopes) = &mut *chunk;
                let sums =
                    scan_run(examples, curves, weights, range.start, scores, slopes, &mut gradient);
                (sums, gradient)
            });
        let scale = 1.0 / examples.len() as f64;
        parallel::parts(&mut self.gradient, TOGETHER, &|first, gradient| {
            for (j, g) in (first..).zip(gradient) {
                *g = parts.iter().map(|(_, part)| part[j]).sum::<f64>() * scale;
            }
        });
        parts
            .iter()
            .fold([0.0; 2], |sums, ([loss, touching], _)| [sums[0] + loss, sums[1] + touching])
    }
}

/// Rounding error of a difference of sums, as a fraction of them.
const DIFFERENCE: f64 = 1e-13;
/// Fewest elements per task.
const TOGETHER: usize = 4096;

fn scan_run<R: Real>(
    examples: &Examples<'_>,
    curves: &dyn Curves,
    weights: &[R],
    first: usize,
    scores: &mut [f64],
    slopes: &mut [f64],
    gradient: &mut [f64],
) -> [f64; 2] {
    let (mut loss, mut touching, mut slope_sum) = (0.0, 0.0, 0.0);
    let cells = std::cell::Cell::from_mut(&mut *gradient).as_slice_of_cells();
    for (k, (score, slope)) in scores.iter_mut().zip(slopes).enumerate() {
        let row = examples.row(first + k);
        let y: f64 = examples.target(first + k);
        let s = examples.score(row, weights);
        let (value, u) = curves.value_and_slope(y, s);
        loss += value;
        touching += u * s;
        slope_sum += u;
        if u != 0.0 {
            kernel::for_each(cells, row, |g, x| g.set(g.get() + u * x));
        }
        (*score, *slope) = (s, u);
    }
    if let (Some(c), Some(g)) = (examples.constant(), gradient.last_mut()) {
        *g = f64::from(c) * slope_sum;
    }
    [loss, touching]
}

/// Statistics of the gradient for the regularizer's conjugate.
struct Squares {
    /// Sum of max(|g_j| - l1, 0)^2.
    excess2: f64,
    /// The largest |g_j|.
    largest: f64,
}

fn excess(gradient: &[f64], l1: f64) -> Squares {
    let (excess2, largest) = gradient.iter().fold((0.0, 0.0_f64), |(sum, largest), g| {
        let over = (g.abs() - l1).max(0.0);
        (sum + over * over, largest.max(g.abs()))
    });
    Squares { excess2, largest }
}
