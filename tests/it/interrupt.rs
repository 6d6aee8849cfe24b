//! Signals, and closed pipes.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Command, Stdio};

use wildsgd::Model;

use crate::command::{Place, generated};

/// Starts a training that does not end, with these options of `env`, and waits for its third epoch.
/// The tests may run where signals are ignored, as under nohup.
fn training(place: &Place, signals: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut env = Command::new("env");
    env.args(signals).arg(crate::command::COMMAND).current_dir(place.path(""));
    env.args(["train", "d", "--model", "m", "--report", "r", "--tolerance", "0"]);
    let mut child = env.args(["--epochs", "1000000"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("    3 ")), "the third epoch ends");
    (child, lines)
}

fn kill(child: &Child, signal: &str) {
    let command = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_training_saves_its_model() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = Place::with(&[("d", &generated(2000))]);
        let (mut child, lines) = training(&place, &["--default-signal=INT,TERM,HUP"]);
        kill(&child, signal);
        let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
        assert_eq!(child.wait().unwrap().code(), Some(code));

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
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_leaves_no_temporary_file() {
    let place = Place::with(&[("d", &generated(200)), ("out", "old\n")]);
    place.succeed(&["train", "d", "--model", "m"]);
    let before = place.contents();
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("KILL", 9)] {
        let mut env = Command::new("env");
        env.args(["--default-signal=INT,TERM,HUP", crate::command::COMMAND]);
        env.args(["predict", "m", "-", "--output", "out"]).current_dir(place.path(""));
        let mut child = env.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // More than a pipe holds: the command has opened its output when all of it is written.
        input.write_all(generated(50_000).as_bytes()).unwrap();
        if signal == "KILL" && place.contents().len() > before.len() {
            eprintln!("skipped: the file system knows no files without a name");
            child.kill().unwrap();
            continue;
        }
        kill(&child, signal);
        assert_eq!(child.wait().unwrap().signal(), Some(number), "a shell sees the signal");
        assert_eq!(place.contents(), before, "{signal}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_was_ignored_stays_so() {
    let place = Place::with(&[("d", &generated(2000))]);
    let (mut child, lines) = training(&place, &["--default-signal=TERM", "--ignore-signal=HUP"]);
    kill(&child, "HUP");
    kill(&child, "TERM");
    let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{rest:?}");
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
