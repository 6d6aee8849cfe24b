//! `wildsgd bench strategies`: every way of sharing the weights on one data set, by the time to the
//! same objective.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use wildsgd::data::{self, LoadOptions, source};
use wildsgd::strategy::{ClusterConfig, Clusters, Staleness, StrategyKind};
use wildsgd::train::{Optimum, Reached, Settings, Solver, Trainer};
use wildsgd::{Dataset, Error, Result};

use crate::args::LossArgs;
use crate::failure::Failure;
use crate::strategy_args::StrategyArgs;

/// Train with every way of sharing the weights, and print when each comes near the optimum, which
/// is found first.
///
/// All train with stochastic gradient descent, from the same seeds, each with a step size searched
/// for it. With --inject, all do so a second time with slow threads.
#[derive(Args)]
pub struct StrategiesArgs {
    /// Data with two classes, or amounts: libsvm text, plain or compressed, or a cache
    pub data: PathBuf,
    /// Strategies to compare, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = PossibleValuesParser::new(labels()))]
    pub strategies: Vec<String>,
    /// Threads, 1 to 4096; sequential has one [default: one a core]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub threads: Option<i64>,
    /// Runs that each figure is the median of, from as many seeds, 1 to 4096
    #[arg(long, value_name = "N", default_value_t = 3, allow_hyphen_values = true)]
    pub runs: i64,
    /// Most epochs of a run, 1 or more
    #[arg(long, value_name = "N", default_value_t = 100, allow_hyphen_values = true)]
    pub epochs: i64,
    /// Most seconds of a run, above 0
    #[arg(long, value_name = "S", default_value_t = 60.0, allow_hyphen_values = true)]
    pub time_limit: f64,
    #[command(flatten)]
    pub loss: LossArgs,
    /// Strength of the squares in the regularizer, above 0 [default: 1/n for n examples]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub l2: Option<f64>,
    /// Train without a bias
    #[arg(long)]
    pub no_bias: bool,
    #[command(flatten)]
    pub strategy_args: StrategyArgs,
}

/// The row of sync with one backup worker, or as many as are asked for; the others have the labels
/// of the table of strategies.
const SYNC_BACKUP: &str = "sync-backup";

fn labels() -> impl Iterator<Item = &'static str> {
    StrategyKind::ALL.iter().map(|kind| kind.label()).chain([SYNC_BACKUP])
}

/// Distances to the optimum that are timed.
const SHARES: [f64; 2] = [0.01, 0.001];

