//! One worker's handle on one vector of weights: gather and scatter over places of its own kind.
//!
//! Coordinates that *every* term touches (the bias) would be one cache line that all workers fight over. A handle
//! keeps a private copy of these *common* coordinates, which lie at the end of the vector, and merges it with the
//! shared one when its worker ends a block of terms ([`Weights::merge`]).

use std::cell::Cell;

use super::{Real, SharedParams, SharedReal};
use crate::data::Row;
use crate::kernel;
use crate::real::Slot;

/// A factor of all weights but the common ones, which a rule keeps apart: a weight is the factor times what lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale<R> {
    /// Above 0.
    pub factor: R,
    /// 1 / factor
    pub inverse: R,
}

impl<R: Real> Scale<R> {
    /// Weights lie in memory as they are.
    pub const ONE: Self = Scale { factor: R::ONE, inverse: R::ONE };
}

/// One worker's view of the weights. What a problem and a rule see of a strategy.
pub trait Weights {
    /// Type of a weight.
    type Real: Real;
    /// Sum of weight times value over the row's entries.
    fn dot(&self, row: Row<'_>) -> Self::Real;
    /// Adds `a` times the row.
    fn add(&self, a: Self::Real, row: Row<'_>);
    /// What the weights have in common, for those who want to take it into account together with a factor of their own:
    /// [`Weights::dot`] is the factor times [`Weights::dot_in_memory`], and [`Weights::add`] is
    /// [`Weights::add_in_memory`] of the inverse times `a`.
    #[inline(always)]
    fn scale(&self) -> Scale<Self::Real> {
        Scale::ONE
    }
    /// Sum of what lies in memory times value over the row's entries.
    #[inline(always)]
    fn dot_in_memory(&self, row: Row<'_>) -> Self::Real {
        self.dot(row)
    }
    /// Adds `a` times the row to what lies in memory.
    #[inline(always)]
    fn add_in_memory(&self, a: Self::Real, row: Row<'_>) {
        self.add(a, row);
    }
    /// Replaces the weight of each entry by `f(value, other, weight)`, where `other` is what `others` holds for the
    /// entry's index; `f` is pure and may run again.
    fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(Self::Real, &T, Self::Real) -> Self::Real);
    /// The weight of coordinate `j`, which is not a common one.
    fn get(&self, j: usize) -> Self::Real;
    /// Replaces the weight of coordinate `j`, which is not a common one, by `f` of it; `f` is pure and may run again.
    fn update(&self, j: usize, f: impl Fn(Self::Real) -> Self::Real);
    /// Of two rows of `len` adjacent coordinates each, which start at `p` and `q`, do not overlap and have no common
    /// coordinate, without the last coordinate of each: the sum of products, and the sum of both rows' squares; and the
    /// sum of the last ones.
    #[inline(always)]
    fn products(&self, p: usize, q: usize, len: usize) -> [Self::Real; 3] {
        let mut sums = [Self::Real::ZERO; 2];
        for k in 0..len - 1 {
            let (x, y) = (self.get(p + k), self.get(q + k));
            sums[0] += x * y;
            sums[1] += x * x + y * y;
        }
        [sums[0], sums[1], self.get(p + len - 1) + self.get(q + len - 1)]
    }
    /// Adds to each of two such rows `a` times the other as it was, but to the last coordinate of each, `b`.
    #[inline(always)]
    fn cross(&self, p: usize, q: usize, len: usize, a: Self::Real, b: Self::Real) {
        for k in 0..len - 1 {
            let (x, y) = (self.get(p + k), self.get(q + k));
            self.update(p + k, |w| w + a * y);
            self.update(q + k, |w| w + a * x);
        }
        [p, q].into_iter().for_each(|row| self.update(row + len - 1, |w| w + b));
    }
    /// Adds to each of `sums` `x` times the weight of the coordinate at its place from `start` on.
    #[inline(always)]
    fn gather(&self, start: usize, x: Self::Real, sums: &mut [Self::Real]) {
        sums.iter_mut().zip(start..).for_each(|(sum, j)| *sum += x * self.get(j));
    }
    /// Adds to the weights of adjacent coordinates from `start` on `a` times each of `steps`.
    #[inline(always)]
    fn scatter(&self, start: usize, a: Self::Real, steps: &[Self::Real]) {
        steps.iter().zip(start..).for_each(|(&step, j)| self.update(j, |w| w + a * step));
    }
    /// The `k`-th common coordinate, as this worker sees it.
    fn common(&self, k: usize) -> Self::Real;
    /// Sets this worker's view of the `k`-th common coordinate.
    fn set_common(&self, k: usize, x: Self::Real);
    /// Merges the private copies of the common coordinates with the shared ones. Strategies call it after each block.
    fn merge(&self);
}

/// A worker's private copy of one common coordinate.
struct Private<R> {
    /// The shared value when it was last read.
    seen: Cell<R>,
    /// The value as this worker moved it since.
    now: Cell<R>,
}

impl<R: Real> Private<R> {
    fn new(x: R) -> Self {
        Private { seen: Cell::new(x), now: Cell::new(x) }
    }
}

/// Weights of one thread alone, in cells.
pub struct Plain<'a, R: Real> {
    cells: &'a [Cell<R>],
    common: usize,
}

