//! `wildsgd train` on good data.

use serde_json::Value;
use wildsgd::Model;

use crate::command::{Place, SMALL, TEST, TRAIN, generated};

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn packages_of_debian() {
    let place = Place::new();
    let run = place.succeed(&["train", TRAIN, "--test", TEST, "--model", "m", "--report", "r"]);
    assert_eq!(run.stdout, "");
    for word in [
        "epoch ",
        "data ",
        " gap",
        "solver     dual, f32",
        "above the optimum",
        "stopped ",
        "speed ",
        "test objective",
        "written    model m",
    ] {
        assert!(run.stderr.contains(word), "no {word}: {}", run.stderr);
    }
    let report = place.json("r");
    check_keys(&report);
    assert_eq!(report["data"]["examples"], 6000);
    assert_eq!(report["data"]["features"], 108_117);
    assert_eq!(report["data"]["nonzeros"], 713_491);
    let majority = 0.8293;
    assert!(number(&report["final"]["test"]["accuracy"]) > majority + 0.04, "{}", report["final"]);

    let evaluated = place.succeed(&["evaluate", "m", TEST, "--report", "e"]);
    assert!(evaluated.stdout.contains("accuracy"));
    let (trained, loaded) = (&report["final"]["test"], &place.json("e")["test"]);
    for measure in ["loss", "accuracy", "auc"] {
        assert_eq!(trained[measure], loaded[measure]);
    }
}

fn check_keys(report: &Value) {
    assert_eq!(report["schema"], 1);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    let has = |value: &Value, keys: &[&str]| {
        keys.iter().for_each(|key| assert!(value.get(key).is_some(), "no {key} in {value}"));
    };
    has(report, &["prepare_seconds", "test_data"]);
    has(&report["data"], &["path", "examples", "features", "nonzeros", "load_seconds"]);
    let settings = [
        "loss",
        "l1",
        "l2",
        "bias",
        "strategy",
        "solver",
        "update",
        "threads",
        "learning_rate",
        "schedule",
        "seed",
    ];
    has(&report["settings"], &settings);
    let measures = ["objective", "loss", "accuracy", "auc"];
    let epochs = report["epochs"].as_array().unwrap();
    let mut before = 0.0;
    for (k, epoch) in epochs.iter().enumerate() {
        has(epoch, &["epoch", "train_seconds", "objective", "test"]);
        has(&epoch["test"], &measures);
        assert_eq!(epoch["epoch"], k + 1);
        assert!(number(&epoch["train_seconds"]) > before);
        before = number(&epoch["train_seconds"]);
    }
    let last = &report["final"];
    has(
        last,
        &["objective", "train_seconds", "total_seconds", "nonzeros_per_second", "stop_reason"],
    );
    has(&last["train"], &measures);
    has(&last["test"], &measures);
    assert_eq!(last["epochs"], epochs.len());
    let lowest =
        epochs.iter().map(|epoch| number(&epoch["objective"])).fold(f64::INFINITY, f64::min);
    assert_eq!(number(&last["objective"]), lowest);
    let parts =
        [&last["train_seconds"], &report["prepare_seconds"], &report["data"]["load_seconds"]];
    assert!(number(&last["total_seconds"]) > parts.into_iter().map(number).sum());
}

#[test]
fn one_thread_equals_sequential() {
    let place = Place::with(&[("d", &generated(1000))]);
    for solver in ["sgd", "dual", "saga"] {
        let model = |args: &[&str]| {
            let fixed =
                ["train", "d", "--model", "m", "--quiet", "--seed", "5", "--solver", solver];
            place.succeed(&[&fixed, args].concat());
            place.read("m")
        };
        let sequential = model(&["--strategy", "sequential"]);
        assert!(model(&["--threads", "1"]) == sequential, "{solver}");
        assert!(model(&["--threads", "1", "--update", "atomic"]) == sequential, "{solver}");
        assert!(model(&["--threads", "1", "--strategy", "hogwild"]) == sequential, "{solver}");
        if solver == "sgd" {
            assert!(model(&["--threads", "1", "--strategy", "hogwild++", "--pin"]) == sequential);
        }
    }
}

#[test]
fn quiet_is_quiet() {
    let place = Place::with(&[("d", SMALL), ("t", "1 9:1\n5 1:1\n")]);
    let run = place.succeed(&[
        "train",
        "d",
        "--test",
        "t",
        "--threads",
        "33",
        "--epochs",
        "1",
        "--quiet",
    ]);
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
}

