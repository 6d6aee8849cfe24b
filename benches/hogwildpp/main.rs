//! Hogwild++ beside one thread and beside hogwild:
//! `cargo bench --bench hogwildpp -- distance|rules|time [OPTION ...] [DATA ...]`.
//!
//! `distance` trains one thread to the default tolerance, then each number of clusters, one thread
//! each, for as many epochs, and prints the distance of the objective to one thread's and to the
//! certified optimum, in percent, one column per seed. `rules` does the same with other sync rules,
//! simulated on one thread (`rules.rs`). `time` prints seconds per epoch of interleaved runs,
//! median and minimum. Logistic loss, l2 = 1/n, no bias; data sets and optima as for the bench
//! `optima`. Options: `--clusters 1,2,4,8`, `--seeds 1,2,3,4,5`, `--delay N` (visits),
//! `--threads N` (for `time`).

#[path = "../common/mod.rs"]
mod common;
mod rules;

use common::{Reference, arguments, numbers};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rules::{Rule, Simulation};
use wildsgd::Dataset;
use wildsgd::strategy::{ClusterConfig, Clusters, Layout, StrategyKind, Update};
use wildsgd::train::{Solver, Trained, Trainer};

const NAMES: [&str; 5] = ["a9a", "reuters-money-fx", "debian-desc", "kdd99", "ijcnn1"];

struct Options {
    mode: String,
    clusters: Vec<usize>,
    seeds: Vec<u64>,
    delay: Option<usize>,
    threads: usize,
    names: Vec<String>,
}

impl Options {
    fn parse() -> Self {
        let mut options = Options {
            mode: String::new(),
            clusters: vec![1, 2, 4, 8],
            seeds: vec![1, 2, 3, 4, 5],
            delay: None,
            threads: 2,
            names: Vec::new(),
        };
        let mut arguments = arguments();
        while let Some(argument) = arguments.next() {
            let mut list = || numbers::<u64>(&arguments.next().unwrap_or_default());
            match argument.as_str() {
                "--clusters" => options.clusters = list().iter().map(|&k| k as usize).collect(),
                "--seeds" => options.seeds = list(),
                "--delay" => options.delay = list().first().map(|&n| n as usize),
                "--threads" => options.threads = list()[0] as usize,
                word if options.mode.is_empty() => options.mode = word.into(),
                name => options.names.push(name.into()),
            }
        }
        if options.names.is_empty() {
            options.names = NAMES.map(String::from).into();
        }
        options
    }

    fn ring(&self, clusters: usize) -> StrategyKind {
        StrategyKind::HogwildPlusPlus(ClusterConfig {
            clusters: Clusters::Count(clusters),
            update_delay: self.delay,
            ..ClusterConfig::default()
        })
    }
}

fn main() {
    let Some(reference) = Reference::find() else { return };
    let options = Options::parse();
    for name in &options.names {
        let data = reference.load(name);
        match options.mode.as_str() {
            "time" => time(name, &data, &options),
            "rules" => rules(name, &data, &options),
            "distance" => {
                distance(name, &data, reference.optimum(name, &data, "logistic"), &options)
            }
            "" => return println!("skipped: choose distance, rules or time"),
            mode => panic!("`{mode}` is not distance, rules or time"),
        }
    }
}

/// Trains, for exactly `epochs` if given.
fn train(
    data: &Dataset,
    strategy: StrategyKind,
    threads: usize,
    seed: u64,
    epochs: Option<usize>,
) -> Trained {
    let mut trainer = Trainer { bias: None, solver: Solver::Sgd, ..Trainer::default() };
    trainer.settings.strategy = strategy;
    trainer.settings.threads = threads;
    trainer.settings.seed = seed;
    if let Some(epochs) = epochs {
        trainer.settings.epochs = epochs;
        trainer.settings.tolerance = 0.0;
    }
    trainer.fit(data).unwrap_or_else(|error| panic!("{error}"))
}

