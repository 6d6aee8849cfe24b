//! A handle on shared weights with a worker's own copies of the hot ones, those that many terms
//! touch.
//!
//! Invariant: no movement of a hot weight is lost or counted twice. Of the other weights, updates
//! that another worker overwrites are lost.

use std::cell::Cell;

use super::handles::RawWeights;
use super::{Real, SharedParams, SharedReal};
use crate::error::Result;
use crate::row::Row;
use crate::row::kernel::{self, Either};
use crate::row::prefetch;
use crate::row::real::Slot;

/// The coordinates that many terms touch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hot {
    /// One bit per coordinate, set if it is hot.
    pub(crate) bits: Vec<u64>,
    /// The merge schedule: group g is due once in 2^g blocks, one or two groups after each block.
    /// Each hot coordinate is in one group.
    pub(crate) groups: Vec<Vec<u32>>,
}

/// A worker's own copies of the hot weights, in vectors as long as the shared one. The other slots
/// are not used.
pub(crate) struct Copies<R: Real> {
    /// The weights as the worker moves them.
    now: SharedParams<R>,
    /// The values at the last merge: `now` without the movements that are not published yet.
    published: SharedParams<R>,
}

impl<R: Real> Copies<R> {
    /// Creates slots for `width` weights, which take memory when they are used.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if the system has no memory.
    pub(crate) fn new(width: usize) -> Result<Self> {
        Ok(Copies {
            now: SharedParams::anonymous(width)?,
            published: SharedParams::anonymous(width)?,
        })
    }
}

/// A handle on shared weights, and on the worker's own copies of the hot ones. After each block it
/// merges the copies that are due: it adds what the worker moved them by since their last merge to
/// the shared values, by compare-and-swap, and takes the sums over. The other weights are updated
/// by a relaxed load and a relaxed store.
pub(crate) struct Split<'a, R: Real> {
    slots: Either<'a, R::Shared>,
    shared: &'a [R::Shared],
    now: &'a [R::Shared],
    published: &'a [R::Shared],
    hot: &'a Hot,
    common: usize,
    blocks: Cell<usize>,
}

impl<'a, R: Real> Split<'a, R> {
    /// Returns a handle on `shared`, of which the last `common` coordinates are hot. `copies` are
    /// as long.
    pub(crate) fn new(
        shared: &'a SharedParams<R>,
        copies: &'a Copies<R>,
        hot: &'a Hot,
        common: usize,
    ) -> Self {
        let (shared, now, published) =
            (shared.slots(), copies.now.slots(), copies.published.slots());
        let slots = Either::new(shared, now, &hot.bits);
        let common = shared.len() - common;
        let split = Split { slots, shared, now, published, hot, common, blocks: Cell::new(0) };
        split.each(|j| {
            // Read once: other workers may have begun.
            let x = shared[j].get();
            now[j].set(x);
            published[j].set(x);
        });
        split
    }

    fn each(&self, f: impl Fn(usize)) {
        self.hot.groups.iter().flatten().for_each(|&j| f(j as usize));
    }

    /// Merges all copies with the shared weights.
    pub(crate) fn merge_all(&self) {
        self.each(|j| self.merge_weight(j));
    }

    /// Merges the groups that are due after a block.
    pub(super) fn merge(&self) {
        let block = self.blocks.get() + 1;
        self.blocks.set(block);
        // Group 1 after each second block, group 2 after each second one of the others, and so on.
        let second = block.trailing_zeros() as usize + 1;
        let due = [self.hot.groups.first(), self.hot.groups.get(second)];
        for group in due.into_iter().flatten() {
            for (k, &j) in group.iter().enumerate() {
                if let Some(&ahead) = group.get(k + AHEAD) {
                    prefetch::at_for_write(self.shared, ahead as usize);
                }
                self.merge_weight(j as usize);
            }
        }
    }

    #[inline(always)]
    fn merge_weight(&self, j: usize) {
        let (now, published) = (self.now[j].get(), self.published[j].get());
        let sum = if now == published {
            self.shared[j].get()
        } else {
            self.shared[j].add_and_get(now - published)
        };
        self.now[j].set(sum);
        self.published[j].set(sum);
    }
}

/// Merges between the prefetch of a coordinate's line and its own merge. The line is in another
/// core's cache, and takes a while to come.
const AHEAD: usize = 12;

impl<R: Real> RawWeights for Split<'_, R> {
    type Real = R;

    #[inline(always)]
    fn dot(&self, row: Row<'_>) -> R {
        kernel::dot(&self.slots, row)
    }

    #[inline(always)]
    fn add(&self, a: R, row: Row<'_>) {
        kernel::for_each(&self.slots, row, |slot, x| slot.set(slot.get() + a * x));
    }

    #[inline(always)]
    fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(R, &T, R) -> R) {
        kernel::for_each_with(&self.slots, others, row, |slot, other, x| {
            slot.set(f(x, other, slot.get()))
        });
    }

    #[inline(always)]
    fn get(&self, j: usize) -> R {
        self.slots[j].get()
    }

    #[inline(always)]
    fn update(&self, j: usize, f: impl Fn(R) -> R) {
        self.slots[j].set(f(self.slots[j].get()));
    }

    #[inline(always)]
    fn common(&self, k: usize) -> R {
        self.now[self.common + k].get()
    }

    #[inline(always)]
    fn set_common(&self, k: usize, x: R) {
        self.now[self.common + k].set(x);
    }
}
