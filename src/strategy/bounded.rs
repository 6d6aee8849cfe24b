//! Workers on one vector that may be apart by a bounded number of batches (*stale synchronous parallel*: Ho et al., NIPS
//! 2013; Li et al., OSDI 2014).

use super::batches::{Batches, Planned};
use super::clocks::Clocks;
use super::crew::Crew;
use super::tickets::Tickets;
use super::{Pass, Strategy, fold};
use crate::error::Result;
use crate::params::{Atomic, Real, SharedParams, Weights};
use crate::rule::Visit;

/// Whether a worker waits for others before it reads, or before it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It waits until the bound allows it to go on.
    #[default]
    Blocking,
    /// It goes on at once.
    NonBlocking,
}

impl Access {
    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Access::Blocking => "blocking",
            Access::NonBlocking => "non-blocking",
        }
    }
}

/// How far workers may be apart. A worker's clock is the number of its batches so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The bound s, in batches; `None` if there is none.
    pub staleness: Option<usize>,
    /// Blocking: what a worker reads at clock c holds all that was written before clock c - s.
    pub reads: Access,
    /// Blocking: what a worker writes at clock c comes after all that is read at clock c - s.
    pub writes: Access,
}

impl Default for Bounds {
    /// Three batches, reads and writes blocking.
    fn default() -> Self {
        Bounds::DEFAULT
    }
}

impl Bounds {
    pub(crate) const DEFAULT: Bounds =
        Bounds { staleness: Some(3), reads: Access::Blocking, writes: Access::Blocking };

    /// The clock that all others must have reached for a worker to go on to `clock`.
    fn least(&self, access: Access, clock: usize) -> usize {
        match (self.staleness, access) {
            (Some(staleness), Access::Blocking) => clock.saturating_sub(staleness),
            _ => 0,
        }
    }
}

/// Workers that write batches into one vector, by compare-and-swap, and wait for the slowest if they are too far ahead.
/// Racy by design with more than one worker.
#[derive(Debug)]
pub struct BoundedStaleness {
    crew: Crew,
    batch: usize,
    bounds: Bounds,
}

impl BoundedStaleness {
    /// `workers` threads, at least 1, and batches of `batch` terms.
    pub fn new(workers: usize, batch: usize, bounds: Bounds) -> Self {
        BoundedStaleness { crew: Crew::new(workers, Vec::new()), batch: batch.max(1), bounds }
    }
}

impl<R: Real> Strategy<R> for BoundedStaleness {
    fn crew(&self) -> &Crew {
        &self.crew
    }

    fn crew_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }

    fn batch(&self) -> usize {
        self.batch * self.crew.workers()
    }

    fn folds(&self) -> bool {
        Strategy::<R>::batch(self) == 1
    }

    fn sums_common(&self) -> bool {
        true
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let (workers, bounds) = (self.crew.workers(), self.bounds);
        let tickets = Tickets::new(pass.order.blocks());
        let (read, written) = (Clocks::new(workers), Clocks::new(workers));
        let end = |worker| {
            read.end(worker);
            written.end(worker);
        };
        let task = |worker: usize| {
            // All movements of a common coordinate add up, as those of the others do.
            let weights = Atomic::new(params, visit.common(), 1);
            let mut batches = Batches::new(worker, visit, &tickets, pass, self.batch);
            let (mut terms, mut clock) = (Vec::new(), 0);
            while let Some(pace) = batches.next(&mut terms) {
                let slowest = written.wait(bounds.least(bounds.reads, clock));
                pass.control.progress.taken(worker, clock.saturating_sub(slowest));
                weights.merge();
                let planned = Planned::new(visit, &terms, pace, &weights);
                batches.dawdle();
                read.set(worker, clock + 1);
                read.wait(bounds.least(bounds.writes, clock + 1));
                planned.apply(visit, &weights);
                weights.merge();
                clock += 1;
                written.set(worker, clock);
            }
            end(worker);
            batches.visits()
        };
        let abandon = |worker| {
            tickets.stop();
            end(worker);
        };
        let visits = self.crew.run_or(task, abandon)?;
        fold(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
