//! Newton's method on the few coordinates that matter (newGLMNET: Yuan, Ho & Lin, JMLR 2012, with an explicit Hessian).
//!
//! Once most weights are 0 and stay there, the loss is nearly quadratic in the others. Their Hessian is small, and
//! minimizing the quadratic model plus regularizer costs little beside one pass over the data, whatever its condition.

use rayon::prelude::*;

use super::certificate::Judged;
use crate::params::Real;
use crate::problem::{Curved, Linear, Problem};
use crate::rule::Penalty;

/// Most coordinates of a Hessian.
const MOST: usize = 1024;
/// Most multiplications for the Hessian, and for the model's minimum, for each entry of the data: as much time as a few
/// epochs.
const WORK: usize = 24;
/// A coordinate whose weight is 0 takes part if its gradient is at least this share of what moves it off 0.
const NEAR: f64 = 0.9;
/// Share of the model's decrease that the objective must decrease by.
const ENOUGH: f64 = 1e-3;
/// Halvings of a step that does not decrease the objective enough.
const HALVINGS: usize = 12;

/// The coordinates of a step, and the examples' entries there.
struct Subspace {
    coordinates: Vec<u32>,
    runs: Vec<Run>,
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
    let subspace = Subspace::of(problem, penalty.l1, from, budget)?;
    let at = |values: &dyn Fn(usize) -> f64| -> Vec<f64> {
        subspace.coordinates.iter().map(|&j| values(j as usize)).collect()
    };
    let weights = at(&|j| from.weights[j].to_f64());
    let gradient: Vec<f64> =
        at(&|j| from.gradient[j]).iter().zip(&weights).map(|(g, w)| g + penalty.l2 * w).collect();
    let mut model = Model {
        hessian: subspace.hessian(problem, penalty.l2, &from.scores),
        slope: gradient.clone(),
        point: weights.clone(),
        l1: penalty.l1,
    };
    model.minimize(budget);
    let direction: Vec<f64> = model.point.iter().zip(&weights).map(|(z, w)| z - w).collect();
    let decrease: f64 = (0..weights.len())
        .map(|k| gradient[k] * direction[k] + penalty.l1 * (model.point[k].abs() - weights[k].abs()))
        .sum();
    let length = line_search(problem, penalty, from, &subspace, &weights, &direction, decrease)?;
    let mut moved = from.weights.clone();
    for (k, &j) in subspace.coordinates.iter().enumerate() {
        moved[j as usize] = R::of(if length == 1.0 { model.point[k] } else { weights[k] + length * direction[k] });
    }
    Some(moved)
}

impl Subspace {
    fn of<L: Curved, R: Real>(
        problem: &Linear<'_, L>,
        l1: f64,
        from: &Judged<R>,
        budget: usize,
    ) -> Option<Self> {
        let matters = |j: &usize| from.weights[*j] != R::ZERO || from.gradient[*j].abs() > NEAR * l1;
        let coordinates: Vec<u32> =
            (0..problem.width()).filter(matters).take(MOST + 1).map(|j| j as u32).collect();
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
        let work: usize = runs.iter().flat_map(Run::rows).map(|(_, row)| row.len() * row.len() / 2).sum();
        (work <= budget).then_some(Subspace { coordinates, runs })
    }

    /// The Hessian of mean loss plus squares, all of it, row after row.
    fn hessian<L: Curved>(&self, problem: &Linear<'_, L>, l2: f64, scores: &[f64]) -> Vec<f64> {
        let m = self.coordinates.len();
        let scale = 1.0 / problem.terms() as f64;
        let mut hessian = self
            .runs
            .par_iter()
            .with_min_len(self.runs.len().div_ceil(rayon::current_num_threads()))
            .fold(
                || vec![0.0; m * m],
                |mut sum, run| {
                    for (i, row) in run.rows() {
                        let y = f64::from(problem.target(i));
                        let curvature = problem.loss_fn().curvature(y, scores[i]) * scale;
                        for (k, &(a, x)) in row.iter().enumerate() {
                            let line = &mut sum[a as usize * m..][..m];
                            let x = x * curvature;
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
            // Where the loss is flat a step would have no end.
            hessian[k * m + k] += l2 + FLAT * trace / m as f64 + f64::MIN_POSITIVE;
        }
        hessian
    }
}

/// What is added to the Hessian's diagonal, as a share of its mean.
const FLAT: f64 = 1e-10;

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
                    problem.loss_fn().value(y, from.scores[i] + length * moved)
                };
                moves.iter().enumerate().map(loss).sum()
            })
            .collect();
        let objective = sums.iter().sum::<f64>() / problem.terms() as f64 + regularizer(length);
        if objective - now <= ENOUGH * length * decrease.min(0.0) && objective < now {
            return Some(length);
        }
        length *= 0.5;
    }
    None
}

/// The quadratic model plus l1 at some point.
struct Model {
    hessian: Vec<f64>,
    /// The quadratic part's gradient at the point.
    slope: Vec<f64>,
    point: Vec<f64>,
    l1: f64,
}

impl Model {
    /// Moves the point near the minimum: coordinate descent finds which coordinates are 0, a linear system the others.
    /// Stops after about `budget` multiplications.
    fn minimize(&mut self, budget: usize) {
        let m = self.point.len();
        let mut left = budget.max(64 * m * m);
        let mut first = None;
        while left > 0 {
            let mut moved = 0.0;
            for _ in 0..SWEEPS {
                moved = self.sweep();
                left = left.saturating_sub(m * m);
            }
            let first = *first.get_or_insert(moved);
            if moved <= CLOSE * first {
                return;
            }
            let free = self.point.iter().filter(|&&z| z != 0.0).count();
            let cost = free * free * free / 6 + m * free;
            if cost <= left {
                left -= cost;
                if self.solve() && self.sweep() <= CLOSE * first {
                    return;
                }
            }
        }
    }

    /// Minimizes over each coordinate in turn; returns the decrease, roughly.
    fn sweep(&mut self) -> f64 {
        let m = self.point.len();
        let mut moved = 0.0;
        for k in 0..m {
            let line = &self.hessian[k * m..][..m];
            let curvature = line[k];
            let z = self.point[k] - self.slope[k] / curvature;
            let threshold = self.l1 / curvature;
            let target = (z - threshold).max(0.0) + (z + threshold).min(0.0);
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

/// Sweeps between two linear systems.
const SWEEPS: usize = 4;
/// A sweep that decreases the model by less than this share of the first is the last one.
const CLOSE: f64 = 1e-12;

/// The solution x of matrix*x = right for a symmetric positive definite matrix; `None` if it is not, to rounding.
fn cholesky_solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let m = right.len();
    for k in 0..m {
        let (above, rest) = matrix.split_at_mut(k * m);
        let line = &mut rest[..m];
        for b in 0..k {
            let other = &above[b * m..][..=b];
            let dot: f64 = line[..b].iter().zip(&other[..b]).map(|(x, z)| x * z).sum();
            line[b] = (line[b] - dot) / other[b];
        }
        let pivot = line[k] - line[..k].iter().map(|x| x * x).sum::<f64>();
        if !(pivot > 0.0) {
            return None;
        }
        line[k] = pivot.sqrt();
        let dot: f64 = line[..k].iter().zip(&right[..k]).map(|(x, z)| x * z).sum();
        right[k] = (right[k] - dot) / line[k];
    }
    for k in (0..m).rev() {
        right[k] /= matrix[k * m + k];
        let (solved, line) = (right[k], &matrix[k * m..][..k]);
        right[..k].iter_mut().zip(line).for_each(|(x, factor)| *x -= solved * factor);
    }
    Some(right)
}
