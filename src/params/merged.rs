//! A worker's handle on a copy of the weights that is its own, and the places where copies meet.

use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crossbeam::utils::CachePadded;

use super::Real;
use super::handle::Handle;
use crate::memory::room;
use crate::row::prefetch;

/// Most coordinates that meet at a bucket.
const BUCKET: usize = 64;

/// Where some coordinates of all copies meet. They lie side by side here, wherever they lie in the
/// vector: a few cache lines pass from worker to worker, not one for each coordinate.
#[derive(Debug)]
struct Bucket<R> {
    /// The coordinates, ascending.
    coordinates: Box<[u32]>,
    /// Where a worker keeps what it knows of them.
    start: usize,
    /// A worker never waits for it: it meets where nobody else is, and elsewhere the next time.
    sums: Mutex<Sums<R>>,
}

impl<R> Bucket<R> {
    fn last(&self) -> usize {
        self.coordinates.last().map_or(0, |&j| j as usize)
    }
}

/// The weights with all movements that workers have published.
#[derive(Debug)]
struct Sums<R> {
    /// The epoch in which somebody published something last; until then, the weights are those that
    /// it began with.
    epoch: u64,
    /// One a coordinate, in the bucket itself, so that a bucket can be asked for before it is
    /// locked.
    weights: [R; BUCKET],
}

/// The places of all coordinates that meet within an epoch.
#[derive(Debug, Default)]
pub(crate) struct MergeSchedule<R> {
    epoch: u64,
    /// Those of group g are visited once in 2^g blocks, one group or two after each.
    groups: Vec<Vec<CachePadded<Bucket<R>>>>,
}

impl<R: Real> MergeSchedule<R> {
    /// Places for groups of coordinates, each ascending, no coordinate twice.
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

    /// The places that a worker visits after its `block`-th block, counted from 1.
    fn due(&self, block: usize) -> impl Iterator<Item = &Bucket<R>> {
        // 1 for each second block, 2 for each second one of the others ...
        let turn = block.trailing_zeros() as usize + 1;
        [self.groups.first(), self.groups.get(turn)]
            .into_iter()
            .flatten()
            .flatten()
            .map(|bucket| &**bucket)
    }

    /// After an epoch, calls `f` with each coordinate of `range` that has a bucket, and with its
    /// weight: all movements that were published, and a `share` of those that `copies` have left.
    pub(crate) fn end(
        &self,
        range: &Range<usize>,
        copies: &[&OwnWeights<R>],
        share: R,
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
                    // Where nobody was, what each copy took over is still all that is known.
                    let sum = if sums.epoch == self.epoch {
                        sums.weights[k]
                    } else {
                        published(copies[0], k)
                    };
                    f(
                        j,
                        copies
                            .iter()
                            .fold(sum, |sum, own| sum + share * (own.now[j] - published(own, k))),
                    );
                }
            }
        }
    }
}

/// A worker's own weights, and what it knows of the others'.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnWeights<R> {
    /// The weights as the worker moves them.
    pub(crate) now: Vec<R>,
    /// Those that meet, as they were when they last did, in the order of the places.
    published: Vec<R>,
}

impl<R: Real> OwnWeights<R> {
    /// Takes over the shared weights. Of what it has not published about coordinate j, `left(j)`
    /// times as much is still to be published; if there is no `left`, nothing.
    pub(crate) fn fill(
        &mut self,
        shared: &[R],
        schedule: &MergeSchedule<R>,
        left: Option<impl Fn(usize) -> R>,
    ) {
        let OwnWeights { now, published } = self;
        let coordinates =
            || schedule.buckets().flat_map(|bucket| &bucket.coordinates).map(|&j| j as usize);
        if now.capacity() < shared.len() {
            // On this thread, near which the memory comes to lie.
            *now = room(shared.len());
        }
        match left {
            Some(left) if now.len() == shared.len() => {
                published
                    .iter_mut()
                    .zip(coordinates())
                    .for_each(|(published, j)| *published = left(j) * (now[j] - *published));
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

/// Lets one worker's own weights meet those of the others. After each block it visits some places:
/// what it moved the coordinates there by since it last did is added to their sums, and the sums
/// taken over. No movement is lost, and none is counted twice. The shared vector stays as it is
/// until the epoch ends.
pub(crate) struct Merger<'a, R: Real> {
    now: &'a [Cell<R>],
    published: &'a [Cell<R>],
    shared: &'a [R],
    schedule: &'a MergeSchedule<R>,
    blocks: usize,
}

impl<'a, R: Real> Merger<'a, R> {
    /// A handle on `own`, which was filled from `shared`, of which every term touches the last
    /// `common` coordinates; and what merges it.
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

    /// Called after each block.
    pub(crate) fn merge(&mut self) {
        self.blocks += 1;
        let mut due = self.schedule.due(self.blocks).peekable();
        while let Some(bucket) = due.next() {
            // The other core has it, so it takes a while to come.
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
    fn a_place_that_is_taken_is_left_for_the_next_time_and_nothing_is_lost() {
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
            assert_eq!(seen(&first), [11.5, 21.0, 31.0], "has not been there since");

            let copies = copies.each_ref();
            let ended = |range, share| {
                let mut ended = Vec::new();
                schedule.end(&range, &copies, share, |j, w| ended.push((j, w - 10.0 * epoch)));
                ended
            };
            assert_eq!(ended(0..3, 1.0), [(0, 11.5), (2, 35.0)]);
            assert_eq!([(0..1), (1..2), (2..3)].map(|range| ended(range, 1.0).len()), [1, 0, 1]);
            assert_eq!(ended(0..3, 0.5), [(0, 11.25), (2, 35.0)]);
            shared = [20.0, 30.0, 40.0];
        }
    }

    #[test]
    fn what_was_not_told_can_wait_for_the_next_epoch() {
        let mut schedule = MergeSchedule::new(vec![vec![0]]);
        let mut copies = [OwnWeights::default(), OwnWeights::default()];
        let mut shared = [0.0_f32];
        for epoch in 0..3 {
            schedule.begin();
            // Half of it was shown, and the weights doubled.
            let left = (epoch > 0).then_some(|_: usize| 0.5 * 2.0);
            copies.iter_mut().for_each(|own| own.fill(&shared, &schedule, left));
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
