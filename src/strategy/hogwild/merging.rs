//! A copy of the weights for each worker. A coordinate is merged the more often the more often
//! terms touch it.

use std::array;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::params::{MergeSchedule, Merger, OwnWeights, Real};
use crate::strategy::engine::{FrequencySample, Tickets, WorkerPool, work};
use crate::strategy::{EndOfEpoch, Pass, Visit};

/// The workers' copies, and their merge schedule.
#[derive(Debug, Default)]
pub(super) struct CopiesOfAll<R> {
    copies: Vec<Mutex<OwnWeights<R>>>,
    schedule: MergeSchedule<R>,
    /// Factors of the movements that were unpublished when the last epoch ended, for the next one:
    /// the scaled weights' factor, and that of the others.
    unpublished: Option<[R; 2]>,
}

impl<R: Real> CopiesOfAll<R> {
    /// Drops unpublished movements, as [`Strategy::restart`](crate::strategy::Strategy::restart).
    pub(super) fn restart(&mut self) {
        self.unpublished = None;
    }

    /// Runs one epoch, as [`Strategy::epoch`](crate::strategy::Strategy::epoch).
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
        // An epoch that a panic ends leaves nothing unpublished.
        let unpublished = self
            .unpublished
            .take()
            .map(|factors| move |j: usize| factors[usize::from(j >= scaled)]);
        let visits = pass.pool.run(&tickets, |worker| {
            let mut own = lock(&self.copies[worker]);
            // Each epoch fills the copies again, though those of the last one lack little. Passes
            // over the data in between have evicted them from the caches, and one fill fetches them
            // faster than visits do weight by weight.
            own.fill(before, schedule, unpublished);
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
        self.unpublished =
            (published_fraction < R::ONE).then(|| [factor, R::ONE].map(|factor| factor * rest));
        Ok(visits)
    }

    /// Adds the movements of all copies to the weights, when no worker runs. Of unpublished
    /// movements of coordinates in buckets it adds the fraction `published`. Multiplies the first
    /// `scaled` weights by `factor`.
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
            // Copies that were merged hold each other's movements, which these sums count more than
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

/// Locks a mutex. After a panic its data may be anything: the next epoch fills it again.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Least number of weights for which a pass is worth waking threads.
const MANY: usize = 50_000;
/// Coordinates summed at a time, which fit into the first-level cache.
const TOGETHER: usize = 256;

/// Adds the movements of each of `copies` to `weights`, and multiplies the first `scaled` of them
/// by `factor`.
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

/// Touches of a coordinate by a worker between two merges. Until they merge, all copies correct the
/// same errors, and the sum of their movements corrects them several times.
/// Record: D144, D150.
const TOUCHES: f64 = 16.0;
/// Least number of a worker's visits between two merges with one other worker. A merge of a bucket
/// takes about as long as a visit.
/// Record: D043, D150.
const VISITS: f64 = 256.0;
/// The frequency sample is one in this many terms. A coordinate that none of these touches is
/// touched in an epoch about as often as one may be between two merges.
/// Record: D145.
const SAMPLED: usize = 16;
/// Least number of terms in the sample.
const LEAST_SAMPLE: usize = 2_048;

/// Returns, for each g, the coordinates that are merged once in 2^g blocks. Rarely touched ones are
/// in no group, and are merged at the end of an epoch, in which each of `workers` workers visits
/// about `blocks` blocks of `block` terms.
fn groups<R: Real>(
    visit: &dyn Visit<R>,
    block: usize,
    blocks: usize,
    workers: usize,
) -> Vec<Vec<u32>> {
    let frequencies =
        FrequencySample::count(visit, (visit.shape().terms / SAMPLED).max(LEAST_SAMPLE));
    let mut groups = vec![Vec::new(); blocks.max(1).ilog2() as usize + 1];
    let power_of = |count: u32| log_interval(TOUCHES, count, frequencies.sample, block, workers);
    // Most coordinates are touched a few times.
    let powers: [usize; 64] = array::from_fn(|count| power_of(count.max(1) as u32));
    // Most are touched too rarely for a group, which is quicker to see than their interval.
    let least =
        powers.iter().skip(1).take_while(|&&power| power >= groups.len()).count() as u32 + 1;
    // Coordinates whose index exceeds 32 bits are merged at the end of an epoch, too.
    for (j, count) in frequencies.at_least(least).take_while(|&(j, _)| u32::try_from(j).is_ok()) {
        let power = powers.get(count as usize).copied().unwrap_or_else(|| power_of(count));
        if let Some(group) = groups.get_mut(power) {
            group.push(j as u32);
        }
    }
    groups
}

/// Returns the power k for which a coordinate's copies are merged once in 2^k blocks of `block`
/// terms, after about `touches` touches, if `count` terms of a sample of `sample` touch it.
pub(super) fn log_interval(
    touches: f64,
    count: u32,
    sample: usize,
    block: usize,
    workers: usize,
) -> usize {
    let visits = (touches * sample as f64 / f64::from(count)).max(VISITS);
    // Divided by the number of other workers, so that what a worker misses does not grow with it.
    let blocks = visits / (workers.max(2) - 1) as f64 / block as f64;
    blocks.max(1.0).log2() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;
    use crate::problem::{Hinge, Linear};
    use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};

    #[test]
    fn coordinates_that_are_touched_more_often_are_merged_more_often() {
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
        // With four other workers, in a fourth of that.
        assert_eq!(found(5), [Some(0), Some(0), Some(3), Some(7), Some(0)]);
    }
}
