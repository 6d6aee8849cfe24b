//! A copy of the weights for each worker, merged the more often the more often a coordinate is touched.

use std::array;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Pass;
use super::crew::Crew;
use super::tickets::Tickets;
use super::worker::work;
use crate::error::Result;
use crate::params::{Merged, Real, Replica, SharedParams};
use crate::real::Slot;
use crate::rule::Visit;

/// The workers' copies, and when they are merged.
#[derive(Debug, Default)]
pub(super) struct Merging<R> {
    replicas: Vec<Mutex<Replica<R>>>,
    groups: Vec<Vec<u32>>,
}

impl<R: Real> Merging<R> {
    /// One epoch, as [`Strategy::epoch`](super::Strategy::epoch).
    pub(super) fn epoch<V: Visit<Real = R>>(
        &mut self,
        crew: &Crew,
        visit: &V,
        params: &SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let workers = crew.workers();
        if self.replicas.len() != workers {
            self.replicas = (0..workers).map(|_| Mutex::default()).collect();
            self.groups = groups(visit, pass.order.block_len(), pass.order.blocks() / workers, workers);
        }
        let tickets = Tickets::new(pass.order.blocks());
        let visits = crew.run(&tickets, |worker| {
            let mut replica = lock(&self.replicas[worker]);
            // Each epoch anew, though the copies of the last one lack little: whatever was done with the data in between has
            // driven them out of the caches, from which they are fetched faster now than weight by weight.
            replica.fill(params);
            let weights = Merged::new(&mut replica, params, &self.groups, visit.common());
            work(worker, visit, &weights, &tickets, pass, |_| ())
        })?;
        let factor = visit.fold(pass.clock(visits)).unwrap_or(R::ONE);
        self.tell(crew, params, factor, params.len() - visit.common())?;
        Ok(visits)
    }

    /// Adds what all copies have not told yet, when no worker runs, and multiplies the first `scaled` weights by `factor`.
    fn tell(&self, crew: &Crew, params: &SharedParams<R>, factor: R, scaled: usize) -> Result<()> {
        let replicas: Vec<_> = self.replicas.iter().map(lock).collect();
        let parts = if params.len() < MANY { 1 } else { crew.workers() };
        let part_len = params.len().div_ceil(parts).next_multiple_of(TOGETHER).max(TOGETHER);
        let slots = params.slots();
        let tell = |part: usize| {
            let range = (part * part_len).min(slots.len())..((part + 1) * part_len).min(slots.len());
            let copies =
                replicas.iter().map(|replica| (&replica.now[range.clone()], &replica.told[range.clone()]));
            let scaled = scaled.saturating_sub(range.start);
            sum_up(&slots[range.clone()], &copies.collect::<Vec<_>>(), scaled, factor);
            0
        };
        if parts == 1 {
            tell(0);
            return Ok(());
        }
        crew.run(&Tickets::new(0), tell).map(|_: u64| ())
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

/// Adds to `slots` what each of `copies`, (now, told) each, has moved them by since, and multiplies the first `scaled` of
/// them by `factor`.
fn sum_up<R: Real>(slots: &[R::Shared], copies: &[(&[R], &[R])], scaled: usize, factor: R) {
    let mut sums = [R::ZERO; TOGETHER];
    for (k, slots) in slots.chunks(TOGETHER).enumerate() {
        let range = k * TOGETHER..k * TOGETHER + slots.len();
        let sums = &mut sums[..slots.len()];
        sums.iter_mut().zip(slots).for_each(|(sum, slot)| *sum = slot.get());
        for (now, told) in copies {
            let moved = now[range.clone()].iter().zip(&told[range.clone()]);
            sums.iter_mut().zip(moved).for_each(|(sum, (&now, &told))| *sum += now - told);
        }
        let scaled = scaled.saturating_sub(range.start).min(slots.len());
        sums[..scaled].iter_mut().for_each(|sum| *sum = *sum * factor);
        sums.iter().zip(slots).for_each(|(&sum, slot)| slot.set(sum));
    }
}

/// How often a worker may touch a coordinate before its copies meet, where others do not look on.
const TOUCHES: f64 = 64.0;
/// Least visits of a worker between two meetings, where there is one other: a meeting takes about as long as a visit.
const VISITS: f64 = 256.0;
/// Share of the terms that touches are counted on, and the least number of terms: a coordinate that is not seen here is
/// touched a few times an epoch.
const SAMPLED: usize = 8;
const LEAST_SAMPLE: usize = 8_192;

/// The coordinates that meet once in 2^g blocks, for each g; what is touched rarely is in none and meets at the end of an
/// epoch, in which each of `workers` workers visits about `blocks` blocks of `block` terms.
fn groups<V: Visit>(visit: &V, block: usize, blocks: usize, workers: usize) -> Vec<Vec<u32>> {
    let (touched, sample) = touched(visit);
    let mut groups = vec![Vec::new(); blocks.max(1).ilog2() as usize + 1];
    let apart_after = |count: u32| apart(count, sample, block, workers);
    // Most coordinates are touched a few times.
    let usual: [usize; 64] = array::from_fn(|count| apart_after(count.max(1) as u32));
    // What has no number in 32 bits meets at the end of an epoch, too.
    for (j, &count) in touched.iter().enumerate().take(u32::MAX as usize).filter(|&(_, &count)| count > 0) {
        let power = usual.get(count as usize).copied().unwrap_or_else(|| apart_after(count));
        if let Some(group) = groups.get_mut(power) {
            group.push(j as u32);
        }
    }
    groups
}

/// How many terms of a sample touch each coordinate, and how many terms the sample has.
pub(super) fn touched<V: Visit>(visit: &V) -> (Vec<u32>, usize) {
    let sample = visit.terms().min((visit.terms() / SAMPLED).max(LEAST_SAMPLE));
    let mut touched = vec![0_u32; visit.width()];
    for term in 0..sample {
        visit.support(term).for_each(|j| touched[j] += 1);
    }
    touched[visit.width() - visit.common()..].fill(sample as u32);
    (touched, sample)
}

/// The copies of a coordinate that `count` terms of a sample touch meet once in 2 to this power blocks of `block` terms.
pub(super) fn apart(count: u32, sample: usize, block: usize, workers: usize) -> usize {
    let visits = (TOUCHES * sample as f64 / f64::from(count)).max(VISITS);
    // The more others there are, the sooner as much is missed.
    let apart = visits / (workers.max(2) - 1) as f64 / block as f64;
    apart.max(1.0).log2() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;
    use crate::problem::{Hinge, Linear};
    use crate::rule::{Penalty, Schedule, Sgd, StepSize};

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
        // Once in 256 visits, in 64 touches, and at the end of an epoch; the bias is coordinate 4.
        assert_eq!(found(2), [Some(2), Some(4), Some(8), None, Some(2)]);
        assert_eq!(found(5), [Some(0), Some(2), Some(6), None, Some(0)]);
    }
}