impl<'a, R: Real> Plain<'a, R> {
    /// A handle on `weights`, of which the last `common` are touched by every term.
    pub fn new(weights: &'a mut [R], common: usize) -> Self {
        Plain::of(Cell::from_mut(weights).as_slice_of_cells(), common)
    }

    pub(super) fn of(cells: &'a [Cell<R>], common: usize) -> Self {
        Plain { cells, common: cells.len() - common }
    }
}

impl<R: Real> Weights for Plain<'_, R> {
    type Real = R;

    #[inline(always)]
    fn dot(&self, row: Row<'_>) -> R {
        kernel::dot(self.cells, row)
    }

    #[inline(always)]
    fn add(&self, a: R, row: Row<'_>) {
        kernel::for_each(self.cells, row, |slot, x| slot.set(slot.get() + a * x));
    }

    #[inline(always)]
    fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(R, &T, R) -> R) {
        kernel::for_each_with(self.cells, others, row, |slot, other, x| slot.set(f(x, other, slot.get())));
    }

    #[inline(always)]
    fn get(&self, j: usize) -> R {
        self.cells[j].get()
    }

    #[inline(always)]
    fn update(&self, j: usize, f: impl Fn(R) -> R) {
        self.cells[j].set(f(self.cells[j].get()));
    }

    #[inline(always)]
    fn products(&self, p: usize, q: usize, len: usize) -> [R; 3] {
        kernel::products(&self.cells[p..][..len], &self.cells[q..][..len])
    }

    #[inline(always)]
    fn cross(&self, p: usize, q: usize, len: usize, a: R, b: R) {
        kernel::cross(&self.cells[p..][..len], &self.cells[q..][..len], a, b);
    }

    #[inline(always)]
    fn gather(&self, start: usize, x: R, sums: &mut [R]) {
        let cells = &self.cells[start..][..sums.len()];
        sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += x * cell.get());
    }

    #[inline(always)]
    fn scatter(&self, start: usize, a: R, steps: &[R]) {
        let cells = &self.cells[start..][..steps.len()];
        steps.iter().zip(cells).for_each(|(&step, cell)| cell.set(cell.get() + a * step));
    }

    #[inline(always)]
    fn common(&self, k: usize) -> R {
        self.cells[self.common + k].get()
    }

    #[inline(always)]
    fn set_common(&self, k: usize, x: R) {
        self.cells[self.common + k].set(x);
    }

    fn merge(&self) {}
}

/// The shared part of both racy handles: the slots, and the private copies of the common coordinates.
struct Shared<'a, R: Real> {
    slots: &'a [R::Shared],
    common: &'a [R::Shared],
    copies: Vec<Private<R>>,
    share: R,
}

impl<'a, R: Real> Shared<'a, R> {
    fn new(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
        let slots = params.slots();
        let common = &slots[slots.len() - common..];
        Shared {
            slots,
            common,
            copies: common.iter().map(|slot| Private::new(slot.get())).collect(),
            share: R::of(1.0 / workers as f64),
        }
    }

