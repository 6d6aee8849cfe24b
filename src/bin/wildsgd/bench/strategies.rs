//! `wildsgd bench strategies`: compares all strategies on one data set by the time to the same
//! objective.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use wildsgd::data::{self, LoadOptions, source};
use wildsgd::internal::strategy::Staleness;
use wildsgd::internal::{Optimum, Reached};
use wildsgd::strategy::{ClusterConfig, Clusters, StrategyKind};
use wildsgd::train::{Settings, Solver, Trainer};
use wildsgd::{Dataset, Error, Result};

use crate::args::LossArgs;
use crate::failure::Failure;
use crate::strategy_args::StrategyArgs;

/// Train with every strategy, and print when each comes near the optimum, which is found first.
///
/// All train by stochastic gradient descent from the same seeds, each with its own searched step
/// size. With --inject, all train a second time with slow threads.
#[derive(Args)]
pub struct StrategiesArgs {
    /// Data with two classes, or regression targets: libsvm text, plain or compressed, or a cache
    pub data: PathBuf,
    /// Strategies to compare, separated by commas [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = PossibleValuesParser::new(labels()))]
    pub strategies: Vec<String>,
    /// Threads, 1 to 4096; sequential uses one [default: one a core]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub threads: Option<i64>,
    /// Runs per figure, of which it is the median, each with its own seed, 1 to 4096
    #[arg(long, value_name = "N", default_value_t = 3, allow_hyphen_values = true)]
    pub runs: i64,
    /// Maximum number of epochs per run, 1 or more
    #[arg(long, value_name = "N", default_value_t = 100, allow_hyphen_values = true)]
    pub epochs: i64,
    /// Maximum number of seconds per run, above 0
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

/// The row of sync with one backup worker, or as many as are given. It follows sync's; the other
/// rows have the labels of the table of strategies.
const SYNC_BACKUP: &str = "sync-backup";

fn labels() -> impl Iterator<Item = &'static str> {
    StrategyKind::ALL.iter().flat_map(|kind| {
        let backup = matches!(kind, StrategyKind::Synchronous { .. }).then_some(SYNC_BACKUP);
        [kind.label()].into_iter().chain(backup)
    })
}

/// Distances to the optimum that are timed, as fractions of it.
const GAPS: [f64; 2] = [0.01, 0.001];

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
        "{name}: {} examples, {} loss{epsilon}, optimum {objective:.6} (too high by at most {:.1e} of it)\n",
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

/// Returns the checked settings that all rows share, without the delays.
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
    fn trainer(&self, common: &Trainer, seed: u64) -> Trainer {
        let mut trainer = common.clone();
        let settings = &mut trainer.settings;
        settings.seed = seed;
        settings.strategy = self.strategy;
        // The batch of the other strategies must not slow down sequential training.
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

/// Result of one run.
struct Run {
    workers: usize,
    reached: [Option<Reached>; GAPS.len()],
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
        "", "", "epochs", "seconds", "epochs", "seconds", "max", "mean", "dropped"
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
    // Seed by seed, so that a temporary disturbance of the machine affects all rows.
    let mut all: Vec<Vec<Run>> = rows.iter().map(|_| Vec::new()).collect();
    for seed in 1..=runs as u64 {
        let shuffled = data.shuffled(seed);
        for (row, runs) in rows.iter().zip(&mut all) {
            let fit = row.trainer(trainer, seed).fit_to(&shuffled, optimum, GAPS[1])?.fit;
            runs.push(Run {
                workers: fit.began.workers,
                reached: GAPS.map(|share| optimum.reached(&fit.epochs, share)),
                staleness: fit.began.progress.staleness(),
                dropped: fit.began.progress.dropped(),
            });
        }
    }
    for (row, runs) in rows.iter().zip(&all) {
        let reached = |k: usize, of: fn(&Reached) -> f64| {
            median(runs.iter().map(|run| run.reached[k].as_ref().map_or(f64::INFINITY, of)))
        };
        let staleness = |of: fn(&Staleness) -> f64| {
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
            cell(staleness(|seen| seen.most as f64), 0),
            cell(staleness(|seen| seen.mean), 2),
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

/// Formats a number, or a dash if it was not reached or is not measured.
fn cell(x: f64, digits: usize) -> String {
    if x.is_finite() { format!("{x:.digits$}") } else { "-".into() }
}

fn show(text: std::fmt::Arguments<'_>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    out.write_fmt(text)
        .and_then(|()| out.flush())
        .map_err(|error| Error::io("<stdout>", "write", error))
}
