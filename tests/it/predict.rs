//! `wildsgd predict`.

use wildsgd::Model;
use wildsgd::data::{ParseOptions, libsvm};

use crate::command::{Place, SMALL, generated};

/// Model: positive scores mean label 7. Score of feature 1: 2, of feature 2: -0.5; bias 0.25.
const MODEL: &str =
    "solver_type L2R_LR\nnr_class 2\nlabel 7 3\nnr_feature 2\nbias 1\nw\n2 \n-0.5 \n0.25 \n";
const REGRESSION: &str =
    "solver_type L2R_L2LOSS_SVR\nnr_class 2\nnr_feature 2\nbias -1\nw\n0.1 \n1e-20 \n";

#[test]
fn labels_and_accuracy() {
    let place = Place::with(&[("m", MODEL), ("d", "7 1:1\n7 2:4\n3 2:1\n3\n")]);
    let run = place.succeed(&["predict", "m", "d"]);
    assert_eq!((&*run.stdout, &*run.stderr), ("7\n3\n3\n7\n", "Accuracy = 50 % (2/4)\n"));
    let run = place.succeed(&["predict", "m", "d", "--output", "o", "--quiet"]);
    assert_eq!((&*run.stdout, &*run.stderr, &*place.text("o")), ("", "", "7\n3\n3\n7\n"));
    place.write("d", "0 1:1\n0 2:4\n");
    let run = place.succeed(&["predict", "m", "d"]);
    assert_eq!(run.stderr, "no accuracy: none of the 2 labels is one of the model's, 7 and 3\n");
}

#[test]
fn decision_values_are_those_of_the_library() {
    let text = generated(300);
    let place = Place::with(&[("d", &text)]);
    place.succeed(&["train", "d", "--model", "m", "--quiet"]);
    let run = place.succeed(&["predict", "m", "d", "--decision"]);
    let values: Vec<f64> = run.stdout.lines().map(|line| line.parse().unwrap()).collect();
    let data = libsvm::parse(text.as_bytes(), &ParseOptions::default()).unwrap();
    assert_eq!(values, Model::load(place.path("m")).unwrap().decisions(&data));
}

#[test]
fn predictions_of_many_blocks_keep_the_order_of_the_file() {
    let line = |i: u32| {
        format!("{} 1:{}.5 2:{}\n", if i.is_multiple_of(2) { 7 } else { 3 }, i % 1000, i % 7)
    };
    let text: String = (0..100_000).map(line).collect();
    let place = Place::with(&[("m", MODEL), ("d", &text)]);
    place.write("z", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let score = |i: u32| 2.0 * (f64::from(i % 1000) + 0.5) - 0.5 * f64::from(i % 7) + 0.25;
    let run = place.succeed(&["predict", "m", "d", "--decision"]);
    let values: Vec<f64> = run.stdout.lines().map(|line| line.parse().unwrap()).collect();
    assert!(values == (0..100_000).map(score).collect::<Vec<_>>());
    place.succeed(&["predict", "m", "z", "--decision", "--output", "o"]);
    assert!(place.text("o") == run.stdout);
    // Lines before the error may be printed; a file is written completely or not at all.
    place.write("d", text + "x\n");
    let message = "d:100001:1: label `x` is not a number (expected a number such as 1, -1 or 0.5); number the \
                   classes, and start comments with `#`";
    place.fail(&["predict", "m", "d", "--output", "o"], message);
}

#[test]
fn probabilities_in_the_format_of_liblinear() {
    let place = Place::with(&[("m", MODEL), ("d", "7 1:1\n3 2:0.5\n3 2:9\n")]);
    let run = place.succeed(&["predict", "m", "d", "--proba"]);
    let mut lines = run.stdout.lines();
    assert_eq!(lines.next(), Some("labels 7 3"));
    for (line, (label, score)) in lines.zip([("7", 2.25_f64), ("3", 0.0), ("3", -4.25)]) {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!((words.len(), words[0]), (3, label));
        let p = 1.0 / (1.0 + (-score).exp());
        for (word, p) in words[1..].iter().zip([p, 1.0 - p]) {
            assert!((word.parse::<f64>().unwrap() - p).abs() < 1e-12, "{line}");
        }
    }
}

#[test]
fn other_losses_have_no_probabilities() {
    let place = Place::with(&[("d", SMALL)]);
    for loss in ["hinge", "squared-hinge", "squared", "epsilon-insensitive"] {
        place.succeed(&["train", "d", "--loss", loss, "--model", "m", "--quiet"]);
        let message = format!(
            "loss is {loss}, whose scores are no probabilities (expected logistic or softmax); train with one of these, \
             or use labels or scores instead of probabilities"
        );
        place.fail(&["predict", "m", "d", "--proba", "--output", "o"], &message);
    }
}

#[test]
fn regression() {
    let place = Place::with(&[("m", REGRESSION), ("d", "0.5 1:5\n-1 1:1\n2 2:1\n0 1:3\n")]);
    let run = place.succeed(&["predict", "m", "d"]);
    assert_eq!(run.stdout, "0.5\n0.1\n1e-20\n0.30000000000000004\n");
    let r2 = r2(&[0.0, 1.21, 4.0, 0.09]);
    assert_eq!(run.stderr, format!("Mean squared error = 1.325, R2 = {r2}\n"));
}

/// Returns R2 for the labels 0.5, -1, 2 and 0, from squared errors.
fn r2(errors: &[f64]) -> String {
    let labels = [0.5, -1.0, 2.0, 0.0];
    let mean = labels.iter().sum::<f64>() / 4.0;
    let variance: f64 = labels.iter().map(|label| (label - mean).powi(2)).sum();
    let text = format!("{:.6}", 1.0 - errors.iter().sum::<f64>() / variance);
    text.trim_end_matches('0').into()
}

#[test]
fn unseen_features_are_counted_and_ignored() {
    let place = Place::with(&[
        ("m", MODEL),
        ("d", "7 1:1 5:100\n3 2:1 9:-100 4294967295:1\n"),
        ("e", "7 1:1\n3 2:1\n"),
    ]);
    let run = place.succeed(&["predict", "m", "d", "--decision"]);
    let warning = "Accuracy = 100 % (2/2)\nwarning: d: 3 of 5 entries have features above 2, the last that the model \
                   knows: they are ignored; check that both files number the features the same way\n";
    assert_eq!((&*run.stdout, &*run.stderr), ("2.25\n-0.25\n", warning));
    assert_eq!(place.succeed(&["predict", "m", "e", "--decision"]).stdout, run.stdout);
}

#[test]
fn features_that_count_from_0() {
    let place = Place::with(&[("m", MODEL), ("d", "7 0:1\n3 1:1\n")]);
    let run = place.succeed(&["predict", "m", "d", "--decision", "--index-base", "0"]);
    assert_eq!(run.stdout, "2.25\n-0.25\n");
    place.fail(
        &["predict", "m", "d"],
        "d:1:3: `0:1` has index 0 (expected indices that count from 1); if the file counts features from 0, give \
         `--index-base 0`",
    );
}

#[test]
fn standard_input() {
    let place = Place::with(&[("m", MODEL)]);
    let run = place.run_with(&["predict", "m", "-"], "7 1:1\n3 2:1\n");
    assert_eq!((run.code, &*run.stdout, &*run.stderr), (0, "7\n3\n", "Accuracy = 100 % (2/2)\n"));
}
