//! Weights kept as a scale times a vector, w = s*v, so that l2 costs nothing per non-zero (Bottou's `svmsgd`).
//!
//! Each visit shrinks all of w by 1/(1 + rate*l2): one multiplication of s. The scale is a function of the number of
//! visits that were made to the vector, so workers need not share it: each takes the count from the ticket of its
//! block (where blocks are dealt and each worker has a vector, of its own tickets). Between two blocks a worker is wrong about the others' visits, hence reads w wrong by at most
//! exp(rate*l2*skew) - 1 for a skew in visits; at the end of an epoch the exact product is folded into v.

use crate::data::Row;
use crate::params::{Scale, Weights};

/// A handle on w over a handle on v. Common coordinates are not scaled.
pub(super) struct Scaled<'a, W: Weights> {
    pub(super) inner: &'a W,
    pub(super) scale: Scale<W::Real>,
}

impl<W: Weights> Weights for Scaled<'_, W> {
    type Real = W::Real;

    #[inline(always)]
    fn dot(&self, row: Row<'_>) -> W::Real {
        self.scale.factor * self.inner.dot(row)
    }

    #[inline(always)]
    fn add(&self, a: W::Real, row: Row<'_>) {
        self.inner.add(a * self.scale.inverse, row);
    }

    #[inline(always)]
    fn scale(&self) -> Scale<W::Real> {
        self.scale
    }

    #[inline(always)]
    fn dot_in_memory(&self, row: Row<'_>) -> W::Real {
        self.inner.dot(row)
    }

    #[inline(always)]
    fn add_in_memory(&self, a: W::Real, row: Row<'_>) {
        self.inner.add(a, row);
    }

    #[inline(always)]
    fn update_row<T>(&self, row: Row<'_>, others: &[T], f: impl Fn(W::Real, &T, W::Real) -> W::Real) {
        self.inner
            .update_row(row, others, |x, other, v| f(x, other, v * self.scale.factor) * self.scale.inverse);
    }

    #[inline(always)]
    fn get(&self, j: usize) -> W::Real {
        self.scale.factor * self.inner.get(j)
    }

    #[inline(always)]
    fn update(&self, j: usize, f: impl Fn(W::Real) -> W::Real) {
        self.inner.update(j, |v| f(v * self.scale.factor) * self.scale.inverse);
    }

    #[inline(always)]
    fn products(&self, p: usize, q: usize, len: usize) -> [W::Real; 3] {
        let [product, squares, last] = self.inner.products(p, q, len);
        let factor2 = self.scale.factor * self.scale.factor;
        [product * factor2, squares * factor2, last * self.scale.factor]
    }

    /// The other row is added to v as to w: both have the scale.
    #[inline(always)]
    fn cross(&self, p: usize, q: usize, len: usize, a: W::Real, b: W::Real) {
        self.inner.cross(p, q, len, a, b * self.scale.inverse);
    }

    #[inline(always)]
    fn gather(&self, start: usize, x: W::Real, sums: &mut [W::Real]) {
        self.inner.gather(start, x * self.scale.factor, sums);
    }

    #[inline(always)]
    fn scatter(&self, start: usize, a: W::Real, steps: &[W::Real]) {
        self.inner.scatter(start, a * self.scale.inverse, steps);
    }

    #[inline(always)]
    fn common(&self, k: usize) -> W::Real {
        self.inner.common(k)
    }

    #[inline(always)]
    fn set_common(&self, k: usize, x: W::Real) {
        self.inner.set_common(k, x);
    }

    fn merge(&self) {
        self.inner.merge();
    }
}
