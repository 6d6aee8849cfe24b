//! Losses of a score s = x.w against a target y, and their implicit steps.
//!
//! An implicit step of length `rate` on one example is the a that solves a = -rate * slope(y, s + a*q) with
//! q = ||x||^2: the gradient is taken where the step ends (Kulis & Bartlett, ICML 2010). It never overshoots the
//! example's own minimum, whatever the rate.

mod custom;
mod kind;

use std::f64::consts::{LN_2, LOG2_E};

pub use custom::{Custom, CustomLoss};
pub use kind::LossKind;

use crate::params::{Real, Scale};

/// A convex loss of a score against a target, as a trait so that it is inlined into the training loop.
pub trait Loss: Copy + Send + Sync {
    /// The loss of score `s` against target `y` (+1 or -1 in classification, any number in regression).
    fn value(&self, y: f64, s: f64) -> f64;

    /// The derivative of the loss by the score; a subgradient where there is a kink.
    fn slope<R: Real>(&self, y: R, s: R) -> R;

    /// Both: where what they have in common costs most, less than one after the other.
    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64) {
        (self.value(y, s), self.slope(y, s))
    }

    /// The implicit step: how much of x to add to w. `q` is the squared norm of x, at least 0.
    ///
    /// The score is known last, when the others have long been: what does not depend on it is best computed apart.
    ///
    /// By default, found by bisection between no step and the explicit one, which enclose it for any convex loss.
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let explicit = -rate * self.slope(y, s);
        let (mut low, mut high) = (R::ZERO, R::ONE);
        for _ in 0..12 {
            let middle = (low + high) * R::of(0.5);
            let a = middle * explicit;
            // The sought fraction of the explicit step is larger when the gradient there still asks for more.
            let wanted = -rate * self.slope(y, s + a * q);
            if (wanted - a) * explicit > R::ZERO {
                low = middle;
            } else {
                high = middle;
            }
        }
        high * explicit
    }

    /// The implicit step for weights that are kept as a factor times what lies in memory ([`Scale`]): `s` is the score of
    /// what lies there, and the step is what is added to it.
    #[inline(always)]
    fn step_in_memory<R: Real>(&self, y: R, s: R, scale: Scale<R>, rate: R, q: R) -> R {
        self.step(y, s * scale.factor, rate, q) * scale.inverse
    }
}

/// ln(1 + e^-m), m = y*s.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logistic;

impl Loss for Logistic {
    #[inline(always)]
    fn value(&self, y: f64, s: f64) -> f64 {
        self.value_and_slope(y, s).0
    }

    #[inline(always)]
    fn slope<R: Real>(&self, y: R, s: R) -> R {
        -y / (R::ONE + (y * s).exp())
    }

    /// With one exponential.
    #[inline(always)]
    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64) {
        let m = y * s;
        let e = (-m.abs()).exp();
        // Where e^-|m| is not small, ln of 1 plus it is as exact as ln_1p and takes half the time.
        let part = if e > 1e-4 { (1.0 + e).ln() } else { e * (1.0 - e * (0.5 - e / 3.0)) };
        let above = if m > 0.0 { e } else { 1.0 };
        (part + (-m).max(0.0), -y * above / (1.0 + e))
    }

    /// One step of Newton's method from no step, which is nearly always enough: its two divisions are one, as
    /// p = 1/(1 + e^m) and p*(1 - p) have powers of the same sum below them. Or several.
    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let m = s.times_sign(y);
        let a = if m < R::of(FAR) {
            let e = m.exp();
            let below = R::ONE + e;
            rate * below / (below * below + rate * q * e)
        } else {
            let small = (-m).exp();
            let below = R::ONE + small;
            rate * small * below / (below * below + rate * q * small)
        };
        let a = if a * q < R::of(SMALL_MOVE) { a } else { newton(m, rate, q, a) };
        a.times_sign(y)
    }

    /// Where each row touches what the one before has moved, each waits for the other's step. So whatever else has to be
    /// multiplied with the score is one factor here, and so is what has to be multiplied with the step.
    #[inline(always)]
    fn step_in_memory<R: Real>(&self, y: R, s: R, scale: Scale<R>, rate: R, q: R) -> R {
        let power = s * (scale.factor * R::of(LOG2_E) * y);
        let rate_in_memory = rate * scale.inverse;
        if power.abs() > R::of(MOST_POWER) || rate * q + rate_in_memory > R::of(LONG) {
            return far_step(y, s * scale.factor, rate, q) * scale.inverse;
        }
        let [e, below] = power.exp2_and_next();
        let below2 = below * below + rate * q * e;
        if rate * q * below < R::of(SMALL_MOVE) * below2 {
            rate_in_memory * y * below / below2
        } else {
            newton(power * R::of(LN_2), rate, q, rate * below / below2) * scale.inverse * y
        }
    }
}

