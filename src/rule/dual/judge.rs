//! How far dual variables a and weights v are from the optimum: their duality gap
//!
//! P(v) - D(a) = (1/n) * sum of c_i (loss(y_i, s_i) + loss*(y_i, -a_i) + a_i s_i) + (l2/2) * ||v - w(a)||^2,
//!
//! where s_i = x_i.v. No term is negative: by the Fenchel-Young inequality each example has a *part* of its own, and the
//! last one is the *drift*. Parts need one pass over the scores, the drift needs w(a).

use std::ops::Range;

use rayon::prelude::*;

use super::Dual;
use crate::kernel;
use crate::params::Real;
use crate::problem::{Conjugate, Linear, Problem};
use crate::real::Slot;

/// Weights and dual variables, judged with sums in f64.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// Mean loss plus regularizer of the weights: P(v).
    pub primal: f64,
    /// The examples' parts of the gap, together.
    pub parts: f64,
}

/// A place of w(a), which one thread writes and others may read later.
pub type Place = <f64 as Real>::Shared;

/// Number of size classes: one for each power of 2 that counts.
const CLASSES: usize = 256;

/// How large the examples' parts of the gap are.
pub(super) struct Parts {
    /// The size class of each.
    pub(super) sizes: Vec<u8>,
    /// The sum of those of each class.
    sums: [f64; CLASSES],
}

impl Parts {
    /// Of `terms` examples that were not judged yet.
    pub(super) fn new(terms: usize) -> Self {
        Parts { sizes: vec![0; terms], sums: [0.0; CLASSES] }
    }
}

/// Dual variables as they once were, and what was found of them: visits may go on while they are judged.
pub struct Snapshot<R: Real> {
    duals: Vec<R::Shared>,
    parts: Parts,
}

impl<L: Conjugate, R: Real> Dual<'_, '_, L, R> {
    /// Room for a snapshot.
    pub fn snapshot(&self) -> Snapshot<R> {
        let duals = self.duals.iter().map(|_| R::Shared::default()).collect();
        Snapshot { duals, parts: Parts::new(self.duals.len()) }
    }

    /// Puts the dual variables into `snapshot`.
    pub fn take(&self, snapshot: &mut Snapshot<R>) {
        copy::<R>(&snapshot.duals, &self.duals);
    }

    /// Judges the weights `v` beside the dual variables of `snapshot`, but for the drift.
    pub fn judge_snapshot(&self, snapshot: &mut Snapshot<R>, v: &[R]) -> Judged {
        self.judge_beside(&snapshot.duals, v, &mut snapshot.parts)
    }

    /// [`Dual::drift`] of the dual variables of `snapshot`.
    pub fn drift_of_snapshot(&self, snapshot: &Snapshot<R>, v: &[R], w: &[Place]) -> f64 {
        self.drift_beside(&snapshot.duals, v, w)
    }

    /// From here on, visits go by the parts that were found for `snapshot`.
    pub fn go_by(&mut self, snapshot: &mut Snapshot<R>) {
        std::mem::swap(&mut self.parts, &mut snapshot.parts);
    }

    /// Goes back to the dual variables of `snapshot`.
    pub fn go_back(&mut self, snapshot: &Snapshot<R>) {
        copy::<R>(&self.duals, &snapshot.duals);
    }

    /// Judges the weights `v` beside the dual variables, but for the drift.
    pub fn judge(&mut self, v: &[R]) -> Judged {
        let mut parts = std::mem::replace(&mut self.parts, Parts::new(0));
        let judged = self.judge_beside(&self.duals, v, &mut parts);
        self.parts = parts;
        judged
    }

