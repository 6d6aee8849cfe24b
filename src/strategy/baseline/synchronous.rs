//! Synchronous rounds: workers plan batches on one version of the weights, and the first of these
//! make the next version (*Revisiting Distributed Synchronous SGD*, Chen, Pan, Monga, Bengio &
//! Jozefowicz, 2016).

use super::Quorum;
use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};
use crate::strategy::engine::{Batches, CLOSED, Tickets};
use crate::strategy::{Pass, Plan, Profile, Strategy, Visit, apply_deferred_scale, planner};

/// N + b workers. A round takes the first N batches and drops the other b. Deterministic given the
/// seed and the number of workers if b is 0.
#[derive(Debug)]
pub struct Synchronous {
    workers: usize,
    batch: usize,
    backups: usize,
}

impl Synchronous {
    /// Creates the strategy for `workers` threads, at least 1, of which `backups` may be late (not
    /// all), and batches of `batch` terms.
    pub fn new(workers: usize, batch: usize, backups: usize) -> Self {
        let workers = workers.max(1);
        Synchronous { workers, batch: batch.max(1), backups: backups.min(workers - 1) }
    }

    fn needed(&self) -> usize {
        self.workers - self.backups
    }

    /// Returns dealt tickets, so that a worker's batches do not depend on the others' speed. With
    /// backups, returns common ones, so that fast workers make more batches.
    fn tickets(&self, blocks: usize) -> Vec<Tickets> {
        match self.backups {
            0 => Tickets::dealt(self.workers, blocks),
            _ => vec![Tickets::new(blocks)],
        }
    }
}

impl<R: Real> Strategy<R> for Synchronous {
    fn profile(&self) -> Profile {
        let batch = self.batch * self.needed();
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
        let tickets = self.tickets(pass.order.blocks());
        planner(visit)?;
        let quorum = Quorum::new(self.needed(), self.workers);
        let task = |worker: usize| {
            // One worker writes at a time, so its copy of a common coordinate is the value.
            let weights = Handle::wild(params, visit.shape().common, 1);
            let apply = |parts: Vec<(usize, Box<dyn Plan<R> + Send + '_>)>| {
                weights.merge();
                parts.into_iter().for_each(|(_, mut planned)| planned.apply(&weights));
                weights.merge();
            };
            let mut batches =
                Batches::new(worker, visit, &tickets[worker % tickets.len()], pass, self.batch);
            while let Some((block, state)) = batches.next() {
                let version = quorum.version();
                if version == CLOSED {
                    break;
                }
                weights.merge();
                let mut planned = planner(visit).expect("the rule had a planner before");
                planned.plan(block, state, &weights);
                batches.inject_delay();
                match quorum.hand_in(worker, version, planned, apply) {
                    Ok(()) => {
                        pass.control.progress.taken(worker, 0);
                        quorum.wait(version);
                    }
                    Err(_) => pass.control.progress.was_dropped(worker),
                }
            }
            quorum.leave(apply);
            batches.visits()
        };
        let abandon = |_| {
            tickets.iter().for_each(Tickets::stop);
            quorum.abandon();
        };
        let visits = pass.pool.run_or(task, abandon)?;
        apply_deferred_scale(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
