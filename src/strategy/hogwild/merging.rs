//! A copy of the weights for each worker, merged the more often the more often a coordinate is
//! touched.

use std::array;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::params::{MergeSchedule, Merger, OwnWeights, Real};
use crate::strategy::engine::{FrequencySample, Tickets, WorkerPool, work};
use crate::strategy::{EndOfEpoch, Pass, Visit};

/// The workers' copies, and where they meet.
#[derive(Debug, Default)]
pub(super) struct CopiesOfAll<R> {
    copies: Vec<Mutex<OwnWeights<R>>>,
    schedule: MergeSchedule<R>,
    /// What a copy had not told when the last epoch ended must be multiplied with to be told in the
    /// next: the scaled weights' factor, and that of the others.
    left: Option<[R; 2]>,
}

impl<R: Real> CopiesOfAll<R> {
    /// As [`Strategy::restart`](crate::strategy::Strategy::restart).
    pub(super) fn restart(&mut self) {
        self.left = None;
    }

    /// One epoch, as [`Strategy::epoch`](crate::strategy::Strategy::epoch).
    pub(super) fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        weights: &mut [R],
        pass: Pass<'_>,
    ) -> Result<u64> {
        let workers = pass.pool.workers();
        if self.copies.len() != workers {
            self.copies = (0..workers).map(|_| Mutex::default()).collect();
            let blocks = pass.order.blocks() / workers;
            self.schedule =
                MergeSchedule::new(groups(visit, pass.order.block_len(), blocks, workers));
            self.restart();
        }
        self.schedule.begin();
        let tickets = Tickets::new(pass.order.blocks());
        let (scaled, common) = (visit.shape().own(), visit.shape().common);
        let (before, schedule) = (&*weights, &self.schedule);
        // An epoch that a panic ends leaves nothing.
        let left = self.left.take().map(|left| move |j: usize| left[usize::from(j >= scaled)]);
        let visits = pass.pool.run(&tickets, |worker| {
            let mut own = lock(&self.copies[worker]);
            // Each epoch anew, though the copies of the last one lack little: whatever was done
            // with the data in between has driven them out of the caches, from which they are
            // fetched faster now than weight by weight.
            own.fill(before, schedule, left);
            let (weights, mut merger) = Merger::new(&mut own, before, schedule, common);
            work(worker, visit, &tickets, pass, |block, state| {
                visit.visit_block(block, state, &weights);
                merger.merge();
            })
        })?;
        let EndOfEpoch { scale, published_fraction } =
            visit.end_of_epoch(pass.clock(visits), workers);
        let factor = scale.unwrap_or(R::ONE);
        self.publish(pass.pool, weights, published_fraction, factor, scaled)?;
        let rest = R::ONE - published_fraction;
        self.left =
            (published_fraction < R::ONE).then(|| [factor, R::ONE].map(|factor| factor * rest));
        Ok(visits)
    }

    /// Adds what all copies have moved the weights by, when no worker runs: of what is left of
    /// weights that meet, the fraction that is to be `published`. Multiplies the first `scaled` by
    /// `factor`.
    fn publish(
        &self,
        pool: &WorkerPool,
        weights: &mut [R],
        published: R,
        factor: R,
        scaled: usize,
    ) -> Result<()> {
        let copies: Vec<_> = self.copies.iter().map(lock).collect();
        let copies: Vec<&OwnWeights<R>> = copies.iter().map(|own| &**own).collect();
        let end = |start: usize, weights: &mut [R]| {
            let range = start..start + weights.len();
            let scaled = scaled.saturating_sub(start).min(weights.len());
            let now: Vec<&[R]> = copies.iter().map(|own| &own.now[range.clone()]).collect();
            sum_up(weights, &now, scaled, factor);
            // Copies that have met know of each other's movements, which these sums count more than
            // once.
            self.schedule.end(&range, &copies, published, |j, w| {
                weights[j - start] = if j - start < scaled { w * factor } else { w };
            });
        };
        if weights.len() < MANY {
            end(0, weights);
            return Ok(());
        }
        let part_len = weights.len().div_ceil(pool.workers()).next_multiple_of(TOGETHER);
        let parts: Vec<_> = weights.chunks_mut(part_len).map(Mutex::new).collect();
        pool.each(|worker| {
            if let Some(part) = parts.get(worker) {
                end(worker * part_len, &mut lock(part));
            }
        })
    }
}

/// A lock that a panic has poisoned holds what is made anew before the next epoch.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Weights from which on a pass over them is worth waking threads.
const MANY: usize = 50_000;
/// Coordinates that are summed at a time, in the first-level cache.
const TOGETHER: usize = 256;

