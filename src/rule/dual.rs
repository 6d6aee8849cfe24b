//! Dual coordinate ascent (SDCA: Shalev-Shwartz & Zhang, JMLR 2013; for the SVM, Hsieh et al., ICML 2008), whose visits
//! need no step size and may race like those of Hogwild (PASSCoDe: Hsieh, Yu & Dhillon, ICML 2015).
//!
//! Each example owns a dual variable a_i, which only the worker that visits it touches, and the weights follow:
//! w = w(a) = (1/(l2*n)) * sum of a_i x_i (where examples have weights c_i, of c_i a_i x_i). Races and rounding make the shared vector drift from w(a). After each epoch,
//! [`Dual::certify`] computes w(a) anew in f64, and with it the duality gap, which bounds the distance to the optimum.

use std::cell::Cell;
use std::ops::Range;

use rayon::prelude::*;

use super::{Clock, Visit};
use crate::kernel;
use crate::params::{Real, Weights};
use crate::problem::{Conjugate, Linear, Problem};
use crate::real::Slot;

/// A linear model under dual coordinate ascent.
pub struct Dual<'p, 'd, L, R: Real> {
    problem: &'p Linear<'d, L>,
    l2: f64,
    /// 1/(l2*n): by how much of its row w grows when a dual variable grows by 1.
    unit: R,
    /// How many workers keep a copy of the common coordinates of their own, and merge them by their mean.
    copies: f64,
    /// More than 1 makes steps shorter: by what factor the score is taken to respond to a step.
    pub damping: f64,
    duals: Vec<R::Shared>,
    /// Examples that visits leave out: at the last certificate, their own parts of the gap were nothing.
    settled: Vec<bool>,
}

/// The state of a dual ascent, judged with sums in f64.
#[derive(Clone, Copy, Debug)]
pub struct Certificate {
    /// Mean loss plus regularizer: P(w).
    pub primal: f64,
    /// D(a), at most the least value of P.
    pub dual: f64,
    /// Share of the examples that need no visit now: their own part of the gap is nothing.
    pub settled: f64,
}

impl<'p, 'd, L: Conjugate, R: Real> Dual<'p, 'd, L, R> {
    /// All dual variables 0. `l2` is above 0; `workers` share the weights.
    pub fn new(problem: &'p Linear<'d, L>, l2: f64, workers: usize) -> Self {
        let terms = problem.terms();
        Dual {
            problem,
            l2,
            unit: R::of(1.0 / (l2 * terms as f64)),
            copies: workers as f64,
            damping: 1.0,
            duals: (0..terms).map(|_| R::Shared::default()).collect(),
            settled: vec![false; terms],
        }
    }

    /// Copies the dual variables to `to`, which has one place a term.
    pub fn copy_to(&self, to: &mut [R]) {
        to.iter_mut().zip(&self.duals).for_each(|(to, dual)| *to = dual.get());
    }

