//! Bounded staleness: workers on one vector, at most a bounded number of batches apart (*stale
//! synchronous parallel*: Ho et al., NIPS 2013; Li et al., OSDI 2014).

use super::clocks::Clocks;
use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};
use crate::strategy::engine::{Batches, Tickets};
use crate::strategy::{Pass, Profile, Strategy, Visit, apply_deferred_scale, planner};

/// Blocking or non-blocking reads or writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// The worker waits until the bound allows it to go on.
    #[default]
    Blocking,
    /// The worker goes on at once.
    NonBlocking,
}

impl Access {
    /// Returns the name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Access::Blocking => "blocking",
            Access::NonBlocking => "non-blocking",
        }
    }
}

/// Bounds on the distance between workers. A worker's clock is the number of its batches so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The bound s, in batches, or `None` for no bound.
    pub staleness: Option<usize>,
    /// Blocking: a worker that reads at clock c sees all writes of clocks before c - s.
    pub reads: Access,
    /// Blocking: a worker writes at clock c after all reads of clock c - s.
    pub writes: Access,
}

impl Default for Bounds {
    /// Returns a bound of three batches, with blocking reads and writes.
    fn default() -> Self {
        Bounds::DEFAULT
    }
}

impl Bounds {
    /// The default bounds, as a constant.
    pub(crate) const DEFAULT: Bounds =
        Bounds { staleness: Some(3), reads: Access::Blocking, writes: Access::Blocking };

    /// Returns the clock that all others must have reached for a worker to go on to `clock`.
    fn required_clock(&self, access: Access, clock: usize) -> usize {
        match (self.staleness, access) {
            (Some(staleness), Access::Blocking) => clock.saturating_sub(staleness),
            _ => 0,
        }
    }
}

/// Workers that write batches to one vector by compare-and-swap, and wait for the slowest if they
/// are too far ahead. Racy by design with more than one worker.
#[derive(Debug)]
pub struct BoundedStaleness {
    workers: usize,
    batch: usize,
    bounds: Bounds,
}

impl BoundedStaleness {
    /// Creates the strategy for `workers` threads, at least 1, and batches of `batch` terms.
    pub fn new(workers: usize, batch: usize, bounds: Bounds) -> Self {
        BoundedStaleness { workers: workers.max(1), batch: batch.max(1), bounds }
    }
}

impl<R: Real> Strategy<R> for BoundedStaleness {
    fn profile(&self) -> Profile {
        let batch = self.batch * self.workers;
        Profile {
            batch,
            applies_scale: batch == 1,
            sums_common: true,
            ..Profile::new(self.workers)
        }
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let (workers, bounds) = (self.workers, self.bounds);
        planner(visit)?;
        let tickets = Tickets::new(pass.order.blocks());
        let (read, written) = (Clocks::new(workers), Clocks::new(workers));
        let end = |worker| {
            read.end(worker);
            written.end(worker);
        };
        let task = |worker: usize| {
            // Movements of a common coordinate are summed, like those of the others.
            let weights = Handle::atomic(params, visit.shape().common, 1);
            let mut planner = planner(visit).expect("the rule had a planner before");
            let mut batches = Batches::new(worker, visit, &tickets, pass, self.batch);
            let mut clock = 0;
            while let Some((block, state)) = batches.next() {
                let slowest = written.wait(bounds.required_clock(bounds.reads, clock));
                pass.control.progress.taken(worker, clock.saturating_sub(slowest));
                weights.merge();
                planner.plan(block, state, &weights);
                batches.inject_delay();
                read.set(worker, clock + 1);
                read.wait(bounds.required_clock(bounds.writes, clock + 1));
                planner.apply(&weights);
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
        let visits = pass.pool.run_or(task, abandon)?;
        apply_deferred_scale(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
