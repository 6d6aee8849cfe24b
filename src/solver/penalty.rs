//! The regularizer (l2/2)*||w||^2 + l1*||w||_1, applied to coordinates when they are touched.
//!
//! A coordinate that a fraction p of the terms touches is shrunk on touch by (l2/p, l1/p). In
//! expectation this equals shrinking all coordinates at each visit, and costs only the touched
//! ones. The step is implicit, `soft(z, rate*l1/p) / (1 + rate*l2/p)`, so it is stable for the
//! rarest coordinate (Pedregosa, Leblond & Lacoste-Julien, NIPS 2017, section 2), and exact zeros
//! appear under l1.

use crate::parallel;
use crate::params::Real;

/// Strengths of the regularizer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// Strength of the absolute values, at least 0.
    pub l1: f64,
    /// Strength of the squares, at least 0.
    pub l2: f64,
}

/// Weights per task: fixed, so that the sum's rounding does not depend on the number of threads.
const SUMMED_TOGETHER: usize = 1 << 15;

impl Penalty {
    /// Computes (l2/2)*||w||^2 + l1*||w||_1, in f64.
    pub fn value<R: Real>(&self, w: &[R]) -> f64 {
        let sums = parallel::collect(w.len(), SUMMED_TOGETHER, &|_, range| norms(&w[range]));
        sums.iter().map(|[squares, absolutes]| self.l2 / 2.0 * squares + self.l1 * absolutes).sum()
    }
}

/// Computes the sum of squares and the sum of absolute values, in eight partial sums each, so that
/// no addition waits for another.
/// Record: D187.
fn norms<R: Real>(w: &[R]) -> [f64; 2] {
    let (eights, rest) = w.as_chunks::<8>();
    let (mut squares, mut absolutes) = ([0.0; 8], [0.0; 8]);
    let mut add = |k: usize, w: R| {
        let w = w.to_f64();
        squares[k] += w * w;
        absolutes[k] += w.abs();
    };
    eights.iter().for_each(|eight| (0..8).for_each(|k| add(k, eight[k])));
    rest.iter().for_each(|&w| add(0, w));
    [squares, absolutes].map(|sums| sums.iter().sum())
}

/// Computes 1/p for each coordinate, where p is the fraction of the `terms` terms that touch it,
/// `touched` of them; 1 for those that none touches.
pub(super) fn rarity<R: Real>(touched: &[u32], terms: usize) -> Vec<R> {
    let rarity =
        |&count: &u32| if count == 0 { R::ONE } else { R::of(terms as f64 / f64::from(count)) };
    touched.iter().map(rarity).collect()
}

/// The regularizer under a step of a given size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shrinkage<'a, R> {
    /// Empty if coordinates are not shrunk on touch.
    pub(super) rarity: &'a [R],
    /// rate*l1
    pub(super) l1: R,
    /// rate*l2
    pub(super) l2: R,
}

impl<R: Real> Shrinkage<'_, R> {
    /// Returns true if coordinates are shrunk on touch.
    #[inline(always)]
    pub(super) fn is_on_touch(&self) -> bool {
        !self.rarity.is_empty()
    }

    /// Returns the value `z` of coordinate `j` after a visit: shrunk, if that happens on touch.
    #[inline(always)]
    pub(super) fn shrunk(&self, z: R, j: usize) -> R {
        if self.is_on_touch() { self.shrink(z, self.rarity[j]) } else { z }
    }

    /// Shrinks the value `z` of a coordinate of this rarity.
    #[inline(always)]
    pub(super) fn shrink(&self, z: R, rarity: R) -> R {
        let soft = if self.l1 == R::ZERO {
            z
        } else {
            let threshold = self.l1 * rarity;
            (z - threshold).max(R::ZERO) + (z + threshold).min(R::ZERO)
        };
        soft / (R::ONE + self.l2 * rarity)
    }
}
