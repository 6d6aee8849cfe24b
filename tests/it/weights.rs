//! Weights of examples and classes, and the bias without regularization.

use crate::command::{Place, SMALL, generated};

#[test]
fn classes_and_examples_have_factors() {
    let text = generated(400);
    let ones = "1\n".repeat(400);
    let place =
        Place::with(&[("d", &*text), ("ones", &*ones), ("halves", &*ones.replace('1', "0.5"))]);
    let train = |args: &[&str]| {
        let common =
            ["train", "d", "--threads", "1", "--l2", "0.01", "--model", "m", "--report", "r"];
        place.succeed(&[&common, args].concat());
        place.read("m")
    };
    let plain = train(&[]);
    assert_eq!(place.json("r")["settings"]["class_weights"], serde_json::json!([]));
    assert!(train(&["--weights", "ones"]) == plain);
    assert_eq!(place.json("r")["settings"]["example_weights"], true);
    let weighted = train(&["--class-weight", "1:2", "--class-weight", "-1:0.5"]);
    assert!(weighted != plain);
    assert_eq!(place.json("r")["settings"]["class_weights"], serde_json::json!([2.0, 0.5]));
    let half = train(&["--class-weight", "1:4", "--class-weight", "-1:1", "--weights", "halves"]);
    assert!(half == weighted);
    train(&["--class-weight", "balanced"]);
    assert_eq!(place.json("r")["settings"]["class_weights"].as_array().unwrap().len(), 2);
    assert!(train(&["--free-bias"]) != plain);
    assert_eq!(place.json("r")["settings"]["free_bias"], true);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::with(&[("d", SMALL), ("w", "1\n2\n-3\n4\n"), ("short", "1\n2\n")]);
    let train = |args: &[&'static str]| [&["train", "d", "--model", "m"], args].concat();
    place.fail(
        &train(&["--weights", "w"]),
        "w:3:1: `-3` (expected one weight per line, a finite number, 0 or larger); give one weight per example, in the order of \
         the data file",
    );
    place.fail(
        &train(&["--weights", "short"]),
        "d: 2 weights for 4 examples (expected one weight an example, in the order of the file); check that the weights \
         are those of this file",
    );
    place.fail(
        &train(&["--class-weight", "7:2"]),
        "d: no example has the label 7 of a class weight (expected labels of the data); check the label, or leave its \
         weight out",
    );
    for args in [
        &["--class-weight", "1"][..],
        &["--class-weight", "one:1"],
        &["--free-bias", "--no-bias"],
        &["--weights", "-", "--test", "-"],
    ] {
        assert_eq!(place.run(&train(args)).code, 2, "{args:?}");
    }
}
