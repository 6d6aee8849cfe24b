//! Strategies under the solvers, end to end through `Trainer`: each comes near the optimum, and
//! refuses what it does not support.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::data::{self, Dataset, LoadOptions};
use crate::problem::LossKind;
use crate::strategy::{Access, Bounds, ClusterConfig, Clusters, Delay, StrategyKind, Update};
use crate::train::{Penalty, Schedule, Settings, Solver, Trainer};

/// Loads the data set in the repository, and others (small and dense, small and sparse) where they
/// exist beside it.
fn sets() -> Vec<(&'static str, Dataset)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = |name: &str| root.join("../shared/data").join(name);
    let paths: [(&str, PathBuf); 5] = [
        ("debian-packages", root.join("data/debian-packages.train.svm.zst")),
        ("mushrooms", beside("mushrooms.train.svm")),
        ("phishing", beside("phishing.train.svm")),
        ("sentence-polarity", beside("sentence-polarity.train.svm.zst")),
        ("reuters-money-fx", beside("reuters-money-fx.train.svm.zst")),
    ];
    let load = |path: PathBuf| data::load(path, &LoadOptions::default()).unwrap();
    let found = paths.into_iter().filter_map(|(name, path)| {
        if !path.exists() {
            println!("skipped {name}: {} is not there", path.display());
            return None;
        }
        Some((name, load(path)))
    });
    found.collect()
}

#[test]
fn four_workers_come_near_the_optimum() {
    let ssp = |staleness| StrategyKind::BoundedStaleness(Bounds { staleness, ..Bounds::default() });
    let asynchronous = [
        StrategyKind::Hogwild(Update::Wild),
        StrategyKind::Hogwild(Update::Atomic),
        StrategyKind::Hogwild(Update::Merged),
        StrategyKind::Hogwild(Update::Split),
        StrategyKind::HogwildPlusPlus(ClusterConfig {
            clusters: Clusters::Count(2),
            ..ClusterConfig::default()
        }),
        StrategyKind::Locked,
        StrategyKind::RoundRobin,
        ssp(None),
        ssp(Some(3)),
    ];
    let synchronous = [
        StrategyKind::Synchronous { backups: 0 },
        StrategyKind::Synchronous { backups: 1 },
        ssp(Some(0)),
        StrategyKind::AllReduce,
        StrategyKind::Averaging { every: 1 },
    ];
    let banded = |band| move |strategy| (strategy, band);
    let strategies: Vec<(StrategyKind, f64)> =
        asynchronous.map(banded(0.01)).into_iter().chain(synchronous.map(banded(0.05))).collect();
    for (name, data) in sets() {
        let mut trainer = Trainer { solver: Solver::Sgd, bias: None, ..Trainer::default() };
        // Steps stay long: near the optimum, batches that are planned on the same weights gain
        // little per epoch.
        let schedule = Schedule::Plateau { factor: 0.5, gain: 1e-4 };
        trainer.settings = Settings { threads: 4, epochs: 200, schedule, ..Settings::default() };
        let optimum = trainer.optimum(&data).unwrap();
        for &(strategy, band) in &strategies {
            trainer.settings.strategy = strategy;
            let mut distances = [1, 2, 3].map(|seed| {
                trainer.settings.seed = seed;
                let trained = trainer.fit_to(&data, &optimum, band).unwrap();
                optimum.distance(trained.fit.objective)
            });
            distances.sort_by(f64::total_cmp);
            assert!(distances[1] <= band, "{name} {strategy:?}: {distances:?} above the optimum");
        }
    }
}

