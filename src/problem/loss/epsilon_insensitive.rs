//! Support vector regression.

use super::{Curved, Loss, LossShape, Piece};
use crate::params::Real;

/// max(0, |y - s| - epsilon): zero for labels in the tube around the score, whose half-width is
/// `epsilon`, and for others their distance from it (support vector regression; Ho & Lin, JMLR
/// 2012, section 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsilonInsensitive {
    /// Half-width of the tube, in units of the labels, finite and at least 0. With a larger one,
    /// more examples have no loss. 0 is the absolute error.
    pub epsilon: f64,
}

impl EpsilonInsensitive {
    /// Returns the distance of y from the tube around s, negative if y is below it.
    #[inline(always)]
    fn excess<R: Real>(&self, y: R, s: R) -> R {
        let (r, epsilon) = (y - s, R::of(self.epsilon));
        (r - epsilon).max(R::ZERO) + (r + epsilon).min(R::ZERO)
    }
}

impl Loss for EpsilonInsensitive {
    #[inline(always)]
    fn value(&self, y: f64, s: f64) -> f64 {
        self.excess(y, s).abs()
    }

    #[inline(always)]
    fn slope<R: Real>(&self, y: R, s: R) -> R {
        toward(R::ONE, -self.excess(y, s))
    }

    /// Steps to the tube's edge, or by a full step of length `rate` where that does not reach it;
    /// not at all within the tube.
    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let excess = self.excess(y, s);
        if excess.abs() < rate * q { excess / q } else { toward(rate, excess) }
    }
}

impl Curved for EpsilonInsensitive {
    const SMOOTHNESS: f64 = f64::INFINITY;

    /// Returns the root of the dual objective's derivative above 0, or the one below, or 0 if there
    /// is none, since the derivative jumps at 0 by 2 epsilon; then clamps it to the interval where
    /// the conjugate is finite (Ho & Lin, JMLR 2012, section 3).
    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        let (r, epsilon) = (y - s, R::of(self.epsilon));
        // Where q is 0, a quotient is infinite or NaN: max and min then end at a bound or at 0.
        let above = (a + (r - epsilon) / q).max(R::ZERO).min(R::ONE);
        let below = (a + (r + epsilon) / q).min(R::ZERO).max(-R::ONE);
        above + below
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        self.epsilon * a.abs() - a * y
    }

    fn bend(&self, _: f64, a: f64) -> f64 {
        if a != 0.0 && a.abs() < 1.0 { 0.0 } else { f64::INFINITY }
    }

    fn curvature(&self, _: f64, _: f64) -> f64 {
        0.0
    }

    fn shape(&self, y: f64) -> LossShape {
        let epsilon = self.epsilon;
        let above = Piece { low: 0.0, high: 1.0, bend: 0.0, target: y - epsilon };
        let below = Piece { low: -1.0, high: 0.0, bend: 0.0, target: y + epsilon };
        LossShape::Pieces(above, Some(below))
    }
}

/// Returns `length` with the sign of `x`; 0 for 0.
#[inline(always)]
fn toward<R: Real>(length: R, x: R) -> R {
    if x > R::ZERO {
        length
    } else if x < R::ZERO {
        -length
    } else {
        R::ZERO
    }
}
