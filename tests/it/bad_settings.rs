//! Settings out of range (exit code 1), and wrong arguments (exit code 2).

use crate::command::{Place, SMALL};

#[test]
fn out_of_range() {
    let finite = "a finite number, 0 or larger";
    let rate = ("learning rate", "a finite number above 0", "leave it out to search for one");
    let epochs =
        ("epochs", "1 or more", "leave it out, and training ends when the objective settles");
    let threads = ("threads", "1 or more", "leave it out for one thread a core");
    let limit =
        ("time limit", "a number of seconds above 0 and at most 1e9", "leave it out for no limit");
    let cost =
        ("cost", "a finite number above 0", "1 is usual; a larger one fits the data more closely");
    let off = "0 switches it off";
    let decay = ("decay", "a number between 0 and 1", "0.8 to 0.9 per epoch is usual");
    let cases = [
        ("--threads", "0", "0", threads),
        ("--threads", "-2", "-2", threads),
        (
            "--threads",
            "5000",
            "5000",
            ("threads", "at most 4096", "one thread per core is the default"),
        ),
        ("--learning-rate", "0", "0", rate),
        ("--learning-rate", "-0.5", "-0.5", rate),
        ("--learning-rate", "inf", "inf", rate),
        ("--learning-rate", "nan", "NaN", rate),
        ("--epochs", "0", "0", epochs),
        ("--epochs", "-1", "-1", epochs),
        ("--l1", "-1", "-1", ("l1", finite, off)),
        ("--l2", "-1e-3", "-0.001", ("l2", finite, off)),
        ("--l2", "-inf", "-inf", ("l2", finite, off)),
        ("--l2", "nan", "NaN", ("l2", finite, off)),
        ("--cost", "0", "0", cost),
        ("--cost", "-1", "-1", cost),
        ("--tolerance", "-1", "-1", ("tolerance", finite, "0 runs all epochs")),
        ("--time-limit", "-1", "-1", limit),
        ("--time-limit", "0", "0", limit),
        ("--time-limit", "1e300", &format!("{}", 1e300), limit),
        (
            "--bias",
            "-1",
            "-1",
            ("bias", "a number from 0 to 3.4e38", "1 is usual; switch the bias off for none"),
        ),
        ("--schedule", "geometric:2", "2", decay),
        ("--schedule", "geometric:0", "0", decay),
    ];
    let place = Place::with(&[("d", SMALL)]);
    for (flag, value, shown, (name, expected, hint)) in cases {
        let message = format!("{name} is {shown} (expected {expected}); {hint}");
        place.fail(&["train", "d", "--model", "m", flag, value], &message);
    }
    for (value, shown) in [("-0.5", "-0.5"), ("nan", "NaN"), ("inf", "inf")] {
        let hint = "0.1 is usual; errors up to this size cost nothing";
        let message = format!("epsilon is {shown} (expected a number from 0 to 3.4e38); {hint}");
        place.fail(&["train", "d", "--loss", "epsilon-insensitive", "--epsilon", value], &message);
    }
}

#[test]
fn clusters_out_of_range() {
    let topology = "leave it out, and clusters follow the machine's sockets and caches";
    let from_clusters = "leave it out, and it follows from the number of clusters";
    let place = Place::with(&[("d", SMALL)]);
    for (flag, value, name, expected, hint) in [
        ("--clusters", "0", "clusters", "1 or more", topology),
        ("--clusters", "3", "clusters", "1 or more, and at most the number of threads", topology),
        ("--cluster-size", "-1", "cluster size", "1 or more", topology),
        ("--update-delay", "0", "update delay", "1 or more", "64 is usual for up to 4 clusters"),
        ("--ring-beta", "1", "ring beta", "a number above 0 and below 1", from_clusters),
        ("--ring-lambda", "2", "ring lambda", "a number from 0 to 1", from_clusters),
    ] {
        let message = format!("{name} is {value} (expected {expected}); {hint}");
        place.fail(
            &["train", "d", "--strategy", "hogwild++", "--threads", "2", flag, value],
            &message,
        );
    }
}

#[test]
fn what_variance_reduction_cannot_do() {
    let place = Place::with(&[("d", SMALL)]);
    for (flag, value, message) in [
        (
            "--loss",
            "hinge",
            "solver is saga (expected a solver for losses with a kink); choose dual or sgd for this loss, or a smooth \
             loss: squared-hinge instead of hinge, huber instead of epsilon-insensitive",
        ),
        (
            "--loss",
            "epsilon-insensitive",
            "solver is saga (expected a solver for losses with a kink); choose dual or sgd for this loss, or a smooth \
             loss: squared-hinge instead of hinge, huber instead of epsilon-insensitive",
        ),
        (
            "--strategy",
            "hogwild++",
            "strategy is hogwild++ (expected sequential, hogwild or locked, without batches, with the solver saga, whose \
             workers share one \
             average gradient); choose hogwild, or the solver sgd",
        ),
        (
            "--update",
            "merged",
            "update is merged (expected wild or atomic with the solver saga, whose workers share one average gradient); \
             leave it out, or choose the solver sgd",
        ),
        (
            "--schedule",
            "constant",
            "schedule is constant (expected none with the solver saga, whose step sizes follow the objective); leave it \
             out, or choose the solver sgd",
        ),
    ] {
        place.fail(&["train", "d", "--solver", "saga", flag, value], message);
    }
}

