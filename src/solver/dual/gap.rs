//! How far dual variables a and weights v are from the optimum: their duality gap
//!
//! P(v) - D(a) = (1/n) * sum of c_i (loss(y_i, s_i) + loss*(y_i, -a_i) + a_i s_i) + (l2/2) * ||v -
//! w(a)||^2,
//!
//! where s_i = x_i.v. No term is negative: by the Fenchel-Young inequality each example has a
//! *part* of its own, and the last one is the *drift*. Parts need one pass over the scores, the
//! drift needs w(a).

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::Dual;
use crate::parallel;
use crate::params::Real;
use crate::problem::Examples;
use crate::row::kernel;
use crate::row::real::Slot;

/// Weights and dual variables, judged with sums in f64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap {
    /// Mean loss plus regularizer of the weights: P(v).
    pub(crate) primal: f64,
    /// The examples' parts of the gap, together.
    pub(crate) parts: f64,
}

/// A place of w(a), which one thread writes and others may read later.
pub(crate) type Place = <f64 as Real>::Shared;

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

/// Dual variables as they once were, and what was found of them: visits may go on while they are
/// judged.
pub(crate) struct Snapshot<R: Real> {
    duals: Vec<R::Shared>,
    parts: Parts,
}

impl<R: Real> Dual<'_, R> {
    /// Room for a snapshot.
    pub(crate) fn snapshot(&self) -> Snapshot<R> {
        let duals = self.duals.iter().map(|_| R::Shared::default()).collect();
        Snapshot { duals, parts: Parts::new(self.duals.len()) }
    }

    /// Puts the dual variables into `snapshot`.
    pub(crate) fn capture(&self, snapshot: &mut Snapshot<R>) {
        copy::<R>(&snapshot.duals, &self.duals);
    }

    /// Judges the weights `v` beside the dual variables of `snapshot`, but for the drift.
    pub(crate) fn gap_of_snapshot(&self, snapshot: &mut Snapshot<R>, v: &[R]) -> Gap {
        self.gap_beside(&snapshot.duals, v, &mut snapshot.parts)
    }

    /// [`Dual::drift`] of the dual variables of `snapshot`.
    pub(crate) fn drift_of_snapshot(&self, snapshot: &Snapshot<R>, v: &[R], w: &[Place]) -> f64 {
        self.drift_beside(&snapshot.duals, v, w)
    }

    /// From here on, visits go by the parts that were found for `snapshot`.
    pub(crate) fn adopt_parts(&mut self, snapshot: &mut Snapshot<R>) {
        std::mem::swap(&mut self.parts, &mut snapshot.parts);
    }

    /// Goes back to the dual variables of `snapshot`.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot<R>) {
        copy::<R>(&self.duals, &snapshot.duals);
    }

    /// Judges the weights `v` beside the dual variables, but for the drift.
    pub(crate) fn gap_parts(&mut self, v: &[R]) -> Gap {
        let mut parts = std::mem::replace(&mut self.parts, Parts::new(0));
        let judged = self.gap_beside(&self.duals, v, &mut parts);
        self.parts = parts;
        judged
    }

    fn gap_beside(&self, duals: &[R::Shared], v: &[R], parts: &mut Parts) -> Gap {
        let (examples, curves) = (self.examples, self.loss);
        let n = examples.len() as f64;
        let sizes: Vec<_> = parts.sizes.chunks_mut(SUMMED_TOGETHER).map(Mutex::new).collect();
        let chunks = parallel::collect(examples.len(), SUMMED_TOGETHER, &|k, range| {
            let mut losses = 0.0;
            let mut sums = [0.0; CLASSES];
            let mut sizes = sizes[k].lock().unwrap_or_else(PoisonError::into_inner);
            for (i, size) in range.zip(sizes.iter_mut()) {
                let (y, a) = (f64::from(examples.target(i)), duals[i].get().to_f64());
                let s = examples.score(examples.row(i), v);
                let (loss, conjugate) = curves.value_and_conjugate(y, s, a);
                let c = f64::from(examples.weight(i));
                losses += c * loss;
                let part = c * (loss + conjugate + a * s);
                // The part is a sum that cancels.
                let is_nothing = part <= ROUNDING * c * (loss + conjugate.abs() + (a * s).abs());
                *size = if is_nothing { 0 } else { class(part) };
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

    /// The objective of weights that are all 0.
    pub(crate) fn unscored(&self) -> f64 {
        let examples = self.examples;
        let loss = |i: usize| {
            f64::from(examples.weight(i)) * self.loss.value(f64::from(examples.target(i)), 0.0)
        };
        (0..examples.len()).map(loss).sum::<f64>() / examples.len() as f64
    }

    /// Lets visits leave out the examples with the smallest parts, together at most `allowed` in
    /// the mean over all examples, unless that is all of them; and those whose part is nothing.
    /// Returns the share of examples left out.
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

    /// Sets `w` to w(a), and returns how much the drift of `v` from it adds to the gap. Each
    /// coordinate is summed by one thread, in the order of the examples: the same bits for any
    /// number of threads.
    pub(crate) fn drift(&self, v: &[R], w: &[Place]) -> f64 {
        self.drift_beside(&self.duals, v, w)
    }

    fn drift_beside(&self, duals: &[R::Shared], v: &[R], w: &[Place]) -> f64 {
        self.add_up(duals.len(), &|i| (i, duals[i].get().to_f64()), w);
        let apart = parallel::sum(v.len(), COMPARED_TOGETHER, &|range| {
            apart2(&v[range.clone()], &w[range])
        });
        self.l2 / 2.0 * apart
    }

    /// Sets `w` to (1/(l2*n)) * sum of c_i a_i x_i over `count` terms i with their numbers a_i,
    /// each coordinate on one thread.
    pub(in crate::solver) fn add_up(
        &self,
        count: usize,
        number: &(dyn Fn(usize) -> (usize, f64) + Sync),
        w: &[Place],
    ) {
        parallel::ranges(self.columns.len(), 1, &|k, _| {
            add_columns(self, &self.columns[k], (0..count).map(number), |x| x, w);
        });
    }

    /// As [`Dual::add_up`], but with the squares of the entries.
    pub(in crate::solver) fn add_up_squares(&self, numbers: &[(usize, f64)], w: &[Place]) {
        parallel::ranges(self.columns.len(), 1, &|k, _| {
            add_columns(self, &self.columns[k], numbers.iter().copied(), |x| x * x, w);
        });
    }

    /// D at the share `t` of the way from the dual variables `from` to the present ones; `norms2`
    /// are ||w||^2, w.v and
    /// ||v||^2 for w = w(from) and the present v.
    pub(crate) fn between(&self, from: &[R], norms2: [f64; 3], t: f64) -> f64 {
        let examples = self.examples;
        let conjugate = |i: usize| {
            let (from, to) = (from[i].to_f64(), self.duals[i].get().to_f64());
            let conjugate = |a| self.loss.conjugate(f64::from(examples.target(i)), a);
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
    w: &[Place],
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

/// Sets the places of `to` to those of `from`.
fn copy<R: Real>(to: &[R::Shared], from: &[R::Shared]) {
    parallel::ranges(to.len(), COMPARED_TOGETHER, &|_, range| {
        to[range.clone()].iter().zip(&from[range]).for_each(|(to, from)| to.set(from.get()));
    });
}

/// Weights that are compared by one task: the order of the sums does not depend on the threads.
const COMPARED_TOGETHER: usize = 1 << 15;

/// The squared distance of two vectors, in several partial sums, so that no addition waits for
/// another.
fn apart2<R: Real>(v: &[R], w: &[Place]) -> f64 {
    let mut sums = [0.0; 4];
    for (v, w) in v.chunks(4).zip(w.chunks(4)) {
        sums.iter_mut()
            .zip(v.iter().zip(w))
            .for_each(|(sum, (v, w))| *sum += (v.to_f64() - w.get()).powi(2));
    }
    sums.iter().sum()
}

/// A sum is as good as 0 if it is at most this share of its parts.
const ROUNDING: f64 = 1e-12;
/// Terms whose numbers are summed by one task: the order of the sums does not depend on the
/// threads.
pub(in crate::solver) const SUMMED_TOGETHER: usize = 1024;

/// The size class of a number above 0: its power of 2, from 2^-127 on.
fn class(part: f64) -> u8 {
    let exponent = (part.to_bits() >> 52) as i64 - 1023;
    (exponent + 128).clamp(1, CLASSES as i64 - 1) as u8
}

/// Rows that show where the entries are.
const SAMPLED: usize = 512;

/// Neighboring columns for each of `threads` threads, with about as many entries each.
pub(super) fn columns(examples: &Examples<'_>, threads: usize) -> Vec<Range<u32>> {
    let width = examples.features() as u32;
    let every = examples.len().div_ceil(SAMPLED);
    let mut seen: Vec<u32> = (0..examples.len())
        .step_by(every)
        .flat_map(|i| examples.row(i).indices())
        .copied()
        .collect();
    seen.sort_unstable();
    let mut bounds: Vec<u32> =
        (1..threads).filter_map(|k| seen.get(seen.len() * k / threads)).copied().collect();
    bounds.dedup();
    bounds.retain(|&bound| bound > 0);
    let starts = [0].into_iter().chain(bounds.iter().copied());
    starts.zip(bounds.iter().copied().chain([width])).map(|(start, end)| start..end).collect()
}
