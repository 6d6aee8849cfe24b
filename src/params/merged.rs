//! A worker's own copy of the weights, and the merge buckets through which workers publish their
//! movements.
//!
//! Invariant: a bucket's sum is the weight at the start of the epoch plus all published movements,
//! and a copy is the sum at its last merge plus the movements that are not published yet. So no
//! movement is lost or counted twice.

use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crossbeam::utils::CachePadded;

use super::Real;
use super::handle::Handle;
use crate::memory::room;
use crate::row::prefetch;

/// Most coordinates in a bucket.
const BUCKET: usize = 64;

/// Some coordinates that all workers merge together. They lie side by side here, wherever they lie
/// in the vector: a few cache lines pass from worker to worker, not one for each coordinate.
#[derive(Debug)]
struct Bucket<R> {
    /// The coordinates, ascending.
    coordinates: Box<[u32]>,
    /// Index of the first one in [`OwnWeights::published`].
    start: usize,
    /// No worker waits for this lock: one that finds it taken merges the bucket the next time.
    sums: Mutex<Sums<R>>,
}

impl<R> Bucket<R> {
    fn last(&self) -> usize {
        self.coordinates.last().map_or(0, |&j| j as usize)
    }
}

/// A bucket's weights with all published movements.
#[derive(Debug)]
struct Sums<R> {
    /// The epoch of the last merge. If that is not the current one, the weights are still those
    /// that the epoch began with.
    epoch: u64,
    /// One per coordinate, in the bucket itself, so that a bucket can be prefetched before it is
    /// locked.
    weights: [R; BUCKET],
}

/// The merge schedule: the buckets of all coordinates that are merged within an epoch, and when
/// each is due.
#[derive(Debug, Default)]
pub(crate) struct MergeSchedule<R> {
    epoch: u64,
    /// Group g is due once in 2^g blocks. One or two groups are due after each block.
    groups: Vec<Vec<CachePadded<Bucket<R>>>>,
}

impl<R: Real> MergeSchedule<R> {
    /// Creates the buckets for groups of coordinates, each ascending, no coordinate twice.
    pub(crate) fn new(groups: Vec<Vec<u32>>) -> Self {
        let mut end = 0;
        let mut bucket = |coordinates: &[u32]| {
            let start = end;
            end += coordinates.len();
            let sums = Sums { epoch: 0, weights: [R::ZERO; BUCKET] };
            CachePadded::new(Bucket {
                coordinates: coordinates.into(),
                start,
                sums: Mutex::new(sums),
            })
        };
        let groups =
            groups.iter().map(|group| group.chunks(BUCKET).map(&mut bucket).collect()).collect();
        MergeSchedule { epoch: 0, groups }
    }

    /// Begins an epoch.
    pub(crate) fn begin(&mut self) {
        self.epoch += 1;
    }

    fn buckets(&self) -> impl Iterator<Item = &Bucket<R>> {
        self.groups.iter().flatten().map(|bucket| &**bucket)
    }

    /// Returns the buckets that are due after a worker's `block`-th block, counted from 1.
    fn due(&self, block: usize) -> impl Iterator<Item = &Bucket<R>> {
        // Group 1 after each second block, group 2 after each second one of the others, and so on.
        let second = block.trailing_zeros() as usize + 1;
        [self.groups.first(), self.groups.get(second)]
            .into_iter()
            .flatten()
            .flatten()
            .map(|bucket| &**bucket)
    }

    /// Calls `f` with each coordinate of `range` that has a bucket, and with its weight, after an
    /// epoch. The weight has all published movements, and a `fraction` of those that `copies` have
    /// not published.
    pub(crate) fn end(
        &self,
        range: &Range<usize>,
        copies: &[&OwnWeights<R>],
        fraction: R,
        mut f: impl FnMut(usize, R),
    ) {
        for group in &self.groups {
            let first = group.partition_point(|bucket| bucket.last() < range.start);
            for bucket in group[first..]
                .iter()
                .take_while(|bucket| (bucket.coordinates[0] as usize) < range.end)
            {
                let sums = bucket.sums.lock().unwrap_or_else(PoisonError::into_inner);
                let published = |own: &OwnWeights<R>, k: usize| own.published[bucket.start + k];
                let coordinates = bucket.coordinates.iter().map(|&j| j as usize);
                for (k, j) in coordinates.enumerate().filter(|(_, j)| range.contains(j)) {
                    // In a bucket that nobody merged, each copy still holds the weight that the
                    // epoch began with.
                    let sum = if sums.epoch == self.epoch {
                        sums.weights[k]
                    } else {
                        published(copies[0], k)
                    };
                    f(
                        j,
                        copies.iter().fold(sum, |sum, own| {
                            sum + fraction * (own.now[j] - published(own, k))
                        }),
                    );
                }
            }
        }
    }
}

