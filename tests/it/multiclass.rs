//! More than two classes, from a file of labels to predictions.

use std::collections::HashSet;

use proptest::prelude::*;
use wildsgd::Model;
use wildsgd::data::{ParseOptions, libsvm};

use crate::command::{Place, TRAIN};

/// Three classes; LIBLINEAR's order is that of first appearance.
const THREE: &str = "3 1:1\n1 2:1\n2 3:1\n1 2:0.9 3:0.1\n3 1:1 2:0.1\n2 3:2\n";
/// Scores of feature 1: 2, 0, -1; of feature 2: 0, 0.5, 0.5.
const MODEL: &str =
    "solver_type L2R_LR\nnr_class 3\nlabel 4 -2 9\nnr_feature 2\nbias -1\nw\n2 0 -1 \n0 0.5 0.5 \n";

#[test]
fn more_than_two_labels_are_trained_one_against_the_rest() {
    let place = Place::with(&[("d", THREE)]);
    let run = place
        .succeed(&["train", "d", "--test", "d", "--cost", "10", "--model", "m", "--report", "r"]);
    assert!(
        run.stderr.contains("3 classes, each against the rest (one-vs-rest): "),
        "{}",
        run.stderr
    );
    let columns = run.stderr.lines().filter(|line| line.ends_with("   stopped")).count();
    let rows = run.stderr.lines().filter(|line| line.ends_with("   tolerance")).count();
    assert_eq!((columns, rows), (1, 3), "{}", run.stderr);
    for part in ["3 classes one-vs-rest\n", "solver     dual, f32\n", "epochs of all classes: "] {
        assert!(run.stderr.contains(part), "no `{part}`: {}", run.stderr);
    }

    let report = place.json("r");
    assert_eq!(report["settings"]["multiclass"], "ovr");
    assert!(report["settings"]["learning_rate"].is_null());
    assert_eq!(report["epochs"], serde_json::json!([]));
    let classes = report["classes"].as_array().unwrap();
    let number = |k: usize, key: &str| classes[k][key].as_f64().unwrap();
    assert_eq!((0..3).map(|k| number(k, "label")).collect::<Vec<_>>(), [3.0, 1.0, 2.0]);
    assert!(
        (0..3).all(|k| number(k, "examples") == 2.0 && classes[k]["stop_reason"] == "tolerance")
    );
    let mean = (0..3).map(|k| number(k, "objective")).sum::<f64>() / 3.0;
    assert!((report["final"]["objective"].as_f64().unwrap() - mean).abs() < 1e-12);
    let epochs: f64 = (0..3).map(|k| number(k, "epochs")).sum();
    assert_eq!(report["final"]["epochs"], epochs as usize);
    assert_eq!(report["final"]["test"]["accuracy"], 1.0);

    assert!(
        place
            .text("m")
            .starts_with("solver_type L2R_LR\nnr_class 3\nlabel 3 1 2\nnr_feature 3\nbias 1\nw\n")
    );
    let run = place.succeed(&["predict", "m", "d"]);
    assert_eq!((&*run.stdout, &*run.stderr), ("3\n1\n2\n1\n3\n2\n", "Accuracy = 100 % (6/6)\n"));
    place.succeed(&["evaluate", "m", "d", "--report", "e"]);
    let (trained, loaded) = (&report["final"]["test"], &place.json("e")["test"]);
    for measure in ["loss", "accuracy", "macro_f1", "log_loss"] {
        assert_eq!(trained[measure], loaded[measure]);
    }
}

#[test]
fn predictions_have_a_number_a_label() {
    let place = Place::with(&[("m", MODEL), ("d", "4 1:1\n-2 2:1\n9\n7 1:-1 2:0.25 5:1\n")]);
    let run = place.succeed(&["predict", "m", "d"]);
    // On ties of the highest score, the first label wins.
    assert_eq!(run.stdout, "4\n-2\n4\n9\n");
    assert!(
        run.stderr
            .starts_with("Accuracy = 50 % (2/4)\nwarning: d: 1 of 5 entries have features above 2")
    );
    let run = place.succeed(&["predict", "m", "d", "--decision", "--quiet"]);
    assert_eq!(run.stdout, "2 0 -1\n0 0.5 0.5\n0 0 0\n-2 0.125 1.125\n");
    let run = place.succeed(&["predict", "m", "d", "--proba", "--quiet"]);
    let mut lines = run.stdout.lines();
    assert_eq!(lines.next(), Some("labels 4 -2 9"));
    for (line, (label, scores)) in lines.zip([("4", [2.0, 0.0, -1.0_f64]), ("-2", [0.0, 0.5, 0.5])])
    {
        let words: Vec<&str> = line.split(' ').collect();
        let sigmoids = scores.map(|score| 1.0 / (1.0 + (-score).exp()));
        let sum: f64 = sigmoids.iter().sum();
        assert_eq!((words.len(), words[0]), (4, label));
        for (word, p) in words[1..].iter().zip(sigmoids) {
            assert!((word.parse::<f64>().unwrap() - p / sum).abs() < 1e-12, "{line}");
        }
    }
    place.write("d", "0 1:1\n");
    let run = place.succeed(&["predict", "m", "d"]);
    assert_eq!(
        run.stderr,
        "no accuracy: none of the 1 labels is one of the model's, 4, -2 and 9\n"
    );
}

