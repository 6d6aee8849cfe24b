//! Losses of a score s = x.w against a target y: values, slopes, implicit steps, conjugates and
//! curvatures. One file a loss.
//!
//! An implicit step of length `rate` on one example is the a that solves a = -rate * slope(y, s +
//! a*q) with q = ||x||^2: the gradient is taken where the step ends (Kulis & Bartlett, ICML 2010).
//! It never overshoots the example's own minimum, whatever the rate.

mod custom;
mod epsilon_insensitive;
mod hinge;
mod huber;
mod kind;
mod logistic;
mod squared;
mod squared_hinge;
#[cfg(test)]
mod tests;

pub use custom::CustomLoss;
pub use epsilon_insensitive::EpsilonInsensitive;
pub use hinge::Hinge;
pub use huber::Huber;
pub use kind::LossKind;
pub(crate) use kind::with_loss;
pub use logistic::Logistic;
pub use squared::Squared;
pub use squared_hinge::SquaredHinge;

use crate::params::{Real, Scale};

/// A convex loss of a score against a target; a trait, so that it is inlined into the training
/// loop.
pub trait Loss: Copy + Send + Sync {
    /// Returns the loss of score `s` against target `y` (+1 or -1 in classification, any number in
    /// regression).
    fn value(&self, y: f64, s: f64) -> f64;

    /// Returns the derivative of the loss by the score; a subgradient where there is a kink.
    fn slope<R: Real>(&self, y: R, s: R) -> R;

    /// Returns both: cheaper than one after the other where their common part costs most.
    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64) {
        (self.value(y, s), self.slope(y, s))
    }

    /// Returns the implicit step: the factor of x that is added to w. `q` is the squared norm of x,
    /// at least 0.
    ///
    /// The score is known last, long after the other arguments: compute what does not depend on it
    /// apart.
    ///
    /// By default, it is found by bisection between no step and the explicit one, which enclose it
    /// for any convex loss.
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let explicit = -rate * self.slope(y, s);
        let (mut low, mut high) = (R::ZERO, R::ONE);
        for _ in 0..12 {
            let middle = (low + high) * R::of(0.5);
            let a = middle * explicit;
            // The sought fraction of the explicit step is larger if the gradient there still points
            // further.
            let wanted = -rate * self.slope(y, s + a * q);
            if (wanted - a) * explicit > R::ZERO {
                low = middle;
            } else {
                high = middle;
            }
        }
        high * explicit
    }

    /// Returns the implicit step for weights that are a factor times the values in memory
    /// ([`Scale`]): `s` is the score of the values, and the step is added to them.
    #[inline(always)]
    fn step_in_memory<R: Real>(&self, y: R, s: R, scale: Scale<R>, rate: R, q: R) -> R {
        self.step(y, s * scale.factor, rate, q) * scale.inverse
    }
}

/// A convex loss with its conjugate and its curvature, which certified solvers need.
///
/// With l2 > 0, the minimum of P(w) = (1/n) * sum of loss(y_i, x_i.w) + (l2/2)*||w||^2 is the
/// maximum of D(a) = -(1/n) * sum of loss*(y_i, -a_i) - (l2/2)*||w(a)||^2 with w(a) = (1/(l2*n)) *
/// sum of a_i x_i (Shalev-Shwartz & Zhang, JMLR 2013, section 1). Dual variables are signed: in
/// classification, y*a is at least 0.
pub trait Curved: Loss {
    /// Least upper bound of the loss's second derivative by the score; infinite if it has a kink,
    /// which solvers for smooth losses refuse.
    const SMOOTHNESS: f64;

    /// Returns the value of an example's dual variable that maximizes the dual objective, all
    /// others fixed. Its current value is `a`, the score is `s`, and the score gains `q`, at least
    /// 0, times what is added to the variable.
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R;

    /// Returns the conjugate at -a, the supremum of -a*s - loss(y, s) over all scores s. `a` is a
    /// value that [`Curved::ascend`] returned, or 0.
    fn conjugate(&self, y: f64, a: f64) -> f64;

    /// Returns the second derivative of [`Curved::conjugate`] by a; infinite where it has a kink or
    /// its domain an end.
    fn bend(&self, y: f64, a: f64) -> f64;

    /// Returns the second derivative of the loss by the score; where it jumps, one of the values
    /// between.
    fn curvature(&self, y: f64, s: f64) -> f64;

    /// Returns the shape of the loss, which the interior-point method needs. By default, it is not
    /// known.
    fn shape(&self, _y: f64) -> LossShape {
        LossShape::Other
    }
}

/// The shape of a loss by its score s, for the interior-point method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LossShape {
    /// A sum of one or two pieces.
    Pieces(Piece, Option<Piece>),
    /// ln(1 + e^(-y*s)) with y = +1 or -1.
    Logistic,
    /// Any other.
    Other,
}

/// A piecewise linear-quadratic function of the score s: the maximum over all a from `low` to
/// `high` of a*(target - s) - bend*a^2/2 (Aravkin, Burke & Pillonetto, JMLR 2013, section 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Least a; may be minus infinity if `bend` is above 0.
    pub low: f64,
    /// Largest a; may be infinite if `bend` is above 0.
    pub high: f64,
    /// At least 0.
    pub bend: f64,
    /// The score where the function is 0.
    pub target: f64,
}

/// [`Curved`] as a trait object, in f64: the view of dense passes and Newton's method.
pub(crate) trait Curves: Sync {
    /// [`Curved::SMOOTHNESS`]
    fn smoothness(&self) -> f64;
    /// [`Loss::value`]
    fn value(&self, y: f64, s: f64) -> f64;
    /// [`Loss::value_and_slope`]
    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64);
    /// Returns the value at score `s`, and the conjugate at `-a`.
    fn value_and_conjugate(&self, y: f64, s: f64, a: f64) -> (f64, f64);
    /// [`Curved::conjugate`]
    fn conjugate(&self, y: f64, a: f64) -> f64;
    /// [`Curved::bend`]
    fn bend(&self, y: f64, a: f64) -> f64;
    /// [`Curved::curvature`]
    fn curvature(&self, y: f64, s: f64) -> f64;
    /// [`Curved::ascend`]
    fn ascend(&self, y: f64, s: f64, q: f64, a: f64) -> f64;
    /// [`Curved::shape`]
    fn shape(&self, y: f64) -> LossShape;
}

impl<L: Curved> Curves for L {
    fn smoothness(&self) -> f64 {
        L::SMOOTHNESS
    }

    fn value(&self, y: f64, s: f64) -> f64 {
        Loss::value(self, y, s)
    }

    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64) {
        Loss::value_and_slope(self, y, s)
    }

    fn value_and_conjugate(&self, y: f64, s: f64, a: f64) -> (f64, f64) {
        (Loss::value(self, y, s), Curved::conjugate(self, y, a))
    }

    fn conjugate(&self, y: f64, a: f64) -> f64 {
        Curved::conjugate(self, y, a)
    }

    fn bend(&self, y: f64, a: f64) -> f64 {
        Curved::bend(self, y, a)
    }

    fn curvature(&self, y: f64, s: f64) -> f64 {
        Curved::curvature(self, y, s)
    }

    fn ascend(&self, y: f64, s: f64, q: f64, a: f64) -> f64 {
        Curved::ascend(self, y, s, q, a)
    }

    fn shape(&self, y: f64) -> LossShape {
        Curved::shape(self, y)
    }
}
