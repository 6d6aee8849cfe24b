//! The duality gap of dual variables a and weights v, which bounds their distance to the optimum:
//!
//! ```text
//! P(v) - D(a) = (1/n) * sum of c_i (loss(y_i, s_i) + loss*(y_i, -a_i) + a_i s_i)
//!               + (l2/2) * ||v - w(a)||^2
//! ```
//!
//! where s_i = x_i.v. No term is negative: by the Fenchel-Young inequality each example has a
//! *part* of its own, and the last term is the *drift*. The parts need one pass over the scores;
//! the drift needs w(a).

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Dual;
use super::parts::{CLASSES, Parts, class};
use crate::parallel;
use crate::params::Real;
use crate::row::kernel;
use crate::row::real::Slot;

/// The gap of weights and dual variables without the drift, from sums in f64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    /// Mean loss plus regularizer of the weights: P(v).
    pub(crate) primal: f64,
    /// The examples' parts of the gap, together.
    pub(crate) parts: f64,
}

/// Rounding error of a difference of sums, as a fraction of them. Far from the optimum, the
/// objective may be so large that the dual objective, which is its difference from the gap, is
/// rounding alone.
const DIFFERENCE: f64 = 1e-13;

impl Gap {
    /// Returns the dual objective, or a little less, given the drift.
    pub(crate) fn dual(&self, drift: f64) -> f64 {
        let size = self.primal.abs() + self.parts.abs() + drift;
        self.primal - self.parts - drift - DIFFERENCE * size
    }
}

/// A coordinate of w(a), which one thread writes and others may read later.
pub(crate) type SharedSum = <f64 as Real>::Shared;

/// A copy of the dual variables, and the parts of its gap. It is evaluated while visits go on.
pub(crate) struct Snapshot<R: Real> {
    duals: Vec<R::Shared>,
    parts: Parts,
}

