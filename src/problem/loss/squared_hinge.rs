//! LIBLINEAR's L2-loss support vector machine.

use super::{Curved, Loss, LossShape, Piece};
use crate::params::Real;

/// max(0, 1 - m)^2, m = y*s: LIBLINEAR's, without 1/2.
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredHinge;

impl Loss for SquaredHinge {
    #[inline(always)]
    fn value(&self, y: f64, s: f64) -> f64 {
        (1.0 - y * s).max(0.0).powi(2)
    }

    #[inline(always)]
    fn slope<R: Real>(&self, y: R, s: R) -> R {
        -(R::ONE - y * s).max(R::ZERO) * y * R::of(2.0)
    }

    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let twice = rate * R::of(2.0);
        (R::ONE - y * s).max(R::ZERO) * (y * twice / (R::ONE + twice * q))
    }
}

impl Curved for SquaredHinge {
    const SMOOTHNESS: f64 = 2.0;

    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        let half = R::of(0.5);
        let u = y * a;
        y * (u + (R::ONE - y * s - half * u) / (q + half)).max(R::ZERO)
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        let u = y * a;
        u * u / 4.0 - u
    }

    fn bend(&self, y: f64, a: f64) -> f64 {
        if y * a > 0.0 { 0.5 } else { f64::INFINITY }
    }

    #[inline(always)]
    fn curvature(&self, y: f64, s: f64) -> f64 {
        if y * s < 1.0 { 2.0 } else { 0.0 }
    }

    fn shape(&self, y: f64) -> LossShape {
        let (low, high) = (0.0_f64.min(y * f64::INFINITY), 0.0_f64.max(y * f64::INFINITY));
        LossShape::Pieces(Piece { low, high, bend: 0.5, target: y }, None)
    }
}
