//! How workers share the weights. Each protocol is argued in the README beside this file.

mod consensus;
mod crew;
mod hogwild;
mod hogwildpp;
mod merging;
mod order;
mod replica;
mod ring;
mod sequential;
mod splitting;
#[cfg(test)]
mod tests;
mod tickets;
mod topology;
mod worker;

pub use consensus::Mixing;
pub use hogwild::{Hogwild, Update};
pub use hogwildpp::{HogwildPlusPlus, Layout};
pub use order::Order;
pub use sequential::Sequential;
pub(crate) use sequential::visit_alone;
pub use topology::Topology;
pub use worker::{Control, Progress};

use crate::error::Result;
use crate::params::{Real, SharedParams};
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
pub trait Strategy<R: Real> {
    /// Number of threads that visit terms.
    fn workers(&self) -> usize;

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
        params: &SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64>;
}
