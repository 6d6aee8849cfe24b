//! How one visit to one term changes coordinates.

mod block;
mod dual;
mod penalty;
mod saga;
mod scaled;
mod schedule;
mod sgd;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use block::{Ahead, Block, Visits};
pub use dual::{Dual, End, Judged, Place, Snapshot, Turn, Turned};
pub use penalty::Penalty;
pub use saga::Saga;
pub use schedule::{Schedule, StepSize};
pub use sgd::Sgd;

use crate::params::{Real, Weights};

/// How far a fit has come, in visits made by all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock {
    /// Visits made in earlier epochs.
    pub before: u64,
    /// Visits made in this epoch, that is, since the vector was folded last ([`Visit::fold`]).
    pub within: u64,
}

/// A problem under a rule: what a strategy needs to know of both.
///
/// A visit is planned (reads only) and then applied, so that a strategy can drop a plan, or average several: a plan
/// that was not applied has changed nothing.
pub trait Visit: Sync {
    /// Type of a weight.
    type Real: Real;
    /// What a worker needs to know of step sizes for one block of terms.
    type Pace: Copy + Send;
    /// A planned visit.
    type Step: Send;

    /// Number of terms.
    fn terms(&self) -> usize;
    /// Number of coordinates.
    fn width(&self) -> usize;
    /// How many coordinates at the end are touched by every term; see [`Problem::common`](crate::problem::Problem).
    fn common(&self) -> usize;
    /// The coordinates that a term touches, without the common ones, in ascending order.
    fn support(&self, term: usize) -> impl Iterator<Item = usize>;
    /// The pace for a block that starts at `clock`.
    fn pace(&self, clock: Clock) -> Self::Pace;
    /// Moves the pace on after a visit.
    fn advance(&self, _pace: &mut Self::Pace) {}
    /// What all weights but the common ones must be multiplied with at `clock`, the end of an epoch, if the rule keeps a
    /// factor of theirs apart. A strategy that says so ([`Strategy::folds`](crate::strategy::Strategy::folds)) does it
    /// at the end of each epoch, when no worker runs.
    fn fold(&self, _clock: Clock) -> Option<Self::Real> {
        None
    }
    /// How much of what each of several `copies` of the weights has moved a weight by since the copies last met is shown in the
    /// vector when an epoch ends: all of it (1), which keeps the weights the sum of all visits, or less, which keeps noise
    /// out of them. What is not shown counts in the next epoch.
    fn shown(&self, _copies: usize) -> Self::Real {
        Self::Real::ONE
    }
    /// Plans a visit; reads only. `None` if the visit would change nothing.
    fn plan<W: Weights<Real = Self::Real>>(&self, term: usize, pace: Self::Pace, w: &W)
    -> Option<Self::Step>;
    /// Carries `share` (1: all) of a planned visit out.
    fn apply<W: Weights<Real = Self::Real>>(
        &self,
        term: usize,
        step: Self::Step,
        pace: Self::Pace,
        share: Self::Real,
        w: &W,
    );
    /// Plans a visit and carries all of it out.
    #[inline(always)]
    fn visit<W: Weights<Real = Self::Real>>(&self, term: usize, pace: Self::Pace, w: &W) {
        if let Some(step) = self.plan(term, pace, w) {
            self.apply(term, step, pace, Self::Real::ONE, w);
        }
    }
    /// Visits the terms of a block in turn, the first one at `pace`.
    ///
    /// A function of its own, which compilers do not merge with its caller: what it borrows does not change within it, so
    /// `self` is read once. What `self` only refers to might be what visits write to, and would be read anew for each: a rule
    /// does better to pass its problem on as an argument.
    #[inline(never)]
    fn visit_block<W: Weights<Real = Self::Real>>(&self, block: Block<'_>, mut pace: Self::Pace, w: &W) {
        for (term, ahead) in block.visits() {
            if let Some(later) = ahead.place {
                self.prefetch_place(later);
            }
            if let Some(later) = ahead.memory {
                self.prefetch(later);
            }
            self.visit(term, pace, w);
            self.advance(&mut pace);
        }
    }
    /// Asks for what [`Visit::prefetch`] will have to know of a term: where its memory is.
    fn prefetch_place(&self, _term: usize) {}
    /// Asks for the memory of a term that will be visited soon.
    fn prefetch(&self, term: usize);
    /// The objective over some of the terms: their mean loss, plus the regularizer.
    fn objective(&self, terms: Range<usize>, w: &[Self::Real]) -> f64;
}
