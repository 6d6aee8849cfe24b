//! One thread on plain memory: the oracle for all other strategies.

use super::engine::{Batches, Tickets, work};
use super::{Pass, Profile, Strategy, Visit, planner};
use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};

/// Visits terms one after the other on plain memory, or in batches that are planned on the same
/// weights. Deterministic given the seed.
#[derive(Clone, Copy, Debug)]
pub struct Sequential {
    batch: usize,
}

impl Default for Sequential {
    fn default() -> Self {
        Sequential::batched(1)
    }
}

impl Sequential {
    /// Creates the strategy with batches of `batch` terms, at least 1.
    pub fn batched(batch: usize) -> Self {
        Sequential { batch: batch.max(1) }
    }
}

impl<R: Real> Strategy<R> for Sequential {
    fn profile(&self) -> Profile {
        Profile { batch: self.batch, applies_scale: self.batch == 1, ..Profile::new(1) }
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let _pin = pass.pool.pin_alone();
        params.with_plain(|weights| visit_alone(visit, weights, pass, self.batch))
    }
}

/// Makes one pass on the calling thread, in batches of `batch` terms, over weights that no other
/// thread sees.
pub(crate) fn visit_alone<R: Real>(
    visit: &dyn Visit<R>,
    weights: &mut [R],
    pass: Pass<'_>,
    batch: usize,
) -> Result<u64> {
    let tickets = Tickets::new(pass.order.blocks());
    let handle = Handle::plain(weights, visit.shape().common);
    let visits = match batch {
        1 => {
            work(0, visit, &tickets, pass, |block, state| visit.visit_block(block, state, &handle))
        }
        _ => {
            let mut planner = planner(visit)?;
            let mut batches = Batches::new(0, visit, &tickets, pass, batch);
            while let Some((block, state)) = batches.next() {
                planner.plan(block, state, &handle);
                batches.inject_delay();
                planner.apply(&handle);
            }
            batches.visits()
        }
    };
    if let Some(factor) = visit.end_of_epoch(pass.clock(visits), 1).scale {
        weights[..visit.shape().own()].iter_mut().for_each(|w| *w = *w * factor);
    }
    Ok(visits)
}
