//! A replica for each worker, all of them equal: each plans a batch, and the movements are summed over a ring of workers
//! (the synchronous decentralized way; Horovod, Sergeev & Del Balso, 2018).

use std::sync::Mutex;

use super::batches::{Batches, Planned};
use super::crew::Crew;
use super::exchange::{Exchange, Replica, lock};
use super::tickets::Tickets;
use super::{Pass, Strategy, fold};
use crate::error::Result;
use crate::params::{Plain, Real, SharedParams};
use crate::rule::Visit;

/// Workers that take each step together, on replicas that are equal before and after it. Deterministic given the seed and
/// the number of workers.
#[derive(Debug)]
pub struct AllReduce<R> {
    crew: Crew,
    batch: usize,
    replicas: Vec<Mutex<Replica<R>>>,
}

impl<R: Real> AllReduce<R> {
    /// `workers` threads, at least 1, and batches of `batch` terms.
    pub fn new(workers: usize, batch: usize) -> Self {
        let crew = Crew::new(workers, Vec::new());
        let replicas = (0..crew.workers()).map(|_| Mutex::default()).collect();
        AllReduce { crew, batch: batch.max(1), replicas }
    }

    /// Batches of the worker that gets most: with the blocks dealt in turn, it is the first.
    fn rounds(&self, pass: Pass<'_>) -> usize {
        let (order, workers) = (pass.order, self.crew.workers());
        let Some(last) = order.blocks().checked_sub(1) else { return 0 };
        let short = order.blocks() * order.block_len() - order.terms();
        let terms = (last / workers + 1) * order.block_len() - if last % workers == 0 { short } else { 0 };
        terms.div_ceil(self.batch)
    }

    fn is_sparse<V: Visit>(&self, visit: &V) -> bool {
        let sample = visit.terms().min(1_000);
        let entries: usize = (0..sample).map(|term| visit.support(term).count()).sum();
        by_lists((entries * self.batch).div_ceil(sample.max(1)), visit.width(), self.crew.workers())
    }
}

/// Whether lists of what the batches of a round touch, `touched` entries each, take less time than the whole vector in
/// chunks, each of which is waited for twice by each worker.
pub(crate) fn by_lists(touched: usize, width: usize, workers: usize) -> bool {
    touched.min(width).saturating_mul(workers) < width + 2 * workers * HOP
}

/// Coordinates that are summed in the time of a wait.
const HOP: usize = 512;

impl<R: Real> Strategy<R> for AllReduce<R> {
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
        self.batch() == 1
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
        let workers = self.crew.workers();
        let tickets = Tickets::dealt(workers, pass.order.blocks());
        let exchange = Exchange::new(workers, visit.width(), self.is_sparse(visit));
        let rounds = self.rounds(pass);
        let task = |worker: usize| {
            let mut replica = lock(&self.replicas[worker]);
            replica.fill(params);
            let mut batches = Batches::new(worker, visit, &tickets[worker], pass, self.batch);
            let mut terms = Vec::new();
            let together = (0..rounds).all(|round| {
                match batches.next(&mut terms) {
                    Some(pace) => {
                        let weights = Plain::new(&mut replica.now, visit.common());
                        let planned = Planned::new(visit, &terms, pace, &weights);
                        batches.dawdle();
                        planned.apply(visit, &weights);
                        pass.control.progress.taken(worker, 0);
                    }
                    None if pass.control.must_stop() => return false,
                    // The others go on: this worker's movement is zero.
                    None => terms.clear(),
                }
                let common = visit.width() - visit.common()..visit.width();
                let touched = terms.iter().flat_map(|&term| visit.support(term)).chain(common);
                exchange.sum(worker, round, &mut replica, touched)
            });
            if !together {
                exchange.leave(worker);
            }
            batches.next(&mut terms);
            batches.visits()
        };
        let abandon = |worker| {
            tickets.iter().for_each(Tickets::stop);
            exchange.leave(worker);
        };
        let visits = self.crew.run_or(task, abandon)?;
        params.copy_from(&lock(&self.replicas[0]).told);
        fold(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
