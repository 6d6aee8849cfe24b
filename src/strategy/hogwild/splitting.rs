//! Copies of the weights that many terms touch, for each worker; one shared vector for the others.

use super::merging::apart;
use super::visit_and_merge;
use crate::error::{Error, Result};
use crate::params::{Copies, Handle, Hot, Real, SharedParams};
use crate::strategy::engine::{FrequencySample, Tickets};
use crate::strategy::{Pass, Visit};

/// The workers' copies, and when they are merged.
#[derive(Default)]
pub(super) struct CopiesOfHot<R: Real> {
    copies: Vec<Copies<R>>,
    hot: Hot,
}

impl<R: Real> CopiesOfHot<R> {
    /// One epoch, as [`Strategy::epoch`](crate::strategy::Strategy::epoch), but for the factor of
    /// the weights at its end.
    pub(super) fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &SharedParams<R>,
        pass: Pass<'_>,
        tickets: &Tickets,
    ) -> Result<u64> {
        let workers = pass.pool.workers();
        if params.len() > u32::MAX as usize {
            return Err(Error::Parameter {
                name: "update",
                value: format!("split with {} weights", params.len()),
                expected: "at most 4294967295 of them",
                hint: "choose another way to update",
            });
        }
        if self.copies.len() != workers {
            self.hot = hot(visit, pass.order.block_len(), pass.order.blocks() / workers, workers);
            self.copies = (0..workers).map(|_| Copies::new(params.len())).collect::<Result<_>>()?;
        }
        pass.pool.run(tickets, |worker| {
            let weights =
                Handle::split(params, &self.copies[worker], &self.hot, visit.shape().common);
            let visits = visit_and_merge(worker, visit, &weights, tickets, pass);
            weights.merge_all();
            visits
        })
    }
}

/// How often a worker may touch a hot weight before its copies meet. More often takes longer than
/// it helps: they meet by compare-and-swap.
const TOUCHES: f64 = 64.0;
/// Share of the terms that touches are counted on, and the least number of terms: some eighty of
/// these touch a weight that is just hot.
const SAMPLED: usize = 8;
const LEAST_SAMPLE: usize = 8_192;
/// Of a weight that one in so many terms touches, two workers lose few updates to each other: their
/// visits overlap in a part of the time.
const RARE: f64 = 100.0;

/// The weights that are touched so often that workers would lose updates to each other, and when
/// their copies meet.
fn hot<R: Real>(visit: &dyn Visit<R>, block: usize, blocks: usize, workers: usize) -> Hot {
    let touches = FrequencySample::count(visit, (visit.shape().terms / SAMPLED).max(LEAST_SAMPLE));
    let sample = touches.sample;
    let mut bits = vec![0; visit.shape().width.div_ceil(64)];
    let mut groups = vec![Vec::new(); blocks.max(1).ilog2() as usize + 1];
    let last = groups.len() - 1;
    let least = (sample as f64 / RARE) as u32 + 1;
    for (j, count) in touches.at_least(least) {
        bits[j / 64] |= 1 << (j % 64);
        groups[apart(TOUCHES, count, sample, block, workers).min(last)].push(j as u32);
    }
    Hot { bits, groups }
}
