//! The regularizer (l2/2)*||w||^2 + l1*||w||_1, applied to coordinates when they are touched.
//!
//! A coordinate that a share p of the terms touches is shrunk on touch as if by (l2/p, l1/p): in expectation the same
//! as shrinking all coordinates at each visit, at the cost of the touched ones alone. The step is implicit,
//! `soft(z, rate*l1/p) / (1 + rate*l2/p)`, hence stable for the rarest coordinate (Pedregosa, Leblond &
//! Lacoste-Julien, NIPS 2017, section 2), and exact zeros appear under l1.

use rayon::prelude::*;

use crate::params::Real;
use crate::problem::{Problem, Prox};

/// Strengths of the regularizer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// Strength of the absolute values, at least 0.
    pub l1: f64,
    /// Strength of the squares, at least 0.
    pub l2: f64,
}

/// Weights that are summed by one task: the sum's rounding does not depend on the threads.
const SUMMED_TOGETHER: usize = 1 << 15;

impl Penalty {
    /// (l2/2)*||w||^2 + l1*||w||_1, in f64.
    pub fn value<R: Real>(&self, w: &[R]) -> f64 {
        let sums: Vec<[f64; 2]> = w.par_chunks(SUMMED_TOGETHER).map(norms).collect();
        sums.iter().map(|[squares, absolutes]| self.l2 / 2.0 * squares + self.l1 * absolutes).sum()
    }
}

/// The sum of squares and the sum of absolute values, in several partial sums each, so that no addition waits for another.
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

/// 1/p for each coordinate, where p is the share of the problem's terms that touch it; 1 for the common coordinates
/// and for those that no term touches.
pub(super) fn rarity<P: Problem, R: Real>(problem: &P) -> Vec<R> {
    let mut touched = vec![0u32; problem.width()];
    for term in 0..problem.terms() {
        for j in problem.support(term) {
            touched[j] += 1;
        }
    }
    let terms = problem.terms() as f64;
    let common = problem.width() - problem.common();
    touched
        .iter()
        .enumerate()
        .map(|(j, &count)| if count == 0 || j >= common { R::ONE } else { R::of(terms / f64::from(count)) })
        .collect()
}

/// The penalty under a step of some length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shrinkage<'a, R> {
    /// Empty if coordinates are not shrunk on touch.
    pub(super) rarity: &'a [R],
    /// rate*l1
    pub(super) l1: R,
    /// rate*l2
    pub(super) l2: R,
}

impl<R: Real> Prox<R> for Shrinkage<'_, R> {
    #[inline(always)]
    fn is_identity(&self) -> bool {
        self.rarity.is_empty()
    }

    #[inline(always)]
    fn rarity(&self) -> &[R] {
        self.rarity
    }

    #[inline(always)]
    fn shrink(&self, z: R, rarity: R) -> R {
        let soft = if self.l1 == R::ZERO {
            z
        } else {
            let threshold = self.l1 * rarity;
            (z - threshold).max(R::ZERO) + (z + threshold).min(R::ZERO)
        };
        soft / (R::ONE + self.l2 * rarity)
    }

    #[inline(always)]
    fn shrink_common(&self, z: R, pace: R) -> R {
        self.shrink(z, pace)
    }
}