/// [`Logistic::step`] where few examples come, so that it takes no registers from the others.
#[cold]
fn far_step<R: Real>(y: R, s: R, rate: R, q: R) -> R {
    Logistic.step(y, s, rate, q)
}

/// The implicit logistic step from the margin `m`, without its sign: Newton's method from its first step `a` on, with
/// bisection where its moves do not halve.
#[cold]
fn newton<R: Real>(m: R, rate: R, q: R, mut a: R) -> R {
    let (mut low, mut high, mut last_move) = (R::ZERO, rate, a);
    for _ in 0..MOST_NEWTON {
        let p = R::ONE / (R::ONE + (m + a * q).exp());
        let wanted = rate * p;
        if wanted > a {
            low = a;
            high = high.min(wanted);
        } else {
            high = a;
        }
        let newton = a + (wanted - a) / (R::ONE + rate * q * p * (R::ONE - p));
        let closes_in = (newton - a).abs() <= last_move * R::of(0.5);
        let next = if closes_in && newton >= low && newton <= high {
            newton
        } else {
            // (1 + e^(m + move))*move = rate*q, so from 1 on, no move is longer than ln(rate*q) - m.
            let longest = (R::of((rate * q).to_f64().ln()) - m).max(R::ONE);
            high = high.min(longest / q);
            (low + high) * R::of(0.5)
        };
        last_move = (next - a).abs();
        a = next;
        // What is left is the square of the move, at most: as small a part of the whole as where one step is enough.
        let moved = last_move * q;
        if moved * moved < R::of(SMALL_MOVE) * (a * q).min(R::ONE) {
            break;
        }
    }
    a
}

/// The margin from which on [`Logistic::step`] computes from e^-m, so that nothing overflows however long the step and the
/// example are.
const FAR: f64 = 16.0;
/// Margins of more powers of two take [`Logistic::step`]: a good fit has many above 16, and hardly any above this.
const MOST_POWER: f64 = 57.0;
/// Up to this, what is multiplied with 2 to the power of [`MOST_POWER`] stays in the range of f32.
const LONG: f64 = (1_u64 << 60) as f64;
/// Most iterations for one logistic step.
const MOST_NEWTON: usize = 8;
/// A change of the score within which the logistic curve is near enough to its parabola for the step to be final.
const SMALL_MOVE: f64 = 0.125;

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

    /// The squared loss's step, or a full step of length `rate` where that does not reach the quadratic part.
    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        ((y - s) * (rate / (R::ONE + rate * q))).max(-rate).min(rate)
    }
}

/// max(0, |y - s| - epsilon): nothing for labels in the tube around the score, whose half-width is `epsilon`, and for
/// others their distance from it (support vector regression; Ho & Lin, JMLR 2012, section 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsilonInsensitive {
    /// In units of the labels, finite and at least 0; f32 as these are, so that labels on the tube's edge are on it in
    /// all precisions. Larger lets more examples go without a loss. 0 is the absolute error.
    pub epsilon: f32,
}

