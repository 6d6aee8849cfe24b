//! Dual ascent converges, and its gap bounds the distance to the optimum.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use crate::data::{self, Builder, Dataset, LoadOptions, Synthetic};
use crate::problem::{
    Curved, EpsilonInsensitive, Hinge, Huber, Linear, Logistic, LossKind, Squared, SquaredHinge,
};
use crate::strategy::{ClusterConfig, Clusters, StrategyKind, Update};
use crate::sync::plain::Ordering::Relaxed;
use crate::train::{
    Event, Fit, Penalty, Precision, Settings, Solver, StopReason, Trainer, fit_dual,
};

fn packages() -> Dataset {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/debian-packages.train.svm.zst");
    data::load(path, &LoadOptions::default()).unwrap()
}

/// Returns nearly the minimum of the objective.
fn optimum(trainer: &Trainer, data: &Dataset) -> f64 {
    let mut exact = Trainer { precision: Precision::F64, ..trainer.clone() };
    exact.settings.strategy = StrategyKind::Sequential;
    exact.settings.tolerance = 1e-8;
    exact.fit(data).unwrap().fit.objective
}

#[test]
fn workers_converge_for_each_seed_with_valid_gaps() {
    let data = packages();
    let tube = LossKind::EpsilonInsensitive { epsilon: 0.25 };
    for loss in [LossKind::Logistic, LossKind::Hinge, LossKind::SquaredHinge, tube] {
        let mut trainer =
            Trainer { loss, solver: Solver::Dual, l2: Some(1e-3), ..Trainer::default() };
        let optimum = optimum(&trainer, &data);
        let updates = [Update::Wild, Update::Atomic, Update::Merged, Update::Split]
            .map(StrategyKind::Hogwild);
        let rings = [2, 4].map(|count| {
            let clusters = Clusters::Count(count);
            StrategyKind::HogwildPlusPlus(ClusterConfig { clusters, ..ClusterConfig::default() })
        });
        for strategy in updates.into_iter().chain(rings) {
            for seed in 1..=3 {
                trainer.settings.strategy = strategy;
                trainer.settings.threads = 4;
                trainer.settings.seed = seed;
                let fit = trainer.fit(&data).unwrap().fit;
                let (distance, gap) = (fit.objective / optimum - 1.0, fit.gap.unwrap());
                assert_eq!(fit.stop, StopReason::Tolerance, "{loss} {strategy:?} {seed}");
                assert!(
                    (-1e-7..=gap * 1.01 + 1e-7).contains(&distance),
                    "{loss} {strategy:?} {distance} {gap}"
                );
            }
        }
    }
}

#[test]
fn overlapped_epochs_converge_with_valid_gaps() {
    let data = packages();
    for loss in [LossKind::Logistic, LossKind::Hinge, LossKind::SquaredHinge] {
        let mut trainer =
            Trainer { loss, solver: Solver::Dual, l2: Some(1e-3), ..Trainer::default() };
        let optimum = optimum(&trainer, &data);
        trainer.settings.threads = 2;
        for (tolerance, epochs) in [(1e-3, 100), (1e-5, 100), (0.0, 1), (0.0, 2), (0.0, 7)] {
            trainer.settings.tolerance = tolerance;
            trainer.settings.epochs = epochs;
            let [fit, again] = [(); 2].map(|()| trainer.fit(&data).unwrap().fit);
            assert_eq!(fit.began.strategy, StrategyKind::Sequential, "chosen for this little data");
            let stop = if tolerance > 0.0 { StopReason::Tolerance } else { StopReason::Epochs };
            assert_eq!(fit.stop, stop, "{loss} {tolerance}");
            let gaps = fit.epochs.iter().map(|epoch| (epoch.objective, epoch.gap));
            for (objective, gap) in gaps.chain([(fit.objective, fit.gap)]) {
                let distance = 1.0 - optimum / objective;
                assert!(
                    (-1e-7..=gap.unwrap() * 1.01 + 1e-7).contains(&distance),
                    "{loss} {distance} {gap:?}"
                );
            }
            assert_eq!(fit.weights, again.weights, "no races");
        }
    }
}

#[test]
fn visits_made_ahead_leave_no_trace_where_a_fit_is_interrupted() {
    let data = packages();
    let mut trainer = Trainer { solver: Solver::Dual, l2: Some(1e-3), ..Trainer::default() };
    trainer.settings.threads = 2;
    trainer.settings.tolerance = 0.0;
    let interrupt = trainer.settings.interrupt.clone();
    let mut stop = |event: Event<'_>| {
        if matches!(event, Event::Epoch(epoch) if epoch.epoch == 2) {
            interrupt.store(true, Relaxed);
        }
        ControlFlow::Continue(())
    };
    let interrupted = trainer.fit_watched(&data, None, &mut stop).unwrap().fit;
    assert_eq!(interrupted.stop, StopReason::Interrupted);
    trainer.settings.interrupt = Arc::default();
    trainer.settings.epochs = 2;
    let ended = trainer.fit(&data).unwrap().fit;
    assert_eq!((interrupted.weights, interrupted.gap), (ended.weights, ended.gap));
}

