//! The epoch loop converges, stops for the reason it says, and comes back from divergence.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::{
    Event, Multiclass, Penalty, Precision, Schedule, Settings, Solver, StopReason, Trainer,
    minimize,
};
use crate::data::{self, Builder, Dataset, LoadOptions};
use crate::error::{Error, Result};
use crate::model::{Model, ModelFormat, Quality};
use crate::params::{Handle, Real, SharedParams};
use crate::problem::{CustomLoss, Linear, Loss, LossKind};
use crate::strategy::{
    Block, ClusterConfig, Clusters, Order, OwnStrategy, Pass, Profile, Strategy, StrategyKind,
    Update, Visit,
};

fn packages() -> Dataset {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/debian-packages.train.svm.zst");
    data::load(path, &LoadOptions::default()).unwrap()
}

fn trainer(loss: LossKind) -> Trainer {
    Trainer { loss, solver: Solver::Sgd, ..Trainer::default() }
}

#[test]
fn hogwild_comes_as_near_as_sequential_whatever_the_seed() {
    let data = packages();
    for (loss, band) in [(LossKind::Logistic, 0.01), (LossKind::SquaredHinge, 0.03)] {
        let mut oracle = trainer(loss);
        oracle.settings.strategy = StrategyKind::Sequential;
        oracle.settings.tolerance = 1e-6;
        oracle.settings.schedule = Schedule::Plateau { factor: 0.8, gain: 0.01 };
        let best = oracle.fit(&data).unwrap().fit.objective;
        for update in [Update::Wild, Update::Atomic, Update::Merged, Update::Split] {
            for seed in 1..=3 {
                let mut racy = trainer(loss);
                racy.settings.strategy = StrategyKind::Hogwild(update);
                racy.settings.threads = 4;
                racy.settings.seed = seed;
                let objective = racy.fit(&data).unwrap().fit.objective;
                assert!(
                    objective < best * (1.0 + band),
                    "{loss} {update:?} {seed}: {objective} against {best}"
                );
            }
        }
    }
}

/// Rows whose labels follow from their features, but for noise of up to 0.5.
fn amounts(examples: u32) -> Dataset {
    let mut builder = Builder::default();
    for i in 0..examples {
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9);
        let (a, b) = (mixed >> 28, 16 + (mixed >> 16) % 400);
        builder.entry(a, 1.0);
        builder.entry(b, 0.5);
        builder.end_row(a as f32 / 4.0 - (b % 3) as f32 + (mixed % 101) as f32 / 100.0 - 0.5);
    }
    builder.finish(0)
}

#[test]
fn support_vector_regression_comes_near_the_optimum_whatever_the_seed() {
    let data = amounts(8_000);
    let loss = LossKind::EpsilonInsensitive { epsilon: 0.2 };
    let exact = Trainer { solver: Solver::Dual, precision: Precision::F64, ..trainer(loss) };
    let exact = Trainer { settings: Settings { tolerance: 1e-6, ..Settings::default() }, ..exact };
    let trained = exact.fit(&data).unwrap();
    assert_eq!(trained.fit.stop, StopReason::Tolerance, "{:?}", trained.fit.gap);
    let best = trained.fit.objective;
    assert!((trained.train.objective.unwrap() / best - 1.0).abs() < 1e-6);
    let strategies = [
        StrategyKind::Sequential,
        StrategyKind::Hogwild(Update::Wild),
        StrategyKind::Hogwild(Update::Atomic),
        StrategyKind::Hogwild(Update::Merged),
        StrategyKind::Hogwild(Update::Split),
        StrategyKind::HogwildPlusPlus(ClusterConfig {
            clusters: Clusters::Count(2),
            ..ClusterConfig::default()
        }),
        StrategyKind::AllReduce,
        StrategyKind::Locked,
    ];
    for strategy in strategies {
        for seed in 1..=3 {
            let settings = Settings { strategy, seed, threads: 4, ..Settings::default() };
            let fit = Trainer { settings, ..trainer(loss) }.fit(&data).unwrap().fit;
            let distance = fit.objective / best - 1.0;
            assert!((-1e-6..0.05).contains(&distance), "{strategy:?} {seed}: {distance}");
        }
    }
}

