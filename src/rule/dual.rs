//! Dual coordinate ascent (SDCA: Shalev-Shwartz & Zhang, JMLR 2013; for the SVM, Hsieh et al., ICML 2008), whose visits
//! need no step size and may race like those of Hogwild (PASSCoDe: Hsieh, Yu & Dhillon, ICML 2015).
//!
//! Each example owns a dual variable a_i, which only the worker that visits it touches, and the weights follow:
//! w = w(a) = (1/(l2*n)) * sum of a_i x_i (where examples have weights c_i, of c_i a_i x_i). Races and rounding make the
//! shared vector drift from w(a); `judge.rs` tells how far, and how far both are from the optimum.

mod judge;
mod newton;

pub use judge::{Judged, Place, Snapshot};
use judge::{Parts, SUMMED_TOGETHER};
pub use newton::{End, Turn, Turned};

use std::ops::Range;

use super::{Block, Clock, Penalty, Visit};
use crate::cpu::compiled_twice;
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
    /// How many replicas of the weights are summed up, each of whose changes counts one to this many.
    replicas: f64,
    /// How many workers keep a copy of the common coordinates of their own, and merge them by their mean.
    copies: f64,
    /// More than 1 makes steps shorter: by what factor the score is taken to respond to a step.
    pub damping: f64,
    duals: Vec<R::Shared>,
    /// The examples' parts of the gap, when they were judged last.
    parts: Parts,
    /// Visits leave examples whose parts are of smaller classes out.
    least: u8,
    /// The columns that each thread sums up for w(a).
    columns: Vec<Range<u32>>,
}

impl<'p, 'd, L: Conjugate, R: Real> Dual<'p, 'd, L, R> {
    /// All dual variables 0. `l2` is above 0; `workers` share the weights or `replicas` of them, whose changes are
    /// divided by that number and summed up, and have `copies` of the common coordinates that are merged by their mean (1: by
    /// their sum).
    pub fn new(problem: &'p Linear<'d, L>, l2: f64, workers: usize, replicas: usize, copies: usize) -> Self {
        let terms = problem.terms();
        Dual {
            problem,
            l2,
            unit: R::of(1.0 / (l2 * terms as f64)),
            replicas: replicas as f64,
            copies: copies as f64,
            damping: 1.0,
            duals: (0..terms).map(|_| R::Shared::default()).collect(),
            parts: Parts::new(terms),
            least: 0,
            columns: judge::columns(problem, workers),
        }
    }

    /// 1/(l2*n), not rounded to the weights' type.
    fn unit(&self) -> f64 {
        1.0 / (self.l2 * self.problem.terms() as f64)
    }

    fn penalty(&self) -> Penalty {
        Penalty { l1: 0.0, l2: self.l2 }
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
}

/// Visits, with the problem as an argument: see [`Visit::visit_block`].
impl<L: Conjugate, R: Real> Dual<'_, '_, L, R> {
    #[inline(always)]
    fn plan_of<W: Weights<Real = R>>(
        &self,
        problem: &Linear<'_, L>,
        term: usize,
        (own, common): (R, R),
        w: &W,
    ) -> Option<R> {
        if self.parts.sizes[term] < self.least {
            return None;
        }
        let mut s = w.dot(problem.row(term));
        let weight = R::of_f32(problem.weight(term));
        let mut q = own * R::of_f32(problem.norm2(term));
        if let Some(c) = problem.constant() {
            let c = R::of_f32(c);
            s += c * w.common(0);
            q += common * c * c;
        }
        let a = self.duals[term].get();
        let y = R::of_f32(problem.target(term));
        let moved = problem.loss_function().ascend(y, s, q * weight * self.unit, a);
        (moved != a).then_some(moved)
    }

    #[inline(always)]
    fn apply_of<W: Weights<Real = R>>(
        &self,
        problem: &Linear<'_, L>,
        term: usize,
        moved: R,
        share: R,
        w: &W,
    ) {
        let dual = &self.duals[term];
        let change = (moved - dual.get()) * share;
        dual.set(dual.get() + change);
        let change = change * R::of_f32(problem.weight(term)) * self.unit;
        // A replica takes each change for what all replicas may change together (CoCoA+: Ma et al., ICML 2015, section 4).
        w.add(change * R::of(self.replicas), problem.row(term));
        if let Some(c) = problem.constant() {
            // The mean of the copies then holds the sum of all workers' changes.
            w.set_common(0, w.common(0) + change * R::of_f32(c) * R::of(self.copies));
        }
    }

    #[inline(always)]
    fn prefetch_place_of(&self, problem: &Linear<'_, L>, term: usize) {
        problem.prefetch_place(term);
        kernel::prefetch_at(&self.parts.sizes, term);
        kernel::prefetch_at(&self.duals, term);
    }

    #[inline(always)]
    fn prefetch_of(&self, problem: &Linear<'_, L>, term: usize) {
        if self.parts.sizes[term] >= self.least {
            problem.prefetch(term);
        }
    }
}

compiled_twice! {
    /// [`Visit::visit_block`], with the problem as an argument.
    fn visit_block[L: Conjugate, R: Real, W: Weights<Real = R>](
        rule: &Dual<'_, '_, L, R>,
        problem: &Linear<'_, L>,
        block: Block<'_>,
        pace: (R, R),
        w: &W,
    ) {
        for (term, ahead) in block.visits() {
            if let Some(later) = ahead.place {
                rule.prefetch_place_of(problem, later);
            }
            if let Some(later) = ahead.memory {
                rule.prefetch_of(problem, later);
            }
            if let Some(moved) = rule.plan_of(problem, term, pace, w) {
                rule.apply_of(problem, term, moved, R::ONE, w);
            }
        }
    }
}

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
        (R::of(self.damping * self.replicas), R::of(self.damping * self.copies))
    }

    #[inline(always)]
    fn plan<W: Weights<Real = R>>(&self, term: usize, pace: (R, R), w: &W) -> Option<R> {
        self.plan_of(self.problem, term, pace, w)
    }

    #[inline(always)]
    fn apply<W: Weights<Real = R>>(&self, term: usize, moved: R, _: (R, R), share: R, w: &W) {
        self.apply_of(self.problem, term, moved, share, w);
    }

    fn visit_block<W: Weights<Real = R>>(&self, block: Block<'_>, pace: (R, R), w: &W) {
        visit_block(self, self.problem, block, pace, w);
    }

    #[inline(always)]
    fn prefetch_place(&self, term: usize) {
        self.prefetch_place_of(self.problem, term);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        self.prefetch_of(self.problem, term);
    }

    fn objective(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let count = terms.len() as f64;
        self.problem.loss(terms, w) / count + self.penalty().value(w)
    }
}
