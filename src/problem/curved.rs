//! Losses with a second derivative: what variance reduction and Newton's method need to know of them.

use super::{Conjugate, EpsilonInsensitive, Hinge, Huber, Logistic, Squared, SquaredHinge};

/// A convex loss with its curvature.
pub trait Curved: Conjugate {
    /// The second derivative by the score, or where it jumps one of the values between.
    fn curvature(&self, y: f64, s: f64) -> f64;
}

/// A convex loss with its curvature, whatever its type: what dense passes and Newton's method see of it, in f64.
pub(crate) trait Curves: Sync {
    /// [`Conjugate::MOST`]
    fn smoothness(&self) -> f64;
    /// [`Loss::value`](super::Loss::value)
    fn value(&self, y: f64, s: f64) -> f64;
    /// [`Loss::value_and_slope`](super::Loss::value_and_slope)
    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64);
    /// The value at score `s`, and the conjugate at `-a`.
    fn value_and_conjugate(&self, y: f64, s: f64, a: f64) -> (f64, f64);
    /// [`Conjugate::conjugate`]
    fn conjugate(&self, y: f64, a: f64) -> f64;
    /// [`Conjugate::bend`]
    fn bend(&self, y: f64, a: f64) -> f64;
    /// [`Curved::curvature`]
    fn curvature(&self, y: f64, s: f64) -> f64;
    /// [`Conjugate::ascend`]
    fn ascend(&self, y: f64, s: f64, q: f64, a: f64) -> f64;
}

impl<L: Curved> Curves for L {
    fn smoothness(&self) -> f64 {
        L::MOST
    }

    fn value(&self, y: f64, s: f64) -> f64 {
        super::Loss::value(self, y, s)
    }

    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64) {
        super::Loss::value_and_slope(self, y, s)
    }

    fn value_and_conjugate(&self, y: f64, s: f64, a: f64) -> (f64, f64) {
        (super::Loss::value(self, y, s), Conjugate::conjugate(self, y, a))
    }

    fn conjugate(&self, y: f64, a: f64) -> f64 {
        Conjugate::conjugate(self, y, a)
    }

    fn bend(&self, y: f64, a: f64) -> f64 {
        Conjugate::bend(self, y, a)
    }

    fn curvature(&self, y: f64, s: f64) -> f64 {
        Curved::curvature(self, y, s)
    }

    fn ascend(&self, y: f64, s: f64, q: f64, a: f64) -> f64 {
        Conjugate::ascend(self, y, s, q, a)
    }
}

impl Curved for Logistic {
    #[inline(always)]
    fn curvature(&self, y: f64, s: f64) -> f64 {
        let p = 1.0 / (1.0 + (y * s).exp());
        p * (1.0 - p)
    }
}

impl Curved for Hinge {
    fn curvature(&self, _: f64, _: f64) -> f64 {
        0.0
    }
}

impl Curved for SquaredHinge {
    #[inline(always)]
    fn curvature(&self, y: f64, s: f64) -> f64 {
        if y * s < 1.0 { 2.0 } else { 0.0 }
    }
}

impl Curved for Squared {
    #[inline(always)]
    fn curvature(&self, _: f64, _: f64) -> f64 {
        1.0
    }
}

impl Curved for Huber {
    #[inline(always)]
    fn curvature(&self, y: f64, s: f64) -> f64 {
        if (y - s).abs() < 1.0 { 1.0 } else { 0.0 }
    }
}

impl Curved for EpsilonInsensitive {
    fn curvature(&self, _: f64, _: f64) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EPSILON: f64 = 0.5;

    fn agrees(loss: impl Curved, y: f64, s: f64, share: f64) {
        let slope = loss.slope(y, s);
        let touching = slope * s - loss.value(y, s);
        let conjugate = loss.conjugate(y, -slope);
        assert!((conjugate - touching).abs() < 1e-9 * (1.0 + touching.abs()), "{conjugate} {touching}");
        for other in [-20.0, -1.0, 0.0, 0.5, 3.0, 20.0] {
            let below = share * slope * other - loss.value(y, other);
            assert!(loss.conjugate(y, -share * slope) >= below - 1e-9, "{share} {other}");
        }
        let jumps =
            [1.0 - y * s, (y - s).abs() - 1.0, (y - s).abs() - EPSILON].iter().any(|d: &f64| d.abs() < 1e-4);
        let measured = (loss.slope(y, s + 1e-5) - loss.slope(y, s - 1e-5)) / 2e-5;
        assert!(jumps || (measured - loss.curvature(y, s)).abs() < 1e-6, "{measured}");
        assert!(loss.curvature(y, s) <= most(loss));
    }

    fn most<L: Curved>(_: L) -> f64 {
        L::MOST
    }

    proptest! {
        #[test]
        fn conjugates_touch_and_curvatures_are_slopes_of_slopes(
            positive: bool, target in -3.0..3.0, s in -8.0..8.0, share in 0.0..1.0,
        ) {
            let y = if positive { 1.0 } else { -1.0 };
            agrees(Logistic, y, s, share);
            agrees(Hinge, y, s, share);
            agrees(SquaredHinge, y, s, share);
            agrees(Squared, target, s, share);
            agrees(Huber, target, s, share);
            agrees(EpsilonInsensitive { epsilon: EPSILON as f32 }, target, s, share);
        }
    }
}