#[test]
fn where_no_error_costs_anything_zero_weights_are_the_optimum() {
    let data = amounts(500);
    let loss = LossKind::EpsilonInsensitive { epsilon: 10.0 };
    for (solver, penalty) in
        [(Solver::Auto, 0.0), (Solver::Dual, 0.0), (Solver::Sgd, 0.0), (Solver::Auto, 0.1)]
    {
        let mut trainer = Trainer { solver, ..trainer(loss) };
        trainer.settings.penalty.l1 = penalty;
        let trained = trainer.fit(&data).unwrap();
        assert_eq!(
            (trained.fit.objective, trained.fit.stop),
            (0.0, StopReason::Tolerance),
            "{solver:?}"
        );
        assert!(trained.model.weights().iter().all(|&w| w == 0.0));
    }
}

#[test]
fn softmax_comes_as_near_with_many_threads_whatever_the_seed() {
    let mut builder = Builder::default();
    for i in 0..4000_u32 {
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9);
        let class = mixed >> 30;
        builder.entry(class * 3 + (mixed >> 8) % 3, 1.0);
        builder.entry(20 + (mixed >> 12) % 40, 0.5);
        // One in eight is of another class.
        builder.end_row(if (mixed >> 20) % 8 == 0 { 4.0 } else { class as f32 });
    }
    let data = builder.finish(0);
    let fit = |strategy, seed| {
        let mut trainer = Trainer { loss: LossKind::Softmax, ..Trainer::default() };
        trainer.settings = Settings { strategy, seed, threads: 8, ..Settings::default() };
        trainer.fit(&data).unwrap()
    };
    let mut oracle = Trainer { loss: LossKind::Softmax, ..Trainer::default() };
    oracle.settings.strategy = StrategyKind::Sequential;
    oracle.settings.tolerance = 1e-7;
    oracle.settings.schedule = Schedule::Plateau { factor: 0.8, gain: 1e-4 };
    let oracle = oracle.fit(&data).unwrap();
    assert_eq!(oracle.model.labels().len(), 5);
    let best = oracle.fit.objective;
    assert!((oracle.train.objective.unwrap() / best - 1.0).abs() < 1e-9);
    for &strategy in StrategyKind::ALL {
        // The mean of replicas that have seen an eighth of the examples each is slower.
        let band = if matches!(strategy, StrategyKind::Averaging { .. }) { 1.03 } else { 1.01 };
        for seed in 1..=3 {
            let found = fit(strategy, seed).fit.objective;
            assert!(found < best * band, "{strategy:?}, seed {seed}: {found} against {best}");
        }
    }
}

#[test]
fn hogwild_plus_plus_comes_as_near_as_sequential_whatever_the_seed() {
    let data = packages();
    for seed in 1..=5 {
        let mut trainer = trainer(LossKind::Logistic);
        trainer.settings.seed = seed;
        trainer.settings.strategy = StrategyKind::Sequential;
        let best = trainer.fit(&data).unwrap().fit.objective;
        for (clusters, threads) in [(2, 2), (2, 3), (4, 4)] {
            let clustering =
                ClusterConfig { clusters: Clusters::Count(clusters), ..ClusterConfig::default() };
            trainer.settings.strategy = StrategyKind::HogwildPlusPlus(clustering);
            trainer.settings.threads = threads;
            let objective = trainer.fit(&data).unwrap().fit.objective;
            assert!(
                objective < best * 1.01,
                "{threads} threads, {clusters} clusters, seed {seed}: {objective} against {best}"
            );
        }
    }
}

