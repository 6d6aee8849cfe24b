//! Handles on one vector of weights: gather and scatter over slots of each handle's own type.
//!
//! Coordinates that *every* term touches (the bias) would be one cache line that all workers fight
//! over. These *common* coordinates lie at the end of the vector. A handle keeps a private copy of
//! them, and merges it with the shared one when its worker ends a block of terms
//! ([`Handle::merge`](super::Handle::merge)).

use std::cell::Cell;

use super::{Real, SharedParams, SharedReal};
use crate::row::Row;
use crate::row::kernel;
use crate::row::real::Slot;

/// A scale that a solver keeps beside the weights. Each weight but the common ones is the factor
/// times its value in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale<R> {
    /// Above 0.
    pub factor: R,
    /// 1 / factor.
    pub inverse: R,
}

impl<R: Real> Scale<R> {
    /// The scale 1: memory holds the weights themselves.
    pub const ONE: Self = Scale { factor: R::ONE, inverse: R::ONE };
}

/// The weights as a problem sees them during a visit, wherever the strategy keeps them.
///
/// These methods regularize each weight that they move, so a problem cannot forget to. The methods
/// that end in `_in_memory` leave out the [`scale`](Weights::scale), for problems that multiply it
/// into a factor of their own.
pub trait Weights {
    /// Type of a weight.
    type Real: Real;
    /// Returns the sum of weight times value over the row's entries.
    #[inline(always)]
    fn dot(&self, row: Row<'_>) -> Self::Real {
        self.scale().factor * self.dot_in_memory(row)
    }
    /// Adds `a` times the row.
    #[inline(always)]
    fn add(&self, a: Self::Real, row: Row<'_>) {
        self.add_in_memory(a * self.scale().inverse, row);
    }
    /// Returns the weight of coordinate `j`, which is not a common one.
    fn get(&self, j: usize) -> Self::Real;
    /// Replaces the weight of coordinate `j`, which is not a common one, by `f` of it. `f` is pure
    /// and may run again.
    fn update(&self, j: usize, f: impl Fn(Self::Real) -> Self::Real);
    /// Returns the `k`-th common coordinate, as this worker sees it.
    fn common(&self, k: usize) -> Self::Real;
    /// Adds `x` to the `k`-th common coordinate, whose steps are `ratio` times those of the other
    /// coordinates.
    fn add_common(&self, k: usize, x: Self::Real, ratio: Self::Real);
    /// Returns true if the regularizer shrinks the coordinates that a visit touches. A term without
    /// a gradient must then still [touch](crate::problem::Problem::touch) its coordinates.
    fn shrinks_on_touch(&self) -> bool;
    /// Returns the scale of all weights but the common ones.
    fn scale(&self) -> Scale<Self::Real>;
    /// Returns the sum of the value in memory times the entry over the row's entries.
    fn dot_in_memory(&self, row: Row<'_>) -> Self::Real;
    /// Adds `a` times the row to the values in memory.
    fn add_in_memory(&self, a: Self::Real, row: Row<'_>);
    /// Returns the values in memory of `N` adjacent coordinates from `start` on, none of them
    /// common.
    fn read_in_memory<const N: usize>(&self, start: usize) -> [Self::Real; N];
    /// Replaces the values in memory of adjacent coordinates from `start` on, one for each of
    /// `others`, by `f(value, other)`. `f` is pure and may run again.
    fn update_in_memory<T>(
        &self,
        start: usize,
        others: &[T],
        f: impl Fn(Self::Real, &T) -> Self::Real,
    );
}

/// One worker's view of the weights in memory, without scale and regularizer. A solver's rule sees
/// this of a strategy.
pub trait RawWeights {
    /// Type of a weight.
    type Real: Real;
    /// Returns the sum of weight times value over the row's entries.
    fn dot(&self, row: Row<'_>) -> Self::Real;
    /// Adds `a` times the row.
    fn add(&self, a: Self::Real, row: Row<'_>);
    /// Replaces the weight of each entry by `f(value, other, weight)`, where `other` is the element
    /// of `others` at the entry's index. `f` is pure and may run again.
    fn update_row<T>(
        &self,
        row: Row<'_>,
        others: &[T],
        f: impl Fn(Self::Real, &T, Self::Real) -> Self::Real,
    );
    /// Returns the weight of coordinate `j`, which is not a common one.
    fn get(&self, j: usize) -> Self::Real;
    /// Replaces the weight of coordinate `j`, which is not a common one, by `f` of it. `f` is pure
    /// and may run again.
    fn update(&self, j: usize, f: impl Fn(Self::Real) -> Self::Real);
    /// Returns the weights of `N` adjacent coordinates from `start` on.
    #[inline(always)]
    fn read<const N: usize>(&self, start: usize) -> [Self::Real; N] {
        std::array::from_fn(|k| self.get(start + k))
    }
    /// Replaces the weights of adjacent coordinates from `start` on, one for each of `others`, by
    /// `f(weight, other)`.
    #[inline(always)]
    fn update_adjacent<T>(
        &self,
        start: usize,
        others: &[T],
        f: impl Fn(Self::Real, &T) -> Self::Real,
    ) {
        others.iter().zip(start..).for_each(|(other, j)| self.update(j, |w| f(w, other)));
    }
    /// Returns the `k`-th common coordinate, as this worker sees it.
    fn common(&self, k: usize) -> Self::Real;
    /// Sets this worker's view of the `k`-th common coordinate.
    fn set_common(&self, k: usize, x: Self::Real);
}

/// A worker's private copy of one common coordinate.
struct Private<R> {
    /// The shared value at the last read.
    seen: Cell<R>,
    /// The value as this worker has moved it since.
    now: Cell<R>,
}

impl<R: Real> Private<R> {
    fn new(x: R) -> Self {
        Private { seen: Cell::new(x), now: Cell::new(x) }
    }
}

/// A handle on weights that one thread has to itself, in cells.
pub struct Plain<'a, R: Real> {
    cells: &'a [Cell<R>],
    common: usize,
}

impl<'a, R: Real> Plain<'a, R> {
    /// Returns a handle on `weights`. Every term touches the last `common` of them.
    pub fn new(weights: &'a mut [R], common: usize) -> Self {
        Plain::of(Cell::from_mut(weights).as_slice_of_cells(), common)
    }

    pub(super) fn of(cells: &'a [Cell<R>], common: usize) -> Self {
        Plain { cells, common: cells.len() - common }
    }
}

impl<R: Real> RawWeights for Plain<'_, R> {
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
        kernel::for_each_with(self.cells, others, row, |slot, other, x| {
            slot.set(f(x, other, slot.get()))
        });
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
    fn read<const N: usize>(&self, start: usize) -> [R; N] {
        let cells = &self.cells[start..][..N];
        std::array::from_fn(|k| cells[k].get())
    }

    #[inline(always)]
    fn update_adjacent<T>(&self, start: usize, others: &[T], f: impl Fn(R, &T) -> R) {
        let cells = &self.cells[start..][..others.len()];
        others.iter().zip(cells).for_each(|(other, cell)| cell.set(f(cell.get(), other)));
    }

    #[inline(always)]
    fn common(&self, k: usize) -> R {
        self.cells[self.common + k].get()
    }

    #[inline(always)]
    fn set_common(&self, k: usize, x: R) {
        self.cells[self.common + k].set(x);
    }
}

/// The fields of both racy handles: the slots, and the private copies of the common coordinates.
struct Shared<'a, R: Real> {
    slots: &'a [R::Shared],
    common: &'a [R::Shared],
    copies: Vec<Private<R>>,
    /// 1 / number of workers.
    fraction: R,
}

impl<'a, R: Real> Shared<'a, R> {
    fn new(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
        let slots = params.slots();
        let common = &slots[slots.len() - common..];
        Shared {
            slots,
            common,
            copies: common.iter().map(|slot| Private::new(slot.get())).collect(),
            fraction: R::of(1.0 / workers as f64),
        }
    }

