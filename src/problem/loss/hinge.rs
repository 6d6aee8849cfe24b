//! The support vector machine.

use super::{Curved, Loss, LossShape, Piece};
use crate::params::Real;

/// max(0, 1 - m), m = y*s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hinge;

impl Loss for Hinge {
    #[inline(always)]
    fn value(&self, y: f64, s: f64) -> f64 {
        (1.0 - y * s).max(0.0)
    }

    #[inline(always)]
    fn slope<R: Real>(&self, y: R, s: R) -> R {
        if y * s < R::ONE { -y } else { R::ZERO }
    }

    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let (short, inverse) = (R::ONE - y * s, R::ONE / q);
        if short <= R::ZERO { R::ZERO } else { y * (short * inverse).min(rate) }
    }
}

impl Curved for Hinge {
    const SMOOTHNESS: f64 = f64::INFINITY;

    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        y * (y * a + (R::ONE - y * s) / q).max(R::ZERO).min(R::ONE)
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        -(y * a)
    }

    fn bend(&self, y: f64, a: f64) -> f64 {
        if y * a > 0.0 && y * a < 1.0 { 0.0 } else { f64::INFINITY }
    }

    fn curvature(&self, _: f64, _: f64) -> f64 {
        0.0
    }

    fn shape(&self, y: f64) -> LossShape {
        let (low, high) = (y.min(0.0), y.max(0.0));
        LossShape::Pieces(Piece { low, high, bend: 0.0, target: y }, None)
    }
}
