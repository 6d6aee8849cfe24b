//! A copy of the hot weights, those that many terms touch, for each worker; one shared vector for
//! the others.

use super::merging::log_interval;
use super::worker::visit_and_merge;
use crate::error::{Error, Result};
use crate::params::{Copies, Handle, Hot, Real, SharedParams};
use crate::strategy::engine::{FrequencySample, Tickets};
use crate::strategy::{Pass, Visit};

/// The workers' copies, and their merge schedule.
#[derive(Default)]
pub(super) struct CopiesOfHot<R: Real> {
    copies: Vec<Copies<R>>,
    hot: Hot,
}

impl<R: Real> CopiesOfHot<R> {
    /// Runs one epoch, as [`Strategy::epoch`](crate::strategy::Strategy::epoch), but applies no
    /// deferred scale at its end.
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
                hint: "choose another kind of update",
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

/// Touches of a hot weight by a worker between two merges. With fewer, the merges by
/// compare-and-swap take longer than they help.
/// Record: D193.
const TOUCHES: f64 = 64.0;
/// The frequency sample is one in this many terms.
const SAMPLED: usize = 8;
/// Least number of terms in the sample: about eighty of these touch a weight that is just hot.
const LEAST_SAMPLE: usize = 8_192;
/// A weight is hot if more than one in this many terms touches it. On rarer ones two workers lose
/// few updates to each other, since their visits overlap only part of the time.
/// Record: D080, D193.
const RARE: f64 = 100.0;

/// Returns the weights that terms touch so often that workers would lose updates to each other, and
/// the merge schedule of their copies. In an epoch each of `workers` workers visits about `blocks`
/// blocks of `block` terms.
fn hot<R: Real>(visit: &dyn Visit<R>, block: usize, blocks: usize, workers: usize) -> Hot {
    let frequencies =
        FrequencySample::count(visit, (visit.shape().terms / SAMPLED).max(LEAST_SAMPLE));
    let sample = frequencies.sample;
    let mut bits = vec![0; visit.shape().width.div_ceil(64)];
    let mut groups = vec![Vec::new(); blocks.max(1).ilog2() as usize + 1];
    let last = groups.len() - 1;
    let least = (sample as f64 / RARE) as u32 + 1;
    for (j, count) in frequencies.at_least(least) {
        bits[j / 64] |= 1 << (j % 64);
        groups[log_interval(TOUCHES, count, sample, block, workers).min(last)].push(j as u32);
    }
    Hot { bits, groups }
}
