//! Ascents go to the highest point, and conjugates are conjugates.

use proptest::prelude::*;

use super::super::logistic::SMALL_LOG_ODDS;
use super::super::{Curved, EpsilonInsensitive, Hinge, Huber, Logistic, Squared, SquaredHinge};

/// The function of a dual variable's new value that an ascent maximizes.
fn ascended(loss: impl Curved, y: f64, s: f64, q: f64, a: f64, to: f64) -> f64 {
    -loss.conjugate(y, to) - (to - a) * s - q * (to - a) * (to - a) / 2.0
}

fn is_highest<L: Curved>(loss: L, y: f64, s: f64, q: f64, a: f64, legal: impl Fn(f64) -> bool) {
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

/// An example's part of the duality gap at the score `s`, at least 0 by the Fenchel-Young
/// inequality.
fn part(loss: impl Curved, y: f64, s: f64, a: f64) -> f64 {
    loss.value(y, s) + loss.conjugate(y, a) + a * s
}

/// Checks that nothing is left of an example's part when the score has followed an ascent from `a`.
fn parts_vanish<L: Curved>(loss: L, y: f64, s: f64, q: f64, a: f64) {
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
    let bends = |loss: &dyn Fn(f64) -> f64, a: f64| {
        (loss(a + 1e-4) - 2.0 * loss(a) + loss(a - 1e-4)) / 1e-8
    };
    fn check(loss: impl Curved, y: f64, a: f64, bends: impl Fn(&dyn Fn(f64) -> f64, f64) -> f64) {
        let measured = bends(&|a| loss.conjugate(y, a), a);
        assert!(
            (measured / loss.bend(y, a) - 1.0).abs() < 1e-3 || measured.abs() < 1e-6,
            "{measured}"
        );
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
        assert_eq!(
            (SquaredHinge.bend(y, 0.0), Huber.bend(y, -1.0)),
            (f64::INFINITY, f64::INFINITY)
        );
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
                assert!(
                    off.abs() < 2.0 * SMALL_LOG_ODDS,
                    "m {m} q {q} u {u}: {to} is off by {off}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn an_ascent_goes_to_the_highest_point(
        positive: bool, target in -3.0..3.0, s in -300.0..300.0, small in -3.0..3.0, log_q in -7.0..7.0,
        from in -9.0..9.0_f64, epsilon in prop_oneof![Just(0.0), Just(0.1), 0.0..4.0_f64],
    ) {
        let y = if positive { 1.0 } else { -1.0 };
        let q = f64::exp(log_q);
        let u: f64 = 1.0 / (1.0 + f64::exp(-from));
        for s in [s, small] {
            let in_unit = |a: f64| (0.0..=1.0).contains(&(y * a));
            is_highest(Logistic, y, s, q, y * u, in_unit);
            is_highest(Hinge, y, s, q, y * u, in_unit);
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
