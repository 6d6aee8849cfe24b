//! One thread on plain memory: the oracle for all other strategies.

use super::batches::{Batches, Planned};
use super::tickets::Tickets;
use super::topology::pin;
use super::worker::work;
use super::{Pass, Strategy, Topology};
use crate::error::Result;
use crate::params::{Plain, Real, SharedParams};
use crate::rule::Visit;

/// Visits terms one after the other, on a private copy of the weights without atomics, or batches of them, whose visits
/// are planned on the same weights. Deterministic given the seed.
#[derive(Clone, Debug)]
pub struct Sequential<R> {
    weights: Vec<R>,
    batch: usize,
    /// Whether the copy holds what the shared vector does.
    fresh: bool,
    /// The processor that an epoch keeps the thread on.
    place: Option<usize>,
}

impl<R: Real> Default for Sequential<R> {
    fn default() -> Self {
        Sequential::batched(1)
    }
}

impl<R: Real> Sequential<R> {
    /// Batches of `batch` terms, at least 1.
    pub fn batched(batch: usize) -> Self {
        Sequential { weights: Vec::new(), batch: batch.max(1), fresh: false, place: None }
    }
}

impl<R: Real> Strategy<R> for Sequential<R> {
    fn workers(&self) -> usize {
        1
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn folds(&self) -> bool {
        self.batch == 1
    }

    fn keep(&mut self, topology: &Topology) {
        self.place = topology.places(&[1]).first().copied();
    }

    fn restart(&mut self) {
        self.fresh = false;
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let _pin = self.place.map(pin);
        // Should a visit panic, the copy is nothing to go on with.
        if !std::mem::replace(&mut self.fresh, false) {
            self.weights.resize(params.len(), R::ZERO);
            params.copy_to(&mut self.weights);
        }
        let visits = visit_alone(visit, &mut self.weights, pass, self.batch);
        params.copy_from(&self.weights);
        self.fresh = true;
        Ok(visits)
    }
}

/// One pass on the calling thread, in batches of `batch` terms, over weights that nobody else sees.
pub(crate) fn visit_alone<V: Visit>(visit: &V, weights: &mut [V::Real], pass: Pass<'_>, batch: usize) -> u64 {
    let tickets = Tickets::new(pass.order.blocks());
    let plain = Plain::new(weights, visit.common());
    let visits = match batch {
        1 => work(0, visit, &plain, &tickets, pass, |_| ()),
        _ => {
            let mut batches = Batches::new(0, visit, &tickets, pass, batch);
            let mut terms = Vec::new();
            while let Some(pace) = batches.next(&mut terms) {
                let planned = Planned::new(visit, &terms, pace, &plain);
                batches.dawdle();
                planned.apply(visit, &plain);
            }
            batches.visits()
        }
    };
    if let Some(factor) = visit.fold(pass.clock(visits)) {
        let scaled = weights.len() - visit.common();
        weights[..scaled].iter_mut().for_each(|w| *w = *w * factor);
    }
    visits
}
