//! `wildsgd evaluate`.

use crate::command::Place;

const MODEL: &str =
    "solver_type L2R_L2LOSS_SVC\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n2 \n-0.5 \n";

#[test]
fn classes() {
    let place = Place::with(&[("m", MODEL), ("d", "1 1:1\n-1 2:2\n-1 1:1 7:1\n1 2:1\n")]);
    let run = place.succeed(&["evaluate", "m", "d", "--report", "r"]);
    assert_eq!(run.stdout, "examples   4\nloss       2.8125\naccuracy   0.5\nAUC        0.625\n");
    assert!(run.stderr.starts_with("warning: d: 1 of 5 entries have features above 2"), "{run:?}");
    let report = place.json("r");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["model"]["loss"], "squared-hinge");
    assert_eq!(report["model"]["labels"], serde_json::json!([1, -1]));
    assert_eq!(report["data"]["path"], "d");
    assert_eq!(report["unseen"], 1);
    assert_eq!(report["test"], serde_json::json!({"loss": 2.8125, "accuracy": 0.5, "auc": 0.625}));
    assert_eq!(place.succeed(&["evaluate", "m", "d", "--quiet"]).stderr, "");
}

#[test]
fn regression() {
    let model = MODEL.replace("SVC", "SVR").replace("label 1 -1\n", "");
    let place = Place::with(&[("m", &model), ("d", "1 1:1\n-2.5 2:2\n")]);
    let run = place.succeed(&["evaluate", "m", "d"]);
    assert_eq!(
        run.stdout,
        "examples   2\nloss       0.8125\nRMSE       1.27475\nMAE        1.25\nR2         0.469388\n"
    );
}

#[test]
fn labels_that_the_model_does_not_know() {
    let place = Place::with(&[("m", MODEL), ("d", "1 1:1\n2 1:1\n0 1:1\n")]);
    let run = place.succeed(&["evaluate", "m", "d", "--report", "r"]);
    assert_eq!(run.stdout, "examples   3\nloss       0\naccuracy   0.333333\nAUC        -\n");
    assert!(run.stderr.starts_with("warning: d: 2 of 3 labels are not the model's"), "{run:?}");
    let test = &place.json("r")["test"];
    assert!(test["auc"].is_null() && test["unknown_labels"] == 2, "{test}");
}