impl<R: Real> Dual<'_, R> {
    /// Allocates a snapshot.
    pub(crate) fn snapshot(&self) -> Snapshot<R> {
        let duals = self.duals.iter().map(|_| R::Shared::default()).collect();
        Snapshot { duals, parts: Parts::new(self.duals.len()) }
    }

    /// Copies the dual variables to `snapshot`.
    pub(crate) fn capture(&self, snapshot: &mut Snapshot<R>) {
        copy::<R>(&snapshot.duals, &self.duals);
    }

    /// Evaluates the gap of the weights `v` and the dual variables of `snapshot`, without the
    /// drift.
    pub(crate) fn snapshot_gap_parts(&self, snapshot: &mut Snapshot<R>, v: &[R]) -> Gap {
        self.gap_parts_with(&snapshot.duals, v, &mut snapshot.parts)
    }

    /// Computes [`Dual::drift`] for the dual variables of `snapshot`.
    pub(crate) fn snapshot_drift(&self, snapshot: &Snapshot<R>, v: &[R], w: &[SharedSum]) -> f64 {
        self.drift_with(&snapshot.duals, v, w)
    }

    /// Lets visits leave out examples by the parts that were found for `snapshot`.
    pub(crate) fn adopt_parts(&mut self, snapshot: &mut Snapshot<R>) {
        std::mem::swap(&mut self.parts, &mut snapshot.parts);
    }

    /// Restores the dual variables of `snapshot`.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot<R>) {
        copy::<R>(&self.duals, &snapshot.duals);
    }

    /// Evaluates the gap of the weights `v` and the dual variables, without the drift.
    pub(crate) fn gap_parts(&mut self, v: &[R]) -> Gap {
        let mut parts = std::mem::replace(&mut self.parts, Parts::new(0));
        let gap = self.gap_parts_with(&self.duals, v, &mut parts);
        self.parts = parts;
        gap
    }

    fn gap_parts_with(&self, duals: &[R::Shared], v: &[R], parts: &mut Parts) -> Gap {
        let (examples, curves) = (self.examples, self.loss);
        let n = examples.len() as f64;
        let sizes: Vec<_> = parts.sizes.chunks_mut(SUMMED_TOGETHER).map(Mutex::new).collect();
        let chunks = parallel::collect(examples.len(), SUMMED_TOGETHER, &|k, range| {
            let mut losses = 0.0;
            let mut sums = [0.0; CLASSES];
            let mut sizes = sizes[k].lock().unwrap_or_else(PoisonError::into_inner);
            for (i, size) in range.zip(sizes.iter_mut()) {
                let (y, a) = (examples.target(i), duals[i].get().to_f64());
                let s = examples.score(examples.row(i), v);
                let (loss, conjugate) = curves.value_and_conjugate(y, s, a);
                let c = f64::from(examples.weight(i));
                losses += c * loss;
                let part = c * (loss + conjugate + a * s);
                // The terms of the part may cancel: what is left is rounding.
                let is_zero = part <= ROUNDING * c * (loss + conjugate.abs() + (a * s).abs());
                *size = if is_zero { 0 } else { class(part) };
                sums[usize::from(*size)] += part;
            }
            (losses, sums)
        });
        let mut losses = 0.0;
        parts.sums = [0.0; CLASSES];
        for (loss, sums) in chunks {
            losses += loss;
            parts.sums.iter_mut().zip(sums).for_each(|(sum, part)| *sum += part);
        }
        Gap {
            primal: losses / n + self.penalty().value(v),
            parts: parts.sums.iter().sum::<f64>() / n,
        }
    }

    /// Returns the objective of zero weights.
    pub(crate) fn objective_at_zero(&self) -> f64 {
        let examples = self.examples;
        let loss =
            |i: usize| f64::from(examples.weight(i)) * self.loss.value(examples.target(i), 0.0);
        (0..examples.len()).map(loss).sum::<f64>() / examples.len() as f64
    }

    /// Lets visits leave out the examples with the smallest parts, whose mean over all examples is
    /// together at most `allowed`, unless these are all examples. Examples whose part is 0 are
    /// always left out. Returns the fraction of examples left out.
    pub(crate) fn leave_out(&mut self, allowed: f64) -> f64 {
        let allowed = allowed * self.examples.len() as f64;
        let mut sum = 0.0;
        let within = self.parts.sums.iter().take_while(|&part| {
            sum += part;
            sum <= allowed
        });
        self.least = match within.count() {
            CLASSES => 1,
            classes => (classes as u8).max(1),
        };
        let (sizes, least) = (&self.parts.sizes, self.least);
        let left_out = parallel::collect(sizes.len(), COMPARED_TOGETHER, &|_, range| {
            sizes[range].iter().filter(|&&size| size < least).count()
        });
        left_out.iter().sum::<usize>() as f64 / self.examples.len() as f64
    }

    /// Sets `w` to w(a), and returns the drift of `v`: what its distance from `w` adds to the gap.
    /// One thread sums each coordinate, in the order of the examples: the bits do not depend on the
    /// number of threads.
    pub(crate) fn drift(&self, v: &[R], w: &[SharedSum]) -> f64 {
        self.drift_with(&self.duals, v, w)
    }

    fn drift_with(&self, duals: &[R::Shared], v: &[R], w: &[SharedSum]) -> f64 {
        self.add_up(duals.len(), &|i| (i, duals[i].get().to_f64()), w);
        let distance2 = parallel::sum(v.len(), COMPARED_TOGETHER, &|range| {
            squared_distance(&v[range.clone()], &w[range])
        });
        self.l2 / 2.0 * distance2
    }

    /// Sets `w` to (1/(l2*n)) * sum of c_i a_i x_i over `count` terms i with their numbers a_i,
    /// each coordinate on one thread.
    pub(in crate::solver) fn add_up(
        &self,
        count: usize,
        number: &(dyn Fn(usize) -> (usize, f64) + Sync),
        w: &[SharedSum],
    ) {
        parallel::ranges(self.columns.len(), 1, &|k, _| {
            add_columns(self, &self.columns[k], (0..count).map(number), |x| x, w);
        });
    }

    /// Does what [`Dual::add_up`] does, with the squares of the entries.
    pub(in crate::solver) fn add_up_squares(&self, numbers: &[(usize, f64)], w: &[SharedSum]) {
        parallel::ranges(self.columns.len(), 1, &|k, _| {
            add_columns(self, &self.columns[k], numbers.iter().copied(), |x| x * x, w);
        });
    }

    /// Computes D at the fraction `t` of the way from the dual variables `from` to the current
    /// ones. `norms2` are ||w||^2, w.v and ||v||^2 for w = w(from) and v = w(a).
    pub(crate) fn objective_between(&self, from: &[R], norms2: [f64; 3], t: f64) -> f64 {
        let examples = self.examples;
        let conjugate = |i: usize| {
            let (from, to) = (from[i].to_f64(), self.duals[i].get().to_f64());
            let conjugate = |a| self.loss.conjugate(examples.target(i), a);
            f64::from(examples.weight(i)) * conjugate(from + t * (to - from))
        };
        let sum =
            parallel::sum(examples.len(), SUMMED_TOGETHER, &|range| range.map(conjugate).sum());
        let s = 1.0 - t;
        let norm2 = s * s * norms2[0] + 2.0 * s * t * norms2[1] + t * t * norms2[2];
        -sum / examples.len() as f64 - self.l2 / 2.0 * norm2
    }
}