impl EpsilonInsensitive {
    /// How far y is above the tube around s, or below it as a negative number.
    #[inline(always)]
    fn excess<R: Real>(&self, y: R, s: R) -> R {
        let (r, epsilon) = (y - s, R::of_f32(self.epsilon));
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

    /// To the tube's edge, or a full step of length `rate` where that does not reach it; none within the tube.
    #[inline(always)]
    fn step<R: Real>(&self, y: R, s: R, rate: R, q: R) -> R {
        let excess = self.excess(y, s);
        if excess.abs() < rate * q { excess / q } else { toward(rate, excess) }
    }
}

/// `length` with the sign of `x`; 0 for 0.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A loss with the default implicit step.
    #[derive(Clone, Copy)]
    struct Default_<L>(L);

    impl<L: Loss> Loss for Default_<L> {
        fn value(&self, y: f64, s: f64) -> f64 {
            self.0.value(y, s)
        }

        fn slope<R: Real>(&self, y: R, s: R) -> R {
            self.0.slope(y, s)
        }
    }

    /// What an implicit step minimizes over a: loss(s + a*q) + q*a^2/(2*rate).
    fn proximal(loss: impl Loss, y: f64, s: f64, rate: f64, q: f64, a: f64) -> f64 {
        loss.value(y, s + a * q) + q * a * a / (2.0 * rate)
    }

    const EPSILON: f64 = 0.5;

    fn steps_agree<L: Loss>(loss: L, y: f64, s: f64, rate: f64, q: f64) {
        let found = loss.step(y, s, rate, q);
        let searched = Default_(loss).step(y, s, rate, q);
        let [at_found, at_searched] = [found, searched].map(|a| proximal(loss, y, s, rate, q, a));
        let at_rest = proximal(loss, y, s, rate, q, 0.0);
        // The logistic step is Newton's, stopped where its curve is near its parabola.
        let slack = 0.1 * (at_rest - at_searched) + 1e-9;
        assert!(at_found <= at_searched + slack, "{found} {searched}: {at_found} {at_searched} {at_rest}");
        let slope = (loss.value(y, s + 1e-6) - loss.value(y, s - 1e-6)) / 2e-6;
        let kink =
            [1.0 - y * s, (y - s).abs() - 1.0, (y - s).abs() - EPSILON].iter().any(|d: &f64| d.abs() < 1e-5);
        assert!(kink || (slope - loss.slope(y, s)).abs() < 1e-4 * (1.0 + slope.abs()));
    }

    proptest! {
        #[test]
        fn closed_steps_are_what_bisection_finds(
            positive: bool, target in -3.0..3.0, s in -8.0..8.0, log_rate in -8.0..3.0, log_q in -3.0..3.0,
        ) {
            let y = if positive { 1.0 } else { -1.0 };
            let (rate, q) = (f64::exp(log_rate), f64::exp(log_q));
            steps_agree(Logistic, y, s, rate, q);
            steps_agree(Hinge, y, s, rate, q);
            steps_agree(SquaredHinge, y, s, rate, q);
            steps_agree(Squared, target, s, rate, q);
            steps_agree(Huber, target, s, rate, q);
            steps_agree(EpsilonInsensitive { epsilon: EPSILON as f32 }, target, s, rate, q);
        }
    }

    #[test]
    fn extreme_scores_stay_finite() {
        for s in [-1e30, -1e4, 0.0, 1e4, 1e30] {
            for y in [-1.0, 1.0] {
                assert!(Logistic.value(y, s).is_finite() && Logistic.slope(y, s).is_finite());
                for kind in [1e-9_f32, 1.0, 1e9] {
                    assert!(Logistic.step(y as f32, s as f32, kind, 1.0).is_finite(), "{y} {s} {kind}");
                }
            }
        }
        assert_eq!(Hinge.step(1.0, 0.0, 1.0, 0.0), 1.0, "an empty row takes a step of no effect");
    }

