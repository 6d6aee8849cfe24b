//! Closed steps are what bisection finds, and stay finite.

use proptest::prelude::*;

use crate::params::{Real, Scale};

use super::super::{EpsilonInsensitive, Hinge, Logistic, Loss, LossKind, with_loss};

/// A loss with the default implicit step.
#[derive(Clone, Copy)]
struct Bisected<L>(L);

impl<L: Loss> Loss for Bisected<L> {
    fn value(&self, y: f64, s: f64) -> f64 {
        self.0.value(y, s)
    }

    fn slope<R: Real>(&self, y: R, s: R) -> R {
        self.0.slope(y, s)
    }
}

/// The function of a that an implicit step minimizes: loss(s + a*q) + q*a^2/(2*rate).
fn proximal(loss: impl Loss, y: f64, s: f64, rate: f64, q: f64, a: f64) -> f64 {
    loss.value(y, s + a * q) + q * a * a / (2.0 * rate)
}

/// Of [`LossKind::EPSILON_INSENSITIVE`].
const EPSILON: f64 = 0.1;

fn steps_agree<L: Loss>(loss: L, y: f64, s: f64, rate: f64, q: f64) {
    let found = loss.step(y, s, rate, q);
    let searched = Bisected(loss).step(y, s, rate, q);
    let [at_found, at_searched] = [found, searched].map(|a| proximal(loss, y, s, rate, q, a));
    let at_rest = proximal(loss, y, s, rate, q, 0.0);
    // The logistic step is Newton's, stopped where its curve is near its parabola.
    let slack = 0.1 * (at_rest - at_searched) + 1e-9;
    assert!(
        at_found <= at_searched + slack,
        "{found} {searched}: {at_found} {at_searched} {at_rest}"
    );
    let slope = (loss.value(y, s + 1e-6) - loss.value(y, s - 1e-6)) / 2e-6;
    let kink = [1.0 - y * s, (y - s).abs() - 1.0, (y - s).abs() - EPSILON]
        .iter()
        .any(|d: &f64| d.abs() < 1e-5);
    assert!(kink || (slope - loss.slope(y, s)).abs() < 1e-4 * (1.0 + slope.abs()));
}

proptest! {
    #[test]
    fn closed_steps_are_what_bisection_finds(
        positive: bool, target in -3.0..3.0, s in -8.0..8.0, log_rate in -8.0..3.0, log_q in -3.0..3.0,
    ) {
        let y = if positive { 1.0 } else { -1.0 };
        let (rate, q) = (f64::exp(log_rate), f64::exp(log_q));
        for kind in LossKind::ALL {
            let y = if kind.is_regression() { target } else { y };
            with_loss!(kind, loss => steps_agree(loss, y, s, rate, q));
        }
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
        for m in
            [-60.0, -39.0, -30.0, -15.9, -3.0, -0.1, 0.0, 0.5, 7.0, 15.9, 16.1, 39.0, 40.0, 60.0]
        {
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
                assert!(
                    (found / wanted - 1.0).abs() < 1e-4,
                    "{m} {y} {rate} {q}: {found}, {wanted}"
                );
                let wanted = Hinge.step(y, y * m, rate, q);
                let found = Hinge.step_in_memory(y, y * m / factor, scale, rate, q) * factor;
                assert!(
                    (found - wanted).abs() <= 1e-5 * wanted.abs() + 1e-20,
                    "{m}: {found}, {wanted}"
                );
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
    assert_eq!(
        [tube.slope(0.0, 0.25), tube.slope(0.0, 0.5), tube.slope(0.0, -0.5)],
        [0.0, 1.0, -1.0]
    );
    // No f32 is 0.1, but this label and this edge are the same one.
    assert_eq!(EpsilonInsensitive { epsilon: 0.1 }.value(0.1, 0.0), 0.0);
}
