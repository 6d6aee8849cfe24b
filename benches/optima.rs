//! Distance of the defaults to certified optima: `cargo bench --bench optima -- [--threads 1,2,8] [--seeds 1,2,3] [--losses logistic,...] [DATA ...]`.
//!
//! Reads data sets and reference objectives from the folder that `WILDSGD_REFERENCE` names (default `../shared`):
//! `data/NAME.train.svm[.zst]`, and `reference/optima.jsonl` with one object
//! `{"data", "loss", "l2", "objective"}` a line. Trains with no option but loss, l2 = 1/n and no bias, prints one
//! row per data set, loss and number of threads, and ends with status 1 if a row is outside its band.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use serde::Deserialize;
use wildsgd::Dataset;
use wildsgd::data::{self, LoadOptions};
use wildsgd::problem::LossKind;
use wildsgd::train::Trainer;

#[derive(Deserialize)]
struct Optimum {
    data: String,
    loss: String,
    l2: f64,
    objective: f64,
}

/// Data sets that are well enough conditioned for stochastic gradient descent, and how near it should come:
/// logistic, hinge and squared hinge loss. Infinite: finite is enough.
const BANDS: [(&str, [f64; 3]); 10] = [
    ("a9a", [0.01, 0.03, 0.02]),
    ("mushrooms", [0.01, f64::INFINITY, f64::INFINITY]),
    ("phishing", [0.01, 0.03, 0.02]),
    ("ijcnn1", [0.01, 0.03, 0.02]),
    ("reuters-money-fx", [0.01, 0.03, 0.02]),
    ("movie-reviews", [0.01, 0.03, 0.02]),
    ("sentence-polarity", [0.01, 0.03, 0.02]),
    ("debian-desc", [0.01, 0.03, 0.02]),
    ("kdd99", [0.05, f64::INFINITY, f64::INFINITY]),
    ("debian-paths-500k", [0.05, f64::INFINITY, f64::INFINITY]),
];
const LOSSES: [LossKind; 3] = [LossKind::Logistic, LossKind::Hinge, LossKind::SquaredHinge];

fn main() -> ExitCode {
    let folder = PathBuf::from(env::var("WILDSGD_REFERENCE").unwrap_or_else(|_| "../shared".into()));
    let Ok(lines) = fs::read_to_string(folder.join("reference/optima.jsonl")) else {
        println!("skipped: {} holds no reference/optima.jsonl", folder.display());
        return ExitCode::SUCCESS;
    };
    let optima: Vec<Optimum> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a reference line is an object"))
        .collect();
    let options = Options::parse();
    println!(
        "{:<18} {:<14} {:>7} {:>16} {:>22} {:>7} {:>8}",
        "data", "loss", "threads", "epochs", "distance to optimum, %", "band, %", "train, s"
    );
    let mut outside = 0;
    for (name, bands) in BANDS {
        if !options.wants(name) {
            continue;
        }
        let data = load(&folder, name);
        for (loss, band) in LOSSES.into_iter().zip(bands) {
            if options.losses.contains(&loss) {
                outside += rows(&data, name, loss, band, &optima, &options);
            }
        }
    }
    println!("{outside} rows outside their band");
    ExitCode::from(u8::from(outside > 0))
}

struct Options {
    threads: Vec<usize>,
    seeds: Vec<u64>,
    losses: Vec<LossKind>,
    names: Vec<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Options {
            threads: vec![1, 2, 8],
            seeds: vec![1, 2, 3],
            losses: LOSSES.into(),
            names: Vec::new(),
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut list = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--bench" => {}
                "--threads" => options.threads = numbers(&list()),
                "--seeds" => options.seeds = numbers(&list()),
                "--losses" => {
                    options.losses = list().split(',').map(|name| name.parse().expect("a loss")).collect();
                }
                name => options.names.push(name.into()),
            }
        }
        options
    }

    fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|wanted| wanted == name)
    }
}

fn numbers<T: std::str::FromStr>(list: &str) -> Vec<T> {
    list.split(',')
        .map(|number| number.parse().unwrap_or_else(|_| panic!("`{number}` is not a number")))
        .collect()
}

fn load(folder: &Path, name: &str) -> Dataset {
    let plain = folder.join(format!("data/{name}.train.svm"));
    let path = if plain.exists() { plain } else { plain.with_extension("svm.zst") };
    data::load(path, &LoadOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Prints one row a number of threads; returns how many are outside the band.
fn rows(
    data: &Dataset,
    name: &str,
    loss: LossKind,
    band: f64,
    optima: &[Optimum],
    options: &Options,
) -> usize {
    let l2 = 1.0 / data.len() as f64;
    let optimum = optima
        .iter()
        .find(|o| o.data == name && o.loss == loss.name() && (o.l2 / l2 - 1.0).abs() < 1e-9)
        .expect("a reference for l2 = 1/n");
    let mut outside = 0;
    for &threads in &options.threads {
        let (mut epochs, mut distances, mut seconds) = (Vec::new(), Vec::new(), 0.0);
        for &seed in &options.seeds {
            let mut trainer = Trainer { loss, bias: None, l2: Some(l2), ..Trainer::default() };
            trainer.settings.threads = threads;
            trainer.settings.seed = seed;
            let trained = trainer.fit(data).unwrap_or_else(|error| panic!("{name}: {error}"));
            epochs.push(trained.fit.epochs.len().to_string());
            distances.push(trained.fit.objective / optimum.objective - 1.0);
            seconds += trained.fit.train_time.as_secs_f64() / options.seeds.len() as f64;
        }
        let within = distances.iter().all(|&distance| distance.is_finite() && distance <= band);
        outside += usize::from(!within);
        let percent: Vec<String> =
            distances.iter().map(|distance| format!("{:.3}", distance * 100.0)).collect();
        println!(
            "{name:<18} {:<14} {threads:>7} {:>16} {:>22} {:>7} {seconds:>8.3}{}",
            loss.name(),
            epochs.join(" "),
            percent.join(" "),
            if band.is_finite() { format!("{:.0}", band * 100.0) } else { "-".into() },
            if within { "" } else { "  <- outside" },
        );
    }
    outside
}