    fn judge_beside(&self, duals: &[R::Shared], v: &[R], parts: &mut Parts) -> Judged {
        let problem = self.problem;
        let n = problem.terms() as f64;
        let chunks: Vec<_> = parts
            .sizes
            .par_chunks_mut(SUMMED_TOGETHER)
            .enumerate()
            .map(|(k, sizes)| {
                let mut losses = 0.0;
                let mut sums = [0.0; CLASSES];
                for (i, size) in (k * SUMMED_TOGETHER..).zip(sizes) {
                    let (y, a) = (f64::from(problem.target(i)), duals[i].get().to_f64());
                    let s = problem.score(problem.row(i), v);
                    let (loss, conjugate) =
                        (problem.loss_function().value(y, s), problem.loss_function().conjugate(y, a));
                    let c = f64::from(problem.weight(i));
                    losses += c * loss;
                    let part = c * (loss + conjugate + a * s);
                    // The part is a sum that cancels.
                    let is_nothing = part <= ROUNDING * c * (loss + conjugate.abs() + (a * s).abs());
                    *size = if is_nothing { 0 } else { class(part) };
                    sums[usize::from(*size)] += part;
                }
                (losses, sums)
            })
            .collect();
        let mut losses = 0.0;
        parts.sums = [0.0; CLASSES];
        for (loss, sums) in chunks {
            losses += loss;
            parts.sums.iter_mut().zip(sums).for_each(|(sum, part)| *sum += part);
        }
        Judged { primal: losses / n + self.penalty().value(v), parts: parts.sums.iter().sum::<f64>() / n }
    }

    /// The objective of weights that are all 0.
    pub fn unscored(&self) -> f64 {
        let problem = self.problem;
        let loss = |i: usize| {
            f64::from(problem.weight(i)) * problem.loss_function().value(f64::from(problem.target(i)), 0.0)
        };
        (0..problem.terms()).map(loss).sum::<f64>() / problem.terms() as f64
    }

    /// Lets visits leave out the examples with the smallest parts, together at most `allowed` in the mean over all
    /// examples, unless that is all of them; and those whose part is nothing. Returns the share of examples left out.
    pub fn leave_out(&mut self, allowed: f64) -> f64 {
        let allowed = allowed * self.problem.terms() as f64;
        let mut sum = 0.0;
        let within = self.parts.sums.iter().take_while(|&part| {
            sum += part;
            sum <= allowed
        });
        self.least = match within.count() {
            CLASSES => 1,
            classes => (classes as u8).max(1),
        };
        let left_out = self.parts.sizes.par_iter().filter(|&&size| size < self.least).count();
        left_out as f64 / self.problem.terms() as f64
    }

    /// Sets `w` to w(a), and returns how much the drift of `v` from it adds to the gap. Each coordinate is summed by one
    /// thread, in the order of the examples: the same bits for any number of threads.
    pub fn drift(&self, v: &[R], w: &[Place]) -> f64 {
        self.drift_beside(&self.duals, v, w)
    }

    fn drift_beside(&self, duals: &[R::Shared], v: &[R], w: &[Place]) -> f64 {
        let duals = || duals.iter().map(|dual| dual.get().to_f64()).enumerate();
        self.columns.par_iter().for_each(|columns| self.add_up(columns, duals(), &|x| x, w));
        let apart: Vec<f64> =
            v.par_chunks(COMPARED_TOGETHER).zip(w.par_chunks(COMPARED_TOGETHER)).map(apart2).collect();
        self.l2 / 2.0 * apart.iter().sum::<f64>()
    }

    /// Sets the coordinates of `columns` in `w` to (1/(l2*n)) * sum of c_i a_i `of`(x_i) over the given terms i with their
    /// numbers a_i; the bias together with the first coordinate.
    pub(super) fn add_up(
        &self,
        columns: &Range<u32>,
        numbers: impl Iterator<Item = (usize, f64)>,
        of: &impl Fn(f64) -> f64,
        w: &[Place],
    ) {
        let unit = self.unit();
        w[columns.start as usize..columns.end as usize].iter().for_each(|w| w.set(0.0));
        let mut bias = 0.0;
        for (term, a) in numbers {
            let a = a * f64::from(self.problem.weight(term)) * unit;
            if a != 0.0 {
                let row = self.problem.row(term).within(columns);
                kernel::for_each(w, row, |w, x| w.set(w.get() + a * of(x)));
                bias += a;
            }
        }
        if let (0, Some(constant)) = (columns.start, self.problem.constant()) {
            w[self.problem.width() - 1].set(bias * of(f64::from(constant)));
        }
    }

