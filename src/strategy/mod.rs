//! How workers share the weights. Each protocol is argued in the README of its folder.

mod baseline;
mod engine;
mod hogwild;
mod hogwildpp;
mod kind;
mod sequential;
#[cfg(test)]
mod tests;
mod visit;

pub use baseline::{
    Access, AllReduce, Averaging, BoundedStaleness, Bounds, Locked, RoundRobin, Synchronous,
};
pub(crate) use baseline::{Gate, Locker, Quorum, Stripes, by_lists};
pub use engine::{
    Block, Control, Delay, Order, Progress, Staleness, Tickets, Topology, WorkerPool,
};
pub(crate) use engine::{pin, work};
pub use hogwild::{Hogwild, Update};
pub use hogwildpp::{ClusterConfig, Clusters, HogwildPlusPlus, Layout, Merging, Mixing};
pub(crate) use kind::BATCH;
pub use kind::{OwnKind, OwnStrategy, StrategyKind};
pub use sequential::Sequential;
pub(crate) use sequential::visit_alone;
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
    /// When to stop early, and where progress is counted.
    pub control: &'a Control,
    /// The threads that the strategy runs its workers on.
    pub pool: &'a WorkerPool,
}

impl Pass<'_> {
    /// Draws the blocks that `tickets` give a worker, one after the other, and has `visit_block`
    /// visit each; returns the number of visits.
    pub fn visit_blocks<R: Real>(
        self,
        worker: usize,
        visit: &dyn Visit<R>,
        tickets: &Tickets,
        visit_block: impl FnMut(Block<'_>, &mut StepState<R>),
    ) -> u64 {
        work(worker, visit, tickets, self, visit_block)
    }

    /// The clock after `within` visits of this pass.
    pub fn clock(&self, within: u64) -> Clock {
        Clock { before: self.visits_before, within }
    }
}

/// What a solver must know of a strategy before the first epoch.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Number of workers, at least 1.
    pub workers: usize,
    /// A processor for each worker, if the strategy keeps them in places of its own choice.
    pub places: Vec<usize>,
    /// Number of terms whose visits are planned on the same weights, so that their steps add up: a
    /// step size that suits visits one by one may be too large for these.
    pub batch: usize,
    /// Whether it multiplies the weights with [`EndOfEpoch::scale`] at the end of each epoch.
    pub applies_scale: bool,
    /// Whether workers' movements of a common coordinate are summed; otherwise their mean is taken.
    pub sums_common: bool,
    /// How the workers are laid out, if they form clusters.
    pub layout: Option<Layout>,
}

impl Profile {
    /// `workers` workers whose visits are carried out one by one, and which leave the scale of the
    /// weights to the rule.
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

/// A way for workers to share the weights.
pub trait Strategy<R: Real>: Send {
    /// What a solver must know of it.
    fn profile(&self) -> Profile;

    /// Says that the caller has changed `params` since the last epoch: the next one starts from
    /// them. A strategy with weights of its own may otherwise go on from these.
    fn restart(&mut self) {}

    /// Visits the terms of `pass` once, unless its control says to stop. When it returns, no worker
    /// runs and `params` holds the model. Returns the number of visits made.
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

/// Multiplies the weights by the scale that the rule keeps apart of them, when no worker runs.
pub fn apply_deferred_scale<R: Real>(visit: &dyn Visit<R>, params: &SharedParams<R>, clock: Clock) {
    if let Some(factor) = visit.end_of_epoch(clock, 1).scale {
        params.slots()[..visit.shape().own()].iter().for_each(|slot| slot.set(slot.get() * factor));
    }
}
