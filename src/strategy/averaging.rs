//! Workers that know nothing of each other, and the mean of their weights (Zinkevich, Weimer, Smola & Li, NIPS 2010).

use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::crew::Crew;
use super::tickets::Tickets;
use super::worker::work;
use super::{Pass, Strategy};
use crate::error::Result;
use crate::params::{Plain, Real, SharedParams};
use crate::real::Slot;
use crate::rule::Visit;

/// Each worker visits its share of the terms on weights of its own; these are averaged after each epoch, and each `every`
/// epochs all go on from the mean. Deterministic given the seed and the number of workers.
#[derive(Debug)]
pub struct Averaging<R> {
    crew: Crew,
    every: usize,
    replicas: Vec<Mutex<Vec<R>>>,
    /// Epochs since all replicas were the same; `None` if they must take over `params`.
    apart: Option<usize>,
}

impl<R: Real> Averaging<R> {
    /// `workers` threads, at least 1, which go on from their mean after `every` epochs, at least 1.
    pub fn new(workers: usize, every: usize) -> Self {
        let crew = Crew::new(workers, Vec::new());
        let replicas = (0..crew.workers()).map(|_| Mutex::default()).collect();
        Averaging { crew, every: every.max(1), replicas, apart: None }
    }

    /// Sets `params` to the mean of the replicas, summed in f64 in the order of the workers.
    fn average(&mut self, params: &SharedParams<R>) {
        let replicas: Vec<_> = self.replicas.iter().map(lock).collect();
        let count = replicas.len() as f64;
        params.slots().par_chunks(TOGETHER).enumerate().for_each(|(part, slots)| {
            for (j, slot) in (part * TOGETHER..).zip(slots) {
                let sum: f64 = replicas.iter().map(|replica| replica[j].to_f64()).sum();
                slot.set(R::of(sum / count));
            }
        });
    }
}

/// Weights that are averaged by one task.
const TOGETHER: usize = 1 << 14;

/// A lock that a panic has poisoned holds what is made anew before the next epoch.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<R: Real> Strategy<R> for Averaging<R> {
    fn crew(&self) -> &Crew {
        &self.crew
    }

    fn crew_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }

    /// Each replica has the scale of its own visits, as they are dealt.
    fn folds(&self) -> bool {
        true
    }

    fn restart(&mut self) {
        self.apart = None;
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::dealt(self.crew.workers(), pass.order.blocks());
        // Until the workers have ended well, their weights are nothing to go on with.
        let apart = self.apart.take();
        let task = |worker: usize| {
            let mut replica = lock(&self.replicas[worker]);
            if apart.is_none() {
                replica.resize(params.len(), R::ZERO);
                params.copy_to(&mut replica);
            }
            let weights = Plain::new(&mut replica, visit.common());
            let visits = work(worker, visit, &weights, &tickets[worker], pass, |_| ());
            if let Some(factor) = visit.fold(pass.clock(visits)) {
                let scaled = params.len() - visit.common();
                replica[..scaled].iter_mut().for_each(|w| *w = *w * factor);
            }
            visits
        };
        let visits = self.crew.run_or(task, |_| tickets.iter().for_each(Tickets::stop))?;
        self.average(params);
        self.apart = Some(apart.unwrap_or(0) + 1).filter(|&apart| apart < self.every);
        Ok(visits)
    }
}
