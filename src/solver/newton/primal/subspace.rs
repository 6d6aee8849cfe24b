//! The coordinates of a step, and the quadratic model's ingredients on them.

use crate::parallel;
use crate::params::Real;
use crate::problem::{Curves, Examples};
use crate::solver::saga::Certificate;
use crate::solver::sgd::Penalty;

/// Most coordinates of a step.
const MOST: usize = 1 << 16;
/// A coordinate whose weight is 0 takes part if its gradient is more than this fraction of the one
/// that moves it off 0.
pub(super) const NEAR: f64 = 0.9;

/// The point at which a model is made, and the budget for its minimum.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// Gradient of mean loss plus squares at the point.
    pub slope: &'a [f64],
    pub point: &'a [f64],
    pub penalty: Penalty,
    /// Most multiplications.
    pub budget: usize,
}

/// The coordinates of a step.
pub(super) struct Subspace {
    pub coordinates: Vec<u32>,
    /// Position of each coordinate of the problem among them, or [`NONE`].
    positions: Vec<u32>,
    /// Position and feature value of the bias, if it is one of them.
    bias: Option<(u32, f64)>,
}

/// Position of a coordinate that takes no part.
const NONE: u32 = u32::MAX;

impl Subspace {
    /// Selects the coordinates that matter at `from`; `None` if there are none, or too many for a
    /// cheap step.
    pub fn of<R: Real>(examples: &Examples<'_>, l1: f64, from: &Certificate<R>) -> Option<Self> {
        let matters =
            |j: &usize| from.weights[*j] != R::ZERO || from.gradient[*j].abs() > NEAR * l1;
        let coordinates: Vec<u32> =
            (0..examples.width()).filter(matters).map(|j| j as u32).collect();
        // More would have most of the entries of any data.
        if coordinates.is_empty() || coordinates.len() > MOST {
            return None;
        }
        let mut positions = vec![NONE; examples.width()];
        for (k, &j) in coordinates.iter().enumerate() {
            positions[j as usize] = k as u32;
        }
        let bias = positions
            .last()
            .copied()
            .zip(examples.constant().map(f64::from))
            .filter(|&(k, _)| k != NONE);
        Some(Subspace { coordinates, positions, bias })
    }

    /// Collects a value for each of the coordinates.
    pub fn at(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        self.coordinates.iter().map(|&j| value(j as usize)).collect()
    }

    /// Iterates over the entries of an example at the coordinates: positions, which ascend, and
    /// values.
    pub fn entries<'a>(
        &'a self,
        examples: &Examples<'a>,
        example: usize,
    ) -> impl Iterator<Item = (u32, f64)> + 'a {
        let all = examples.row(example).iter().map(|(j, x)| (self.positions[j], f64::from(x)));
        all.filter(|&(k, _)| k != NONE).chain(self.bias)
    }
}

/// Added to the second derivative along each coordinate, as a fraction of their mean: where the
/// loss is flat, a step would be unbounded.
pub(super) const FLAT: f64 = 1e-10;

/// Returns the minimum over one coordinate of a quadratic plus l1.
pub(super) fn minimum_along(at: f64, slope: f64, curvature: f64, l1: f64) -> f64 {
    let (z, threshold) = (at - slope / curvature, l1 / curvature);
    (z - threshold).max(0.0) + (z + threshold).min(0.0)
}

/// Fewest examples per task.
pub(super) const TOGETHER: usize = 4096;

/// Returns an example's contribution to the mean loss's second derivative along its score.
pub(super) fn curvature(examples: &Examples<'_>, curves: &dyn Curves, i: usize, score: f64) -> f64 {
    curves.curvature(examples.target(i), score) / examples.len() as f64
}

/// Returns the [`curvature`] of each example.
pub(super) fn curvatures(examples: &Examples<'_>, curves: &dyn Curves, scores: &[f64]) -> Vec<f64> {
    let mut curvatures = vec![0.0; scores.len()];
    parallel::parts(&mut curvatures, TOGETHER, &|first, curvatures| {
        for (i, c) in (first..).zip(curvatures) {
            *c = curvature(examples, curves, i, scores[i]);
        }
    });
    curvatures
}
