//! Weights with all that one dense pass over the examples tells of them: the objective, its gradient, and a lower
//! bound of the least objective.
//!
//! By Fenchel's inequality any slopes u_i give a bound: P(w) is at least
//! D(u) = -(1/n) * sum of loss*(u_i) - R*(-g) with g = (1/n) * sum of u_i x_i, where the regularizer R has the conjugate
//! R*(g) = sum of max(|g_j| - l1, 0)^2 / (2*l2); without l2 it is 0 if all |g_j| are at most l1, and infinite otherwise.
//! Two choices of u are tried: the slopes at w themselves, and these scaled down until no |g_j| is above l1.

use rayon::prelude::*;

use crate::kernel;
use crate::params::Real;
use crate::problem::{Curved, Linear, Problem};
use crate::rule::Penalty;

/// Weights, judged.
#[derive(Clone, Debug)]
pub(super) struct Judged<R> {
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
    /// No weights have an objective below it; minus infinity if nothing is known.
    pub bound: f64,
}

impl<R: Real> Judged<R> {
    /// Zero weights of `problem`, not judged yet.
    pub fn zero<L: Curved>(problem: &Linear<'_, L>) -> Self {
        Judged {
            weights: vec![R::ZERO; problem.width()],
            scores: vec![0.0; problem.terms()],
            slopes: vec![0.0; problem.terms()],
            gradient: vec![0.0; problem.width()],
            loss: f64::INFINITY,
            objective: f64::INFINITY,
            bound: f64::NEG_INFINITY,
        }
    }

    /// Judges the weights, on the threads of the current pool. Deterministic given their number.
    pub fn judge<L: Curved>(&mut self, problem: &Linear<'_, L>, penalty: Penalty) {
        let terms = problem.terms() as f64;
        let [loss, touching] = self.scan(problem).map(|sum| sum / terms);
        let Squares { excess2, largest } = excess(&self.gradient, penalty.l1);
        self.loss = loss;
        self.objective = loss + penalty.value(&self.weights);
        self.bound = f64::NEG_INFINITY;
        if penalty.l2 > 0.0 {
            // loss*(u_i) = u_i s_i - loss(s_i), because u_i is the slope at s_i.
            self.bound = loss - touching - excess2 / (2.0 * penalty.l2);
        }
        if penalty.l1 > 0.0 {
            let share = if largest > penalty.l1 { penalty.l1 / largest } else { 1.0 };
            let conjugates: f64 = (0..problem.terms())
                .into_par_iter()
                .with_min_len(TOGETHER)
                .map(|i| {
                    problem.loss_function().conjugate(f64::from(problem.target(i)), -share * self.slopes[i])
                })
                .sum();
            self.bound = self.bound.max(-conjugates / terms);
        }
    }

    /// Sets scores, slopes and gradient; returns the sums of losses and of slope times score.
    fn scan<L: Curved>(&mut self, problem: &Linear<'_, L>) -> [f64; 2] {
        // A gradient for each run of examples, but so few runs that these take no more memory than the data.
        let affordable = problem.touches() / problem.width().max(1);
        let runs = affordable.clamp(1, rayon::current_num_threads());
        let length = problem.terms().div_ceil(runs);
        let weights = &self.weights;
        let parts: Vec<([f64; 2], Vec<f64>)> = self
            .scores
            .par_chunks_mut(length)
            .zip(self.slopes.par_chunks_mut(length))
            .enumerate()
            .map(|(run, (scores, slopes))| {
                let mut gradient = vec![0.0; problem.width()];
                let sums = scan_run(problem, weights, run * length, scores, slopes, &mut gradient);
                (sums, gradient)
            })
            .collect();
        let scale = 1.0 / problem.terms() as f64;
        self.gradient.par_iter_mut().enumerate().with_min_len(TOGETHER).for_each(|(j, g)| {
            *g = parts.iter().map(|(_, part)| part[j]).sum::<f64>() * scale;
        });
        parts.iter().fold([0.0; 2], |sums, ([loss, touching], _)| [sums[0] + loss, sums[1] + touching])
    }
}

/// Elements that one task handles at least.
const TOGETHER: usize = 4096;

fn scan_run<L: Curved, R: Real>(
    problem: &Linear<'_, L>,
    weights: &[R],
    first: usize,
    scores: &mut [f64],
    slopes: &mut [f64],
    gradient: &mut [f64],
) -> [f64; 2] {
    let (mut loss, mut touching, mut slope_sum) = (0.0, 0.0, 0.0);
    let cells = std::cell::Cell::from_mut(&mut *gradient).as_slice_of_cells();
    for (k, (score, slope)) in scores.iter_mut().zip(slopes).enumerate() {
        let row = problem.row(first + k);
        let y = f64::from(problem.target(first + k));
        let s = problem.score(row, weights);
        let (value, u) = problem.loss_function().value_and_slope(y, s);
        loss += value;
        touching += u * s;
        slope_sum += u;
        if u != 0.0 {
            kernel::for_each(cells, row, |g, x| g.set(g.get() + u * x));
        }
        (*score, *slope) = (s, u);
    }
    if let (Some(c), Some(g)) = (problem.constant(), gradient.last_mut()) {
        *g = f64::from(c) * slope_sum;
    }
    [loss, touching]
}

/// What the regularizer's conjugate needs of the gradient.
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