#[test]
fn warnings_advise() {
    let place = Place::with(&[("d", SMALL), ("t", "1 9:1 10:1\n5 1:1\n")]);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores + 1).to_string();
    let run = place.succeed(&["train", "d", "--test", "t", "--threads", &threads, "--epochs", "1"]);
    for warning in [
        &*format!("warning: {threads} threads share {cores} cores"),
        "warning: the objective had not settled (tolerance 0.001) within `--epochs 1`",
        "warning: t: 1 of 2 labels are not the model's",
        "warning: t: 2 of 3 entries have features above 3",
    ] {
        assert!(run.stderr.contains(warning), "no `{warning}`: {}", run.stderr);
    }
    assert!(run.stderr.contains("written    no model (`--model FILE` writes one)"));
}

#[test]
fn l1_makes_exact_zeros() {
    let place = Place::with(&[("d", &generated(1000))]);
    place.succeed(&["train", "d", "--l1", "0.02", "--l2", "0", "--model", "m", "--quiet"]);
    let model = place.text("m");
    let weights: Vec<&str> = model.lines().skip_while(|&line| line != "w").skip(1).collect();
    let zeros = weights.iter().filter(|&&weight| weight == "0 ").count();
    assert!(zeros > 80 && zeros < weights.len(), "{zeros} of {} weights are 0", weights.len());
    assert!(model.starts_with("solver_type L1R_LR\n"));
}

#[test]
fn variance_reduction_is_certified() {
    let place = Place::new();
    place.succeed(&[
        "train",
        TRAIN,
        "--solver",
        "saga",
        "--l1",
        "1e-4",
        "--l2",
        "0",
        "--tolerance",
        "1e-4",
        "--model",
        "m",
        "--report",
        "r",
    ]);
    let report = place.json("r");
    assert_eq!(report["settings"]["solver"], "saga");
    assert_eq!(report["final"]["stop_reason"], "tolerance");
    let gap = number(&report["final"]["gap"]);
    assert!((0.0..=1e-4).contains(&gap), "{gap}");
    let model = place.text("m");
    let weights: Vec<f64> = model
        .lines()
        .skip_while(|line| *line != "w")
        .skip(1)
        .map(|w| w.trim().parse().unwrap())
        .collect();
    let zeros = weights.iter().filter(|&&w| w == 0.0).count();
    assert!(zeros > weights.len() * 9 / 10, "{zeros} of {}", weights.len());
}

#[test]
fn regression_takes_any_labels() {
    let place =
        Place::with(&[("d", "3.5 1:1\n-2.25 2:1\n1e3 1:1 2:1\n"), ("one", "2.5 1:1\n2.5 2:1\n")]);
    for loss in ["squared", "huber", "epsilon-insensitive"] {
        let run = place.succeed(&[
            "train", "d", "--test", "d", "--loss", loss, "--report", "r", "--model", "m",
        ]);
        assert!(run.stderr.contains("RMSE") && !run.stderr.contains("accuracy"), "{run:?}");
        let report = place.json("r");
        for test in [&report["final"]["test"], &report["epochs"][0]["test"]] {
            ["rmse", "mae", "r2"]
                .iter()
                .for_each(|measure| assert!(test[measure].is_number(), "{test}"));
            assert!(test.get("accuracy").is_none());
        }
        let predictions = place.succeed(&["predict", "m", "d"]).stdout;
        assert!(predictions.lines().all(|line| line.parse::<f64>().is_ok()));
        place.succeed(&["train", "one", "--loss", loss, "--quiet"]);
    }
}

