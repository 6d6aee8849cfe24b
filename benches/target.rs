//! Time to a target, side by side:
//! `cargo bench --bench target -- [--gap P] [--seeds 1,2,3] [--ways a,b,...] [DATA ...]`.
//!
//! Trains with each setup of the threads, interleaved, and prints the median over seeds of the
//! training time until the objective is P percent (default 5) above the certified optimum,
//! interpolated in the logarithm of the gap between epochs; the speed-up over the first setup; and
//! the shortest of all epochs, in ms. The end shows the mean and the worst factor of `auto` against
//! the best other setup of each data set. Logistic loss, l2 = 1/n, no bias. A setup is a strategy,
//! or hogwild's kind of update, and a number of threads, `merged:2`. Data sets and optima as for
//! the bench `optima`.

mod common;

use common::{Reference, arguments, list, median, number, numbers};
use wildsgd::Dataset;
use wildsgd::strategy::{ClusterConfig, Clusters, StrategyKind, Update};
use wildsgd::train::{Fit, Solver, Trainer};

const NAMES: [&str; 10] = [
    "a9a",
    "mushrooms",
    "phishing",
    "ijcnn1",
    "reuters-money-fx",
    "movie-reviews",
    "sentence-polarity",
    "debian-desc",
    "kdd99",
    "debian-paths-500k",
];

struct Options {
    gap: f64,
    seeds: Vec<u64>,
    setups: Vec<String>,
    names: Vec<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Options {
            gap: 5.0,
            seeds: vec![1, 2, 3],
            setups: list("sequential:1,wild:2,merged:2,split:2,hogwild++:2,auto:2"),
            names: Vec::new(),
        };
        let mut arguments = arguments();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--gap" => options.gap = number(&value()),
                "--seeds" => options.seeds = numbers(&value()),
                "--ways" => options.setups = list(&value()),
                name => options.names.push(name.into()),
            }
        }
        if options.names.is_empty() {
            options.names = NAMES.map(String::from).into();
        }
        options
    }
}

fn main() {
    let Some(reference) = Reference::find() else { return };
    let options = Options::parse();
    println!(
        "{:<18} {:<16} {:>10} {:>8} {:>7} {:>12} {:>8}",
        "data", "setup", "to gap, ms", "factor", "epochs", "min epoch", "end, %"
    );
    let mut factors = Vec::new();
    for name in &options.names {
        let data = reference.load(name);
        let optimum = reference.optimum(name, &data, "logistic");
        factors.extend(compare(name, &data, optimum, &options));
    }
    if !factors.is_empty() {
        let mean =
            (factors.iter().map(|factor| factor.ln()).sum::<f64>() / factors.len() as f64).exp();
        let worst = factors.iter().copied().fold(0.0, f64::max);
        println!(
            "auto takes {mean:.2} times as long as the best other setup, at worst {worst:.2} times"
        );
    }
}

/// Result of one fit.
struct Run {
    /// Milliseconds to the gap; infinite if it was not reached.
    to_gap: f64,
    epochs: f64,
    /// Milliseconds of the shortest epoch.
    epoch: f64,
    end: f64,
}

/// Returns the time of `auto` as a multiple of the best other setup, if it is one of the setups.
fn compare(name: &str, data: &Dataset, optimum: f64, options: &Options) -> Option<f64> {
    let mut runs: Vec<Vec<Run>> = options.setups.iter().map(|_| Vec::new()).collect();
    for &seed in &options.seeds {
        for (setup, runs) in options.setups.iter().zip(&mut runs) {
            runs.push(run(data, setup, seed, optimum, options.gap));
        }
    }
    let (mut first, mut auto, mut best) = (f64::NAN, None, f64::INFINITY);
    for (setup, runs) in options.setups.iter().zip(&runs) {
        let [time, epochs, epoch, end] = [
            median(runs.iter().map(|run| run.to_gap)),
            median(runs.iter().map(|run| run.epochs)),
            runs.iter().map(|run| run.epoch).fold(f64::INFINITY, f64::min),
            median(runs.iter().map(|run| run.end)),
        ];
        first = if first.is_nan() { time } else { first };
        match setup.starts_with("auto") {
            true => auto = Some(time),
            false => best = best.min(time),
        }
        println!(
            "{name:<18} {setup:<16} {time:>10.2} {:>8.2} {epochs:>7.2} {epoch:>12.2} {end:>8.3}",
            first / time
        );
    }
    auto.map(|auto| auto / best)
}

fn run(data: &Dataset, setup: &str, seed: u64, optimum: f64, gap: f64) -> Run {
    let (strategy, threads) = setup.split_once(':').unwrap_or((setup, "0"));
    let mut trainer = Trainer { bias: None, solver: Solver::Sgd, ..Trainer::default() };
    trainer.settings.strategy = match strategy {
        "auto" => StrategyKind::Auto,
        "sequential" => StrategyKind::Sequential,
        "wild" => StrategyKind::Hogwild(Update::Wild),
        "atomic" => StrategyKind::Hogwild(Update::Atomic),
        "merged" => StrategyKind::Hogwild(Update::Merged),
        "split" => StrategyKind::Hogwild(Update::Split),
        "hogwild++" => StrategyKind::HogwildPlusPlus(ClusterConfig {
            clusters: Clusters::Count(number(threads)),
            ..ClusterConfig::default()
        }),
        _ => panic!("`{setup}` is no strategy with a number of threads"),
    };
    trainer.settings.threads = number(threads);
    trainer.settings.seed = seed;
    let shuffled = data.shuffled(seed);
    let fit = trainer.fit(&shuffled).unwrap_or_else(|error| panic!("{error}")).fit;
    let (to_gap, epochs) = reached(&fit, optimum, gap);
    Run { to_gap, epochs, epoch: shortest(&fit), end: 100.0 * (fit.objective / optimum - 1.0) }
}

fn shortest(fit: &Fit<f64>) -> f64 {
    let ends = || fit.epochs.iter().map(|epoch| 1e3 * epoch.train_time.as_secs_f64());
    ends().skip(1).zip(ends()).map(|(end, start)| end - start).fold(f64::INFINITY, f64::min)
}

/// Returns the milliseconds and epochs until the objective was `gap` percent above `optimum`.
fn reached(fit: &Fit<f64>, optimum: f64, gap: f64) -> (f64, f64) {
    // With zero weights, each logistic loss is ln 2.
    let mut last = (0.0, 0.0, (std::f64::consts::LN_2 / optimum - 1.0).ln());
    let wanted = (gap / 100.0).ln();
    for epoch in &fit.epochs {
        let distance = (epoch.objective / optimum - 1.0).max(1e-12).ln();
        let now = (1e3 * epoch.train_time.as_secs_f64(), epoch.epoch as f64, distance);
        if distance <= wanted {
            let fraction = (last.2 - wanted) / (last.2 - distance);
            return (last.0 + fraction * (now.0 - last.0), last.1 + fraction * (now.1 - last.1));
        }
        last = now;
    }
    (f64::INFINITY, f64::INFINITY)
}