    /// Adds this worker's movement, divided by the number of workers. Each worker moved its copy as
    /// if it were alone: the sum of P movements could overshoot P-fold, and their mean cannot. With
    /// one worker the copy is the value.
    fn merge(&self) {
        for (slot, copy) in self.common.iter().zip(&self.copies) {
            let (seen, now) = (copy.seen.get(), copy.now.get());
            if now != seen && !(self.fraction == R::ONE && slot.exchange(seen, now)) {
                slot.add((now - seen) * self.fraction);
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
            /// Returns a handle on `params` for one of `workers` workers. Every term touches the
            /// last `common` coordinates.
            pub fn new(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
                $name(Shared::new(params, common, workers))
            }

            /// Merges the private copies of the common coordinates with the shared ones.
            pub(super) fn merge(&self) {
                self.0.merge();
            }
        }

        impl<R: Real> RawWeights for $name<'_, R> {
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
            fn read<const N: usize>(&self, start: usize) -> [R; N] {
                let slots = &self.0.slots[start..][..N];
                std::array::from_fn(|k| slots[k].get())
            }

            #[inline(always)]
            fn update_adjacent<T>(&self, start: usize, others: &[T], f: impl Fn(R, &T) -> R) {
                for (other, $slot) in others.iter().zip(&self.0.slots[start..][..others.len()]) {
                    let $f = |w| f(w, other);
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
        }
    };
}

shared_handle!(
    /// A handle on shared weights, updated by a relaxed load and a relaxed store. An update that
    /// another worker makes in between is lost, which Hogwild (Niu et al., 2011) shows to be
    /// harmless when rows are sparse.
    Wild,
    |slot, f| slot.set(f(slot.get()))
);
shared_handle!(
    /// A handle on shared weights, updated by compare-and-swap. No update is lost, at about twice
    /// the cost.
    Atomic,
    |slot, f| slot.replace(f)
);
