//! Visits with something around each: a strategy that must hold or wait for something changes the visit, not the worker's
//! loop.

use std::ops::Range;

use crate::params::Weights;
use crate::rule::{Clock, Visit};

/// What a worker does around each visit.
pub(crate) trait Frame<'a, V: Visit>: Sync {
    /// What is held from before the plan to after the writes.
    type Held: Send;
    /// Whether a visit that would change nothing is left like any other; else what is held is only dropped.
    const EMPTY_TOO: bool;

    /// Called before a visit is planned.
    fn enter(&'a self, visit: &'a V, term: usize, weights: &impl Weights) -> Self::Held;
    /// Calls `apply`, which writes.
    fn leave(&self, held: Self::Held, weights: &impl Weights, apply: impl FnOnce());
}

/// Visits in a frame.
pub(crate) struct Framed<'a, V, F> {
    pub(crate) visit: &'a V,
    pub(crate) frame: &'a F,
}

impl<'a, V: Visit, F: Frame<'a, V>> Visit for Framed<'a, V, F> {
    type Real = V::Real;
    type Pace = V::Pace;
    type Step = (Option<V::Step>, F::Held);

    fn terms(&self) -> usize {
        self.visit.terms()
    }

    fn width(&self) -> usize {
        self.visit.width()
    }

    fn common(&self) -> usize {
        self.visit.common()
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        self.visit.support(term)
    }

    fn pace(&self, clock: Clock) -> V::Pace {
        self.visit.pace(clock)
    }

    fn advance(&self, pace: &mut V::Pace) {
        self.visit.advance(pace);
    }

    fn fold(&self, clock: Clock) -> Option<V::Real> {
        self.visit.fold(clock)
    }

    fn shown(&self, copies: usize) -> V::Real {
        self.visit.shown(copies)
    }

    fn plan<W: Weights<Real = V::Real>>(&self, term: usize, pace: V::Pace, w: &W) -> Option<Self::Step> {
        let held = self.frame.enter(self.visit, term, w);
        let step = self.visit.plan(term, pace, w);
        (step.is_some() || F::EMPTY_TOO).then_some((step, held))
    }

    fn apply<W: Weights<Real = V::Real>>(
        &self,
        term: usize,
        (step, held): Self::Step,
        pace: V::Pace,
        share: V::Real,
        w: &W,
    ) {
        self.frame.leave(held, w, || {
            if let Some(step) = step {
                self.visit.apply(term, step, pace, share, w);
            }
        });
    }

    fn prefetch_place(&self, term: usize) {
        self.visit.prefetch_place(term);
    }

    fn prefetch(&self, term: usize) {
        self.visit.prefetch(term);
    }

    fn objective(&self, terms: Range<usize>, w: &[V::Real]) -> f64 {
        self.visit.objective(terms, w)
    }
}