#[test]
fn errors_within_epsilon_cost_nothing() {
    // Labels 3 a - 2 b, give or take 0.25.
    let mut text = String::new();
    for k in 0..40 {
        let (a, b) = (k % 7, k % 5);
        let noise = if k % 2 == 0 { 0.25 } else { -0.25 };
        text += &format!("{} 1:{a} 2:{b}\n", f64::from(3 * a - 2 * b) + noise);
    }
    let place = Place::with(&[("d", &text)]);
    let train = "train d --loss epsilon-insensitive --epsilon 0.5 --cost 100 --no-bias --tolerance 1e-6 --precision f64 \
                 --model m --report r";
    for (more, solver, least) in [("", "dual", 1e-6), (" --solver sgd", "sgd", 0.05)] {
        let run = place.succeed(&(train.to_owned() + more).split_whitespace().collect::<Vec<_>>());
        assert!(
            run.stderr.contains("epsilon-insensitive loss (epsilon 0.5), l2 0.00025"),
            "{run:?}"
        );
        let report = place.json("r");
        let settings = &report["settings"];
        assert_eq!(
            (&settings["loss"], &settings["epsilon"], &settings["solver"]),
            (&"epsilon-insensitive".into(), &0.5.into(), &solver.into())
        );
        // Weights need not be 3 and -2: smaller ones leave errors of at most 0.5.
        let objective = number(&report["final"]["objective"]);
        assert!(objective < 2.5e-4 / 2.0 * (9.0 + 4.0), "{objective}");
        assert!(number(&report["final"]["train"]["loss"]) < least);
        assert!(
            place
                .text("m")
                .starts_with("solver_type L2R_L1LOSS_SVR_DUAL\nnr_class 2\nnr_feature 2\n")
        );
        let predictions = place.succeed(&["predict", "m", "d"]).stdout;
        for (prediction, line) in predictions.lines().zip(text.lines()) {
            let (label, _) = line.split_once(' ').unwrap();
            let error = prediction.parse::<f64>().unwrap() - label.parse::<f64>().unwrap();
            assert!(error.abs() < 0.5 + 10.0 * least, "{prediction} for {line}");
        }
    }
    place.succeed(
        &(train.to_owned() + " --model-format native --quiet")
            .split_whitespace()
            .collect::<Vec<_>>(),
    );
    place.succeed(&["evaluate", "m", "d", "--report", "e"]);
    let (trained, evaluated) = (place.json("r"), place.json("e"));
    assert_eq!(evaluated["model"]["epsilon"], 0.5);
    let difference =
        number(&evaluated["test"]["loss"]) - number(&trained["final"]["train"]["loss"]);
    assert!(difference.abs() < 1e-12, "{difference}");
}

#[test]
fn params_hold_the_weights() {
    let place = Place::with(&[("d", &generated(500))]);
    let args = "train d --params p --model m --strategy sequential --learning-rate 0.01 --schedule constant --epochs 3";
    place.succeed(&args.split(' ').collect::<Vec<_>>());
    let weights: Vec<f64> = place
        .read("p")
        .chunks(4)
        .map(|bytes| f32::from_ne_bytes(bytes.try_into().unwrap()).into())
        .collect();
    let model = Model::load(place.path("m")).unwrap();
    let (bias, features) = weights.split_last().unwrap();
    assert_eq!(features, model.weights());
    assert_eq!(*bias, model.bias().unwrap().weight);
}

#[test]
fn cost_is_the_other_name_of_l2() {
    let place = Place::with(&[("d", SMALL)]);
    let l2 = |args: &[&str]| {
        place.succeed(&[&["train", "d", "--report", "r", "--quiet"], args].concat());
        number(&place.json("r")["settings"]["l2"])
    };
    assert_eq!(l2(&[]), 0.25);
    assert_eq!(l2(&["--cost", "2"]), 0.125);
    assert_eq!(l2(&["--l2", "0.5"]), 0.5);
}

#[test]
fn settings_are_reported() {
    let place = Place::with(&[("d", SMALL)]);
    let args = "train d --report r --no-bias --strategy sequential --learning-rate 0.5 --schedule geometric:0.8 \
                --epochs 4 --tolerance 0 --time-limit 60 --seed 9 --l1 0.001";
    place.succeed(&args.split_whitespace().collect::<Vec<_>>());
    let report = place.json("r");
    let expected = serde_json::json!({
        "loss": "logistic", "epsilon": null, "l1": 0.001, "l2": 0.25, "bias": null, "free_bias": false, "class_weights": [], "example_weights": false, "strategy": "sequential", "strategy_reason": null, "solver": "sgd", "precision": "f32",
        "update": null, "clusters": null, "update_delay": null, "pin": null, "batch": 1, "backup_workers": null, "staleness_bound": null, "reads": null, "writes": null, "average_every": null,
        "threads": 1, "multiclass": null, "learning_rate": 0.5, "learning_rate_searched": false,
        "schedule": "geometric:0.8", "seed": 9, "epochs": 4, "tolerance": 0.0, "time_limit_seconds": 60.0
    });
    assert_eq!(report["settings"], expected);
    assert_eq!(report["final"]["stop_reason"], "epochs");
    assert_eq!(report["final"]["epochs"], 4);
}

