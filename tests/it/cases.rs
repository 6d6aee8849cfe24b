//! Inputs that trainers get wrong: values of very different sizes, offsets, regularizers that fast
//! solvers do not know. Each line has the least objective, found by code that shares nothing with
//! this crate (`benches/peers/optima.py`).

use std::path::{Path, PathBuf};

use crate::command::Place;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

/// Trains, and returns objective, gap, and whether the model is certified.
fn train(place: &Place, data: &str, options: &[&str]) -> (f64, f64, bool) {
    let mut args = vec!["train", data, "--quiet", "--report", "r"];
    args.extend(options);
    place.succeed(&args);
    let report = place.json("r");
    let result = &report["final"];
    let number = |key: &str| result[key].as_f64().unwrap_or(f64::INFINITY);
    (number("objective"), number("gap"), result["certified"] == true)
}

const TOLERANCE: f64 = 1e-3;

#[test]
fn the_default_command_finds_the_optimum() {
    let weights = case("weights-l1.weights");
    let weights = weights.to_str().unwrap();
    let lines: [(&str, &[&str], f64); 17] = [
        ("one-value-1e10.svm", &["--loss", "squared-hinge"], 0.653431),
        ("one-value-1e10-regression.svm", &["--loss", "squared"], 0.0523675),
        ("one-large-value.svm", &[], 0.336869),
        ("one-large-value.svm", &["--precision", "f64"], 0.336869),
        ("large-c.svm", &["--cost", "1e9"], 0.320804),
        ("one-value-1e4.svm", &["--cost", "1e6"], 0.517732),
        ("one-value-2e19.svm", &["--loss", "squared"], 0.0439281),
        ("offset-features-regression.svm", &["--loss", "squared", "--free-bias"], 0.0452302),
        ("offset-features-classes.svm", &["--free-bias"], 0.194096),
        ("offset-features-classes.svm", &["--free-bias", "--loss", "hinge"], 0.196883),
        ("weights-l1.svm", &["--weights", weights, "--l1", "0.01"], 4.73908),
        ("hinge-l1.svm", &["--loss", "hinge", "--l1", "0.37", "--l2", "0.0005"], 0.919053),
        ("no-l2-scales.svm", &["--loss", "squared", "--l2", "0"], 0.368826),
        ("softmax-scales.svm", &["--loss", "softmax"], 0.739578),
        ("constant-target.svm", &["--loss", "epsilon-insensitive"], 0.0576),
        (
            "constant-target.svm",
            &["--loss", "epsilon-insensitive", "--strategy", "hogwild++"],
            0.0576,
        ),
        ("l1-one-value-1e8.svm", &["--loss", "squared", "--l1", "0.001"], 0.0721819),
    ];
    let place = Place::new();
    for (data, options, least) in lines {
        for (seed, threads) in [("1", "1"), ("2", "2"), ("3", "8")] {
            let path = case(data);
            let mut all = vec!["--seed", seed, "--threads", threads, "--strict"];
            all.extend(options);
            let (objective, gap, certified) = train(&place, path.to_str().unwrap(), &all);
            let what = format!("{data} {all:?}: {objective}, gap {gap}");
            // The values are given with six digits.
            assert!(
                (least * (1.0 - 2e-6)..=least * (1.0 + 1.1 * TOLERANCE)).contains(&objective),
                "{what}"
            );
            assert!(certified && gap <= TOLERANCE, "{what}");
        }
    }
}

#[test]
fn a_model_that_is_not_certified_has_status_3_if_that_is_wanted() {
    let place = Place::new();
    let path = case("large-c.svm");
    let path = path.to_str().unwrap();
    let options = ["train", path, "--cost", "1e9", "--solver", "dual", "--epochs", "3"];
    let strict = [&options[..], &["--strict", "--model", "m"]].concat();
    assert_eq!(place.run(&strict).code, 3);
    assert!(place.path("m").exists(), "the model is written all the same");
    assert_eq!(place.run(&options).code, 0);
}

