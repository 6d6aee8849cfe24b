//! A worker's handle on a copy of the weights that is its own, and the places where copies meet.

use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crossbeam::utils::CachePadded;

use super::Real;
use super::handle::Handle;
use crate::memory::room;
use crate::row::prefetch;

/// Most coordinates that meet at a place.
const PLACE: usize = 64;

/// Where some coordinates of all copies meet. They lie side by side here, wherever they lie in the vector: a few cache lines
/// pass from worker to worker, not one for each coordinate.
#[derive(Debug)]
struct Place<R> {
    /// The coordinates, ascending.
    coordinates: Box<[u32]>,
    /// Where a worker keeps what it knows of them.
    start: usize,
    /// A worker never waits for it: it meets where nobody else is, and elsewhere the next time.
    sums: Mutex<Sums<R>>,
}

impl<R> Place<R> {
    fn last(&self) -> usize {
        self.coordinates.last().map_or(0, |&j| j as usize)
    }
}

/// The weights with all movements that workers have told.
#[derive(Debug)]
struct Sums<R> {
    /// The epoch in which somebody told something last; until then, the weights are those that it began with.
    epoch: u64,
    /// One a coordinate, in the place itself, so that a place can be asked for before it is locked.
    weights: [R; PLACE],
}

/// The places of all coordinates that meet within an epoch.
#[derive(Debug, Default)]
pub(crate) struct Meetings<R> {
    epoch: u64,
    /// Those of group g are visited once in 2^g blocks, one group or two after each.
    groups: Vec<Vec<CachePadded<Place<R>>>>,
}

impl<R: Real> Meetings<R> {
    /// Places for groups of coordinates, each ascending, no coordinate twice.
    pub(crate) fn new(groups: Vec<Vec<u32>>) -> Self {
        let mut end = 0;
        let mut place = |coordinates: &[u32]| {
            let start = end;
            end += coordinates.len();
            let sums = Sums { epoch: 0, weights: [R::ZERO; PLACE] };
            CachePadded::new(Place { coordinates: coordinates.into(), start, sums: Mutex::new(sums) })
        };
        let groups = groups.iter().map(|group| group.chunks(PLACE).map(&mut place).collect()).collect();
        Meetings { epoch: 0, groups }
    }

    /// Begins an epoch.
    pub(crate) fn begin(&mut self) {
        self.epoch += 1;
    }

    fn places(&self) -> impl Iterator<Item = &Place<R>> {
        self.groups.iter().flatten().map(|place| &**place)
    }

    /// The places that a worker visits after its `block`-th block, counted from 1.
    fn due(&self, block: usize) -> impl Iterator<Item = &Place<R>> {
        // 1 for each second block, 2 for each second one of the others ...
        let turn = block.trailing_zeros() as usize + 1;
        [self.groups.first(), self.groups.get(turn)].into_iter().flatten().flatten().map(|place| &**place)
    }

