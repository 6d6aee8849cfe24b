//! The weights as a problem sees them under stochastic gradient descent: scaled and regularized.
//!
//! Weights are represented as a scale times a vector, w = s*v, so that l2 costs nothing per
//! non-zero (Bottou's `svmsgd`). Each visit shrinks all of w by 1/(1 + rate*l2): one multiplication
//! of s. The scale is a function of the number of visits to the vector, so workers need not share
//! it: each takes the count from the ticket of its block (of its own tickets, where blocks are
//! dealt and each worker has a vector). Between two blocks a worker does not see the others'
//! visits, so its relative error in w is at most exp(rate*l2*skew) - 1 for a skew in visits. At the
//! end of an epoch the exact product is applied to v. With l1, or a step size that changes within
//! an epoch, coordinates are shrunk on touch instead.

use crate::params::{RawWeights, Scale, Weights};
use crate::row::Row;
use crate::solver::penalty::Shrinkage;

/// A view of w over raw weights v. Common coordinates are not scaled.
pub(super) struct Regularized<'a, W: RawWeights> {
    pub(super) raw: &'a W,
    pub(super) scale: Scale<W::Real>,
    pub(super) shrinkage: &'a Shrinkage<'a, W::Real>,
    /// True if the regularizer acts on the common coordinates.
    pub(super) penalizes_common: bool,
}

impl<W: RawWeights> Weights for Regularized<'_, W> {
    type Real = W::Real;

    #[inline(always)]
    fn get(&self, j: usize) -> W::Real {
        self.scale.factor * self.raw.get(j)
    }

    #[inline(always)]
    fn update(&self, j: usize, f: impl Fn(W::Real) -> W::Real) {
        self.raw
            .update(j, |v| self.shrinkage.shrunk(f(v * self.scale.factor), j) * self.scale.inverse);
    }

    #[inline(always)]
    fn common(&self, k: usize) -> W::Real {
        self.raw.common(k)
    }

    #[inline(always)]
    fn add_common(&self, k: usize, x: W::Real, ratio: W::Real) {
        let moved = self.raw.common(k) + x;
        self.raw.set_common(
            k,
            if self.penalizes_common { self.shrinkage.shrink(moved, ratio) } else { moved },
        );
    }

    #[inline(always)]
    fn shrinks_on_touch(&self) -> bool {
        self.shrinkage.is_on_touch()
    }

    #[inline(always)]
    fn scale(&self) -> Scale<W::Real> {
        self.scale
    }

    #[inline(always)]
    fn dot_in_memory(&self, row: Row<'_>) -> W::Real {
        self.raw.dot(row)
    }

    #[inline(always)]
    fn add_in_memory(&self, a: W::Real, row: Row<'_>) {
        if self.shrinkage.is_on_touch() {
            let shrink =
                |x, &rarity: &W::Real, w: W::Real| self.shrinkage.shrink(w + a * x, rarity);
            self.raw.update_row(row, self.shrinkage.rarity, shrink);
        } else {
            self.raw.add(a, row);
        }
    }

    #[inline(always)]
    fn read_in_memory<const N: usize>(&self, start: usize) -> [W::Real; N] {
        self.raw.read(start)
    }

    #[inline(always)]
    fn update_in_memory<T>(&self, start: usize, others: &[T], f: impl Fn(W::Real, &T) -> W::Real) {
        if self.shrinkage.is_on_touch() {
            for (other, j) in others.iter().zip(start..) {
                self.raw.update(j, |v| self.shrinkage.shrunk(f(v, other), j));
            }
        } else {
            self.raw.update_adjacent(start, others, f);
        }
    }
}