/// Sets the coordinates of `columns` in `w` to (1/(l2*n)) * sum of c_i a_i `of`(x_i) over the given
/// terms i with their numbers a_i; the bias together with the first coordinate.
#[inline(always)]
fn add_columns<R: Real>(
    dual: &Dual<'_, R>,
    columns: &Range<u32>,
    numbers: impl Iterator<Item = (usize, f64)>,
    of: impl Fn(f64) -> f64,
    w: &[SharedSum],
) {
    let (examples, unit) = (dual.examples, dual.unit());
    w[columns.start as usize..columns.end as usize].iter().for_each(|w| w.set(0.0));
    let mut bias = 0.0;
    for (term, a) in numbers {
        let a = a * f64::from(examples.weight(term)) * unit;
        if a != 0.0 {
            let row = examples.row(term).within(columns);
            kernel::for_each(w, row, |w, x| w.set(w.get() + a * of(x)));
            bias += a;
        }
    }
    if let (0, Some(constant)) = (columns.start, examples.constant()) {
        w[examples.width() - 1].set(bias * of(f64::from(constant)));
    }
}

/// Copies `from` to `to`.
fn copy<R: Real>(to: &[R::Shared], from: &[R::Shared]) {
    parallel::ranges(to.len(), COMPARED_TOGETHER, &|_, range| {
        to[range.clone()].iter().zip(&from[range]).for_each(|(to, from)| to.set(from.get()));
    });
}

/// Elements per task: fixed, so that the order of the sums does not depend on the number of
/// threads.
const COMPARED_TOGETHER: usize = 1 << 15;

/// Computes the squared distance of two vectors, in several partial sums, so that no addition waits
/// for another.
fn squared_distance<R: Real>(v: &[R], w: &[SharedSum]) -> f64 {
    let mut sums = [0.0; 4];
    for (v, w) in v.chunks(4).zip(w.chunks(4)) {
        sums.iter_mut()
            .zip(v.iter().zip(w))
            .for_each(|(sum, (v, w))| *sum += (v.to_f64() - w.get()).powi(2));
    }
    sums.iter().sum()
}

/// A sum counts as 0 if it is at most this fraction of the sum of its terms' absolute values.
const ROUNDING: f64 = 1e-12;
/// Terms per task: fixed, so that the order of the sums does not depend on the number of threads.
pub(in crate::solver) const SUMMED_TOGETHER: usize = 1024;
