//! Stochastic gradient descent with implicit steps and a regularizer that is applied on touch.

use std::ops::Range;

use super::penalty::{Shrinkage, rarity};
use super::{Clock, Penalty, StepSize, Visit};
use crate::params::{Real, Weights};
use crate::problem::Problem;

/// A problem under stochastic gradient descent.
pub struct Sgd<'p, P, R> {
    /// The step size; it may be changed between epochs.
    pub step: StepSize,
    problem: &'p P,
    penalty: Penalty,
    rarity: Vec<R>,
}

impl<'p, P: Problem, R: Real> Sgd<'p, P, R> {
    /// Counts how often each coordinate is touched, which takes a pass over the terms if there is a penalty.
    pub fn new(problem: &'p P, penalty: Penalty, step: StepSize) -> Self {
        let rarity = if penalty == Penalty::default() { Vec::new() } else { rarity(problem) };
        Sgd { step, problem, penalty, rarity }
    }

    fn shrinkage(&self, rate: R) -> Shrinkage<'_, R> {
        Shrinkage {
            rarity: &self.rarity,
            l1: rate * R::of(self.penalty.l1),
            l2: rate * R::of(self.penalty.l2),
        }
    }
}

impl<P: Problem, R: Real> Visit for Sgd<'_, P, R> {
    type Real = R;
    /// The step size.
    type Pace = R;
    /// The problem's step; `None` where the gradient is zero, but the regularizer still acts.
    type Step = Option<P::Step<R>>;

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

    fn pace(&self, clock: Clock) -> R {
        R::of(self.step.at(clock, self.problem.terms(), self.penalty.l2))
    }

    #[inline(always)]
    fn plan<W: Weights<Real = R>>(&self, term: usize, rate: R, w: &W) -> Option<Self::Step> {
        let step = self.problem.plan(term, rate, w);
        (step.is_some() || !self.rarity.is_empty()).then_some(step)
    }

    #[inline(always)]
    fn apply<W: Weights<Real = R>>(&self, term: usize, step: Self::Step, rate: R, share: R, w: &W) {
        self.problem.apply(term, step, share, &self.shrinkage(rate * share), w);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        self.problem.prefetch(term);
    }

    fn objective(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let count = terms.len() as f64;
        self.problem.loss(terms, w) / count + self.penalty.value(w)
    }
}
