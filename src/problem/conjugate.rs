//! Losses seen from the dual: their convex conjugates, and the exact ascent in one example's dual variable.
//!
//! With l2 > 0, the minimum of P(w) = (1/n) * sum of loss(y_i, x_i.w) + (l2/2)*||w||^2 is the maximum of
//! D(a) = -(1/n) * sum of loss*(y_i, -a_i) - (l2/2)*||w(a)||^2 with w(a) = (1/(l2*n)) * sum of a_i x_i (Shalev-Shwartz &
//! Zhang, JMLR 2013, section 1). Dual variables are signed: in classification, y*a is at least 0.

use super::{EpsilonInsensitive, Hinge, Huber, Logistic, Loss, Squared, SquaredHinge};
use crate::params::Real;

/// A convex loss with its conjugate, as a trait so that it is inlined into the training loop.
pub trait Conjugate: Loss {
    /// Least upper bound of the loss's second derivative by the score; infinite if it has a kink, which methods for
    /// smooth losses refuse.
    const MOST: f64;

    /// The value of an example's dual variable that maximizes the dual objective, all others fixed: now it is `a`, the
    /// score is `s`, and the score gains `q` times what is added to the variable. `q` is at least 0.
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R;

    /// The conjugate at -a, the supremum of -a*s - loss(y, s) over all scores s. `a` is a value that
    /// [`Conjugate::ascend`] returned, or 0.
    fn conjugate(&self, y: f64, a: f64) -> f64;

    /// Second derivative by a of [`Conjugate::conjugate`]; infinite where it has a kink or its domain an end.
    fn bend(&self, y: f64, a: f64) -> f64;
}

impl Conjugate for Logistic {
    const MOST: f64 = 0.25;

    /// With u = y*a = 1/(1 + e^-z), the log-odds z solve z + m + q*(u(z) - u) = 0: an increasing function, between linear
    /// with slope 1 and with slope 1 + q/4. Newton's method, with bisection where its moves do not halve.
    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        let (m, u) = (y * s, y * a);
        // u(z) lies between 0 and 1, hence z between these.
        let (mut low, mut high) = (-m - q * (R::ONE - u), -m + q * u);
        // Where q is large, z is large only if u(z) is near 0 or 1: begin in the middle.
        let mut z = (-m).max(low.max(-R::of(START))).min(high.min(R::of(START)));
        let mut odds = R::ONE / (R::ONE + (-z).exp());
        let mut last_move = high - low;
        for _ in 0..MOST_NEWTON {
            let f = z + m + q * (odds - u);
            if f > R::ZERO {
                high = z;
            } else {
                low = z;
            }
            let newton = z - f / (R::ONE + q * odds * (R::ONE - odds));
            let closes_in = (newton - z).abs() <= last_move * R::of(0.5);
            let is_newton = closes_in && newton >= low && newton <= high;
            let next = if is_newton { newton } else { (low + high) * R::of(0.5) };
            last_move = (next - z).abs();
            z = next;
            odds = R::ONE / (R::ONE + (-z).exp());
            // The next move is at most this times the square of this one: half the ratio of the function's second
            // derivative, at most q/10 and what the first one is above 1, to its first.
            let curved = (q * R::of(0.05)).min(R::of(0.5));
            if is_newton && curved * last_move * last_move < R::of(SMALL_MOVE) {
                break;
            }
        }
        y * odds
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        let u = y * a;
        let part = |u: f64| if u > 0.0 { u * u.ln() } else { 0.0 };
        part(u) + part(1.0 - u)
    }

    fn bend(&self, y: f64, a: f64) -> f64 {
        let u = y * a;
        1.0 / (u * (1.0 - u))
    }
}

/// Most iterations for one logistic ascent.
const MOST_NEWTON: usize = 40;
/// Largest log-odds that Newton's method begins with.
const START: f64 = 4.0;
/// A change of the log-odds that is not made: the next epoch's visit begins where this one ended, and gets nearer.
const SMALL_MOVE: f64 = 1e-4;

impl Conjugate for Hinge {
    const MOST: f64 = f64::INFINITY;

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
}