#[test]
fn evaluation_shows_each_class() {
    let model = MODEL.replace("L2R_LR", "L2R_L1LOSS_SVC_DUAL");
    let place = Place::with(&[("m", &model), ("d", "4 1:1\n-2 2:1\n4 2:1\n7 2:1\n")]);
    let run = place.succeed(&["evaluate", "m", "d", "--report", "r"]);
    let table = "\n    class   examples  precision     recall         F1\
                 \n        4          2    1.00000   0.500000   0.666667\
                 \n       -2          1   0.333333    1.00000   0.500000\
                 \n        9          0          -          -          -\n";
    assert!(run.stdout.starts_with("examples   4\nloss       "), "{}", run.stdout);
    assert!(
        run.stdout.ends_with(&format!("accuracy   0.5\nmacro F1   0.583333\n{table}")),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.starts_with("warning: d: 1 of 4 labels are not the model's"),
        "{}",
        run.stderr
    );
    let report = place.json("r");
    assert_eq!(report["model"]["labels"], serde_json::json!([4, -2, 9]));
    assert_eq!(report["model"]["nonzeros"], 2);
    let class = serde_json::json!(
        {"label": 4, "examples": 2, "predicted": 1, "precision": 1.0, "recall": 0.5, "f1": 2.0 / 3.0}
    );
    assert_eq!(report["classes"][0], class);
    assert_eq!(
        (&report["test"]["unknown_labels"], &report["test"]["log_loss"]),
        (&1.into(), &().into())
    );
}

#[test]
fn labels_of_any_kind_on_request() {
    let halves = THREE.replace("3 1:", "-0.5 1:");
    let place = Place::with(&[("d", &halves)]);
    place.fail(
        &["train", "d"],
        "d: label -0.5 of example 1 is not a whole number within i32 (expected whole numbers as labels of classes); \
         give `--loss squared` or `--loss huber` for regression, or `--multiclass ovr` if each number names a class",
    );
    place.succeed(&[
        "train",
        "d",
        "--multiclass",
        "ovr",
        "--cost",
        "10",
        "--model",
        "m",
        "--quiet",
    ]);
    assert_eq!(place.succeed(&["predict", "m", "d"]).stdout, "-0.5\n1\n2\n1\n-0.5\n2\n");
    place.write("d", "0.5 1:1\n0.25 2:1\n");
    place.succeed(&["train", "d", "--multiclass", "ovr", "--model", "m", "--quiet"]);
    assert_eq!(place.succeed(&["predict", "m", "d"]).stdout, "0.5\n0.25\n");
    let run = place.run(&["train", "d", "--multiclass", "ovr", "--loss", "epsilon-insensitive"]);
    let why = "trains classes, but `--loss epsilon-insensitive` is for regression";
    assert!(run.code == 2 && run.stderr.contains(why), "{}", run.stderr);
}

#[test]
fn one_against_the_rest_is_the_binary_model() {
    let text = String::from_utf8(wildsgd::data::source::read(TRAIN).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().take(600).collect();
    let label = |i: usize| ["1", "2", "5"][i % 3];
    let labeled = |label: &dyn Fn(usize) -> &'static str| -> String {
        let rows =
            lines.iter().map(|line| line.split_once(' ').map_or("", |(_, row)| row)).enumerate();
        rows.map(|(i, row)| format!("{} {row}\n", label(i))).collect()
    };
    let many = labeled(&label);
    let binary = labeled(&|i| if label(i) == "2" { "1" } else { "-1" });
    let place = Place::with(&[("many", &many), ("binary", &binary)]);
    for data in ["many", "binary"] {
        place.succeed(&[
            "train",
            data,
            "--model",
            &format!("{data}.model"),
            "--threads",
            "1",
            "--quiet",
        ]);
    }
    let data = libsvm::parse(many.as_bytes(), &ParseOptions::default()).unwrap();
    let scores = |name: &str| Model::load(place.path(name)).unwrap().decisions(&data);
    let column: Vec<f64> = scores("many.model").into_iter().skip(1).step_by(3).collect();
    for (found, expected) in column.iter().zip(scores("binary.model")) {
        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    }
}

