//! Averaging: independent workers, and the mean of their weights after epochs (Zinkevich, Weimer,
//! Smola & Li, NIPS 2010).

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::parallel;
use crate::params::{Handle, Real, SharedParams};
use crate::row::real::Slot;
use crate::strategy::engine::{Tickets, work};
use crate::strategy::{Pass, Profile, Strategy, Visit};

/// Workers that visit their dealt terms on replicas of their own. The model is the mean of the
/// replicas after each epoch, and every `every` epochs all workers go on from it. Deterministic
/// given the seed and the number of workers.
#[derive(Debug)]
pub struct Averaging<R> {
    every: usize,
    replicas: Vec<Mutex<Vec<R>>>,
    /// Epochs since all replicas were equal, or `None` if they must take over `params`.
    apart: Option<usize>,
}

impl<R: Real> Averaging<R> {
    /// Creates the strategy for `workers` threads, at least 1, which go on from their mean after
    /// `every` epochs, at least 1.
    pub fn new(workers: usize, every: usize) -> Self {
        let replicas = (0..workers.max(1)).map(|_| Mutex::default()).collect();
        Averaging { every: every.max(1), replicas, apart: None }
    }

    /// Sets `params` to the mean of the replicas, summed in f64 in the order of the workers.
    fn average(&mut self, params: &SharedParams<R>) {
        let replicas: Vec<_> = self.replicas.iter().map(lock).collect();
        let count = replicas.len() as f64;
        let slots = params.slots();
        parallel::ranges(slots.len(), TOGETHER, &|_, range| {
            for j in range {
                let sum: f64 = replicas.iter().map(|replica| replica[j].to_f64()).sum();
                slots[j].set(R::of(sum / count));
            }
        });
    }
}

/// Number of weights that one task averages.
const TOGETHER: usize = 1 << 14;

/// Locks a mutex. After a panic the replica may be anything: the next epoch fills it again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<R: Real> Strategy<R> for Averaging<R> {
    fn profile(&self) -> Profile {
        // Blocks are dealt, so each replica has the deferred scale of its own visits.
        Profile { applies_scale: true, ..Profile::new(self.replicas.len()) }
    }

    fn restart(&mut self) {
        self.apart = None;
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::dealt(self.replicas.len(), pass.order.blocks());
        // The replicas are usable again only when all workers have ended without a panic.
        let apart = self.apart.take();
        let task = |worker: usize| {
            let mut replica = lock(&self.replicas[worker]);
            if apart.is_none() {
                replica.resize(params.len(), R::ZERO);
                params.copy_to(&mut replica);
            }
            let weights = Handle::plain(&mut replica, visit.shape().common);
            let visits = work(worker, visit, &tickets[worker], pass, |block, state| {
                visit.visit_block(block, state, &weights);
            });
            if let Some(factor) = visit.end_of_epoch(pass.clock(visits), 1).scale {
                replica[..visit.shape().own()].iter_mut().for_each(|w| *w = *w * factor);
            }
            visits
        };
        let visits = pass.pool.run_or(task, |_| tickets.iter().for_each(Tickets::stop))?;
        self.average(params);
        self.apart = Some(apart.unwrap_or(0) + 1).filter(|&apart| apart < self.every);
        Ok(visits)
    }
}