#[test]
fn the_choice_of_a_strategy_is_explained() {
    let place = Place::with(&[("d", &generated(26_000))]);
    let merged = "a copy of the 99 weights for each thread, merged as often as they are used";
    let short = "single-threaded updates: 52000 non-zeros are too few to split; dense passes use all threads";
    let one_vector = "all threads share one vector: the solver's average gradient has no copies";
    for (threads, solver, strategy, reason) in [
        ("1", "dual", "sequential", "there is only one thread"),
        ("2", "dual", "sequential", short),
        ("2", "sgd", "hogwild", merged),
        ("2", "saga", "hogwild", one_vector),
    ] {
        let args =
            ["train", "d", "--report", "r", "--no-bias", "--threads", threads, "--solver", solver];
        let run = place.succeed(&args);
        assert!(
            run.stderr.contains(&format!("strategy   {strategy}: {reason}\n")),
            "{}",
            run.stderr
        );
        let settings = &place.json("r")["settings"];
        assert_eq!(
            (&settings["strategy"], &settings["strategy_reason"]),
            (&strategy.into(), &reason.into())
        );
    }
    place.succeed(&["train", "d", "--report", "r", "--threads", "2", "--update", "atomic"]);
    let settings = &place.json("r")["settings"];
    assert_eq!((&settings["strategy"], &settings["update"]), (&"hogwild".into(), &"atomic".into()));
    assert_eq!(settings["strategy_reason"], serde_json::Value::Null);
    for (solver, update) in [("saga", "wild"), ("sgd", "merged")] {
        place.succeed(&[
            "train",
            "d",
            "--report",
            "r",
            "--threads",
            "2",
            "--strategy",
            "hogwild",
            "--solver",
            solver,
        ]);
        assert_eq!(place.json("r")["settings"]["update"], update);
    }
}

#[test]
fn clusters_are_reported() {
    let place = Place::with(&[("d", &generated(1000))]);
    let args = "train d --report r --strategy hogwild++ --threads 4 --cluster-size 2 --update-delay 100 \
                --ring-beta 0.6 --ring-lambda 0.4 --pin";
    let run = place.succeed(&args.split_whitespace().collect::<Vec<_>>());
    let expected =
        "4 threads, hogwild++ (2 clusters, update delay 100, pinned), wild updates, seed 1";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    let settings = &place.json("r")["settings"];
    assert_eq!((&settings["strategy"], &settings["update"]), (&"hogwild++".into(), &"wild".into()));
    assert_eq!((&settings["clusters"], &settings["update_delay"]), (&2.into(), &100.into()));
    assert_eq!(settings["pin"], true);
}

#[test]
fn a_time_limit_ends_training() {
    let place = Place::with(&[("d", SMALL)]);
    let args = "train d --report r --epochs 1000000000 --tolerance 0 --time-limit 0.2 --quiet";
    place.succeed(&args.split(' ').collect::<Vec<_>>());
    assert_eq!(place.json("r")["final"]["stop_reason"], "time limit");
}

#[test]
fn index_bases() {
    let ones = "1 1:1\n-1 2:1\n1 1:1\n";
    let zeros = "1 0:1\n-1 1:1\n1 0:1\n";
    let place = Place::with(&[("ones", ones), ("zeros", zeros), ("test", "-1 1:1\n")]);
    let train = |args: &[&str]| {
        let common = ["train", "--threads", "1", "--model", "m", "--report", "r"];
        place.succeed(&[&common, args].concat());
        place.read("m")
    };
    let expected = train(&["ones"]);
    assert!(train(&["ones", "--index-base", "auto"]) == expected);
    assert!(train(&["zeros", "--index-base", "0"]) == expected);
    // The held-out file has no index 0, but must be numbered like the training file.
    assert!(train(&["zeros", "--index-base", "auto", "--test", "test"]) == expected);
    assert_eq!(place.json("r")["final"]["test"]["accuracy"], 1.0);
}

#[test]
fn an_old_model_is_replaced() {
    let place = Place::with(&[("d", SMALL), ("m", "an old model")]);
    place.succeed(&["train", "d", "--model", "m", "--quiet"]);
    Model::load(place.path("m")).unwrap();
}

#[test]
fn values_that_become_one_are_a_warning() {
    let rows =
        (0..40).map(|i| format!("{} 1:{}\n", if i < 20 { 1 } else { -1 }, 1_700_000_000 + i));
    let place = Place::with(&[("d", &rows.collect::<String>())]);
    let expected = "warning: d: feature 1 has values that are one when they are rounded to f32 (7 digits), such as";
    for args in [&["train", "d"][..], &["convert", "d", "c"], &["train", "d", "--cache"]] {
        let run = place.succeed(args);
        assert!(run.stderr.lines().any(|line| line.starts_with(expected)), "{run:?}");
    }
}
