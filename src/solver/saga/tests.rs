//! Variance reduction converges, also with l1, and its certificate holds.

use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;

use crate::data::{self, Builder, Dataset, LoadOptions};
use crate::error::Error;
use crate::problem::{Curved, Huber, Linear, Logistic, LossKind, Squared, SquaredHinge};
use crate::strategy::{ClusterConfig, StrategyKind, Update};
use crate::train::{Fit, Penalty, Settings, Solver, StopReason, Trained, Trainer, fit_saga};

fn packages() -> Dataset {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/debian-packages.train.svm.zst");
    data::load(path, &LoadOptions::default()).unwrap()
}

fn trainer(loss: LossKind, penalty: Penalty) -> Trainer {
    let settings = Settings { penalty, tolerance: 1e-4, ..Settings::default() };
    Trainer { loss, solver: Solver::Saga, l2: Some(penalty.l2), settings, ..Trainer::default() }
}

fn support(trained: &Trained) -> Vec<bool> {
    trained.model.weights().iter().map(|&w| w != 0.0).collect()
}

#[test]
fn workers_converge_for_each_seed() {
    let data = packages();
    let elastic = Penalty { l1: 1e-4, l2: 1e-4 };
    let lasso = Penalty { l1: 1e-3, l2: 0.0 };
    let ridge = Penalty { l1: 0.0, l2: 1e-3 };
    for (loss, penalty) in [
        (LossKind::Logistic, lasso),
        (LossKind::Logistic, ridge),
        (LossKind::SquaredHinge, elastic),
    ] {
        let mut oracle = trainer(loss, penalty);
        oracle.settings.strategy = StrategyKind::Sequential;
        oracle.settings.tolerance = 1e-6;
        let best = oracle.fit(&data).unwrap();
        assert_eq!(best.fit.stop, StopReason::Tolerance);
        for update in [Update::Wild, Update::Atomic] {
            for seed in 1..=5 {
                let mut racy = trainer(loss, penalty);
                racy.settings.strategy = StrategyKind::Hogwild(update);
                racy.settings.threads = 4;
                racy.settings.seed = seed;
                let trained = racy.fit(&data).unwrap();
                let (found, optimum) = (trained.fit.objective, best.fit.objective);
                assert_eq!(trained.fit.stop, StopReason::Tolerance, "{loss} {update:?} {seed}");
                assert!(
                    found < optimum * (1.0 + 1.1e-4),
                    "{loss} {update:?} {seed}: {found} against {optimum}"
                );
                assert!(
                    found > optimum * (1.0 - 2e-6),
                    "{loss} {update:?} {seed}: {found} against {optimum}"
                );
            }
        }
    }
}

#[test]
fn l1_leaves_the_same_zeros_with_any_threads() {
    let data = packages();
    let mut one = trainer(LossKind::Logistic, Penalty { l1: 1e-4, l2: 0.0 });
    one.settings.tolerance = 1e-6;
    one.settings.threads = 1;
    let mut four = one.clone();
    four.settings.threads = 4;
    let [one, four] = [one, four].map(|trainer| support(&trainer.fit(&data).unwrap()));
    let nonzeros = one.iter().filter(|&&is_nonzero| is_nonzero).count();
    let unlike = one.iter().zip(&four).filter(|(a, b)| a != b).count();
    assert!(nonzeros > 10 && nonzeros < one.len() / 10, "{nonzeros} of {}", one.len());
    assert!(unlike <= nonzeros / 50, "{unlike} differ, {nonzeros} are not 0");
}

#[test]
fn one_worker_is_sequential() {
    let data = packages();
    for penalty in [Penalty { l1: 1e-4, l2: 0.0 }, Penalty { l1: 0.0, l2: 1e-4 }] {
        let fit = |strategy| {
            let mut trainer = trainer(LossKind::Logistic, penalty);
            trainer.settings.strategy = strategy;
            trainer.settings.threads = 1;
            trainer.fit(&data).unwrap()
        };
        let sequential = fit(StrategyKind::Sequential);
        for update in [Update::Wild, Update::Atomic] {
            let racy = fit(StrategyKind::Hogwild(update));
            assert_eq!(sequential.model, racy.model);
            assert_eq!(sequential.fit.gap, racy.fit.gap);
        }
    }
}

