//! Options, data sets with certified optima, epochs of a strategy, and the floor, shared by the
//! benches.
#![allow(dead_code)] // Each bench uses only a part.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{env, fs};

use serde::Deserialize;
use wildsgd::Dataset;
use wildsgd::data::{self, LoadOptions, Synthetic};
use wildsgd::internal::strategy::Control;
use wildsgd::internal::{Sgd, StepSize};
use wildsgd::params::SharedParams;
use wildsgd::problem::{Linear, Loss};
use wildsgd::strategy::{Order, Pass, Strategy, WorkerPool};
use wildsgd::train::{Penalty, Schedule};

/// Returns the arguments after `--`, without those that cargo adds.
pub fn arguments() -> impl Iterator<Item = String> {
    env::args().skip(1).filter(|argument| argument != "--bench")
}

/// Parses a number, or panics.
pub fn number<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

/// Splits a comma-separated list.
pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(String::from).collect()
}

/// Parses a comma-separated list of numbers.
pub fn numbers<T: FromStr>(text: &str) -> Vec<T> {
    text.split(',').map(number).collect()
}

/// Loads a file, or panics.
pub fn load(path: &Path) -> Dataset {
    data::load(path, &LoadOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Loads a file with its rows in random order, as for training, or panics.
pub fn shuffled(path: &Path) -> Dataset {
    let options = LoadOptions { shuffle: Some(3), ..LoadOptions::default() };
    data::load(path, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the path of the data set in this repository.
pub fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/debian-packages.train.svm.zst")
}

/// A folder with data sets, `data/NAME.train.svm[.zst]`, and certified optima,
/// `reference/optima.jsonl`: one object `{"data", "loss", "l2", "objective"}` per line.
pub struct Reference {
    folder: PathBuf,
    optima: Vec<Optimum>,
}

#[derive(Deserialize)]
struct Optimum {
    data: String,
    loss: String,
    l2: f64,
    objective: f64,
}

impl Reference {
    /// Opens the folder that `WILDSGD_REFERENCE` names, by default `../shared`; prints a message if
    /// there is none.
    pub fn find() -> Option<Self> {
        let folder =
            PathBuf::from(env::var("WILDSGD_REFERENCE").unwrap_or_else(|_| "../shared".into()));
        let Ok(lines) = fs::read_to_string(folder.join("reference/optima.jsonl")) else {
            println!("skipped: {} holds no reference/optima.jsonl", folder.display());
            return None;
        };
        let parse = |line: &str| serde_json::from_str(line).expect("a reference line is an object");
        Some(Reference { folder, optima: lines.lines().map(parse).collect() })
    }

    /// Loads a data set by name.
    pub fn load(&self, name: &str) -> Dataset {
        let plain = self.folder.join(format!("data/{name}.train.svm"));
        load(&if plain.exists() { plain } else { plain.with_extension("svm.zst") })
    }

    /// Returns the certified optimum for l2 = 1/n, without a bias.
    pub fn optimum(&self, name: &str, data: &Dataset, loss: &str) -> f64 {
        let l2 = 1.0 / data.len() as f64;
        let is_it =
            |o: &&Optimum| o.data == name && o.loss == loss && (o.l2 / l2 - 1.0).abs() < 1e-9;
        self.optima.iter().find(is_it).expect("a reference for l2 = 1/n").objective
    }
}

/// Generates rows as of text: 40,000 with 100 of 47,000 features each.
pub fn text() -> Dataset {
    Synthetic { examples: 40_000, ..Synthetic::default() }.generate()
}

/// Generates short rows of few features.
pub fn short() -> Dataset {
    Synthetic { examples: 100_000, features: 100, entries: 15, ..Synthetic::default() }.generate()
}

/// Returns the classes as signs.
pub fn signs(data: &Dataset) -> Vec<f64> {
    data.labels().iter().map(|&label| if label > 0.0 { 1.0 } else { -1.0 }).collect()
}

/// Reads the arrays of all rows once: the lower bound on an epoch on one thread.
pub fn stream(data: &Dataset) {
    let sum = |(row, _): (wildsgd::Row<'_>, f64)| {
        let indices: u64 = row.indices().iter().map(|&j| u64::from(j)).sum();
        let values: u64 = row.values().unwrap_or(&[]).iter().map(|x| u64::from(x.to_bits())).sum();
        indices ^ values
    };
    black_box(data.iter().map(sum).sum::<u64>());
}

/// Returns a pass that runs the next epoch of `strategy`: l2 = 1/n, constant step.
pub fn epochs<'a, L: Loss + 'a>(
    data: &'a Dataset,
    targets: &'a [f64],
    loss: L,
    rate: f64,
    mut strategy: impl Strategy<f32> + 'a,
) -> Box<dyn FnMut() + 'a> {
    // Rule and problem are leaked: the program runs each to its end.
    let problem: &Linear<L> =
        Box::leak(Box::new(Linear::new(data, targets, loss, None).expect("a problem")));
    let penalty = Penalty { l1: 0.0, l2: 1.0 / data.len() as f64 };
    let step = StepSize::new(rate, Schedule::Constant);
    let profile = strategy.profile();
    let rule: Sgd<_, f32> = Sgd::new(problem, penalty, step, profile.applies_scale);
    let mut params = SharedParams::anonymous(data.width()).expect("memory");
    let control = Control::new(profile.workers);
    let pool = WorkerPool::new(profile.workers, 1, profile.places);
    let (mut order, mut epoch) = (Order::new(data.len()), 0);
    Box::new(move || {
        order.shuffle(1, epoch);
        let visits_before = epoch * data.len() as u64;
        let pass =
            Pass { order: &order, epoch, visits_before, seed: 1, control: &control, pool: &pool };
        strategy.epoch(&rule, &mut params, pass).expect("no worker panics");
        epoch += 1;
    })
}

/// Returns the median.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