    /// D at the share `t` of the way from the dual variables `from` to the present ones; `norms2` are ||w||^2, w.v and
    /// ||v||^2 for w = w(from) and the present v.
    pub fn between(&self, from: &[R], norms2: [f64; 3], t: f64) -> f64 {
        let n = self.problem.terms();
        let starts: Vec<usize> = (0..n).step_by(SUMMED_TOGETHER).collect();
        let conjugate = |i: usize| {
            let (from, to) = (from[i].to_f64(), self.duals[i].get().to_f64());
            let conjugate = |a| self.problem.loss_function().conjugate(f64::from(self.problem.target(i)), a);
            f64::from(self.problem.weight(i)) * conjugate(from + t * (to - from))
        };
        let sums: Vec<f64> = starts
            .into_par_iter()
            .map(|start| (start..n.min(start + SUMMED_TOGETHER)).map(conjugate).sum())
            .collect();
        let s = 1.0 - t;
        let norm2 = s * s * norms2[0] + 2.0 * s * t * norms2[1] + t * t * norms2[2];
        -sums.iter().sum::<f64>() / n as f64 - self.l2 / 2.0 * norm2
    }
}

/// Sets the places of `to` to those of `from`.
fn copy<R: Real>(to: &[R::Shared], from: &[R::Shared]) {
    let parts = to.par_chunks(COMPARED_TOGETHER).zip(from.par_chunks(COMPARED_TOGETHER));
    parts.for_each(|(to, from)| to.iter().zip(from).for_each(|(to, from)| to.set(from.get())));
}

/// Weights that are compared by one task: the order of the sums does not depend on the threads.
const COMPARED_TOGETHER: usize = 1 << 15;

/// The squared distance of two vectors, in several partial sums, so that no addition waits for another.
fn apart2<R: Real>((v, w): (&[R], &[Place])) -> f64 {
    let mut sums = [0.0; 4];
    for (v, w) in v.chunks(4).zip(w.chunks(4)) {
        sums.iter_mut().zip(v.iter().zip(w)).for_each(|(sum, (v, w))| *sum += (v.to_f64() - w.get()).powi(2));
    }
    sums.iter().sum()
}

/// A sum is as good as 0 if it is at most this share of its parts.
const ROUNDING: f64 = 1e-12;
/// Terms whose numbers are summed by one task: the order of the sums does not depend on the threads.
pub(super) const SUMMED_TOGETHER: usize = 1024;

/// The size class of a number above 0: its power of 2, from 2^-127 on.
fn class(part: f64) -> u8 {
    let exponent = (part.to_bits() >> 52) as i64 - 1023;
    (exponent + 128).clamp(1, CLASSES as i64 - 1) as u8
}

/// Rows that show where the entries are.
const SAMPLED: usize = 512;

/// Neighboring columns for each of `threads` threads, with about as many entries each.
pub(super) fn columns<L: Conjugate>(problem: &Linear<'_, L>, threads: usize) -> Vec<Range<u32>> {
    let width = (problem.width() - problem.common()) as u32;
    let every = problem.terms().div_ceil(SAMPLED);
    let mut seen: Vec<u32> =
        (0..problem.terms()).step_by(every).flat_map(|term| problem.row(term).indices()).copied().collect();
    seen.sort_unstable();
    let mut bounds: Vec<u32> =
        (1..threads).filter_map(|k| seen.get(seen.len() * k / threads)).copied().collect();
    bounds.dedup();
    bounds.retain(|&bound| bound > 0);
    let starts = [0].into_iter().chain(bounds.iter().copied());
    starts.zip(bounds.iter().copied().chain([width])).map(|(start, end)| start..end).collect()
}
