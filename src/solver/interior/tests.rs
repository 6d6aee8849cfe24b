//! The method finds optima that are known by other means, and its bounds hold.

use std::ops::ControlFlow;

use super::{Interior, fit};
use crate::data::{Builder, Dataset};
use crate::problem::{
    Curves, EpsilonInsensitive, Examples, Hinge, Huber, Logistic, Squared, SquaredHinge,
};
use crate::solver::bounds::{Duals, bounds};
use crate::solver::convex::{Convex, ConvexLoss};
use crate::solver::{Fit, Penalty, Settings, StopReason};

fn data(signs: bool) -> Dataset {
    let mut builder = Builder::default();
    for i in 0..120_u32 {
        for k in 0..4 {
            builder.entry(k * 5 + (i * (k + 2) + i / 7) % 5, 0.25 + (i % (k + 3)) as f32);
        }
        let number = ((i * 37) % 23) as f32 / 8.0 - 1.3;
        builder.end_row(if signs { number.signum() } else { number });
    }
    builder.finish(0)
}

fn solve(convex: Convex<'_>, tolerance: f64) -> Fit<f64> {
    let settings =
        Settings { tolerance, penalty: convex.penalty, threads: 1, ..Settings::default() };
    fit(convex, &settings, None, None, &mut |_| ControlFlow::Continue(())).unwrap()
}

const PENALTIES: [Penalty; 4] = [
    Penalty { l1: 0.0, l2: 1e-2 },
    Penalty { l1: 0.02, l2: 1e-3 },
    Penalty { l1: 0.02, l2: 0.0 },
    Penalty { l1: 0.0, l2: 1e-8 },
];

/// Returns the objective at weights, summed in the plain way.
fn objective(convex: Convex<'_>, curves: &dyn Curves, weights: &[f64]) -> f64 {
    let scores = convex.scores(weights);
    let losses: f64 = (0..scores.len())
        .map(|i| convex.share(i) * curves.value(convex.target(i), scores[i]))
        .sum();
    let regularizer: f64 = weights
        .iter()
        .enumerate()
        .map(|(j, w)| {
            let Penalty { l1, l2 } = convex.penalty_of(j);
            l2 / 2.0 * w * w + l1 * w.abs()
        })
        .sum();
    losses + regularizer
}

#[test]
fn every_loss_and_regularizer_ends_certified_and_no_neighbor_is_better() {
    let (signs, numbers) = (data(true), data(false));
    let losses: [(&dyn Curves, &Dataset); 6] = [
        (&Logistic, &signs),
        (&Hinge, &signs),
        (&SquaredHinge, &signs),
        (&Squared, &numbers),
        (&Huber, &numbers),
        (&EpsilonInsensitive { epsilon: 0.1 }, &numbers),
    ];
    let weights: Vec<f32> = (0..signs.len()).map(|i| (i % 4) as f32).collect();
    for (curves, data) in losses {
        for penalty in PENALTIES {
            for (weighted, free) in [(false, false), (true, true)] {
                let examples = Examples::new(data, data.labels(), Some(1.0)).unwrap();
                let examples = if free { examples.with_free_bias() } else { examples };
                let examples =
                    if weighted { examples.with_weights(&weights).unwrap() } else { examples };
                let loss = ConvexLoss::OfScore(curves);
                let convex = Convex { examples: &examples, loss, penalty };
                let fit = solve(convex, 1e-7);
                let what = format!("{penalty:?}, {weighted}: {:?} {:?}", fit.stop, fit.gap);
                assert!(fit.stop == StopReason::Tolerance && fit.epochs.len() < 60, "{what}");
                let here = objective(convex, curves, &fit.weights);
                assert!((here - fit.objective).abs() <= 1e-12 * here, "{here} {what}");
                for j in 0..fit.weights.len() {
                    for change in [-1e-2, -1e-5, 1e-5, 1e-2] {
                        let mut moved = fit.weights.clone();
                        moved[j] += change;
                        let there = objective(convex, curves, &moved);
                        assert!(there >= here * (1.0 - 1e-7), "{there} < {here}: {what}");
                    }
                }
            }
        }
    }
}

#[test]
fn classes_end_certified_as_two_of_them_do_by_the_logistic_loss() {
    let data = data(true);
    let examples = Examples::new(&data, data.labels(), None).unwrap();
    let classes: Vec<u32> = data.labels().iter().map(|&y| u32::from(y < 0.0)).collect();
    for penalty in [Penalty { l1: 0.0, l2: 1e-2 }, Penalty { l1: 0.01, l2: 1e-3 }] {
        let loss = ConvexLoss::OfClasses { count: 2, of: &classes };
        let both = solve(Convex { examples: &examples, loss, penalty }, 1e-6);
        // The two columns share the difference evenly: half of each square, all of each absolute
        // value.
        let half = Penalty { l1: penalty.l1, l2: penalty.l2 / 2.0 };
        let loss = ConvexLoss::OfScore(&Logistic);
        let one = solve(Convex { examples: &examples, loss, penalty: half }, 1e-6);
        assert_eq!((both.stop, one.stop), (StopReason::Tolerance, StopReason::Tolerance));
        let apart = (both.objective / one.objective - 1.0).abs();
        assert!(apart < 3e-6, "{} {}", both.objective, one.objective);
    }
}

#[test]
fn bounds_hold_at_any_dual_variables_and_those_outside_prove_nothing() {
    let data = data(true);
    let examples = Examples::new(&data, data.labels(), Some(1.0)).unwrap();
    let penalty = Penalty { l1: 0.01, l2: 1e-3 };
    for curves in [&Logistic as &dyn Curves, &Hinge, &SquaredHinge] {
        let convex = Convex { examples: &examples, loss: ConvexLoss::OfScore(curves), penalty };
        let least = solve(convex, 1e-9);
        let mut highest: f64 = 0.0;
        for part in [0.0, 0.1, 0.4, 0.9] {
            let duals: Vec<f64> = data.labels().iter().map(|&y| part * y).collect();
            let found = bounds(convex, &least.weights, Duals { high: &duals, low: None });
            assert!(found.lower <= least.objective, "{part}: {found:?}");
            assert!((found.upper - least.objective).abs() < 1e-12, "{found:?}");
            highest = highest.max(found.lower);
        }
        assert!(highest > 0.0, "some of them prove something");
        let outside: Vec<f64> = data.labels().iter().map(|&y| -0.1 * y).collect();
        let found = bounds(convex, &least.weights, Duals { high: &outside, low: None });
        assert_eq!(found.lower, f64::NEG_INFINITY);
    }
}

#[test]
fn steps_in_twofold_doubles_lead_to_the_same_optimum() {
    let data = data(true);
    let examples = Examples::new(&data, data.labels(), Some(1.0)).unwrap();
    let loss = ConvexLoss::OfScore(&Hinge);
    let convex = Convex { examples: &examples, loss, penalty: PENALTIES[1] };
    let plain = solve(convex, 1e-8);
    let mut interior = Interior::new(convex, 1e-8, None).unwrap();
    interior.steps = 1000;
    for _ in 0..30 {
        interior.step(&|| false);
        interior.measure(&|| false);
    }
    assert!(interior.bounds.gap() < 1e-8, "{:?}", interior.bounds);
    assert!((interior.bounds.upper / plain.objective - 1.0).abs() < 2e-8);
}
