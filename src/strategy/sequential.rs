//! One thread on plain memory: the oracle for all other strategies.

use super::tickets::Tickets;
use super::topology::pin;
use super::worker::work;
use super::{Pass, Strategy, Topology};
use crate::error::Result;
use crate::params::{Plain, Real, SharedParams};
use crate::rule::Visit;

/// Visits terms one after the other, on a private copy of the weights without atomics. Deterministic given the seed.
#[derive(Clone, Debug, Default)]
pub struct Sequential<R> {
    weights: Vec<R>,
    place: Option<usize>,
}

impl<R> Sequential<R> {
    /// The same, with the calling thread kept on one processor of `topology` during an epoch.
    pub fn pinned(topology: &Topology) -> Self {
        Sequential { weights: Vec::new(), place: topology.places(&[1]).first().copied() }
    }
}

impl<R: Real> Strategy<R> for Sequential<R> {
    fn workers(&self) -> usize {
        1
    }

    fn folds(&self) -> bool {
        true
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let _pin = self.place.map(pin);
        self.weights.resize(params.len(), R::ZERO);
        params.copy_to(&mut self.weights);
        let visits = visit_alone(visit, &mut self.weights, pass);
        params.copy_from(&self.weights);
        Ok(visits)
    }
}

/// One pass on the calling thread over weights that nobody else sees.
pub(crate) fn visit_alone<V: Visit>(visit: &V, weights: &mut [V::Real], pass: Pass<'_>) -> u64 {
    let visits = work(
        0,
        visit,
        &Plain::new(weights, visit.common()),
        &Tickets::new(pass.order.blocks()),
        pass,
        |_| (),
    );
    if let Some(factor) = visit.fold(pass.clock(visits)) {
        let scaled = weights.len() - visit.common();
        weights[..scaled].iter_mut().for_each(|w| *w = *w * factor);
    }
    visits
}