fn distance(name: &str, data: &Dataset, optimum: f64, options: &Options) {
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let row = |label: String, values: Vec<String>| {
        println!("{name:<18} {label:<24} {}", values.join(" "))
    };
    let oracles: Vec<Trained> = options
        .seeds
        .iter()
        .map(|&seed| train(data, StrategyKind::Sequential, 1, seed, None))
        .collect();
    let epochs = |trained: &Trained| trained.fit.epochs.len();
    row("epochs".into(), oracles.iter().map(|oracle| epochs(oracle).to_string()).collect());
    row(
        "sequential, optimum".into(),
        oracles.iter().map(|oracle| percent(oracle.fit.objective / optimum - 1.0)).collect(),
    );
    for &clusters in &options.clusters {
        let (mut to_one, mut to_optimum, mut undone) = (Vec::new(), Vec::new(), 0);
        for (oracle, &seed) in oracles.iter().zip(&options.seeds) {
            let trained = train(data, options.ring(clusters), clusters, seed, Some(epochs(oracle)));
            let visited = trained.fit.visits / data.len() as u64;
            undone += visited as usize - epochs(&trained);
            to_one.push(percent(trained.fit.objective / oracle.fit.objective - 1.0));
            to_optimum.push(percent(trained.fit.objective / optimum - 1.0));
        }
        let undone = if undone > 0 { format!(", {undone} rolled back") } else { String::new() };
        row(format!("K={clusters}, sequential{undone}"), to_one);
        row(format!("K={clusters}, optimum"), to_optimum);
    }
}

fn rules(name: &str, data: &Dataset, options: &Options) {
    let rules = [Rule::Ring, Rule::Rare, Rule::Reset, Rule::Released, Rule::Averaging];
    let mut rows: Vec<u32> = (0..data.len() as u32).collect();
    rows.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(1));
    let shuffled = data.reordered(&rows);
    let targets: Vec<f64> =
        shuffled.labels().iter().map(|&label| if label > 0.0 { 1.0 } else { -1.0 }).collect();
    let mut distances = vec![Vec::new(); rules.len() * options.clusters.len()];
    let mut syncs = vec![0; distances.len()];
    for &seed in &options.seeds {
        let oracle = train(data, StrategyKind::Sequential, 1, seed, None).fit;
        let mut cells = distances.iter_mut().zip(&mut syncs);
        for &clusters in &options.clusters {
            let delay =
                options.delay.unwrap_or_else(|| Layout::new(clusters, clusters).update_delay);
            for rule in rules {
                let simulation = Simulation {
                    data: &shuffled,
                    targets: &targets,
                    eta0: oracle.began.learning_rate.unwrap_or(1.0),
                    epochs: oracle.epochs.len(),
                    seed,
                    clusters,
                    delay,
                };
                let (objective, count) = simulation.run(rule);
                let (distances, syncs) = cells.next().expect("a cell for each");
                let distance = 100.0 * (objective / oracle.objective - 1.0);
                distances.push(if distance < 1e4 {
                    format!("{distance:.2}")
                } else {
                    "diverged".into()
                });
                *syncs = count;
            }
        }
    }
    let labels = options
        .clusters
        .iter()
        .flat_map(|k| rules.iter().map(move |rule| format!("K={k} {rule:?}")));
    for ((label, distances), syncs) in labels.zip(distances).zip(syncs) {
        println!("{name:<18} {label:<16} {} ({syncs} syncs)", distances.join(" "));
    }
}

fn time(name: &str, data: &Dataset, options: &Options) {
    const EPOCHS: usize = 5;
    let mut strategies = vec![
        ("sequential".to_string(), StrategyKind::Sequential),
        ("hogwild".to_string(), StrategyKind::Hogwild(Update::Wild)),
    ];
    strategies
        .extend(options.clusters.iter().map(|&k| (format!("hogwild++ K={k}"), options.ring(k))));
    let mut seconds = vec![Vec::new(); strategies.len()];
    for &seed in &options.seeds {
        for ((_, strategy), seconds) in strategies.iter().zip(&mut seconds) {
            let fit = train(data, *strategy, options.threads, seed, Some(EPOCHS)).fit;
            let times: Vec<f64> =
                fit.epochs.iter().map(|epoch| epoch.train_time.as_secs_f64()).collect();
            seconds.extend(times.windows(2).map(|pair| pair[1] - pair[0]));
        }
    }
    for ((name_of, _), seconds) in strategies.iter().zip(&mut seconds) {
        seconds.sort_by(f64::total_cmp);
        let (median, min) = (1e3 * seconds[seconds.len() / 2], 1e3 * seconds[0]);
        println!("{name:<18} {name_of:<16} {median:.2} ms per epoch, min {min:.2}");
    }
}