    #[test]
    fn no_logistic_gradient_is_skipped_however_long_the_step_and_the_example() {
        for m in [-40.0, 0.0, 15.9, 16.1, 39.0, 41.0, 80.0] {
            for y in [-1.0_f32, 1.0] {
                let a = y * Logistic.step(y, y * m, 1e9, 1e14);
                assert!(a > 0.0 && a.is_finite(), "{m}: {a}");
            }
        }
    }

    #[test]
    fn a_logistic_step_ends_near_where_the_gradient_is_taken() {
        for (k, l) in (-40..=120).flat_map(|k| (-10..=45).map(move |l| (k, l))) {
            let (m, long, q) = (0.5 * f64::from(k), f64::from(l).exp2(), 7.0);
            let moved = Logistic.step(1.0, m, long / q, q) * q;
            let (mut low, mut high) = (0.0, long);
            for _ in 0..200 {
                let middle = 0.5 * (low + high);
                if middle < long / (1.0 + f64::exp(m + middle)) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            assert!((moved / low - 1.0).abs() < 0.05, "{m} {long}: {moved}, {low}");
        }
    }

    #[test]
    fn a_step_in_memory_is_the_step_in_other_units() {
        for factor in [1.0_f32, 0.75, 1e-4] {
            let scale = Scale { factor, inverse: 1.0 / factor };
            for m in [-60.0, -39.0, -30.0, -15.9, -3.0, -0.1, 0.0, 0.5, 7.0, 15.9, 16.1, 39.0, 40.0, 60.0] {
                for (y, rate, q) in [
                    (1.0, 0.01, 2.0),
                    (-1.0, 0.01, 2.0),
                    (1.0, 4.0, 3.0),
                    (-1.0, 1e9, 1e14),
                    (1.0, 1e25, 1.0),
                    (1.0, 1e30, 0.0),
                ] {
                    let wanted = Logistic.step(y, y * m, rate, q);
                    let found = Logistic.step_in_memory(y, y * m / factor, scale, rate, q) * factor;
                    assert!((found / wanted - 1.0).abs() < 1e-4, "{m} {y} {rate} {q}: {found}, {wanted}");
                    let wanted = Hinge.step(y, y * m, rate, q);
                    let found = Hinge.step_in_memory(y, y * m / factor, scale, rate, q) * factor;
                    assert!((found - wanted).abs() <= 1e-5 * wanted.abs() + 1e-20, "{m}: {found}, {wanted}");
                }
            }
        }
    }

    #[test]
    fn within_the_tube_there_is_no_step_and_outside_it_ends_at_the_edge() {
        let tube = EpsilonInsensitive { epsilon: 0.25 };
        for (y, s, rate, q, step) in [
            (1.0_f32, 1.25, 1.0, 2.0, 0.0),
            (1.0, 0.75, 1.0, 2.0, 0.0),
            (1.0, 1.25, 1.0, 0.0, 0.0),
            (1.0, -0.25, 10.0, 2.0, 0.5),
            (-1.0, 0.25, 10.0, 2.0, -0.5),
            (1.0, -0.25, 0.25, 2.0, 0.25),
            (-1.0, 0.25, 0.25, 2.0, -0.25),
            (-1.0, 0.25, 0.25, 0.0, -0.25),
        ] {
            assert_eq!(tube.step(y, s, rate, q), step, "{y} {s} {rate} {q}");
        }
        assert_eq!([tube.slope(0.0, 0.25), tube.slope(0.0, 0.5), tube.slope(0.0, -0.5)], [0.0, 1.0, -1.0]);
        // No f32 is 0.1, but this label and this edge are the same one.
        assert_eq!(EpsilonInsensitive { epsilon: 0.1 }.value(f64::from(0.1_f32), 0.0), 0.0);
    }
}