/// Adds to `weights` what each of `copies` has moved them by, and multiplies the first `scaled` of
/// them by `factor`.
fn sum_up<R: Real>(weights: &mut [R], copies: &[&[R]], scaled: usize, factor: R) {
    let mut before = [R::ZERO; TOGETHER];
    for (k, sums) in weights.chunks_mut(TOGETHER).enumerate() {
        let range = k * TOGETHER..k * TOGETHER + sums.len();
        let before = &mut before[..sums.len()];
        before.copy_from_slice(sums);
        for now in copies {
            let moved = now[range.clone()].iter().zip(&*before);
            sums.iter_mut().zip(moved).for_each(|(sum, (&now, &before))| *sum += now - before);
        }
        let scaled = scaled.saturating_sub(range.start).min(sums.len());
        sums[..scaled].iter_mut().for_each(|sum| *sum = *sum * factor);
    }
}

/// How often a worker may touch a coordinate before its copies meet: until then, all copies make up
/// for the same errors, and the sum of what they do makes up for them several times.
const TOUCHES: f64 = 16.0;
/// Least visits of a worker between two schedule, where there is one other: a meeting takes about
/// as long as a visit.
const VISITS: f64 = 256.0;
/// Share of the terms that touches are counted on, and the least number of terms: a coordinate that
/// is not seen there is touched about as often in an epoch as it may be before its copies meet.
const SAMPLED: usize = 16;
const LEAST_SAMPLE: usize = 2_048;

/// The coordinates that meet once in 2^g blocks, for each g; what is touched rarely is in none and
/// meets at the end of an epoch, in which each of `workers` workers visits about `blocks` blocks of
/// `block` terms.
fn groups<R: Real>(
    visit: &dyn Visit<R>,
    block: usize,
    blocks: usize,
    workers: usize,
) -> Vec<Vec<u32>> {
    let touches = FrequencySample::count(visit, (visit.shape().terms / SAMPLED).max(LEAST_SAMPLE));
    let mut groups = vec![Vec::new(); blocks.max(1).ilog2() as usize + 1];
    let apart_after = |count: u32| apart(TOUCHES, count, touches.sample, block, workers);
    // Most coordinates are touched a few times.
    let usual: [usize; 64] = array::from_fn(|count| apart_after(count.max(1) as u32));
    // And most are touched too seldom, which is seen sooner than how often they would meet.
    let least = usual.iter().skip(1).take_while(|&&power| power >= groups.len()).count() as u32 + 1;
    // What has no number in 32 bits meets at the end of an epoch, too.
    for (j, count) in touches.at_least(least).take_while(|&(j, _)| u32::try_from(j).is_ok()) {
        let power = usual.get(count as usize).copied().unwrap_or_else(|| apart_after(count));
        if let Some(group) = groups.get_mut(power) {
            group.push(j as u32);
        }
    }
    groups
}

/// The copies of a coordinate that `count` terms of a sample touch meet after so many `touches`:
/// once in 2 to this power blocks of `block` terms.
pub(super) fn apart(
    touches: f64,
    count: u32,
    sample: usize,
    block: usize,
    workers: usize,
) -> usize {
    let visits = (touches * sample as f64 / f64::from(count)).max(VISITS);
    // The more others there are, the sooner as much is missed.
    let apart = visits / (workers.max(2) - 1) as f64 / block as f64;
    apart.max(1.0).log2() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;
    use crate::problem::{Hinge, Linear};
    use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};

    #[test]
    fn what_is_touched_more_often_meets_more_often() {
        let mut builder = Builder::default();
        for i in 0..64_000 {
            builder.entry(0, 1.0);
            for (j, every) in [(1, 16), (2, 256), (3, 60_000)] {
                if i % every == 0 {
                    builder.entry(j, 1.0);
                }
            }
            builder.end_row(1.0);
        }
        let (data, targets) = (builder.finish(0), vec![1.0; 64_000]);
        let problem = Linear::new(&data, &targets, Hinge, Some(1.0)).unwrap();
        let rule: Sgd<_, f32> =
            Sgd::new(&problem, Penalty::default(), StepSize::new(1.0, Schedule::Constant), true);
        let found = |workers| {
            let groups = groups(&rule, 64, 500, workers);
            let group = |j| groups.iter().position(|group| group.contains(&j));
            [0, 1, 2, 3, 4].map(group)
        };
        // Once in 256 visits, in 16 touches, and at the end of an epoch; the bias is coordinate 4.
        assert_eq!(found(2), [Some(2), Some(2), Some(5), None, Some(2)]);
        // With four others, in a fourth of that.
        assert_eq!(found(5), [Some(0), Some(0), Some(3), Some(7), Some(0)]);
    }
}