#[test]
fn time_for_nothing_leaves_no_model() {
    let place = Place::with(&[("d", SMALL), ("m", "an old model")]);
    let run = place.run(&["train", "d", "--model", "m", "--time-limit", "1e-9", "--quiet"]);
    let message = "error: time limit is 0.000000001 (expected enough seconds to prepare and to train a block); raise it\n";
    assert_eq!((run.code, &*run.stderr, &*place.text("m")), (1, message, "an old model"));
}

#[test]
fn usage() {
    let place = Place::with(&[("d", SMALL)]);
    for args in [
        &[][..],
        &["teach", "d"],
        &["train"],
        &["train", "d", "e"],
        &["train", "d", "--speed", "1"],
        &["train", "d", "--threads", "many"],
        &["train", "d", "--learning-rate", "fast"],
        &["train", "d", "--epochs", "1.5"],
        &["train", "d", "--seed", "-1"],
        &["train", "d", "--loss", "exponential"],
        &["train", "d", "--epsilon", "0.1"],
        &["train", "d", "--loss", "huber", "--epsilon", "0.1"],
        &["train", "d", "--loss", "epsilon-insensitive", "--epsilon", "small"],
        &["bench", "strategies", "d", "--epsilon", "0.1"],
        &["bench", "scaling", "d", "--loss", "huber", "--epsilon", "0.1"],
        &["train", "d", "--solver", "newton"],
        &["train", "d", "--strategy", "unlocked"],
        &["train", "d", "--update", "plain"],
        &["train", "d", "--schedule", "cosine"],
        &["train", "d", "--schedule", "geometric:x"],
        &["train", "d", "--index-base", "2"],
        &["train", "d", "--l2", "1", "--cost", "1"],
        &["train", "d", "--bias", "1", "--no-bias"],
        &["train", "d", "--model"],
        &["train", "d", "--model", "-"],
        &["train", "-", "--test", "-"],
        &["train", "d", "--strategy", "sequential", "--update", "wild"],
        &["train", "d", "--strategy", "sequential", "--threads", "4"],
        &["train", "d", "--strategy", "hogwild++", "--clusters", "1", "--cluster-size", "1"],
        &["train", "d", "--strategy", "hogwild++", "--update", "merged"],
        &["train", "d", "--pin"],
        &["train", "d", "--strategy", "hogwild", "--update-delay", "64"],
        &["predict", "m"],
        &["predict", "m", "d", "--decision", "--proba"],
        &["predict", "m", "d", "--index-base", "auto"],
        &["evaluate", "m"],
        &["evaluate", "m", "d", "--proba"],
    ] {
        let run = place.run(args);
        assert_eq!((run.code, &*run.stdout), (2, ""), "{args:?}: {run:?}");
        assert!(!run.stderr.is_empty(), "{args:?}: {run:?}");
    }
}

#[test]
fn contradictions_are_explained() {
    let place = Place::with(&[("d", SMALL)]);
    let sequential = ["train", "d", "--strategy", "sequential"];
    for (args, why) in [
        (["--epsilon", "1"], "`--epsilon` is for `--loss epsilon-insensitive`"),
        (
            ["--update", "wild"],
            "`--update` chooses how threads share weights, but `--strategy sequential` has one thread",
        ),
        (
            ["--threads", "4"],
            "`--strategy sequential` has one thread: leave `--threads` out, or choose hogwild",
        ),
    ] {
        let run = place.run(&[&sequential[..], &args].concat());
        assert!(
            run.stderr.starts_with(&format!("error: {why}\n\nUsage: wildsgd train ")),
            "{run:?}"
        );
    }
    place.succeed(&[&sequential[..], &["--threads", "1"]].concat());
}

#[test]
fn help_and_version() {
    let place = Place::new();
    for command in ["train", "predict", "evaluate"] {
        let run = place.succeed(&[command, "--help"]);
        assert!(run.stdout.contains("[default: ") && run.stderr.is_empty(), "{run:?}");
    }
    assert_eq!(
        place.succeed(&["--version"]).stdout,
        format!("wildsgd {}\n", env!("CARGO_PKG_VERSION"))
    );
}