#[test]
fn without_a_regularizer_the_gap_is_found_by_another_solver() {
    let mut builder = Builder::default();
    for i in 0..500_u32 {
        builder.entry(i % 10, 1.0);
        builder.entry(10 + i % 7, 0.5);
        builder.end_row((i * i % 11) as f32);
    }
    let trained = trainer(LossKind::Huber, Penalty::default()).fit(&builder.finish(0)).unwrap();
    assert!(trained.fit.stop == StopReason::Tolerance, "{:?}", trained.fit);
    assert!(trained.fit.gap.is_some_and(|gap| gap < 0.05), "{:?}", trained.fit.gap);
    assert!(trained.fit.epochs.windows(2).all(|pair| pair[1].objective <= pair[0].objective));
}

#[test]
fn unsupported_settings_are_refused() {
    let data = packages();
    let message = |trainer: Trainer| match trainer.fit(&data) {
        Err(error @ Error::Parameter { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let kink = message(trainer(LossKind::Hinge, Penalty::default()));
    assert!(kink.contains("kink") && kink.contains("squared-hinge"), "{kink}");
    let kink = message(trainer(LossKind::EPSILON_INSENSITIVE, Penalty::default()));
    assert!(kink.contains("kink") && kink.contains("huber instead"), "{kink}");
    let mut ring = trainer(LossKind::Logistic, Penalty::default());
    ring.settings.strategy = StrategyKind::HogwildPlusPlus(ClusterConfig::default());
    let ring = message(ring);
    assert!(ring.contains("hogwild++") && ring.contains("choose hogwild"), "{ring}");
}

/// Rows of (feature, value) with a target each: a small random problem.
type Rows = Vec<(Vec<(u32, f32)>, f32)>;

fn rows() -> impl Strategy<Value = Rows> {
    let row = proptest::collection::btree_map(0..8_u32, -2.0..2.0_f32, 0..5);
    let rows = (row, -3.0..3.0_f32).prop_map(|(row, target)| (row.into_iter().collect(), target));
    proptest::collection::vec(rows, 1..24)
}

/// Compares a fit's certificates with the lowest objective that a long f64 run finds.
fn certificates_hold<L: Curved>(
    loss: L,
    rows: &Rows,
    signs: bool,
    penalty: Penalty,
    bias: Option<f32>,
) {
    let mut builder = Builder::default();
    for (row, target) in rows {
        for &(j, x) in row {
            assert!(builder.entry(j, x));
        }
        builder.end_row(if signs { target.signum() } else { *target });
    }
    let data = builder.finish(8);
    let problem = Linear::new(&data, data.labels(), loss, bias).unwrap();
    let settings =
        Settings { penalty, threads: 1, epochs: 2000, tolerance: 1e-13, ..Settings::default() };
    let long: Fit<f64> =
        fit_saga(&problem, &settings, None, &mut |_| ControlFlow::Continue(())).unwrap();
    let least = long.objective;
    for threads in [1, 2] {
        let short = Settings { threads, epochs: 4, tolerance: 0.0, ..settings.clone() };
        let fit: Fit<f32> =
            fit_saga(&problem, &short, None, &mut |_| ControlFlow::Continue(())).unwrap();
        for epoch in &fit.epochs {
            let distance = (epoch.objective - least) / epoch.objective;
            let gap = epoch.gap.expect("there is a regularizer");
            assert!(gap >= distance - 1e-9, "{gap} is below the distance {distance}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_gap_is_never_below_the_distance(
        rows in rows(),
        log_l1 in -9.0..0.0,
        log_l2 in -9.0..2.0,
        which in 0..3,
        bias in proptest::option::of(0.5..2.0_f32),
    ) {
        let l1 = if which == 0 { 0.0 } else { f64::exp(log_l1) };
        let l2 = if which == 1 { 0.0 } else { f64::exp(log_l2) };
        let penalty = Penalty { l1, l2 };
        certificates_hold(Logistic, &rows, true, penalty, bias);
        certificates_hold(SquaredHinge, &rows, true, penalty, bias);
        certificates_hold(Squared, &rows, false, penalty, bias);
        certificates_hold(Huber, &rows, false, penalty, bias);
    }
}
