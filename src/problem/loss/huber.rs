//! Robust regression.

use super::{Curved, Loss, LossShape, Piece, Squared};
use crate::params::Real;

/// r^2/2 for |r| <= 1, else |r| - 1/2, with r = y - s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Huber;

impl Loss for Huber {
    #[inline(always)]
    fn value(&self, y: f64, s: f64) -> f64 {
        let r = (y - s).abs();
        if r <= 1.0 { r * r / 2.0 } else { r - 0.5 }
    }

    #[inline(always)]
    fn slope<R: Real>(&self, y: R, s: R) -> R {
        (s - y).max(-R::ONE).min(R::ONE)
    }

    /// Takes the squared loss's step, or a full step of length `rate` where that does not reach the
    /// quadratic part.
    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        ((y - s) * (rate / (R::ONE + rate * q))).max(-rate).min(rate)
    }
}

impl Curved for Huber {
    const SMOOTHNESS: f64 = 1.0;

    /// Clamps the squared loss's ascent to the interval where the conjugate is finite.
    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        Squared.ascend(y, s, q, a).max(-R::ONE).min(R::ONE)
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        Squared.conjugate(y, a)
    }

    fn bend(&self, _: f64, a: f64) -> f64 {
        if a.abs() < 1.0 { 1.0 } else { f64::INFINITY }
    }

    #[inline(always)]
    fn curvature(&self, y: f64, s: f64) -> f64 {
        if (y - s).abs() < 1.0 { 1.0 } else { 0.0 }
    }

    fn shape(&self, y: f64) -> LossShape {
        LossShape::Pieces(Piece { low: -1.0, high: 1.0, bend: 1.0, target: y }, None)
    }
}