    /// Adds this worker's movement, divided by the number of workers: each moved its copy as if it were alone, and
    /// the sum of all movements could overshoot by their number; the mean cannot. Alone, the copy is the value.
    fn merge(&self) {
        for (slot, copy) in self.common.iter().zip(&self.copies) {
            let (seen, now) = (copy.seen.get(), copy.now.get());
            if now != seen && !(self.share == R::ONE && slot.exchange(seen, now)) {
                slot.add((now - seen) * self.share);
            }
            let merged = slot.get();
            copy.seen.set(merged);
            copy.now.set(merged);
        }
    }
}

macro_rules! shared_handle {
    ($(#[$doc:meta])* $name:ident, |$slot:ident, $f:ident| $replace:expr) => {
        $(#[$doc])*
        pub struct $name<'a, R: Real>(Shared<'a, R>);

        impl<'a, R: Real> $name<'a, R> {
            /// A handle on `params` for one of `workers` workers; every term touches the last `common` coordinates.
            pub fn new(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
                $name(Shared::new(params, common, workers))
            }
        }

        impl<R: Real> Weights for $name<'_, R> {
            type Real = R;

            #[inline(always)]
            fn dot(&self, row: Row<'_>) -> R {
                kernel::dot(self.0.slots, row)
            }

            #[inline(always)]
            fn add(&self, a: R, row: Row<'_>) {
                kernel::for_each(self.0.slots, row, |$slot, x| {
                    let $f = |w| w + a * x;
                    $replace
                });
            }

            #[inline(always)]
            fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(R, &T, R) -> R) {
                kernel::for_each_with(self.0.slots, others, row, |$slot, other, x| {
                    let $f = |w| f(x, other, w);
                    $replace
                });
            }

            #[inline(always)]
            fn get(&self, j: usize) -> R {
                self.0.slots[j].get()
            }

            #[inline(always)]
            fn update(&self, j: usize, $f: impl Fn(R) -> R) {
                let $slot = &self.0.slots[j];
                $replace
            }

            #[inline(always)]
            fn products(&self, p: usize, q: usize, len: usize) -> [R; 3] {
                kernel::products(&self.0.slots[p..][..len], &self.0.slots[q..][..len])
            }

            #[inline(always)]
            fn cross(&self, p: usize, q: usize, len: usize, a: R, b: R) {
                let [(p_last, p), (q_last, q)] = [p, q]
                    .map(|start| self.0.slots[start..][..len].split_last().expect("rows with a last coordinate"));
                for (p, q) in p.iter().zip(q) {
                    for ($slot, other) in [(p, q.get()), (q, p.get())] {
                        let $f = |w| w + a * other;
                        $replace
                    }
                }
                for $slot in [p_last, q_last] {
                    let $f = |w| w + b;
                    $replace
                }
            }

            #[inline(always)]
            fn gather(&self, start: usize, x: R, sums: &mut [R]) {
                let slots = &self.0.slots[start..][..sums.len()];
                sums.iter_mut().zip(slots).for_each(|(sum, slot)| *sum += x * slot.get());
            }

            #[inline(always)]
            fn scatter(&self, start: usize, a: R, steps: &[R]) {
                for (&step, $slot) in steps.iter().zip(&self.0.slots[start..][..steps.len()]) {
                    let $f = |w| w + a * step;
                    $replace
                }
            }

            #[inline(always)]
            fn common(&self, k: usize) -> R {
                self.0.copies[k].now.get()
            }

            #[inline(always)]
            fn set_common(&self, k: usize, x: R) {
                self.0.copies[k].now.set(x);
            }

            fn merge(&self) {
                self.0.merge();
            }
        }
    };
}

shared_handle!(
    /// Shared weights updated by a relaxed load and a relaxed store. An update that another worker makes in between is
    /// lost, which Hogwild (Niu et al., 2011) shows to be harmless when rows are sparse.
    Wild,
    |slot, f| slot.set(f(slot.get()))
);
shared_handle!(
    /// Shared weights updated by compare-and-swap: no update is lost, at about twice the cost.
    Atomic,
    |slot, f| slot.replace(f)
);
