//! A worker's handle on a copy of the weights that is its own, and that meets the others' in a shared vector.

use std::cell::Cell;

use super::handles::{Plain, Weights};
use super::{Real, SharedParams, SharedReal};
use crate::data::Row;
use crate::kernel;
use crate::real::Slot;

/// A worker's own weights, and what it knows of the shared ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replica<R> {
    /// The weights as the worker moves them.
    pub(crate) now: Vec<R>,
    /// The same without what the others have not been told yet.
    pub(crate) told: Vec<R>,
}

impl<R: Real> Replica<R> {
    /// Takes over the shared weights, with nothing to tell.
    pub(crate) fn fill(&mut self, shared: &SharedParams<R>) {
        self.now.resize(shared.len(), R::ZERO);
        // On this thread, near which the memory comes to lie.
        self.now.iter_mut().zip(shared.slots()).for_each(|(now, slot)| *now = slot.get());
        self.told.clone_from(&self.now);
    }
}

/// Weights of one worker's own, without atomics. After each block a group of coordinates meets the shared ones: what the
/// worker moved them by since they last met is added to the shared values, by compare-and-swap, and the sums taken over.
/// No movement is lost, and none is counted twice.
pub(crate) struct Merged<'a, R: Real> {
    own: Plain<'a, R>,
    now: &'a [Cell<R>],
    told: &'a [Cell<R>],
    shared: &'a [R::Shared],
    /// The coordinates of group g meet once in 2^g blocks, one group or two after each.
    groups: &'a [Vec<u32>],
    blocks: Cell<usize>,
}

impl<'a, R: Real> Merged<'a, R> {
    /// A handle on `replica`, of which the last `common` coordinates are touched by every term; `groups` are merged.
    pub(crate) fn new(
        replica: &'a mut Replica<R>,
        shared: &'a SharedParams<R>,
        groups: &'a [Vec<u32>],
        common: usize,
    ) -> Self {
        let now = Cell::from_mut(replica.now.as_mut_slice()).as_slice_of_cells();
        let told = Cell::from_mut(replica.told.as_mut_slice()).as_slice_of_cells();
        let own = Plain::of(now, common);
        Merged { own, now, told, shared: shared.slots(), groups, blocks: Cell::new(0) }
    }

    #[inline(always)]
    fn meet(&self, j: usize) {
        let (now, told) = (self.now[j].get(), self.told[j].get());
        let sum = if now == told { self.shared[j].get() } else { self.shared[j].add_and_get(now - told) };
        self.now[j].set(sum);
        self.told[j].set(sum);
    }
}

/// How many meetings before its own a coordinate's line is asked for: another core has it, so it takes a while to come.
const AHEAD: usize = 12;

impl<R: Real> Weights for Merged<'_, R> {
    type Real = R;

    #[inline(always)]
    fn dot(&self, row: Row<'_>) -> R {
        self.own.dot(row)
    }

    #[inline(always)]
    fn add(&self, a: R, row: Row<'_>) {
        self.own.add(a, row);
    }

    #[inline(always)]
    fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(R, &T, R) -> R) {
        self.own.update_row(row, others, f);
    }

    #[inline(always)]
    fn get(&self, j: usize) -> R {
        self.own.get(j)
    }

    #[inline(always)]
    fn update(&self, j: usize, f: impl Fn(R) -> R) {
        self.own.update(j, f);
    }

    #[inline(always)]
    fn products(&self, p: usize, q: usize, len: usize) -> [R; 3] {
        self.own.products(p, q, len)
    }

    #[inline(always)]
    fn cross(&self, p: usize, q: usize, len: usize, a: R, b: R) {
        self.own.cross(p, q, len, a, b);
    }

    #[inline(always)]
    fn gather(&self, start: usize, x: R, sums: &mut [R]) {
        self.own.gather(start, x, sums);
    }

    #[inline(always)]
    fn scatter(&self, start: usize, a: R, steps: &[R]) {
        self.own.scatter(start, a, steps);
    }

    #[inline(always)]
    fn common(&self, k: usize) -> R {
        self.own.common(k)
    }

    #[inline(always)]
    fn set_common(&self, k: usize, x: R) {
        self.own.set_common(k, x);
    }

    fn merge(&self) {
        let block = self.blocks.get() + 1;
        self.blocks.set(block);
        // 1 for each second block, 2 for each second one of the others ...
        let turn = block.trailing_zeros() as usize + 1;
        let due = [self.groups.first(), self.groups.get(turn)];
        for group in due.into_iter().flatten() {
            for (k, &j) in group.iter().enumerate() {
                if let Some(&ahead) = group.get(k + AHEAD) {
                    kernel::prefetch_for_write(self.shared, ahead as usize);
                }
                self.meet(j as usize);
            }
        }
    }
}
