//! What the benches share: options, data sets with certified optima, one epoch of a strategy, the
//! floor.
#![allow(dead_code)] // Each bench takes what it needs.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{env, fs};

use serde::Deserialize;
use wildsgd::Dataset;
use wildsgd::data::{self, LoadOptions, Synthetic};
use wildsgd::internal::Sgd;
use wildsgd::params::SharedParams;
use wildsgd::problem::{Linear, Loss};
use wildsgd::strategy::{Control, Order, Pass, Strategy, WorkerPool};
use wildsgd::train::{Penalty, Schedule, StepSize};

/// The arguments after `--`, without what cargo adds.
pub fn arguments() -> impl Iterator<Item = String> {
    env::args().skip(1).filter(|argument| argument != "--bench")
}

/// A number, or the end of the program.
pub fn number<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

/// Parts of a list with commas.
pub fn list(text: &str) -> Vec<String> {
    text.split(',').map(String::from).collect()
}

/// Numbers of a list with commas.
pub fn numbers<T: FromStr>(text: &str) -> Vec<T> {
    text.split(',').map(number).collect()
}

/// A file, or the end of the program.
pub fn load(path: &Path) -> Dataset {
    data::load(path, &LoadOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The same, its rows in random order, as training has them.
pub fn shuffled(path: &Path) -> Dataset {
    let options = LoadOptions { shuffle: Some(3), ..LoadOptions::default() };
    data::load(path, &options).unwrap_or_else(|error| panic!("{error}"))
}

/// The data set that comes with the repository.
pub fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/debian-packages.train.svm.zst")
}

/// A folder with data sets, `data/NAME.train.svm[.zst]`, and certified optima,
/// `reference/optima.jsonl`: an object `{"data", "loss", "l2", "objective"}` a line.
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
    /// The folder that `WILDSGD_REFERENCE` names, by default `../shared`; where there is none, says
    /// so.
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

    /// A data set by name.
    pub fn load(&self, name: &str) -> Dataset {
        let plain = self.folder.join(format!("data/{name}.train.svm"));
        load(&if plain.exists() { plain } else { plain.with_extension("svm.zst") })
    }

    /// The certified optimum for l2 = 1/n, without a bias.
    pub fn optimum(&self, name: &str, data: &Dataset, loss: &str) -> f64 {
        let l2 = 1.0 / data.len() as f64;
        let is_it =
            |o: &&Optimum| o.data == name && o.loss == loss && (o.l2 / l2 - 1.0).abs() < 1e-9;
        self.optima.iter().find(is_it).expect("a reference for l2 = 1/n").objective
    }
}

/// Rows as of text: 40,000 of 100 features of 47,000 each.
pub fn text() -> Dataset {
    Synthetic { examples: 40_000, ..Synthetic::default() }.generate()
}

/// Short rows of few features.
pub fn short() -> Dataset {
    Synthetic { examples: 100_000, features: 100, entries: 15, ..Synthetic::default() }.generate()
}

/// Classes as signs.
pub fn signs(data: &Dataset) -> Vec<f32> {
    data.labels().iter().map(|&label| if label > 0.0 { 1.0 } else { -1.0 }).collect()
}

/// Reads the arrays of all rows once: what no epoch on one thread can be faster than.
pub fn stream(data: &Dataset) {
    let sum = |(row, _): (wildsgd::Row<'_>, f32)| {
        let indices: u64 = row.indices().iter().map(|&j| u64::from(j)).sum();
        let values: u64 = row.values().unwrap_or(&[]).iter().map(|x| u64::from(x.to_bits())).sum();
        indices ^ values
    };
    black_box(data.iter().map(sum).sum::<u64>());
}

/// One epoch after the other of `strategy`: l2 = 1/n, constant step.
pub fn epochs<'a, L: Loss + 'a>(
    data: &'a Dataset,
    targets: &'a [f32],
    loss: L,
    rate: f64,
    mut strategy: impl Strategy<f32> + 'a,
) -> Box<dyn FnMut() + 'a> {
    // Rule and problem live as long as the program, which runs each to its end.
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

/// The value in the middle.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
