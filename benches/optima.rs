//! Distance of the defaults to certified optima:
//! `cargo bench --bench optima -- [--threads 1,2,8] [--seeds 1,2,3] [--losses LIST] [DATA ...]`.
//!
//! Reads data sets and reference objectives from the folder that `WILDSGD_REFERENCE` names (default
//! `../shared`): `data/NAME.train.svm[.zst]`, and `reference/optima.jsonl` with one object
//! `{"data", "loss", "l2", "objective"}` a line. Trains with no option but loss, l2 = 1/n and no
//! bias, prints one row per data set, loss and number of threads, and ends with status 1 if a row
//! is outside its band.

mod common;

use std::process::ExitCode;

use common::{Reference, arguments, list, numbers};
use wildsgd::Dataset;
use wildsgd::problem::LossKind;
use wildsgd::train::Trainer;

/// Data sets that are well conditioned enough for stochastic gradient descent, with bounds on the
/// distance: logistic, hinge and squared hinge loss. Infinite: any finite distance is enough.
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
    let Some(reference) = Reference::find() else { return ExitCode::SUCCESS };
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
        let data = reference.load(name);
        for (loss, band) in LOSSES.into_iter().zip(bands) {
            if options.losses.contains(&loss) {
                let optimum = reference.optimum(name, &data, loss.name());
                outside += rows(&data, name, loss, band, optimum, &options);
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
        let mut arguments = arguments();
        while let Some(argument) = arguments.next() {
            let mut next = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--threads" => options.threads = numbers(&next()),
                "--seeds" => options.seeds = numbers(&next()),
                "--losses" => {
                    options.losses =
                        list(&next()).iter().map(|name| name.parse().expect("a loss")).collect();
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

/// Prints one row per number of threads; returns how many are outside the band.
fn rows(
    data: &Dataset,
    name: &str,
    loss: LossKind,
    band: f64,
    optimum: f64,
    options: &Options,
) -> usize {
    let l2 = 1.0 / data.len() as f64;
    let mut outside = 0;
    for &threads in &options.threads {
        let (mut epochs, mut distances, mut seconds) = (Vec::new(), Vec::new(), 0.0);
        for &seed in &options.seeds {
            let mut trainer = Trainer { loss, bias: None, l2: Some(l2), ..Trainer::default() };
            trainer.settings.threads = threads;
            trainer.settings.seed = seed;
            let trained = trainer.fit(data).unwrap_or_else(|error| panic!("{name}: {error}"));
            epochs.push(trained.fit.epochs.len().to_string());
            distances.push(trained.fit.objective / optimum - 1.0);
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
