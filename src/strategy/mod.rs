//! How workers share the weights. Each protocol is argued in the README beside this file.

mod allreduce;
mod averaging;
mod batches;
mod bounded;
mod clocks;
mod consensus;
mod crew;
mod exchange;
mod faults;
mod framed;
mod hogwild;
mod hogwildpp;
mod level;
mod locked;
mod merging;
mod order;
mod progress;
mod quorum;
mod reduction;
mod replica;
mod ring;
mod round_robin;
mod sequential;
mod splitting;
mod synchronous;
#[cfg(test)]
mod tests;
mod tickets;
mod topology;
mod touches;
mod turns;
mod worker;

pub use allreduce::AllReduce;
pub(crate) use allreduce::by_lists;
pub use averaging::Averaging;
pub(crate) use batches::Planned;
pub use bounded::{Access, BoundedStaleness, Bounds};
pub use consensus::Mixing;
pub use crew::Crew;
pub use faults::Delay;
pub(crate) use framed::Framed;
pub use hogwild::{Hogwild, Update};
pub use hogwildpp::{HogwildPlusPlus, Layout, Merging};
pub use locked::Locked;
pub(crate) use locked::Stripes;
pub use order::Order;
pub use progress::{Progress, Staleness};
pub(crate) use quorum::Quorum;
pub use round_robin::RoundRobin;
pub use sequential::Sequential;
pub(crate) use sequential::visit_alone;
pub use synchronous::Synchronous;
pub(crate) use tickets::Tickets;
pub use topology::Topology;
pub(crate) use topology::pin;
pub(crate) use turns::Turns;
pub use worker::Control;
pub(crate) use worker::work;

use crate::error::Result;
use crate::params::{Real, SharedParams};
use crate::real::Slot;
use crate::rule::{Clock, Visit};

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
}

impl Pass<'_> {
    /// The clock after `within` visits of this pass.
    pub(crate) fn clock(&self, within: u64) -> Clock {
        Clock { before: self.visits_before, within }
    }
}

/// A way for workers to share the weights.
pub trait Strategy<R: Real>: Send {
    /// The threads that visit terms.
    fn crew(&self) -> &Crew;

    /// The same, to change them before the first epoch.
    fn crew_mut(&mut self) -> &mut Crew;

    /// Number of terms whose visits are planned on the same weights, so that their steps add up: a step size that suits visits
    /// one by one may be too large for these.
    fn batch(&self) -> usize {
        1
    }

    /// Whether it multiplies the weights with [`Visit::fold`] at the end of each epoch.
    fn folds(&self) -> bool {
        false
    }

    /// Whether workers' movements of a common coordinate are summed; otherwise their mean is taken.
    fn sums_common(&self) -> bool {
        false
    }

    /// How the workers are laid out, if they form clusters.
    fn layout(&self) -> Option<Layout> {
        None
    }

    /// Says that the caller has changed `params` since the last epoch: the next one starts from them. A strategy with
    /// weights of its own may otherwise go on from these.
    fn restart(&mut self) {}

    /// Visits the terms of `pass` once, unless its control says to stop. When it returns, no worker runs and `params`
    /// holds the model. Returns the number of visits made.
    ///
    /// # Errors
    /// [`Error::Worker`](crate::Error::Worker) if a worker panicked; the others were stopped.
    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64>;
}

/// Multiplies the weights by what the rule keeps apart of them, when no worker runs.
fn fold<V: Visit>(visit: &V, params: &SharedParams<V::Real>, clock: Clock) {
    if let Some(factor) = visit.fold(clock) {
        let slots = params.slots();
        slots[..slots.len() - visit.common()].iter().for_each(|slot| slot.set(slot.get() * factor));
    }
}