impl Conjugate for SquaredHinge {
    const MOST: f64 = 2.0;

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
}

impl Conjugate for Squared {
    const MOST: f64 = 1.0;

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
}

impl Conjugate for Huber {
    const MOST: f64 = 1.0;

    /// The squared loss's ascent, in the interval where the conjugate is finite.
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
}

impl Conjugate for EpsilonInsensitive {
    const MOST: f64 = f64::INFINITY;

    /// The dual objective's derivative jumps at 0, by 2 epsilon: its root above 0, or the one below, or 0 if there is
    /// none; then to the interval where the conjugate is finite (Ho & Lin, JMLR 2012, section 3).
    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        let (r, epsilon) = (y - s, R::of_f32(self.epsilon));
        // Where q is 0, a quotient is infinite or NaN: max and min then end at a bound or at 0.
        let above = (a + (r - epsilon) / q).max(R::ZERO).min(R::ONE);
        let below = (a + (r + epsilon) / q).min(R::ZERO).max(-R::ONE);
        above + below
    }

    #[inline(always)]
    fn conjugate(&self, y: f64, a: f64) -> f64 {
        f64::from(self.epsilon) * a.abs() - a * y
    }

    fn bend(&self, _: f64, a: f64) -> f64 {
        if a != 0.0 && a.abs() < 1.0 { 0.0 } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What an ascent in one dual variable maximizes, as a function of its new value.
    fn ascended(loss: impl Conjugate, y: f64, s: f64, q: f64, a: f64, to: f64) -> f64 {
        -loss.conjugate(y, to) - (to - a) * s - q * (to - a) * (to - a) / 2.0
    }

    fn is_highest<L: Conjugate>(loss: L, y: f64, s: f64, q: f64, a: f64, legal: impl Fn(f64) -> bool) {
        let found = loss.ascend(y, s, q, a);
        let at_found = ascended(loss, y, s, q, a, found);
        let single = f64::from(loss.ascend(y as f32, s as f32, q as f32, a as f32));
        let at_single = ascended(loss, y, s, q, a, single);
        let size = 1.0 + at_found.abs() + (s * a).abs() + q;
        for k in -200..=200 {
            let other = found + f64::from(k) / 100.0;
            if legal(other) {
                let there = ascended(loss, y, s, q, a, other);
                assert!(at_found >= there - 1e-9 * size, "{found} {other}: {at_found} {there}");
                assert!(at_single >= there - 1e-6 * size, "{single} {other}: {at_single} {there}");
            }
        }
    }

    /// The part of the duality gap that an example with the score `s` has: by the Fenchel-Young inequality not negative.
    fn part(loss: impl Conjugate, y: f64, s: f64, a: f64) -> f64 {
        loss.value(y, s) + loss.conjugate(y, a) + a * s
    }

    /// Nothing is left of an example's part when the score has followed an ascent from `a`.
    fn parts_vanish<L: Conjugate>(loss: L, y: f64, s: f64, q: f64, a: f64) {
        let found = loss.ascend(y, s, q, a);
        let followed = s + q * (found - a);
        let size = 1.0 + s.abs() + q + a * a;
        let (before, after) = (part(loss, y, s, a), part(loss, y, followed, found));
        assert!(before > -1e-12 * size, "{s} {a}: {before}");
        // The logistic ascent leaves out its last small move.
        assert!(after.abs() < 1e-8 * size, "{s} {a} to {followed} {found}: {after}");
    }

    #[test]
    fn bends_are_second_derivatives() {
        let bends =
            |loss: &dyn Fn(f64) -> f64, a: f64| (loss(a + 1e-4) - 2.0 * loss(a) + loss(a - 1e-4)) / 1e-8;
        fn check(loss: impl Conjugate, y: f64, a: f64, bends: impl Fn(&dyn Fn(f64) -> f64, f64) -> f64) {
            let measured = bends(&|a| loss.conjugate(y, a), a);
            assert!((measured / loss.bend(y, a) - 1.0).abs() < 1e-3 || measured.abs() < 1e-6, "{measured}");
        }
        for y in [-1.0, 1.0] {
            for u in [0.01, 0.3, 0.7, 0.99] {
                check(Logistic, y, y * u, bends);
                check(Hinge, y, y * u, bends);
                check(SquaredHinge, y, y * u, bends);
                check(Squared, y, u, bends);
                check(Huber, y, u, bends);
                check(EpsilonInsensitive { epsilon: 0.1 }, y, u, bends);
            }
            for end in [0.0, 1.0] {
                assert_eq!(Hinge.bend(y, y * end), f64::INFINITY);
                assert_eq!(EpsilonInsensitive { epsilon: 0.1 }.bend(y, y * end), f64::INFINITY);
            }
            assert_eq!((SquaredHinge.bend(y, 0.0), Huber.bend(y, -1.0)), (f64::INFINITY, f64::INFINITY));
        }
    }

    #[test]
    fn newton_does_not_circle_where_scores_respond_much() {
        for q in [10.0, 323.0, 1e4, 1e6] {
            for k in -40..=40 {
                for u in [0.0, 1e-6, 0.01, 0.3, 0.99, 1.0] {
                    let m = f64::from(k) / 2.0;
                    let to = Logistic.ascend(1.0, m, q, u);
                    // The derivative, as a distance in log-odds.
                    let off = ((to / (1.0 - to)).ln() + m + q * (to - u)) / (1.0 + q * to * (1.0 - to));
                    assert!(off.abs() < 2.0 * SMALL_MOVE, "m {m} q {q} u {u}: {to} is off by {off}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn an_ascent_goes_to_the_highest_point(
            positive: bool, target in -3.0..3.0, s in -300.0..300.0, small in -3.0..3.0, log_q in -7.0..7.0,
            from in -9.0..9.0_f64, epsilon in prop_oneof![Just(0.0), Just(0.1), 0.0..4.0_f32],
        ) {
            let y = if positive { 1.0 } else { -1.0 };
            let q = f64::exp(log_q);
            let u: f64 = 1.0 / (1.0 + f64::exp(-from));
            for s in [s, small] {
                let share = |a: f64| (0.0..=1.0).contains(&(y * a));
                is_highest(Logistic, y, s, q, y * u, share);
                is_highest(Hinge, y, s, q, y * u, share);
                is_highest(SquaredHinge, y, s, q, y * from.abs(), |a| y * a >= 0.0);
                is_highest(Squared, target, s, q, from, |_| true);
                is_highest(Huber, target, s, q, 2.0 * u - 1.0, |a| a.abs() <= 1.0);
                let tube = EpsilonInsensitive { epsilon };
                is_highest(tube, target, s, q, 2.0 * u - 1.0, |a| a.abs() <= 1.0);

                parts_vanish(Logistic, y, s, q, y * u);
                parts_vanish(Hinge, y, s, q, y * u);
                parts_vanish(SquaredHinge, y, s, q, y * from.abs());
                parts_vanish(Squared, target, s, q, from);
                parts_vanish(Huber, target, s, q, 2.0 * u - 1.0);
                parts_vanish(tube, target, s, q, 2.0 * u - 1.0);
            }
        }
    }

    #[test]
    fn within_the_tube_nothing_moves_and_outside_it_the_bound_is_met() {
        let tube = EpsilonInsensitive { epsilon: 0.25 };
        for (y, s, q, a, to) in [
            (1.0_f32, 1.25, 2.0, 0.0, 0.0),
            (1.0, 0.75, 2.0, 0.0, 0.0),
            (1.0, 1.0, 2.0, 0.0, 0.0),
            (1.0, -9.0, 2.0, 1.0, 1.0),
            (1.0, 9.0, 2.0, -1.0, -1.0),
            (1.0, 1.0, 2.0, 0.5, 0.375),
            (1.0, 1.0, 2.0, -0.5, -0.375),
            // An empty row, whose score no step changes.
            (1.0, 0.0, 0.0, 0.0, 1.0),
            (-1.0, 0.0, 0.0, 0.0, -1.0),
            (0.25, 0.0, 0.0, 0.0, 0.0),
        ] {
            assert_eq!(tube.ascend(y, s, q, a), to, "{y} {s} {q} {a}");
        }
    }
}