#[test]
fn unsupported_settings_are_refused_with_a_strategy_that_supports_them() {
    type Change = fn(&mut Trainer);
    let packages = sets().swap_remove(0).1;
    let message = |solver, strategy, change: Change| {
        let mut trainer = Trainer { solver, ..Trainer::default() };
        trainer.settings.strategy = strategy;
        trainer.settings.threads = 4;
        change(&mut trainer);
        trainer.fit(&packages).unwrap_err().to_string()
    };
    let unchanged = |_: &mut Trainer| ();
    let bounds = |reads, writes| Bounds { staleness: Some(2), reads, writes };
    for solver in [Solver::Dual, Solver::Saga] {
        let ring = StrategyKind::HogwildPlusPlus(ClusterConfig::default());
        for strategy in [
            if solver == Solver::Saga { ring } else { StrategyKind::RoundRobin },
            StrategyKind::Synchronous { backups: 0 },
            StrategyKind::BoundedStaleness(Bounds::default()),
            StrategyKind::AllReduce,
            StrategyKind::Averaging { every: 1 },
            StrategyKind::RoundRobin,
        ] {
            let found = message(solver, strategy, unchanged);
            let expected = format!("strategy is {}", strategy.name());
            let says = "choose hogwild, or the solver sgd";
            assert!(found.starts_with(&expected) && found.ends_with(says), "{found}");
        }
        let found = message(solver, StrategyKind::Sequential, |t| t.settings.batch = Some(8));
        assert!(
            found.starts_with("strategy is sequential in batches (expected sequential"),
            "{found}"
        );
    }
    let weighted = ClusterConfig { beta: Some(0.5), ..ClusterConfig::default() };
    let found = message(Solver::Dual, StrategyKind::HogwildPlusPlus(weighted), unchanged);
    assert!(found.starts_with("beta is 0.5 (expected nothing with the solver dual"), "{found}");
    let uneven = ClusterConfig { clusters: Clusters::Count(3), ..ClusterConfig::default() };
    let found =
        message(Solver::Dual, StrategyKind::HogwildPlusPlus(uneven), |t| t.bias = Some(1.0));
    assert!(
        found.starts_with("clusters is 3 of 4 threads (expected clusters of the same size"),
        "{found}"
    );
    let cases: [(StrategyKind, Change, &str); 8] = [
        (
            StrategyKind::AllReduce,
            |t| t.settings.penalty.l1 = 0.1,
            "strategy is allreduce with l1 (expected sync, ssp or hogwild with l1",
        ),
        (
            StrategyKind::Synchronous { backups: 4 },
            |_| (),
            "backup workers is 4 of 4 (expected fewer than the threads",
        ),
        (
            StrategyKind::BoundedStaleness(bounds(Access::NonBlocking, Access::NonBlocking)),
            |_| (),
            "staleness is 2 with reads and writes that do not block (expected inf",
        ),
        (
            StrategyKind::Averaging { every: 0 },
            |_| (),
            "epochs between averages is 0 (expected 1 or more)",
        ),
        (
            StrategyKind::Locked,
            |t| t.settings.batch = Some(2),
            "batch is 2 with the strategy locked (expected a strategy that has batches: sequential, sync",
        ),
        (
            StrategyKind::AllReduce,
            |t| t.settings.batch = Some(0),
            "batch is 0 (expected 1 to 2^32)",
        ),
        (
            StrategyKind::Locked,
            |t| t.settings.delays = vec![delay(4, 1)],
            "delayed worker is 4 (expected a worker's",
        ),
        (
            StrategyKind::Locked,
            |t| t.settings.delays = vec![delay(0, 0)],
            "visits between delays is 0 (expected 1",
        ),
    ];
    for (strategy, change, expected) in cases {
        let found = message(Solver::Sgd, strategy, change);
        assert!(found.starts_with(expected), "{found}");
    }
}

fn delay(worker: usize, every: usize) -> Delay {
    Delay { worker, every, time: Duration::from_micros(1) }
}

#[test]
fn the_chosen_solver_runs_under_the_strategy() {
    let packages = sets().swap_remove(0).1;
    for (strategy, solver) in [
        (StrategyKind::Locked, Solver::Dual),
        (StrategyKind::Sequential, Solver::Dual),
        (StrategyKind::RoundRobin, Solver::Sgd),
        (StrategyKind::AllReduce, Solver::Sgd),
        (StrategyKind::Averaging { every: 2 }, Solver::Sgd),
    ] {
        let mut trainer = Trainer { loss: LossKind::SquaredHinge, ..Trainer::default() };
        trainer.settings = Settings { strategy, threads: 3, epochs: 2, ..Settings::default() };
        assert_eq!(trainer.choose(Penalty { l1: 0.0, l2: 1e-3 }), solver);
        assert_eq!(trainer.fit(&packages).unwrap().fit.began.strategy, strategy);
    }
    // Under locks, dual ascent loses no update.
    let mut trainer = Trainer { solver: Solver::Dual, ..Trainer::default() };
    trainer.settings =
        Settings { strategy: StrategyKind::Locked, threads: 4, ..Settings::default() };
    let fit = trainer.fit(&packages).unwrap().fit;
    assert!(fit.gap.unwrap() <= trainer.settings.tolerance);
}
