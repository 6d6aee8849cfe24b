//! Least squares.

use super::{Curved, Loss, LossShape, Piece};
use crate::params::Real;

/// (y - s)^2 / 2.
#[derive(Clone, Copy, Debug, Default)]
pub struct Squared;

impl Loss for Squared {
    #[inline(always)]
    fn value(&self, y: f64, s: f64) -> f64 {
        (y - s).powi(2) / 2.0
    }

    #[inline(always)]
    fn slope<R: Real>(&self, y: R, s: R) -> R {
        s - y
    }

    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        (y - s) * (rate / (R::ONE + rate * q))
    }
}

impl Curved for Squared {
    const SMOOTHNESS: f64 = 1.0;

    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        a + (y - s - a) / (R::ONE + q)
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        a * a / 2.0 - a * y
    }

    fn bend(&self, _: f64, _: f64) -> f64 {
        1.0
    }

    #[inline(always)]
    fn curvature(&self, _: f64, _: f64) -> f64 {
        1.0
    }

    fn shape(&self, y: f64) -> LossShape {
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        LossShape::Pieces(Piece { low, high, bend: 1.0, target: y }, None)
    }
}
