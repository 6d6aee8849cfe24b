//! Atomic saving: a process that is killed while it saves leaves a complete model.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::model::{Bias, LossKind, Model};

use crate::command::{Place, generated};

const SAVE_TO: &str = "WILDSGD_TEST_SAVE_TO";
const FEATURES: usize = 4_000;
const KILLS: u32 = 15;

/// All weights of a version equal its number, so that a mixture of two versions is detected.
fn version(number: i32) -> Model {
    let base = f64::from(number);
    let weights = (0..FEATURES).map(|j| base + 1.0 / (j + 2) as f64).collect();
    let bias = Some(Bias { value: 1.0, weight: base });
    Model::new(LossKind::Logistic, Some([number, -1]), weights, bias).unwrap()
}

/// Does nothing unless the test below runs it in a child process.
#[test]
fn saves_until_killed() {
    let Some(path) = std::env::var_os(SAVE_TO) else { return };
    let start = Instant::now();
    let mut number = Model::load(&path).unwrap().labels()[0] as i32;
    while start.elapsed() < Duration::from_secs(10) {
        number += 1;
        version(number).save(&path).unwrap();
    }
}

fn start_saving(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "saving::saves_until_killed"])
        .env(SAVE_TO, path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_process_leaves_a_whole_model() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model");
    version(0).save(&path).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut last = 0;
    for _ in 0..KILLS {
        let mut child = start_saving(&path);
        std::thread::sleep(Duration::from_micros(rng.random_range(5_000..150_000)));
        let was_saving = child.try_wait().unwrap().is_none();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(was_saving, "the saving process ended on its own");

        let model = Model::load(&path).unwrap();
        let number = model.labels()[0] as i32;
        assert_eq!(model, version(number));
        assert!(number >= last, "version {number} came after {last}");
        last = number;
    }
    assert!(last > 0, "no process came to save anything");
}

#[test]
fn native_models_predict_like_those_of_liblinear() {
    let place = Place::with(&[("d", &generated(400))]);
    for loss in ["logistic", "epsilon-insensitive"] {
        let train = |format: &str, model: &str| {
            let flags = [
                "--loss",
                loss,
                "--threads",
                "1",
                "--quiet",
                "--model-format",
                format,
                "--model",
                model,
            ];
            place.succeed(&[&["train", "d"], &flags[..]].concat());
        };
        train("liblinear", "text");
        train("native", "native");
        assert_ne!(place.read("native"), place.read("text"));
        for args in [&["predict", "MODEL", "d", "--decision"][..], &["evaluate", "MODEL", "d"]] {
            let output = |model| {
                place.succeed(
                    &args.iter().map(|&a| if a == "MODEL" { model } else { a }).collect::<Vec<_>>(),
                )
            };
            let (text, native) = (output("text"), output("native"));
            assert_eq!((text.stdout, text.stderr), (native.stdout, native.stderr));
        }
    }
    let mut bytes = place.read("native");
    bytes[5000] ^= 4;
    place.write("damaged", bytes);
    let run = place.fail_somehow(&["predict", "damaged", "d", "--output", "o"]);
    assert!(
        run.stderr.starts_with("error: damaged: is damaged between byte 4096 and byte 8191"),
        "{run:?}"
    );
    place.fail(
        &["train", "d", "--model", "/dev/null", "--model-format", "native"],
        "/dev/null: is not a regular file (expected a file, as it is not written from its first byte to its last); name \
         a file",
    );
}