#[test]
fn tight_tolerances_are_reached_where_passes_would_be_slow() {
    let data = packages();
    for loss in [LossKind::Hinge, LossKind::SquaredHinge] {
        let mut trainer =
            Trainer { loss, l2: Some(1e-5), precision: Precision::F64, ..Trainer::default() };
        trainer.settings.tolerance = 1e-7;
        let fit = trainer.fit(&data).unwrap().fit;
        assert_eq!(fit.stop, StopReason::Tolerance, "{loss}: {:?}", fit.gap);
        assert!(fit.gap.unwrap() <= 1e-7);
    }
}

#[test]
fn losses_with_kinks_reach_tight_tolerances_with_and_without_a_hessian_in_memory() {
    for features in [60, 600] {
        let data =
            Synthetic { examples: 3000, features, entries: 10, ..Synthetic::default() }.generate();
        for loss in [LossKind::Hinge, LossKind::EpsilonInsensitive { epsilon: 0.1 }] {
            let mut trainer =
                Trainer { loss, l2: Some(1e-4), precision: Precision::F64, ..Trainer::default() };
            trainer.settings.tolerance = 1e-8;
            let fit = trainer.fit(&data).unwrap().fit;
            assert_eq!(fit.stop, StopReason::Tolerance, "{features} {loss}: {:?}", fit.gap);
        }
    }
}

/// Rows of (feature, value) with a target each: a small random problem.
type Rows = Vec<(Vec<(u32, f32)>, f32)>;

fn rows() -> impl Strategy<Value = Rows> {
    let row = proptest::collection::btree_map(0..8_u32, -2.0..2.0_f32, 0..5);
    let rows = (row, -3.0..3.0_f32).prop_map(|(row, target)| (row.into_iter().collect(), target));
    // Some have more than one block, so two workers share them.
    proptest::collection::vec(rows, 1..200)
}

/// Compares the gaps of short fits in f32 with the lowest objective that a long one in f64 finds.
fn gaps_hold<L: Curved>(loss: L, rows: &Rows, signs: bool, l2: f64, bias: Option<f32>) {
    let mut builder = Builder::default();
    for (row, target) in rows {
        for &(j, x) in row {
            assert!(builder.entry(j, x));
        }
        builder.end_row(if signs { target.signum() } else { *target });
    }
    let data = builder.finish(8);
    let problem = Linear::new(&data, data.labels(), loss, bias).unwrap();
    let penalty = Penalty { l1: 0.0, l2 };
    let settings =
        Settings { penalty, threads: 1, epochs: 3000, tolerance: 1e-12, ..Settings::default() };
    let long: Fit<f64> =
        fit_dual(&problem, &settings, None, &mut |_| ControlFlow::Continue(())).unwrap();
    let least = long.objective;
    for threads in [1, 2] {
        for epochs in [1, 2, 5] {
            let short = Settings { threads, epochs, tolerance: 0.0, ..settings.clone() };
            let fit: Fit<f32> =
                fit_dual(&problem, &short, None, &mut |_| ControlFlow::Continue(())).unwrap();
            // Absolute, not relative: all scores may lie in the tube of the loss, so the objective
            // may be 0.
            let (distance, gap) = (fit.objective - least, fit.gap.unwrap());
            let bound = (gap + 1e-9) * fit.objective;
            assert!(
                bound >= distance,
                "{threads} {epochs}: {bound} is below the distance {distance}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_gap_is_never_below_the_distance(
        rows in rows(),
        log_l2 in -9.0..2.0,
        bias in proptest::option::of(0.5..2.0_f32),
    ) {
        let l2 = f64::exp(log_l2);
        gaps_hold(Logistic, &rows, true, l2, bias);
        gaps_hold(Hinge, &rows, true, l2, bias);
        gaps_hold(SquaredHinge, &rows, true, l2, bias);
        gaps_hold(Squared, &rows, false, l2, bias);
        gaps_hold(Huber, &rows, false, l2, bias);
        for epsilon in [0.0, 0.1, 1.0] {
            gaps_hold(EpsilonInsensitive { epsilon }, &rows, false, l2, bias);
        }
    }
}

#[test]
fn the_figures_of_a_row_are_those_of_one_vector_of_weights() {
    let data = packages();
    let mut trainer = Trainer { solver: Solver::Dual, l2: Some(1.0 / 6e6), ..Trainer::default() };
    trainer.settings.epochs = 12;
    let trained =
        trainer.fit_watched(&data, Some(&data), &mut |_| ControlFlow::Continue(())).unwrap();
    for epoch in &trained.fit.epochs {
        // Held out are the training data: both objectives are of the same problem.
        let test = epoch.test.unwrap().objective.unwrap();
        assert!((test / epoch.objective - 1.0).abs() < 1e-5, "{epoch:?}");
    }
}