    /// Moves the dual variables to the share `t` of their way from `from`.
    pub fn move_back(&mut self, from: &[R], t: f64) {
        let between = |from: R, to: R| from + R::of(t) * (to - from);
        self.duals.iter().zip(from).for_each(|(dual, &from)| dual.set(between(from, dual.get())));
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

    /// Sets `w` to w(a): one sum for each of rayon's threads, then the sum of these, all in f64.
    pub fn weights(&self, w: &mut Vec<f64>) {
        let (terms, width) = (self.problem.terms(), self.problem.width());
        // More sums than this would take longer to add up than to make.
        let most = (self.problem.touches() / width.max(1)).max(1);
        let parts = rayon::current_num_threads().min(most);
        let part = terms.div_ceil(parts);
        w.clear();
        w.resize(width, 0.0);
        let (_, others) = rayon::join(
            || self.add_weights(0..terms.min(part), w),
            || -> Vec<Vec<f64>> {
                (1..parts)
                    .into_par_iter()
                    .map(|k| {
                        let mut sum = vec![0.0; width];
                        self.add_weights(terms.min(part * k)..terms.min(part * (k + 1)), &mut sum);
                        sum
                    })
                    .collect()
            },
        );
        w.par_chunks_mut(SUMMED_TOGETHER).enumerate().for_each(|(k, w)| {
            for other in &others {
                w.iter_mut().zip(&other[k * SUMMED_TOGETHER..]).for_each(|(w, x)| *w += x);
            }
        });
    }

    fn add_weights(&self, terms: Range<usize>, w: &mut [f64]) {
        let (own, common) = w.split_at_mut(self.problem.width() - self.problem.common());
        let cells = Cell::from_mut(own).as_slice_of_cells();
        let unit = 1.0 / (self.l2 * self.problem.terms() as f64);
        let mut bias = 0.0;
        for term in terms {
            let a = self.duals[term].get().to_f64() * f64::from(self.problem.weight(term)) * unit;
            if a != 0.0 {
                kernel::for_each(cells, self.problem.row(term), |w, x| w.set(w.get() + a * x));
                bias += a;
            }
        }
        if let (Some(constant), [w]) = (self.problem.constant(), common) {
            *w += bias * f64::from(constant);
        }
    }

    /// Judges the dual variables and the weights `w`, which are w(a) but for rounding; `norm2` is the squared norm of
    /// w(a) itself. Finds out which examples are settled.
    pub fn certify(&mut self, w: &[R], norm2: f64) -> Certificate {
        let (problem, duals) = (self.problem, &self.duals);
        let n = problem.terms() as f64;
        let parts: Vec<_> = self
            .settled
            .par_chunks_mut(SUMMED_TOGETHER)
            .enumerate()
            .map(|(k, settled)| {
                let (mut losses, mut conjugates, mut count) = (0.0, 0.0, 0);
                for (i, settled) in (k * SUMMED_TOGETHER..).zip(settled) {
                    let (y, a) = (f64::from(problem.target(i)), duals[i].get().to_f64());
                    let s = problem.score(problem.row(i), w);
                    let (loss, conjugate) =
                        (problem.loss_function().value(y, s), problem.loss_function().conjugate(y, a));
                    let c = f64::from(problem.weight(i));
                    losses += c * loss;
                    conjugates += c * conjugate;
                    // The example's part of the gap is a sum that cancels.
                    let size = loss + conjugate.abs() + (a * s).abs();
                    *settled = c == 0.0 || loss + conjugate + a * s <= ROUNDING * size;
                    count += usize::from(*settled);
                }
                (losses, conjugates, count)
            })
            .collect();
        let (losses, conjugates, settled) =
            parts.iter().fold((0.0, 0.0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1, sum.2 + part.2));
        let norm2_of_w: f64 = w.iter().map(|w| w.to_f64() * w.to_f64()).sum();
        Certificate {
            primal: losses / n + self.l2 / 2.0 * norm2_of_w,
            dual: -conjugates / n - self.l2 / 2.0 * norm2,
            settled: settled as f64 / n,
        }
    }
}

/// A sum is as good as 0 if it is at most this share of its parts.
const ROUNDING: f64 = 1e-12;
/// Terms whose numbers are summed by one task: the order of the sums does not depend on the threads.
const SUMMED_TOGETHER: usize = 1024;

impl<L: Conjugate, R: Real> Visit for Dual<'_, '_, L, R> {
    type Real = R;
    /// By what factor the score responds to a step in the row's own coordinates, and in the common ones.
    type Pace = (R, R);
    /// The new dual variable.
    type Step = R;

    fn terms(&self) -> usize {
        self.problem.terms()
    }

    fn width(&self) -> usize {
        self.problem.width()
    }

    fn common(&self) -> usize {
        self.problem.common()
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        self.problem.support(term)
    }

    fn pace(&self, _: Clock) -> (R, R) {
        (R::of(self.damping), R::of(self.damping * self.copies))
    }

    #[inline(always)]
    fn plan<W: Weights<Real = R>>(&self, term: usize, (own, common): (R, R), w: &W) -> Option<R> {
        if self.settled[term] {
            return None;
        }
        let mut s = w.dot(self.problem.row(term));
        let weight = R::of_f32(self.problem.weight(term));
        let mut q = own * R::of_f32(self.problem.norm2(term));
        if let Some(c) = self.problem.constant() {
            let c = R::of_f32(c);
            s += c * w.common(0);
            q += common * c * c;
        }
        let a = self.duals[term].get();
        let y = R::of_f32(self.problem.target(term));
        let moved = self.problem.loss_function().ascend(y, s, q * weight * self.unit, a);
        (moved != a).then_some(moved)
    }

    #[inline(always)]
    fn apply<W: Weights<Real = R>>(&self, term: usize, moved: R, _: (R, R), share: R, w: &W) {
        let dual = &self.duals[term];
        let change = (moved - dual.get()) * share;
        dual.set(dual.get() + change);
        let change = change * R::of_f32(self.problem.weight(term)) * self.unit;
        w.add(change, self.problem.row(term));
        if let Some(c) = self.problem.constant() {
            // The mean of the copies then holds the sum of all workers' changes.
            w.set_common(0, w.common(0) + change * R::of_f32(c) * R::of(self.copies));
        }
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        if !self.settled[term] {
            self.problem.prefetch(term);
        }
    }

    fn objective(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let count = terms.len() as f64;
        let norm2: f64 = w.iter().map(|w| w.to_f64() * w.to_f64()).sum();
        self.problem.loss(terms, w) / count + self.l2 / 2.0 * norm2
    }
}