/// A hundred random problems of all families of `benches/peers/problems.py`.
#[test]
fn random_problems_end_at_their_optimum_or_say_that_they_do_not() {
    let text = std::fs::read_to_string(case("differential.txt")).unwrap();
    let place = Place::new();
    let mut near = 0;
    let problems: Vec<&str> = text.split("\n\n").collect();
    for (number, problem) in problems.iter().enumerate() {
        let (comments, rows): (Vec<&str>, Vec<&str>) =
            problem.lines().partition(|line| line.starts_with('#'));
        let (name, least) = comments[0].rsplit_once(' ').unwrap();
        let least: f64 = least.parse().unwrap();
        place.write("d", rows.join("\n") + "\n");
        let mut options: Vec<&str> = comments[1][2..].split(' ').collect();
        if let Some(weights) = comments.get(2) {
            place.write("w", weights[2..].replace(' ', "\n"));
            options.extend(["--weights", "w"]);
        }
        options.extend(["--threads", ["1", "2", "8"][number % 3]]);
        let (objective, gap, certified) = train(&place, "d", &options);
        let what = format!("{name} {options:?}: {objective} for {least}, gap {gap}");
        assert!(least >= (1.0 - gap) * objective * (1.0 - 1e-7), "a false certificate: {what}");
        assert!(!certified || objective <= least * (1.0 + 1.1 * TOLERANCE), "{what}");
        near += usize::from(certified);
    }
    assert!(problems.len() == 100 && near >= 99, "{near} of {} are certified", problems.len());
}

#[test]
fn ratings_have_one_separator_a_file() {
    let place = Place::new();
    let path = |name| case(name).to_str().unwrap().to_string();
    for name in ["ratings-comma-names.csv", "ratings-tab-names.tsv"] {
        let data = path(name);
        place.succeed(&["factorize", &data, "--rank", "1", "--model", "m", "--quiet"]);
        place.succeed(&["predict", "m", &data, "--quiet"]);
    }
    for (name, what) in [
        ("ratings-tab-empty.tsv", "ratings-tab-empty.tsv:2:6: a field is empty"),
        ("ratings-decimal-comma.tsv", "ratings-decimal-comma.tsv:1:6: the rating `4,5` is not"),
    ] {
        let run = place.run(&["factorize", &path(name), "--rank", "1", "--model", "n"]);
        assert!(run.code == 1 && run.stderr.contains(what), "{}", run.stderr);
        assert!(!place.path("n").exists());
    }
}

#[test]
fn labels_survive_from_text_to_predictions() {
    let place = Place::new();
    let path = |name| case(name).to_str().unwrap().to_string();
    let labels_of = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(' ').next().unwrap().to_string()).collect()
    };
    for (name, options) in [
        ("labels-dates.svm", &[][..]),
        ("labels-dates.svm", &["--loss", "softmax"]),
        ("labels-tenths.svm", &["--multiclass", "ovr", "--class-weight", "0.1:2"]),
        ("labels-halves.svm", &["--multiclass", "ovr"]),
    ] {
        let data = path(name);
        let args =
            [&["train", &data, "--cost", "1e3", "--model", "m", "--quiet"], options].concat();
        place.succeed(&args);
        let predicted = place.succeed(&["predict", "m", &data, "--quiet"]).stdout;
        let text = std::fs::read_to_string(case(name)).unwrap();
        assert_eq!(labels_of(&predicted), labels_of(&text), "{name}");
        // A cache keeps them, too.
        place.succeed(&["convert", &data, "c.wsgd", "--quiet"]);
        place.succeed(&["convert", "c.wsgd", "t", "--to", "libsvm", "--quiet"]);
        assert_eq!(labels_of(&place.text("t")), labels_of(&text), "{name}");
    }
    let (objective, gap, certified) = train(
        &place,
        &path("target-large-offset.svm"),
        &["--loss", "squared", "--cost", "1e6", "--bias", "1e4", "--precision", "f64"],
    );
    assert!((objective / 0.01 - 1.0).abs() < 1.1e-3 && certified, "{objective}, gap {gap}");
    let options = ["--loss", "squared", "--cost", "1e12", "--bias", "1e9"];
    train(&place, &path("labels-seconds.svm"), &options);
    let r2 = place.json("r")["final"]["train"]["r2"].as_f64().unwrap();
    assert!(r2 > 0.999, "{r2}");
}
