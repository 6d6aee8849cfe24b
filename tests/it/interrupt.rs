//! Ctrl-C, and closed pipes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use wildsgd::Model;

use crate::command::{Place, generated};

#[test]
fn an_interrupted_training_saves_its_model() {
    let place = Place::with(&[("d", &generated(2000))]);
    let args =
        ["train", "d", "--model", "m", "--report", "r", "--tolerance", "0", "--epochs", "1000000"];
    let mut child = place.command(&args).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(|line| line.unwrap());
    assert!(lines.any(|line| line.starts_with("    3 ")), "the third epoch ends");
    assert!(
        Command::new("sh")
            .args(["-c", &format!("kill -INT {}", child.id())])
            .status()
            .unwrap()
            .success()
    );
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));

    assert!(
        rest.iter()
            .any(|line| line.starts_with("stopped ") && line.ends_with("epochs: interrupted")),
        "{rest:?}"
    );
    let report = place.json("r");
    assert_eq!(report["final"]["stop_reason"], "interrupted");
    assert!(report["final"]["epochs"].as_u64().unwrap() >= 3);
    let model = Model::load(place.path("m")).unwrap();
    assert!(model.weights()[0] > 0.0 && model.weights()[1] < 0.0);
    place.succeed(&["evaluate", "m", "d"]);
}

#[test]
fn a_reader_that_closes_the_pipe_has_read_enough() {
    let place = Place::with(&[("d", &generated(20_000))]);
    place.succeed(&["train", "d", "--model", "m", "--quiet", "--epochs", "2"]);
    for args in [
        &["predict", "m", "d"][..],
        &["predict", "m", "d", "--proba"],
        &["predict", "m", "d", "--output", "/dev/stdout"],
        &["evaluate", "m", "d"],
    ] {
        let mut child =
            place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), &*stderr), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_closed_standard_error_does_not_stop_training() {
    let place = Place::with(&[("d", &generated(100))]);
    let mut child =
        place.command(&["train", "d", "--model", "m"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    Model::load(place.path("m")).unwrap();
}
