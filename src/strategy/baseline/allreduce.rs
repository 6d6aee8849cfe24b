//! All-reduce: equal replicas, one per worker. Each worker plans a batch on its replica, and the
//! movements are summed over a ring of workers (synchronous and decentralized; Horovod, Sergeev &
//! Del Balso, 2018).

use std::sync::Mutex;

use super::allreduce_buffers::{Buffers, Replica, lock};
use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};
use crate::strategy::engine::{Batches, Tickets};
use crate::strategy::{Pass, Profile, Strategy, Visit, apply_deferred_scale, planner};

/// Workers that take each step together, on replicas that are equal before and after it.
/// Deterministic given the seed and the number of workers.
#[derive(Debug)]
pub struct AllReduce<R> {
    batch: usize,
    replicas: Vec<Mutex<Replica<R>>>,
}

impl<R: Real> AllReduce<R> {
    /// Creates the strategy for `workers` threads, at least 1, and batches of `batch` terms.
    pub fn new(workers: usize, batch: usize) -> Self {
        let replicas = (0..workers.max(1)).map(|_| Mutex::default()).collect();
        AllReduce { batch: batch.max(1), replicas }
    }

    /// Returns the number of batches of the worker that gets most. Blocks are dealt in turn, so
    /// that is the first one.
    fn rounds(&self, pass: Pass<'_>) -> usize {
        let (order, workers) = (pass.order, self.replicas.len());
        let Some(last) = order.blocks().checked_sub(1) else { return 0 };
        let short = order.blocks() * order.block_len() - order.terms();
        let terms =
            (last / workers + 1) * order.block_len() - if last % workers == 0 { short } else { 0 };
        terms.div_ceil(self.batch)
    }

    /// Returns true if lists of movements take less time than the whole vector.
    fn is_sparse(&self, visit: &dyn Visit<R>) -> bool {
        let sample: Vec<usize> = (0..visit.shape().terms.min(1_000)).collect();
        let mut touched = Vec::new();
        visit.support(&sample, &mut touched);
        let of_batch = (touched.len() * self.batch).div_ceil(sample.len().max(1));
        by_lists(of_batch, visit.shape().width, self.replicas.len())
    }
}

/// Returns true if lists of the coordinates that a round's batches touch, `touched` entries each,
/// take less time than the whole vector in chunks. Each worker waits twice for each chunk.
pub(crate) fn by_lists(touched: usize, width: usize, workers: usize) -> bool {
    touched.min(width).saturating_mul(workers) < width + 2 * workers * HOP
}

/// Number of coordinates that are summed in the time of a wait.
const HOP: usize = 512;

impl<R: Real> Strategy<R> for AllReduce<R> {
    fn profile(&self) -> Profile {
        let workers = self.replicas.len();
        let batch = self.batch * workers;
        Profile { batch, applies_scale: batch == 1, sums_common: true, ..Profile::new(workers) }
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let (workers, shape) = (self.replicas.len(), visit.shape());
        planner(visit)?;
        let tickets = Tickets::dealt(workers, pass.order.blocks());
        let buffers = Buffers::new(workers, shape.width, self.is_sparse(visit));
        let rounds = self.rounds(pass);
        let task = |worker: usize| {
            let mut replica = lock(&self.replicas[worker]);
            replica.fill(params);
            let mut batches = Batches::new(worker, visit, &tickets[worker], pass, self.batch);
            let mut planner = planner(visit).expect("the rule had a planner before");
            let mut touched = Vec::new();
            let together = (0..rounds).all(|round| {
                touched.clear();
                match batches.next() {
                    Some((block, state)) => {
                        visit.support(block.terms(), &mut touched);
                        let weights = Handle::plain(&mut replica.now, shape.common);
                        planner.plan(block, state, &weights);
                        batches.inject_delay();
                        planner.apply(&weights);
                        pass.control.progress.taken(worker, 0);
                    }
                    None if pass.control.must_stop() => return false,
                    // The others go on: this worker's movement is zero.
                    None => (),
                }
                touched.extend(shape.own()..shape.width);
                buffers.sum(worker, round, &mut replica, touched.iter().copied())
            });
            if !together {
                buffers.leave(worker);
            }
            batches.next();
            batches.visits()
        };
        let abandon = |worker| {
            tickets.iter().for_each(Tickets::stop);
            buffers.leave(worker);
        };
        let visits = pass.pool.run_or(task, abandon)?;
        params.copy_from(&lock(&self.replicas[0]).agreed);
        apply_deferred_scale(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
