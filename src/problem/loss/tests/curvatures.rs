//! Conjugates touch, and curvatures are slopes of slopes.

use proptest::prelude::*;

use super::super::{Curved, LossKind, with_loss};

/// Of [`LossKind::EPSILON_INSENSITIVE`].
const EPSILON: f64 = 0.1;

fn agrees(loss: impl Curved, y: f64, s: f64, fraction: f64) {
    let slope = loss.slope(y, s);
    let touching = slope * s - loss.value(y, s);
    let conjugate = loss.conjugate(y, -slope);
    assert!((conjugate - touching).abs() < 1e-9 * (1.0 + touching.abs()), "{conjugate} {touching}");
    for other in [-20.0, -1.0, 0.0, 0.5, 3.0, 20.0] {
        let below = fraction * slope * other - loss.value(y, other);
        assert!(loss.conjugate(y, -fraction * slope) >= below - 1e-9, "{fraction} {other}");
    }
    let jumps = [1.0 - y * s, (y - s).abs() - 1.0, (y - s).abs() - EPSILON]
        .iter()
        .any(|d: &f64| d.abs() < 1e-4);
    let measured = (loss.slope(y, s + 1e-5) - loss.slope(y, s - 1e-5)) / 2e-5;
    assert!(jumps || (measured - loss.curvature(y, s)).abs() < 1e-6, "{measured}");
    assert!(loss.curvature(y, s) <= smoothness(loss));
}

fn smoothness<L: Curved>(_: L) -> f64 {
    L::SMOOTHNESS
}

proptest! {
    #[test]
    fn conjugates_touch_and_curvatures_are_slopes_of_slopes(
        positive: bool, target in -3.0..3.0, s in -8.0..8.0, fraction in 0.0..1.0,
    ) {
        let y = if positive { 1.0 } else { -1.0 };
        for kind in LossKind::ALL {
            let y = if kind.is_regression() { target } else { y };
            with_loss!(
                kind,
                loss => agrees(loss, y, s, fraction),
                custom => unreachable!("{custom:?} is not of the crate")
            );
        }
    }
}
