//! A process that is killed while it saves leaves a model that is whole.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::model::{Bias, LossKind, Model};

const SAVE_TO: &str = "WILDSGD_TEST_SAVE_TO";
const FEATURES: usize = 4_000;
const KILLS: u32 = 15;

/// All weights of a version tell its number, so that a mixture of two versions shows.
fn version(number: i32) -> Model {
    let base = f64::from(number);
    let weights = (0..FEATURES).map(|j| base + 1.0 / (j + 2) as f64).collect();
    let bias = Some(Bias { value: 1.0, weight: base });
    Model::new(LossKind::Logistic, Some([number, -1]), weights, bias).unwrap()
}

/// Does nothing unless the test below runs it in a process of its own.
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
