//! A worker's handle on weights of which it has the most touched ones to itself for a while.

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
    /// One bit a coordinate: whether it is hot.
    pub(crate) bits: Vec<u64>,
    /// The coordinates of group g meet once in 2^g blocks, one group or two after each. Each hot
    /// one is in one group.
    pub(crate) groups: Vec<Vec<u32>>,
}

/// A worker's own copies of the hot weights, in vectors as long as the shared one; the other places
/// are not used.
pub(crate) struct Copies<R: Real> {
    /// The weights as the worker moves them.
    now: SharedParams<R>,
    /// The same without what the others have not been published yet.
    published: SharedParams<R>,
}

impl<R: Real> Copies<R> {
    /// Places for `width` weights, which take memory when they are used.
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

/// Shared weights, but for hot ones, of which the worker has a copy. After each block a group of
/// these meets the shared ones: what the worker moved them by since they last met is added to the
/// shared values, by compare-and-swap, and the sums taken over. The other weights are updated by a
/// relaxed load and a relaxed store.
pub(crate) struct Split<'a, R: Real> {
    places: Either<'a, R::Shared>,
    shared: &'a [R::Shared],
    now: &'a [R::Shared],
    published: &'a [R::Shared],
    hot: &'a Hot,
    common: usize,
    blocks: Cell<usize>,
}

impl<'a, R: Real> Split<'a, R> {
    /// A handle on `shared`, of which the last `common` coordinates are hot; `copies` are as long.
    pub(crate) fn new(
        shared: &'a SharedParams<R>,
        copies: &'a Copies<R>,
        hot: &'a Hot,
        common: usize,
    ) -> Self {
        let (shared, now, published) =
            (shared.slots(), copies.now.slots(), copies.published.slots());
        let places = Either::new(shared, now, &hot.bits);
        let common = shared.len() - common;
        let split = Split { places, shared, now, published, hot, common, blocks: Cell::new(0) };
        split.each(|j| {
            // Read once: others may have begun.
            let x = shared[j].get();
            now[j].set(x);
            published[j].set(x);
        });
        split
    }

    fn each(&self, f: impl Fn(usize)) {
        self.hot.groups.iter().flatten().for_each(|&j| f(j as usize));
    }

    /// Lets all copies meet the shared weights.
    pub(crate) fn merge_all(&self) {
        self.each(|j| self.merge_weight(j));
    }

    /// After a block: lets the groups that are due meet the shared weights.
    pub(super) fn merge(&self) {
        let block = self.blocks.get() + 1;
        self.blocks.set(block);
        // 1 for each second block, 2 for each second one of the others ...
        let turn = block.trailing_zeros() as usize + 1;
        let due = [self.hot.groups.first(), self.hot.groups.get(turn)];
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

/// How many meetings before its own a coordinate's line is asked for: another core has it, so it
/// takes a while to come.
const AHEAD: usize = 12;

impl<R: Real> RawWeights for Split<'_, R> {
    type Real = R;

    #[inline(always)]
    fn dot(&self, row: Row<'_>) -> R {
        kernel::dot(&self.places, row)
    }

    #[inline(always)]
    fn add(&self, a: R, row: Row<'_>) {
        kernel::for_each(&self.places, row, |slot, x| slot.set(slot.get() + a * x));
    }

    #[inline(always)]
    fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(R, &T, R) -> R) {
        kernel::for_each_with(&self.places, others, row, |slot, other, x| {
            slot.set(f(x, other, slot.get()))
        });
    }

    #[inline(always)]
    fn get(&self, j: usize) -> R {
        self.places[j].get()
    }

    #[inline(always)]
    fn update(&self, j: usize, f: impl Fn(R) -> R) {
        self.places[j].set(f(self.places[j].get()));
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