#[test]
fn softmax_trains_all_classes_at_once() {
    let place = Place::with(&[("d", THREE)]);
    let run = place.succeed(&[
        "train", "d", "--loss", "softmax", "--cost", "10", "--test", "d", "--model", "m",
        "--report", "r",
    ]);
    let columns = " loss   accuracy   macro F1   log loss\n";
    for part in
        [columns, "problem    softmax loss", "solver     dual, f64\n", "written    model m, "]
    {
        assert!(run.stderr.contains(part), "no `{part}`: {}", run.stderr);
    }
    let report = place.json("r");
    assert_eq!(report["final"]["test"]["accuracy"], 1.0);
    assert_eq!(report["final"]["test"]["loss"], report["final"]["test"]["log_loss"]);
    assert!(report["settings"]["multiclass"].is_null());

    let run = place.succeed(&["predict", "m", "d", "--proba", "--quiet"]);
    let mut lines = run.stdout.lines();
    assert_eq!(lines.next(), Some("labels 3 1 2"));
    for line in lines {
        let shares: Vec<f64> =
            line.split(' ').skip(1).map(|share| share.parse().unwrap()).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{line}");
    }
    place.succeed(&["evaluate", "m", "d", "--report", "e"]);
    assert_eq!(place.json("e")["test"]["log_loss"], report["final"]["test"]["log_loss"]);
    assert_eq!(Model::load(place.path("m")).unwrap().loss().name(), "softmax");
}

#[test]
fn softmax_takes_any_labels_and_says_what_it_lacks() {
    let place =
        Place::with(&[("d", "0.5 1:1\n-7.25 2:1\n1e6 3:1\n0.5 1:2\n"), ("two", "1 1:1\n-1 2:1\n")]);
    place.succeed(&["train", "d", "--loss", "softmax", "--cost", "100", "--model", "m", "--quiet"]);
    assert_eq!(
        place.succeed(&["predict", "m", "d", "--quiet"]).stdout,
        "0.5\n-7.25\n1000000\n0.5\n"
    );
    for (options, why) in [
        (&["--model-format", "liblinear"], "LIBLINEAR has no softmax"),
        (&["--multiclass", "ovr"], "`--loss softmax` trains all at once"),
    ] {
        let run = place.run(&[&["train", "d", "--loss", "softmax"], &options[..]].concat());
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(why), "{}", run.stderr);
    }
    place.fail(
        &["train", "d", "--loss", "softmax", "--solver", "dual"],
        "solver is dual with the softmax loss (expected a solver that can do both); leave the solver out, or choose sgd",
    );
    // With two labels it is logistic regression.
    place.succeed(&["train", "two", "--loss", "softmax", "--model", "m", "--quiet"]);
    let run = place.succeed(&["predict", "m", "two", "--proba", "--quiet"]);
    assert!(
        run.stdout.starts_with("labels 1 -1\n1 0.5")
            || run.stdout.starts_with("labels 1 -1\n1 0.6"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_time_limit_holds_for_any_number_of_classes() {
    // Each class takes milliseconds.
    let rows =
        (0..30_000).map(|i| format!("{} {}:1 {}:0.5\n", i % 10_000, 1 + i % 50, 60 + i % 97));
    let place = Place::with(&[("d", &rows.collect::<String>())]);
    let run = place.run(&["train", "d", "--time-limit", "0.1", "--model", "m"]);
    let expected = "error: time limit is 0.1 (expected enough seconds to train a block of each class); raise it, or join classes\n";
    assert!(run.code == 1 && run.stderr.ends_with(expected), "{run:?}");
    assert!(!place.path("m").exists());
}

/// Labels as people write them: small numbers, dates, seconds, tenths, and any f64.
fn label() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-9..99_i32).prop_map(f64::from),
        (20_000_101..20_301_231_i32).prop_map(f64::from),
        (1_600_000_000..1_900_000_000_i64).prop_map(|seconds| seconds as f64),
        (-500..500_i32).prop_map(|tenths| f64::from(tenths) / 10.0),
        any::<f64>().prop_filter("labels are finite", |label| label.is_finite()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn labels_survive_training_saving_and_prediction(
        labels in prop::collection::vec(label(), 2..7),
        softmax: bool,
    ) {
        // Each class has a feature of its own.
        let row = |k: usize| format!("{} {}:1\n", labels[k % labels.len()], 1 + k % labels.len());
        let place = Place::with(&[("d", &(0..5 * labels.len()).map(row).collect::<String>())]);
        let different: HashSet<u64> = labels.iter().map(|&y| (y + 0.0).to_bits()).collect();
        prop_assume!(different.len() == labels.len());
        let how = if softmax { ["--loss", "softmax"] } else { ["--multiclass", "ovr"] };
        let args = [&["train", "d", "--cost", "100", "--quiet"], &how[..]].concat();
        place.succeed(&[&args[..], &["--model", "m", "--model-format", "native"]].concat());
        place.succeed(&["convert", "d", "c"]);
        place.succeed(&["convert", "c", "text", "--to", "libsvm"]);
        for data in ["d", "c", "text"] {
            let predicted = place.succeed(&["predict", "m", data, "--quiet"]).stdout;
            let predicted: Vec<f64> = predicted.lines().map(|line| line.parse().unwrap()).collect();
            let expected: Vec<f64> =
                (0..5 * labels.len()).map(|k| labels[k % labels.len()]).collect();
            prop_assert_eq!(predicted, expected, "{}", data);
        }
    }
}
