//! One thread on plain memory: the oracle for all other strategies.

use super::batches::{Batches, Planned};
use super::crew::Crew;
use super::tickets::Tickets;
use super::worker::work;
use super::{Pass, Strategy};
use crate::error::Result;
use crate::params::{Plain, Real, SharedParams};
use crate::rule::Visit;

/// Visits terms one after the other, on weights without atomics, or batches of them, whose visits are planned on the same
/// weights. Deterministic given the seed.
#[derive(Debug)]
pub struct Sequential {
    batch: usize,
    crew: Crew,
}

impl Default for Sequential {
    fn default() -> Self {
        Sequential::batched(1)
    }
}

impl Sequential {
    /// Batches of `batch` terms, at least 1.
    pub fn batched(batch: usize) -> Self {
        Sequential { batch: batch.max(1), crew: Crew::new(1, Vec::new()) }
    }
}

impl<R: Real> Strategy<R> for Sequential {
    fn crew(&self) -> &Crew {
        &self.crew
    }

    fn crew_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn folds(&self) -> bool {
        self.batch == 1
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let _pin = self.crew.pin_alone();
        Ok(params.with_plain(|weights| visit_alone(visit, weights, pass, self.batch)))
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