    /// After an epoch, calls `f` with each coordinate of `range` that has a place, and with its weight: all movements that were
    /// told, and a `share` of those that `copies` have left.
    pub(crate) fn end(
        &self,
        range: &Range<usize>,
        copies: &[&OwnWeights<R>],
        share: R,
        mut f: impl FnMut(usize, R),
    ) {
        for group in &self.groups {
            let first = group.partition_point(|place| place.last() < range.start);
            for place in group[first..].iter().take_while(|place| (place.coordinates[0] as usize) < range.end)
            {
                let sums = place.sums.lock().unwrap_or_else(PoisonError::into_inner);
                let told = |own: &OwnWeights<R>, k: usize| own.told[place.start + k];
                let coordinates = place.coordinates.iter().map(|&j| j as usize);
                for (k, j) in coordinates.enumerate().filter(|(_, j)| range.contains(j)) {
                    // Where nobody was, what each copy took over is still all that is known.
                    let sum = if sums.epoch == self.epoch { sums.weights[k] } else { told(copies[0], k) };
                    f(j, copies.iter().fold(sum, |sum, own| sum + share * (own.now[j] - told(own, k))));
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
    told: Vec<R>,
}

impl<R: Real> OwnWeights<R> {
    /// Takes over the shared weights. Of what it has not told about coordinate j, `left(j)` times as much is still to be told; if
    /// there is no `left`, nothing.
    pub(crate) fn fill(&mut self, shared: &[R], meetings: &Meetings<R>, left: Option<impl Fn(usize) -> R>) {
        let OwnWeights { now, told } = self;
        let coordinates = || meetings.places().flat_map(|place| &place.coordinates).map(|&j| j as usize);
        if now.capacity() < shared.len() {
            // On this thread, near which the memory comes to lie.
            *now = room(shared.len());
        }
        match left {
            Some(left) if now.len() == shared.len() => {
                told.iter_mut().zip(coordinates()).for_each(|(told, j)| *told = left(j) * (now[j] - *told));
            }
            _ => {
                told.clear();
                told.extend(coordinates().map(|_| R::ZERO));
            }
        }
        now.clear();
        now.extend_from_slice(shared);
        for (told, j) in told.iter_mut().zip(coordinates()) {
            let weight = now[j];
            now[j] += *told;
            *told = weight;
        }
    }
}

/// Lets one worker's own weights meet those of the others. After each block it visits some places: what it moved the coordinates
/// there by since it last did is added to their sums, and the sums taken over. No movement is lost, and none is counted twice. The
/// shared vector stays as it is until the epoch ends.
pub(crate) struct Merger<'a, R: Real> {
    now: &'a [Cell<R>],
    told: &'a [Cell<R>],
    shared: &'a [R],
    meetings: &'a Meetings<R>,
    blocks: usize,
}

impl<'a, R: Real> Merger<'a, R> {
    /// A handle on `own`, which was filled from `shared`, of which every term touches the last `common` coordinates; and what
    /// merges it.
    pub(crate) fn new(
        own: &'a mut OwnWeights<R>,
        shared: &'a [R],
        meetings: &'a Meetings<R>,
        common: usize,
    ) -> (Handle<'a, R>, Self) {
        let now = Cell::from_mut(own.now.as_mut_slice()).as_slice_of_cells();
        let told = Cell::from_mut(own.told.as_mut_slice()).as_slice_of_cells();
        (Handle::cells(now, common), Merger { now, told, shared, meetings, blocks: 0 })
    }

    fn meet(&self, place: &Place<R>) {
        let Ok(mut sums) = place.sums.try_lock() else { return };
        let Sums { epoch, weights } = &mut *sums;
        if *epoch != self.meetings.epoch {
            *epoch = self.meetings.epoch;
            weights.iter_mut().zip(&place.coordinates).for_each(|(sum, &j)| *sum = self.shared[j as usize]);
        }
        let told = &self.told[place.start..][..place.coordinates.len()];
        for ((&j, sum), told) in place.coordinates.iter().zip(weights).zip(told) {
            let now = &self.now[j as usize];
            *sum += now.get() - told.get();
            now.set(*sum);
            told.set(*sum);
        }
    }

    /// Called after each block.
    pub(crate) fn merge(&mut self) {
        self.blocks += 1;
        let mut due = self.meetings.due(self.blocks).peekable();
        while let Some(place) = due.next() {
            // The other core has it, so it takes a while to come.
            if let Some(&next) = due.peek() {
                prefetch::all_for_write(&next.sums);
            }
            self.meet(place);
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
        let mut meetings = Meetings::new(vec![vec![0, 2]]);
        let mut copies = [OwnWeights::default(), OwnWeights::default()];
        for epoch in [0.0, 1.0] {
            meetings.begin();
            copies.iter_mut().for_each(|own| own.fill(&shared, &meetings, None::<fn(usize) -> f32>));
            let [first, second] = &mut copies;
            let [(first, mut of_first), (second, mut of_second)] =
                [first, second].map(|own| Merger::new(own, &shared, &meetings, 0));
            (0..3).for_each(|j| add(&first, j, 1.0));
            of_first.merge();
            add(&second, 2, 4.0);
            let seen = |weights: &Handle<'_, f32>| [0, 1, 2].map(|j| get(weights, j) - 10.0 * epoch);
            let taken = meetings.places().next().unwrap().sums.lock().unwrap();
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
                meetings.end(&range, &copies, share, |j, w| ended.push((j, w - 10.0 * epoch)));
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
        let mut meetings = Meetings::new(vec![vec![0]]);
        let mut copies = [OwnWeights::default(), OwnWeights::default()];
        let mut shared = [0.0_f32];
        for epoch in 0..3 {
            meetings.begin();
            // Half of it was shown, and the weights doubled.
            let left = (epoch > 0).then_some(|_: usize| 0.5 * 2.0);
            copies.iter_mut().for_each(|own| own.fill(&shared, &meetings, left));
            let [first, second] = &mut copies;
            let [(first, mut of_first), (second, mut of_second)] =
                [first, second].map(|own| Merger::new(own, &shared, &meetings, 0));
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
            meetings.end(&(0..1), &copies.each_ref(), 0.5, |_, w| shared[0] = 2.0 * w);
            assert_eq!(shared[0], [2.0 * (4.0 + 1.0), 2.0 * (10.0 + 2.0)][epoch]);
        }
    }
}
