//! Logistic regression.

use std::f64::consts::{LN_2, LOG2_E};

use super::{Curved, Loss, LossShape};
use crate::params::{Real, Scale};

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

    /// Computes both from one exponential.
    #[inline(always)]
    fn value_and_slope(&self, y: f64, s: f64) -> (f64, f64) {
        let m = y * s;
        let e = (-m.abs()).exp();
        // Where e^-|m| is not small, ln(1 + e^-|m|) is as exact as ln_1p and takes half the time.
        let part = if e > 1e-4 { (1.0 + e).ln() } else { e * (1.0 - e * (0.5 - e / 3.0)) };
        let above = if m > 0.0 { e } else { 1.0 };
        (part + (-m).max(0.0), -y * above / (1.0 + e))
    }

    /// Makes one iteration of Newton's method from zero, which is nearly always enough, or several.
    /// The first one's two divisions are one, as the denominators of p = 1/(1 + e^m) and p*(1 - p)
    /// are powers of one sum.
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

    /// Collects all factors of the score in one product, and all factors of the step in another.
    /// Where each row touches coordinates that the previous one moved, it waits for that step, so
    /// nothing else may lie between a score and its step.
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

/// Calls [`Logistic::step`] for the few examples that need it, so that it takes no registers from
/// the others.
#[cold]
fn far_step<R: Real>(y: R, s: R, rate: R, q: R) -> R {
    Logistic.step(y, s, rate, q)
}

/// Returns the implicit logistic step from the margin `m`, without its sign: Newton's method from
/// its first iterate `a` on, with bisection where its moves do not halve.
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
            // (1 + e^(m + move))*move = rate*q, so no move above 1 is longer than ln(rate*q) - m.
            let longest = (R::of((rate * q).to_f64().ln()) - m).max(R::ONE);
            high = high.min(longest / q);
            (low + high) * R::of(0.5)
        };
        last_move = (next - a).abs();
        a = next;
        // The error left is at most the square of the move: as small a fraction of the whole as
        // where one iteration is enough.
        let moved = last_move * q;
        if moved * moved < R::of(SMALL_MOVE) * (a * q).min(R::ONE) {
            break;
        }
    }
    a
}

/// Margin from which on [`Logistic::step`] computes with e^-m, so that nothing overflows however
/// long the step and the example are.
const FAR: f64 = 16.0;
/// Largest margin, in powers of two, of the short path; larger ones take [`Logistic::step`]. A good
/// fit has many above 16, and hardly any above this.
///
/// Record: D167.
const MOST_POWER: f64 = 57.0;
/// Largest factor whose product with 2 to the power of [`MOST_POWER`] stays in the range of f32.
const LONG: f64 = (1_u64 << 60) as f64;
/// Most iterations for one logistic step.
const MOST_NEWTON: usize = 8;
/// Change of the score within which the logistic curve is near enough to its parabola for the step
/// to be final.
const SMALL_MOVE: f64 = 0.125;

impl Curved for Logistic {
    const SMOOTHNESS: f64 = 0.25;

    /// Solves z + m + q*(u(z) - u) = 0 for the log-odds z, where u = y*a = 1/(1 + e^-z), by
    /// Newton's method, with bisection where its moves do not halve. The function increases, with a
    /// slope from 1 to 1 + q/4.
    #[inline(always)]
    fn ascend<R: Real>(&self, y: R, s: R, q: R, a: R) -> R {
        let (m, u) = (y * s, y * a);
        // u(z) lies between 0 and 1, hence z between these.
        let (mut low, mut high) = (-m - q * (R::ONE - u), -m + q * u);
        // Where q is large, z is large only if u(z) is near 0 or 1: begin in the middle.
        let mut z = (-m).max(low.max(-R::of(FIRST_LOG_ODDS))).min(high.min(R::of(FIRST_LOG_ODDS)));
        let mut odds = R::ONE / (R::ONE + (-z).exp());
        let mut last_move = high - low;
        for _ in 0..MOST_ASCENT {
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
            // The next move is at most `curved` times the square of this one: half the ratio of the
            // function's second derivative to its first. The second one is at most q/10, and at
            // most what the first one is above 1.
            let curved = (q * R::of(0.05)).min(R::of(0.5));
            if is_newton && curved * last_move * last_move < R::of(SMALL_LOG_ODDS) {
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

    #[inline(always)]
    fn curvature(&self, y: f64, s: f64) -> f64 {
        let p = 1.0 / (1.0 + (y * s).exp());
        p * (1.0 - p)
    }

    fn shape(&self, _: f64) -> LossShape {
        LossShape::Logistic
    }
}

/// Most iterations for one logistic ascent.
const MOST_ASCENT: usize = 40;
/// Largest log-odds that Newton's method begins with.
const FIRST_LOG_ODDS: f64 = 4.0;
/// Change of the log-odds that is left out: the next epoch's visit begins where this one ended, and
/// gets nearer.
pub(super) const SMALL_LOG_ODDS: f64 = 1e-4;
