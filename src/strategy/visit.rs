//! The seam between solvers and strategies: a solver's rule as a strategy sees it.
//!
//! Above it nothing is generic over problem, loss, rule or strategy; below it everything is. There
//! is one call through it per block of terms, a microsecond or more, and never one per coordinate.

use super::Block;
use crate::error::{Error, Result};
use crate::params::{Handle, Real};

/// The size of the problem that is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of terms.
    pub terms: usize,
    /// Number of coordinates.
    pub width: usize,
    /// Number of coordinates, at the end, that every term touches; see
    /// [`Problem::common`](crate::problem::Problem::common).
    pub common: usize,
}

impl Shape {
    /// Returns the number of coordinates that are not common.
    pub fn own(&self) -> usize {
        self.width - self.common
    }
}

/// The progress of a fit, in visits made by all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// Visits made in earlier epochs.
    pub before: u64,
    /// Visits made in this epoch, hence since a deferred scale was last applied
    /// ([`EndOfEpoch::scale`]).
    pub within: u64,
}

/// A rule's step size and scale at a visit. Strategies pass it on from visit to visit within a
/// block or a batch.
#[derive(Clone, Copy, Debug)]
pub struct StepState<R> {
    /// The step size.
    pub(crate) rate: R,
    /// The rate times the strength of the l1 regularizer.
    pub(crate) l1: R,
    /// The rate times the strength of the l2 regularizer.
    pub(crate) l2: R,
    /// Set if the regularizer shrinks coordinates when a visit touches them.
    pub(crate) shrinks_on_touch: bool,
    /// Set if the regularizer moves the coordinates that a term touches even where the loss does
    /// not.
    pub(crate) always_moves: bool,
    /// The deferred scale: the weights are this factor times the vector.
    pub(crate) factor: R,
    /// The factor by which a visit multiplies the scale.
    pub(crate) change: R,
}

impl<R: Real> StepState<R> {
    /// Returns the state for steps of constant size `rate`, without shrinking on touch and without
    /// a scale.
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

    /// Advances by one visit.
    #[inline(always)]
    pub fn advance(&mut self) {
        self.factor = self.factor * self.change;
    }
}

/// The changes that a strategy makes to the weights when an epoch ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndOfEpoch<R> {
    /// Factor of all weights but the common ones, if the rule keeps a scale apart from them.
    /// Strategies whose profile [says so](super::Profile::applies_scale) apply it when no worker
    /// runs.
    pub scale: Option<R>,
    /// Fraction of each copy's movements since its last merge that is published in the shared
    /// vector. 1 keeps the weights the sum of all visits; less keeps noise out of them. The rest
    /// counts in the next epoch.
    pub published_fraction: R,
}

/// A problem under a solver's rule.
pub trait Visit<R: Real>: Sync {
    /// Returns the numbers of terms and coordinates.
    fn shape(&self) -> Shape;
    /// Appends the coordinates that `terms` touch to `into`, without the common ones, in ascending
    /// order for each term.
    fn support(&self, terms: &[usize], into: &mut Vec<usize>);
    /// Returns the step state for a block that starts at `clock`.
    fn step_state(&self, clock: Clock) -> StepState<R>;
    /// Visits the terms of a block in turn, and advances `state` by one visit per term.
    fn visit_block(&self, block: Block<'_>, state: &mut StepState<R>, weights: &Handle<'_, R>);
    /// Returns a planner, which plans visits and applies them later, if the rule supports that.
    fn planner(&self) -> Option<Box<dyn Plan<R> + Send + '_>> {
        None
    }
    /// Returns the changes to make when an epoch ends at `clock` that used `copies` copies of the
    /// weights.
    fn end_of_epoch(&self, clock: Clock, copies: usize) -> EndOfEpoch<R>;
}

/// Visits that are planned (reads only) and applied later, or never. A plan that is not applied has
/// changed nothing.
pub trait Plan<R: Real> {
    /// Plans a visit to each term of `block` on the current weights. Replaces the plan before.
    fn plan(&mut self, block: Block<'_>, state: StepState<R>, weights: &Handle<'_, R>);
    /// Applies the plan.
    fn apply(&mut self, weights: &Handle<'_, R>);
}

/// Returns the rule's planner, for strategies that need one.
///
/// # Errors
/// [`Error::Parameter`] if the rule has none.
pub fn planner<'v, R: Real>(visit: &'v dyn Visit<R>) -> Result<Box<dyn Plan<R> + Send + 'v>> {
    visit.planner().ok_or_else(|| Error::Parameter {
        name: "strategy",
        value: "one that plans visits before it applies them".into(),
        expected: "a solver that can plan visits: sgd",
        hint: "choose the solver sgd, or the strategy hogwild",
    })
}