#[test]
fn an_exploding_ring_goes_back_too() {
    let mut builder = Builder::default();
    for i in 0..500 {
        builder.entry(i % 10, 10.0);
        builder.end_row((i % 10) as f32);
    }
    let data = builder.finish(0);
    let problem = Linear::new(&data, data.labels(), Explicit, None).unwrap();
    let clustering = ClusterConfig { clusters: Clusters::Count(2), ..ClusterConfig::default() };
    let settings = Settings {
        learning_rate: Some(8.0),
        threads: 2,
        strategy: StrategyKind::HogwildPlusPlus(clustering),
        ..Settings::default()
    };
    let fit =
        minimize::<_, f32>(&problem, &settings, None, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(fit.objective < 1e-3, "{}", fit.objective);
}

#[test]
fn a_fit_is_deterministic_with_one_worker() {
    let data = packages();
    let mut trainer = trainer(LossKind::Logistic);
    trainer.settings.threads = 1;
    trainer.settings.epochs = 2;
    let first = trainer.fit(&data).unwrap();
    let second = trainer.fit(&data).unwrap();
    assert_eq!(first.model, second.model);
    assert_eq!(first.fit.stop, StopReason::Epochs);
    trainer.settings.seed += 1;
    assert_ne!(first.model, trainer.fit(&data).unwrap().model);
}

#[test]
fn l1_leaves_exact_zeros() {
    let data = packages();
    let mut trainer = Trainer { l2: Some(0.0), ..trainer(LossKind::Logistic) };
    trainer.settings.penalty.l1 = 1e-3;
    let weights = trainer.fit(&data).unwrap().model.weights().to_vec();
    let zeros = weights.iter().filter(|&&w| w == 0.0).count();
    assert!(zeros > weights.len() / 2 && zeros < weights.len(), "{zeros} of {}", weights.len());
}

#[test]
fn each_stop_has_its_reason() {
    let data = packages();
    let mut trainer = trainer(LossKind::Logistic);
    assert_eq!(trainer.fit(&data).unwrap().fit.stop, StopReason::Tolerance);

    trainer.settings.tolerance = 0.0;
    trainer.settings.epochs = 3;
    let fit = trainer.fit(&data).unwrap().fit;
    assert_eq!((fit.stop, fit.epochs.len()), (StopReason::Epochs, 3));
    assert_eq!(fit.visits, 3 * data.len() as u64);

    trainer.settings.epochs = usize::MAX;
    trainer.settings.time_limit = Some(Duration::from_millis(300));
    assert_eq!(trainer.fit(&data).unwrap().fit.stop, StopReason::TimeLimit);

    trainer.settings.time_limit = None;
    let flag = trainer.settings.interrupt.clone();
    let mut watch = |event: Event<'_>| {
        if matches!(event, Event::Epoch(epoch) if epoch.epoch == 2) {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    };
    let fit = trainer.fit_watched(&data, None, &mut watch).unwrap().fit;
    assert_eq!((fit.stop, fit.epochs.len()), (StopReason::Interrupted, 2));
}

/// The squared loss with explicit steps, which overshoot.
#[derive(Clone, Copy)]
struct Explicit;

impl Loss for Explicit {
    fn value(&self, y: f64, s: f64) -> f64 {
        (y - s).powi(2) / 2.0
    }

    fn slope<R: Real>(&self, y: R, s: R) -> R {
        s - y
    }

    fn step<R: Real>(&self, y: R, s: R, rate: R, _: R) -> R {
        rate * (y - s)
    }
}

#[test]
fn an_exploding_fit_goes_back_and_halves() {
    let mut builder = Builder::default();
    for i in 0..500 {
        builder.entry(i % 10, 10.0);
        builder.end_row((i % 10) as f32);
    }
    let data = builder.finish(0);
    let problem = Linear::new(&data, data.labels(), Explicit, None).unwrap();
    let settings = Settings { learning_rate: Some(8.0), threads: 2, ..Settings::default() };
    let mut halved = 0;
    let mut rates = vec![8.0];
    let fit = minimize::<_, f32>(&problem, &settings, None, &mut |event| {
        if let Event::RolledBack { objective, learning_rate } = event {
            assert!(objective.is_nan() || objective > 1.0, "{objective}");
            halved += 1;
            rates.push(learning_rate);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(halved > 5);
    assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
    assert!(fit.objective < 1e-3, "{}", fit.objective);
}

#[test]
fn a_searched_step_size_needs_no_halving_even_for_huge_features() {
    let mut builder = Builder::default();
    for i in 0..2_000 {
        builder.entry(i % 10, 1e6);
        builder.entry(10 + i % 7, 1e-3);
        builder.end_row((i % 10) as f32);
    }
    let data = builder.finish(0);
    for loss in [LossKind::Squared, LossKind::Huber, LossKind::EPSILON_INSENSITIVE] {
        let trained = trainer(loss).fit(&data).unwrap();
        let Quality::Regression { rmse, r2, .. } = trained.train.quality else {
            panic!("{:?}", trained.train)
        };
        assert!(rmse.unwrap() < 0.5 && r2.unwrap() > 0.9, "{loss}: {:?}", trained.train);
    }
}

#[test]
fn settings_out_of_range_are_named() {
    type Change = fn(&mut Trainer);
    let message = |change: Change| {
        let mut trainer = Trainer::default();
        change(&mut trainer);
        trainer.check().unwrap_err().to_string()
    };
    fn ring(t: &mut Trainer, config: ClusterConfig) {
        t.settings.threads = 4;
        t.settings.strategy = StrategyKind::HogwildPlusPlus(config);
    }
    let cases: [(Change, &str); 18] = [
        (
            |t| t.loss = LossKind::EpsilonInsensitive { epsilon: -0.1 },
            "epsilon is -0.1 (expected a number",
        ),
        (
            |t| t.loss = LossKind::EpsilonInsensitive { epsilon: f64::NAN },
            "epsilon is NaN (expected a number",
        ),
        (|t| t.l2 = Some(-1.0), "l2 is -1 (expected"),
        (|t| t.settings.penalty = Penalty { l1: f64::NAN, l2: 0.0 }, "l1 is NaN (expected"),
        (
            |t| t.settings.learning_rate = Some(0.0),
            "learning rate is 0 (expected a finite number above 0)",
        ),
        (|t| t.settings.learning_rate = Some(f64::INFINITY), "learning rate is inf (expected"),
        (|t| t.settings.epochs = 0, "epochs is 0 (expected 1 or more)"),
        (|t| t.settings.tolerance = -0.1, "tolerance is -0.1 (expected"),
        (|t| t.settings.threads = 1 << 20, "threads is 1048576 (expected at most 4096)"),
        (|t| t.bias = Some(-1.0), "bias is -1 (expected"),
        (|t| t.bias = Some(1e39), "bias is 1"),
        (
            |t| ring(t, ClusterConfig { clusters: Clusters::Count(5), ..ClusterConfig::default() }),
            "clusters is 5 (expected 1 or more, and at most the number of threads)",
        ),
        (
            |t| ring(t, ClusterConfig { clusters: Clusters::Count(0), ..ClusterConfig::default() }),
            "clusters is 0 (expected",
        ),
        (
            |t| ring(t, ClusterConfig { clusters: Clusters::Size(0), ..ClusterConfig::default() }),
            "cluster size is 0 (expected 1 or more)",
        ),
        (
            |t| ring(t, ClusterConfig { update_delay: Some(0), ..ClusterConfig::default() }),
            "update delay is 0 (expected 1 or more)",
        ),
        (
            |t| ring(t, ClusterConfig { beta: Some(1.0), ..ClusterConfig::default() }),
            "ring beta is 1 (expected a number above 0 and below 1)",
        ),
        (
            |t| ring(t, ClusterConfig { beta: Some(f64::NAN), ..ClusterConfig::default() }),
            "ring beta is NaN (expected a number above 0 and below 1)",
        ),
        (
            |t| ring(t, ClusterConfig { lambda: Some(-0.5), ..ClusterConfig::default() }),
            "ring lambda is -0.5 (expected a number from 0 to 1)",
        ),
    ];
    for (change, expected) in cases {
        let found = message(change);
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn labels_must_fit_the_loss() {
    let data = |labels: &[f32]| {
        let mut builder = Builder::default();
        for &label in labels {
            builder.entry(0, 1.0);
            builder.end_row(label);
        }
        builder.finish(0)
    };
    let half = data(&[1.0, 2.0, 0.5]);
    assert!(matches!(trainer(LossKind::Hinge).fit(&half), Err(Error::Input { .. })));
    assert!(trainer(LossKind::Squared).fit(&half).is_ok());
    let ovr = Trainer { multiclass: Multiclass::OneVsRest, ..trainer(LossKind::Hinge) };
    assert_eq!(ovr.fit(&half).unwrap().model.labels(), [1.0, 2.0, 0.5]);
    assert!(matches!(
        trainer(LossKind::Squared).fit(&Builder::default().finish(1)),
        Err(Error::Input { .. })
    ));
}

/// The squared hinge loss, under a name that no loss of the crate has.
struct OwnLoss;

static OWN_LOSS: OwnLoss = OwnLoss;

impl CustomLoss for OwnLoss {
    fn name(&self) -> &'static str {
        "own-loss"
    }

    fn is_regression(&self) -> bool {
        false
    }

    fn value(&self, y: f64, s: f64) -> f64 {
        (1.0 - y * s).max(0.0).powi(2)
    }

    fn slope(&self, y: f64, s: f64) -> f64 {
        -2.0 * y * (1.0 - y * s).max(0.0)
    }
}

/// Workers on one vector, with the blocks dealt round-robin.
struct Dealt(usize);

impl<R: Real> Strategy<R> for Dealt {
    fn profile(&self) -> Profile {
        Profile::new(self.0)
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let task = |worker: usize| {
            let weights = Handle::atomic(params, visit.shape().common, self.0);
            let (mut terms, mut visits) = (Vec::new(), 0);
            for k in (worker..pass.order.blocks()).step_by(self.0) {
                if pass.control.must_stop() {
                    break;
                }
                terms.clear();
                pass.order.block(k, &mut terms);
                let mut state = visit.step_state(pass.clock((k * pass.order.block_len()) as u64));
                visit.visit_block(
                    Block::new(&terms, terms.len(), Order::AHEAD),
                    &mut state,
                    &weights,
                );
                weights.merge();
                visits += terms.len() as u64;
            }
            visits
        };
        pass.pool.run_or(task, |_| ())
    }
}

struct MakeDealt;

static MAKE_DEALT: MakeDealt = MakeDealt;

impl OwnStrategy for MakeDealt {
    fn name(&self) -> &'static str {
        "dealt"
    }

    fn in_f32(&self, workers: usize) -> Box<dyn Strategy<f32>> {
        Box::new(Dealt(workers))
    }

    fn in_f64(&self, workers: usize) -> Box<dyn Strategy<f64>> {
        Box::new(Dealt(workers))
    }
}

#[test]
fn a_custom_loss_and_strategy_train_save_predict_and_evaluate_as_those_of_the_crate() {
    let data = packages();
    let (loss, strategy) = (LossKind::Custom(&OWN_LOSS), StrategyKind::Own(&MAKE_DEALT));
    let best = trainer(LossKind::SquaredHinge).optimum(&data).unwrap().objective;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    for (threads, precision) in
        [(1, Precision::F32), (1, Precision::F64), (4, Precision::F32), (4, Precision::F64)]
    {
        let settings = Settings { strategy, threads, ..Settings::default() };
        let own = Trainer { loss, precision, settings, ..Trainer::default() };
        let trained = own.fit(&data).unwrap();
        let what = format!("{threads} threads, {precision:?}");
        assert_eq!(
            (trained.fit.began.strategy, trained.fit.began.workers),
            (strategy, threads),
            "{what}"
        );
        assert_eq!(trained.fit.visits, (trained.fit.epochs.len() * data.len()) as u64, "{what}");
        let objective = trained.fit.objective;
        assert!(
            (best * (1.0 - 1e-6)..best * 1.03).contains(&objective),
            "{what}: {objective} {best}"
        );
        assert!((trained.train.objective.unwrap() / objective - 1.0).abs() < 1e-5, "{what}");

        let model = trained.model;
        model.save_as(&path, ModelFormat::Native).unwrap();
        let read = Model::load_with(&path, &[&OWN_LOSS]).unwrap();
        assert_eq!(read, model, "{what}");
        assert_eq!((read.loss(), read.loss().name()), (loss, "own-loss"));
        assert_eq!(read.predictions(&data), model.predictions(&data));
        assert_eq!(read.evaluate(&data), model.evaluate(&data));
        // The same weights under the crate's name for the same loss.
        let labels = [0, 1].map(|class| model.labels()[class] as i32);
        let twin = Model::new(
            LossKind::SquaredHinge,
            Some(labels),
            model.weights().to_vec(),
            model.bias(),
        )
        .unwrap();
        assert_eq!(read.predictions(&data), twin.predictions(&data));
        let (found, expected) = (read.evaluate(&data), twin.evaluate(&data));
        assert_eq!(found.quality, expected.quality);
        assert!(
            (found.loss.unwrap() / expected.loss.unwrap() - 1.0).abs() < 1e-12,
            "{found:?} {expected:?}"
        );

        let message = Model::load(&path).unwrap_err().to_string();
        assert!(message.contains("has the loss `own-loss`"), "{message}");
        assert!(model.save_as(&path, ModelFormat::Liblinear).is_err());
        for solver in [Solver::Dual, Solver::Saga] {
            let message = Trainer { solver, ..own.clone() }.fit(&data).unwrap_err().to_string();
            assert!(message.contains("with a custom loss"), "{message}");
        }
    }
}
