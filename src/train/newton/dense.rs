//! The quadratic model with its Hessian in memory.

use rayon::prelude::*;

use super::{FLAT, Start, Subspace, minimum_along};

/// Most coordinates.
const MOST: usize = 2048;

/// The quadratic model plus l1 at some point.
pub(super) struct Model {
    hessian: Vec<f64>,
    /// The quadratic part's gradient at the point.
    slope: Vec<f64>,
    point: Vec<f64>,
    l1: f64,
}

impl Model {
    /// The model of `subspace` at `start`; `None` if its Hessian would cost too much.
    pub fn new(subspace: &Subspace, curvatures: &[f64], start: Start<'_>) -> Option<Self> {
        let rows = subspace.runs.iter().flat_map(super::Run::rows);
        let cheap = subspace.coordinates.len() <= MOST
            && rows.map(|(_, row)| row.len() * row.len() / 2).sum::<usize>() <= start.budget;
        cheap.then(|| Model {
            hessian: hessian(subspace, curvatures, start.penalty.l2),
            slope: start.slope.to_vec(),
            point: start.point.to_vec(),
            l1: start.penalty.l1,
        })
    }

    /// A point near the minimum: coordinate descent finds which coordinates are 0, a linear system the others. Stops after
    /// about `budget` multiplications.
    pub fn minimize(mut self, budget: usize) -> Vec<f64> {
        let m = self.point.len();
        let rounds = (budget / (SWEEPS * m * m)).clamp(FEWEST_ROUNDS, MOST_ROUNDS);
        let mut solves = (SOLVING * budget / (m * m * m / 6 + 1)).min(MOST_SOLVES);
        let mut first = None;
        for _ in 0..rounds {
            let zeros = self.zeros();
            let mut moved = 0.0;
            for _ in 0..SWEEPS {
                moved = self.sweep();
            }
            let close = CLOSE * *first.get_or_insert(moved);
            if moved <= close {
                break;
            }
            // The system is worth its cost once it is the right one.
            if solves > 0 && zeros == self.zeros() {
                solves -= 1;
                if self.solve() && self.sweep() <= close {
                    break;
                }
            }
        }
        self.point
    }

    /// Which coordinates are 0.
    fn zeros(&self) -> Vec<bool> {
        self.point.iter().map(|&z| z == 0.0).collect()
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

    /// Minimizes over all coordinates that are not 0, as far as none of them changes its sign under l1. Returns
    /// whether it went all the way.
    fn solve(&mut self) -> bool {
        let m = self.point.len();
        let free: Vec<usize> = (0..m).filter(|&k| self.point[k] != 0.0).collect();
        let matrix = free.iter().flat_map(|&a| free.iter().map(move |&b| (a, b)));
        let matrix: Vec<f64> = matrix.map(|(a, b)| self.hessian[a * m + b]).collect();
        let downhill = free.iter().map(|&k| -self.slope[k] - self.l1 * self.point[k].signum()).collect();
        let Some(change) = cholesky_solve(matrix, downhill) else {
            return false;
        };
        let mut length = 1.0_f64;
        let mut stopped = None;
        if self.l1 > 0.0 {
            for (&k, change) in free.iter().zip(&change) {
                let crossing = -self.point[k] / change;
                if crossing > 0.0 && crossing < length {
                    (length, stopped) = (crossing, Some(k));
                }
            }
        }
        for (&k, change) in free.iter().zip(&change) {
            let change = if stopped == Some(k) { -self.point[k] } else { length * change };
            self.point[k] = if stopped == Some(k) { 0.0 } else { self.point[k] + change };
            let line = &self.hessian[k * m..][..m];
            self.slope.iter_mut().zip(line).for_each(|(slope, h)| *slope += change * h);
        }
        stopped.is_none()
    }
}

/// Sweeps in a round, which may end with a linear system.
const SWEEPS: usize = 4;
/// Bounds of the number of rounds.
const FEWEST_ROUNDS: usize = 16;
const MOST_ROUNDS: usize = 1000;
/// Most linear systems, and what they may cost together in multiplications, which here are the fastest of all, for each
/// one in the budget.
const MOST_SOLVES: usize = 20;
const SOLVING: usize = 8;
/// A sweep that decreases the model by less than this share of the first is the last one.
const CLOSE: f64 = 1e-12;

/// The Hessian of mean loss plus squares, all of it, row after row.
fn hessian(subspace: &Subspace, curvatures: &[f64], l2: f64) -> Vec<f64> {
    let m = subspace.coordinates.len();
    let runs = &subspace.runs;
    let mut hessian = runs
        .par_iter()
        .with_min_len(runs.len().div_ceil(rayon::current_num_threads()))
        .fold(
            || vec![0.0; m * m],
            |mut sum, run| {
                for (i, row) in run.rows() {
                    for (k, &(a, x)) in row.iter().enumerate() {
                        let line = &mut sum[a as usize * m..][..m];
                        let x = x * curvatures[i];
                        row[..=k].iter().for_each(|&(b, z)| line[b as usize] += x * z);
                    }
                }
                sum
            },
        )
        .reduce_with(|mut sum, other| {
            sum.iter_mut().zip(&other).for_each(|(sum, other)| *sum += other);
            sum
        })
        .unwrap_or_else(|| vec![0.0; m * m]);
    let trace: f64 = (0..m).map(|k| hessian[k * m + k]).sum();
    for k in 0..m {
        for b in 0..k {
            hessian[b * m + k] = hessian[k * m + b];
        }
        hessian[k * m + k] += l2 + FLAT * trace / m as f64 + f64::MIN_POSITIVE;
    }
    hessian
}

/// The solution x of matrix*x = right for a symmetric positive definite matrix; `None` if it is not, to rounding.
fn cholesky_solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let m = right.len();
    for k in 0..m {
        let (above, rest) = matrix.split_at_mut(k * m);
        let line = &mut rest[..m];
        for b in 0..k {
            let other = &above[b * m..][..=b];
            let dot = dot(&line[..b], &other[..b]);
            line[b] = (line[b] - dot) / other[b];
        }
        let pivot = line[k] - dot(&line[..k], &line[..k]);
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        line[k] = pivot.sqrt();
        let dot = dot(&line[..k], &right[..k]);
        right[k] = (right[k] - dot) / line[k];
    }
    for k in (0..m).rev() {
        right[k] /= matrix[k * m + k];
        let (solved, line) = (right[k], &matrix[k * m..][..k]);
        right[..k].iter_mut().zip(line).for_each(|(x, factor)| *x -= solved * factor);
    }
    Some(right)
}

/// A dot product in eight partial sums.
fn dot(x: &[f64], z: &[f64]) -> f64 {
    let ((x, x_rest), (z, z_rest)) = (x.as_chunks::<8>(), z.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, z) in x.iter().zip(z) {
        for k in 0..8 {
            sums[k] += x[k] * z[k];
        }
    }
    sums.iter().sum::<f64>() + x_rest.iter().zip(z_rest).map(|(x, z)| x * z).sum::<f64>()
}
