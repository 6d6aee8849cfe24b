//! Strategies: protocols by which workers share the weights. The README of each folder argues its
//! protocols.

mod baseline;
pub(crate) mod engine;
pub(crate) mod hogwild;
pub(crate) mod hogwildpp;
mod kind;
pub(crate) mod sequential;
#[cfg(test)]
mod tests;
mod visit;

pub use baseline::*;
pub use engine::{Block, Delay, Order, Progress, Tickets, WorkerPool};
pub(crate) use engine::{Control, Topology, pin, work};
pub(crate) use hogwild::Hogwild;
pub use hogwild::Update;
pub use hogwildpp::{ClusterConfig, Clusters, Layout};
pub(crate) use hogwildpp::{HogwildPlusPlus, Merging};
pub(crate) use kind::BATCH;
pub use kind::{OwnStrategy, StrategyKind};
pub(crate) use sequential::{Sequential, visit_alone};
pub use visit::{Clock, EndOfEpoch, Plan, Shape, StepState, Visit, planner};

use crate::error::Result;
use crate::params::{Real, SharedParams};
use crate::row::real::Slot;

/// One pass over the terms of a problem.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// The blocks of terms, in this epoch's order.
    pub order: &'a Order,
    /// Number of the epoch, from 0.
    pub epoch: u64,
    /// Visits made in earlier epochs.
    pub visits_before: u64,
    /// Seed of the fit.
    pub seed: u64,
    /// Interrupts and deadline, progress counters, and delays to inject.
    pub control: &'a Control,
    /// The threads that the strategy runs its workers on.
    pub pool: &'a WorkerPool,
}

impl Pass<'_> {
    /// Draws a worker's blocks from `tickets` and calls `visit_block` on each. Returns the number
    /// of visits.
    pub fn visit_blocks<R: Real>(
        self,
        worker: usize,
        visit: &dyn Visit<R>,
        tickets: &Tickets,
        visit_block: impl FnMut(Block<'_>, &mut StepState<R>),
    ) -> u64 {
        work(worker, visit, tickets, self, visit_block)
    }

    /// Returns the clock after `within` visits of this pass.
    pub fn clock(&self, within: u64) -> Clock {
        Clock { before: self.visits_before, within }
    }
}

/// A strategy's properties that a solver needs before the first epoch.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Number of workers, at least 1.
    pub workers: usize,
    /// A processor for each worker, or none if the strategy does not pin workers.
    pub places: Vec<usize>,
    /// Number of terms whose visits are planned on the same weights. Their steps add up, so a step
    /// size that suits single visits may be too large for them.
    pub batch: usize,
    /// Set if the strategy multiplies the weights by [`EndOfEpoch::scale`] at the end of each
    /// epoch.
    pub applies_scale: bool,
    /// Set if workers' movements of a common coordinate are summed. Otherwise their mean is taken.
    pub sums_common: bool,
    /// Layout of the clusters, if workers form any.
    pub layout: Option<Layout>,
}

impl Profile {
    /// Returns the profile of `workers` workers that apply visits one by one and no deferred scale.
    pub fn new(workers: usize) -> Self {
        let workers = workers.max(1);
        Profile {
            workers,
            places: Vec::new(),
            batch: 1,
            applies_scale: false,
            sums_common: false,
            layout: None,
        }
    }
}

/// A protocol by which workers share the weights during an epoch.
pub trait Strategy<R: Real>: Send {
    /// Returns the properties that a solver needs before the first epoch.
    fn profile(&self) -> Profile;

    /// Makes the next epoch start from `params`, which the caller has changed since the last one. A
    /// strategy with weights of its own may otherwise go on from these.
    fn restart(&mut self) {}

    /// Visits each term of `pass` once, unless its control stops it early. When this returns, no
    /// worker runs and `params` holds the model. Returns the number of visits made.
    ///
    /// # Errors
    /// [`Error::Worker`](crate::Error::Worker) if a worker panicked; the others were stopped.
    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64>;
}

/// Multiplies the weights by the scale that the rule keeps apart from them. No worker may run.
pub fn apply_deferred_scale<R: Real>(visit: &dyn Visit<R>, params: &SharedParams<R>, clock: Clock) {
    if let Some(factor) = visit.end_of_epoch(clock, 1).scale {
        params.slots()[..visit.shape().own()].iter().for_each(|slot| slot.set(slot.get() * factor));
    }
}