pub fn run(args: &StrategiesArgs) -> Result<ExitCode, Failure> {
    if args.data.as_os_str() == "-" {
        return Err(Failure::conflict(
            "bench",
            "standard input has no name for the table: name a file",
        ));
    }
    let mut trainer = trainer(args)?;
    let rows = rows(args, trainer.settings.workers())?;
    for row in &rows {
        row.trainer(&trainer, 1).check()?;
    }
    let data = data::load(&args.data, &LoadOptions { shuffle: Some(1), ..LoadOptions::default() })?;
    let optimum = trainer.optimum(&data)?;
    let (name, objective) = (source::display_name(&args.data), optimum.objective);
    let epsilon =
        trainer.loss.epsilon().map_or(String::new(), |epsilon| format!(" (epsilon {epsilon})"));
    show(format_args!(
        "{name}: {} examples, {} loss{epsilon}, optimum {objective:.6} (at most {:.1e} of it too high)\n",
        data.len(),
        trainer.loss,
        optimum.gap
    ))?;
    table(&trainer, &rows, &data, &optimum, args.runs)?;
    if !args.strategy_args.inject.is_empty() {
        trainer.settings.delays = args.strategy_args.inject.clone();
        for delay in &args.strategy_args.inject {
            let micros = delay.time.as_micros();
            show(format_args!(
                "\nthread {} sleeps {micros} microseconds every {} examples\n",
                delay.worker, delay.every
            ))?;
        }
        table(&trainer, &rows, &data, &optimum, args.runs)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// All that the rows have in common, checked; without the delays.
fn trainer(args: &StrategiesArgs) -> Result<Trainer, Failure> {
    let count = |name, value: i64, least: i64| {
        usize::try_from(value).ok().filter(|_| value >= least).ok_or_else(|| Error::Parameter {
            name,
            value: value.to_string(),
            expected: "1 or more",
            hint: "leave it out for the default",
        })
    };
    count("runs", args.runs, 1)?;
    let mut trainer = Trainer {
        loss: args.loss.chosen("bench")?,
        solver: Solver::Sgd,
        l2: args.l2,
        bias: (!args.no_bias).then_some(1.0),
        data_name: source::display_name(&args.data),
        settings: Settings {
            threads: args.threads.map_or(Ok(0), |threads| count("threads", threads, 1))?,
            epochs: count("epochs", args.epochs, 1)?,
            time_limit: Some(crate::train::time_limit(args.time_limit)?),
            ..Settings::default()
        },
        ..Trainer::default()
    };
    args.strategy_args.apply(&mut trainer.settings)?;
    trainer.settings.strategy = StrategyKind::Locked;
    let batch = trainer.settings.batch.take();
    trainer.check()?;
    trainer.settings.batch = batch;
    trainer.settings.delays.clear();
    Ok(trainer)
}

/// One row.
struct Row {
    label: &'static str,
    strategy: StrategyKind,
}

impl Row {
    fn trainer(&self, like: &Trainer, seed: u64) -> Trainer {
        let mut trainer = like.clone();
        let settings = &mut trainer.settings;
        settings.seed = seed;
        settings.strategy = self.strategy;
        // The others' batch is no reason to make sequential training slow.
        settings.batch = settings
            .batch
            .filter(|_| self.strategy.takes_batches() && self.strategy != StrategyKind::Sequential);
        let workers = settings.workers();
        if self.strategy == StrategyKind::Sequential {
            settings.threads = 1;
        }
        settings.delays.retain(|delay| delay.worker < workers);
        trainer
    }
}

fn rows(args: &StrategiesArgs, workers: usize) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for label in labels() {
        let is_wanted =
            args.strategies.is_empty() || args.strategies.iter().any(|wanted| wanted == label);
        if !is_wanted || label == SYNC_BACKUP && workers == 1 {
            continue;
        }
        let strategy = match StrategyKind::of_label(label) {
            Some(StrategyKind::HogwildPlusPlus(usual)) => {
                let clusters = Clusters::Count(workers.min(4));
                StrategyKind::HogwildPlusPlus(ClusterConfig { clusters, ..usual })
            }
            Some(StrategyKind::Synchronous { backups }) => StrategyKind::Synchronous { backups },
            Some(kind) => args.strategy_args.refine(kind)?,
            None => match args.strategy_args.refine(StrategyKind::Synchronous { backups: 1 })? {
                StrategyKind::Synchronous { backups: 0 } => {
                    StrategyKind::Synchronous { backups: 1 }
                }
                given => given,
            },
        };
        rows.push(Row { label, strategy });
    }
    Ok(rows)
}

/// What one run showed.
struct Run {
    workers: usize,
    reached: [Option<Reached>; SHARES.len()],
    staleness: Option<Staleness>,
    dropped: Option<f64>,
}

fn table(
    trainer: &Trainer,
    rows: &[Row],
    data: &Dataset,
    optimum: &Optimum,
    runs: i64,
) -> Result<(), Failure> {
    show(format_args!(
        "{:<15} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
        "", "", "epochs", "seconds", "epochs", "seconds", "most", "mean", "dropped"
    ))?;
    show(format_args!(
        "{:<15} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
        "strategy",
        "threads",
        "to 1 %",
        "to 1 %",
        "to 0.1 %",
        "to 0.1 %",
        "staleness",
        "staleness",
        "%"
    ))?;
    // Seed by seed, so that what disturbs the machine for a while disturbs all rows.
    let mut all: Vec<Vec<Run>> = rows.iter().map(|_| Vec::new()).collect();
    for seed in 1..=runs as u64 {
        let shuffled = data.shuffled(seed);
        for (row, runs) in rows.iter().zip(&mut all) {
            let fit = row.trainer(trainer, seed).fit_to(&shuffled, optimum, SHARES[1])?.fit;
            runs.push(Run {
                workers: fit.began.workers,
                reached: SHARES.map(|share| optimum.reached(&fit.epochs, share)),
                staleness: fit.began.progress.staleness(),
                dropped: fit.began.progress.dropped(),
            });
        }
    }
    for (row, runs) in rows.iter().zip(&all) {
        let reached = |k: usize, of: fn(&Reached) -> f64| {
            median(runs.iter().map(|run| run.reached[k].as_ref().map_or(f64::INFINITY, of)))
        };
        let seen = |of: fn(&Staleness) -> f64| {
            median(runs.iter().map(|run| run.staleness.as_ref().map_or(f64::INFINITY, of)))
        };
        let dropped =
            median(runs.iter().map(|run| run.dropped.map_or(f64::INFINITY, |share| 100.0 * share)));
        show(format_args!(
            "{:<15} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            row.label,
            runs[0].workers,
            cell(reached(0, |at| at.epochs), 2),
            cell(reached(0, |at| at.seconds), 4),
            cell(reached(1, |at| at.epochs), 2),
            cell(reached(1, |at| at.seconds), 4),
            cell(seen(|seen| seen.most as f64), 0),
            cell(seen(|seen| seen.mean), 2),
            cell(dropped, 2),
        ))?;
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A number, or a dash for what did not come or is not looked at.
fn cell(x: f64, digits: usize) -> String {
    if x.is_finite() { format!("{x:.digits$}") } else { "-".into() }
}

fn show(text: std::fmt::Arguments<'_>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_fmt(text)
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("<stdout>", "write", error))
}
