use std::time::Duration;

use super::*;
use crate::data::Builder;
use crate::train::Trainer;

fn trained() -> Trained {
    let mut examples = Builder::default();
    for k in 0..100 {
        examples.entry(k % 2, 1.0);
        examples.end_row(if k % 2 == 0 { 1.0 } else { -1.0 });
    }
    let examples = examples.finish(0);
    let mut trainer = Trainer::default();
    trainer.settings.threads = 1;
    trainer.settings.epochs = 3;
    let trained = trainer.fit(&examples).unwrap();
    let data = Data::of("a.svm", &examples, Duration::from_millis(250));
    Trained::new(&trainer, &trained, data, Duration::from_secs(2))
}

fn json(report: &Trained) -> serde_json::Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(report, file.path()).unwrap();
    serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap()
}

#[test]
fn numbers_that_are_not_finite_become_null() {
    let mut report = trained();
    report.outcome.nonzeros_per_second = f64::INFINITY;
    report.outcome.train.loss = Some(f64::NAN);
    let json = json(&report);
    assert!(json["final"]["nonzeros_per_second"].is_null());
    assert!(json["final"]["train"]["loss"].is_null());
}

#[test]
fn reports_settings_and_results() {
    let report = trained();
    let json = json(&report);
    assert_eq!(json["schema"], 1);
    assert_eq!(json["data"]["load_seconds"], 0.25);
    assert_eq!(json["data"]["nonzeros"], 100);
    assert_eq!(json["settings"]["l2"], 0.01);
    assert_eq!(json["settings"]["strategy"], "sequential");
    assert_eq!(json["settings"]["strategy_reason"], "there is only one thread");
    assert_eq!(json["settings"]["update"], serde_json::Value::Null);
    assert_eq!(json["final"]["total_seconds"], 2.0);
    assert_eq!(json["final"]["train"]["accuracy"], 1.0);
    assert_eq!(json["epochs"].as_array().unwrap().len(), report.outcome.epochs);
    let visited = 100.0 * report.outcome.epochs as f64;
    let speed = visited / report.outcome.train_seconds;
    assert!((report.outcome.nonzeros_per_second / speed - 1.0).abs() < 1e-9);
}
