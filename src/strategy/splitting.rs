//! Copies of the weights that many terms touch, for each worker; one shared vector for the others.

use super::Pass;
use super::crew::Crew;
use super::merging::apart;
use super::tickets::Tickets;
use super::touches::Touches;
use super::worker::work;
use crate::error::{Error, Result};
use crate::params::{Copies, Hot, Real, SharedParams, Split};
use crate::rule::Visit;

/// The workers' copies, and when they are merged.
#[derive(Default)]
pub(super) struct Splitting<R: Real> {
    copies: Vec<Copies<R>>,
    hot: Hot,
}

impl<R: Real> Splitting<R> {
    /// One epoch, as [`Strategy::epoch`](super::Strategy::epoch), but for the factor of the weights at its end.
    pub(super) fn epoch<V: Visit<Real = R>>(
        &mut self,
        crew: &Crew,
        visit: &V,
        params: &SharedParams<R>,
        pass: Pass<'_>,
        tickets: &Tickets,
    ) -> Result<u64> {
        let workers = crew.workers();
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
        crew.run(tickets, |worker| {
            let weights = Split::new(params, &self.copies[worker], &self.hot, visit.common());
            let visits = work(worker, visit, &weights, tickets, pass, |_| ());
            weights.meet_all();
            visits
        })
    }
}

/// How often a worker may touch a hot weight before its copies meet. More often takes longer than it helps: they meet by
/// compare-and-swap.
const TOUCHES: f64 = 64.0;
/// Share of the terms that touches are counted on, and the least number of terms: some eighty of these touch a weight that is
/// just hot.
const SAMPLED: usize = 8;
const LEAST_SAMPLE: usize = 8_192;
/// Of a weight that one in so many terms touches, two workers lose few updates to each other: their visits overlap in a
/// part of the time.
const RARE: f64 = 100.0;

/// The weights that are touched so often that workers would lose updates to each other, and when their copies meet.
fn hot<V: Visit>(visit: &V, block: usize, blocks: usize, workers: usize) -> Hot {
    let touches = Touches::count(visit, (visit.terms() / SAMPLED).max(LEAST_SAMPLE));
    let sample = touches.sample;
    let mut bits = vec![0; visit.width().div_ceil(64)];
    let mut groups = vec![Vec::new(); blocks.max(1).ilog2() as usize + 1];
    let last = groups.len() - 1;
    let least = (sample as f64 / RARE) as u32 + 1;
    for (j, count) in touches.at_least(least) {
        bits[j / 64] |= 1 << (j % 64);
        groups[apart(TOUCHES, count, sample, block, workers).min(last)].push(j as u32);
    }
    Hot { bits, groups }
}