/// A worker's own weights, and their published values.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnWeights<R> {
    /// The weights as the worker moves them.
    pub(crate) now: Vec<R>,
    /// The values at the last merge, of the coordinates in buckets, in the order of the buckets.
    published: Vec<R>,
}

impl<R: Real> OwnWeights<R> {
    /// Takes over the shared weights. Movements of coordinate j that were not published yet stay
    /// so, times `unpublished(j)`; without `unpublished` they are dropped.
    pub(crate) fn fill(
        &mut self,
        shared: &[R],
        schedule: &MergeSchedule<R>,
        unpublished: Option<impl Fn(usize) -> R>,
    ) {
        let OwnWeights { now, published } = self;
        let coordinates =
            || schedule.buckets().flat_map(|bucket| &bucket.coordinates).map(|&j| j as usize);
        if now.capacity() < shared.len() {
            // Allocated on this thread, so that the memory lies near it.
            *now = room(shared.len());
        }
        match unpublished {
            Some(unpublished) if now.len() == shared.len() => {
                published
                    .iter_mut()
                    .zip(coordinates())
                    .for_each(|(published, j)| *published = unpublished(j) * (now[j] - *published));
            }
            _ => {
                published.clear();
                published.extend(coordinates().map(|_| R::ZERO));
            }
        }
        now.clear();
        now.extend_from_slice(shared);
        for (published, j) in published.iter_mut().zip(coordinates()) {
            let weight = now[j];
            now[j] += *published;
            *published = weight;
        }
    }
}

/// Merges one worker's own weights with those of the others. After each block it visits the buckets
/// that are due. It adds what it moved their coordinates by since its last merge to their sums, and
/// takes the sums over. The shared vector stays as it is until the epoch ends.
pub(crate) struct Merger<'a, R: Real> {
    now: &'a [Cell<R>],
    published: &'a [Cell<R>],
    shared: &'a [R],
    schedule: &'a MergeSchedule<R>,
    blocks: usize,
}

impl<'a, R: Real> Merger<'a, R> {
    /// Returns a handle on `own`, which was filled from `shared`, and its merger. Every term
    /// touches the last `common` coordinates.
    pub(crate) fn new(
        own: &'a mut OwnWeights<R>,
        shared: &'a [R],
        schedule: &'a MergeSchedule<R>,
        common: usize,
    ) -> (Handle<'a, R>, Self) {
        let now = Cell::from_mut(own.now.as_mut_slice()).as_slice_of_cells();
        let published = Cell::from_mut(own.published.as_mut_slice()).as_slice_of_cells();
        (Handle::cells(now, common), Merger { now, published, shared, schedule, blocks: 0 })
    }

    fn merge_bucket(&self, bucket: &Bucket<R>) {
        let Ok(mut sums) = bucket.sums.try_lock() else { return };
        let Sums { epoch, weights } = &mut *sums;
        if *epoch != self.schedule.epoch {
            *epoch = self.schedule.epoch;
            weights
                .iter_mut()
                .zip(&bucket.coordinates)
                .for_each(|(sum, &j)| *sum = self.shared[j as usize]);
        }
        let published = &self.published[bucket.start..][..bucket.coordinates.len()];
        for ((&j, sum), published) in bucket.coordinates.iter().zip(weights).zip(published) {
            let now = &self.now[j as usize];
            *sum += now.get() - published.get();
            now.set(*sum);
            published.set(*sum);
        }
    }

