//! The seam between solvers and strategies: what a strategy sees of a solver's rule.
//!
//! Above it nothing is generic over problem, loss, rule or strategy; below it everything is. A call
//! through it is made once a block of terms, a microsecond or more, never once a coordinate.

use super::Block;
use crate::error::{Error, Result};
use crate::params::{Handle, Real};

/// The size of what is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of terms.
    pub terms: usize,
    /// Number of coordinates.
    pub width: usize,
    /// How many coordinates at the end every term touches; see
    /// [`Problem::common`](crate::problem::Problem::common).
    pub common: usize,
}

impl Shape {
    /// The coordinates that are not common.
    pub fn own(&self) -> usize {
        self.width - self.common
    }
}

/// How far a fit has come, in visits made by all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// Visits made in earlier epochs.
    pub before: u64,
    /// Visits made in this epoch, that is, since a deferred scale was applied last
    /// ([`EndOfEpoch::scale`]).
    pub within: u64,
}

/// What a rule needs to know of step sizes from one visit to the next. Strategies pass it on within
/// a block or a batch.
#[derive(Clone, Copy, Debug)]
pub struct StepState<R> {
    /// The step size.
    pub(crate) rate: R,
    /// The rate times the strengths of the regularizer.
    pub(crate) l1: R,
    pub(crate) l2: R,
    /// Whether coordinates are shrunk by the regularizer when a visit touches them.
    pub(crate) shrinks_on_touch: bool,
    /// Whether the regularizer moves what a term touches even where the loss does not.
    pub(crate) always_moves: bool,
    /// The deferred scale: what the vector is multiplied with to give the weights.
    pub(crate) factor: R,
    /// What a visit multiplies the scale with.
    pub(crate) change: R,
}

impl<R: Real> StepState<R> {
    /// Steps of constant size `rate`, without a regularizer on touch and without a scale.
    pub(crate) fn constant(rate: R) -> Self {
        StepState {
            rate,
            l1: R::ZERO,
            l2: R::ZERO,
            shrinks_on_touch: false,
            always_moves: false,
            factor: R::ONE,
            change: R::ONE,
        }
    }

    /// Moves on by one visit.
    #[inline(always)]
    pub fn advance(&mut self) {
        self.factor = self.factor * self.change;
    }
}

/// What a strategy does to the weights when an epoch ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndOfEpoch<R> {
    /// What all weights but the common ones must be multiplied with, if the rule keeps a scale of
    /// theirs apart. Strategies that [say so](super::Profile::applies_scale) do it when no worker
    /// runs.
    pub scale: Option<R>,
    /// How much of what each copy of the weights has moved since copies were last merged is
    /// published in the shared vector: all of it (1), which keeps the weights the sum of all
    /// visits, or less, which keeps noise out of them. The rest counts in the next epoch.
    pub published_fraction: R,
}

/// A problem under a solver's rule.
pub trait Visit<R: Real>: Sync {
    /// Terms and coordinates.
    fn shape(&self) -> Shape;
    /// Appends the coordinates that `terms` touch to `into`, without the common ones, in ascending
    /// order for each term.
    fn support(&self, terms: &[usize], into: &mut Vec<usize>);
    /// The step state for a block that starts at `clock`.
    fn step_state(&self, clock: Clock) -> StepState<R>;
    /// Visits the terms of a block in turn, and moves `state` on by as many visits.
    fn visit_block(&self, block: Block<'_>, state: &mut StepState<R>, weights: &Handle<'_, R>);
    /// Plans visits apart from carrying them out, if the rule can do that.
    fn planner(&self) -> Option<Box<dyn Plan<R> + Send + '_>> {
        None
    }
    /// What is to be done when an epoch ends at `clock`, in which `copies` copies of the weights
    /// were used.
    fn end_of_epoch(&self, clock: Clock, copies: usize) -> EndOfEpoch<R>;
}

/// Visits that are planned (reads only) and carried out later, or never: a plan that was not
/// carried out has changed nothing.
pub trait Plan<R: Real> {
    /// Plans a visit to each term of `block` on the weights as they are. Replaces what was planned
    /// before.
    fn plan(&mut self, block: Block<'_>, state: StepState<R>, weights: &Handle<'_, R>);
    /// Carries out what is planned.
    fn apply(&mut self, weights: &Handle<'_, R>);
}

/// The rule's planner, for strategies that need one.
///
/// # Errors
/// [`Error::Parameter`] if the rule has none.
pub fn planner<'v, R: Real>(visit: &'v dyn Visit<R>) -> Result<Box<dyn Plan<R> + Send + 'v>> {
    visit.planner().ok_or_else(|| Error::Parameter {
        name: "strategy",
        value: "one that plans visits before it carries them out".into(),
        expected: "a solver that can plan visits, which sgd alone can",
        hint: "choose the solver sgd, or the strategy hogwild",
    })
}