    /// Merges the buckets that are due. Called after each block.
    pub(crate) fn merge(&mut self) {
        self.blocks += 1;
        let mut due = self.schedule.due(self.blocks).peekable();
        while let Some(bucket) = due.next() {
            // The bucket's lines are in another core's cache, and take a while to come.
            if let Some(&next) = due.peek() {
                prefetch::all_for_write(&next.sums);
            }
            self.merge_bucket(bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{RawWeights, with_handle};

    fn get(weights: &Handle<'_, f32>, j: usize) -> f32 {
        with_handle!(weights, w => w.get(j))
    }

    fn add(weights: &Handle<'_, f32>, j: usize, x: f32) {
        with_handle!(weights, w => w.update(j, |weight| weight + x));
    }

    #[test]
    fn a_bucket_that_is_taken_is_merged_the_next_time_and_nothing_is_lost() {
        let mut shared = [10.0_f32, 20.0, 30.0];
        let mut schedule = MergeSchedule::new(vec![vec![0, 2]]);
        let mut copies = [OwnWeights::default(), OwnWeights::default()];
        for epoch in [0.0, 1.0] {
            schedule.begin();
            copies
                .iter_mut()
                .for_each(|own| own.fill(&shared, &schedule, None::<fn(usize) -> f32>));
            let [first, second] = &mut copies;
            let [(first, mut of_first), (second, mut of_second)] =
                [first, second].map(|own| Merger::new(own, &shared, &schedule, 0));
            (0..3).for_each(|j| add(&first, j, 1.0));
            of_first.merge();
            add(&second, 2, 4.0);
            let seen =
                |weights: &Handle<'_, f32>| [0, 1, 2].map(|j| get(weights, j) - 10.0 * epoch);
            let taken = schedule.buckets().next().unwrap().sums.lock().unwrap();
            of_second.merge();
            assert_eq!(seen(&second), [10.0, 20.0, 34.0], "left alone");
            drop(taken);
            of_second.merge();
            assert_eq!(seen(&second), [11.0, 20.0, 35.0]);
            add(&first, 0, 0.5);
            assert_eq!(seen(&first), [11.5, 21.0, 31.0], "has not merged since");

            let copies = copies.each_ref();
            let ended = |range, fraction| {
                let mut ended = Vec::new();
                schedule.end(&range, &copies, fraction, |j, w| ended.push((j, w - 10.0 * epoch)));
                ended
            };
            assert_eq!(ended(0..3, 1.0), [(0, 11.5), (2, 35.0)]);
            assert_eq!([(0..1), (1..2), (2..3)].map(|range| ended(range, 1.0).len()), [1, 0, 1]);
            assert_eq!(ended(0..3, 0.5), [(0, 11.25), (2, 35.0)]);
            shared = [20.0, 30.0, 40.0];
        }
    }

    #[test]
    fn what_was_not_published_can_wait_for_the_next_epoch() {
        let mut schedule = MergeSchedule::new(vec![vec![0]]);
        let mut copies = [OwnWeights::default(), OwnWeights::default()];
        let mut shared = [0.0_f32];
        for epoch in 0..3 {
            schedule.begin();
            // Half of it was published, and the weights doubled.
            let unpublished = (epoch > 0).then_some(|_: usize| 0.5 * 2.0);
            copies.iter_mut().for_each(|own| own.fill(&shared, &schedule, unpublished));
            let [first, second] = &mut copies;
            let [(first, mut of_first), (second, mut of_second)] =
                [first, second].map(|own| Merger::new(own, &shared, &schedule, 0));
            if epoch == 2 {
                of_first.merge();
                of_second.merge();
                of_first.merge();
                let all = ((4.0 + 2.0) * 2.0 + 2.0) * 2.0;
                assert_eq!([get(&first, 0), get(&second, 0)], [all; 2]);
                return;
            }
            if epoch == 0 {
                add(&first, 0, 4.0);
                of_first.merge();
            }
            add(&second, 0, 2.0);
            schedule.end(&(0..1), &copies.each_ref(), 0.5, |_, w| shared[0] = 2.0 * w);
            assert_eq!(shared[0], [2.0 * (4.0 + 1.0), 2.0 * (10.0 + 2.0)][epoch]);
        }
    }
}
