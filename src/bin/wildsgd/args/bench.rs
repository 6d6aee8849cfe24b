//! Arguments of the benchmarks.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wildsgd::data::IndexBase;
use wildsgd::internal::scaling::{Plan, Target};
use wildsgd::strategy::StrategyKind;

use super::{LossArgs, index_base, output};
use crate::bench::StrategiesArgs;

/// Measure how fast this machine is.
#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub benchmark: Benchmark,
}

#[derive(Subcommand)]
pub enum Benchmark {
    Load(BenchLoadArgs),
    Scaling(Box<BenchScalingArgs>),
    Strategies(StrategiesArgs),
}

/// Time how long a file and a cache of it take to load, with one thread and with all, beside a copy
/// of the same bytes in memory.
#[derive(Args)]
pub struct BenchLoadArgs {
    /// Data: libsvm text, plain or compressed, or a cache
    pub data: PathBuf,
    /// Also time the text compressed with gzip, bzip2 and zstd; this needs space in the temporary
    /// folder
    #[cfg(feature = "compression")]
    #[arg(long)]
    pub compressed: bool,
    /// Threads of the second row, 1 to 4096 [default: one a core]
    #[arg(long, value_name = "N", default_value_t = cores(), hide_default_value = true, allow_hyphen_values = true)]
    pub threads: i64,
    /// Runs per figure, of which it is the median, 1 to 4096
    #[arg(long, value_name = "N", default_value_t = 9, allow_hyphen_values = true)]
    pub runs: i64,
}

/// Train with each strategy on 1, 2, 4 ... threads, beside a plain loop, the memory's speed and a
/// model of the machine.
///
/// Trains linear models without a bias by stochastic gradient descent. Each point is the median of
/// whole trainings, interleaved with those of all other points: non-zeros per second, speed-up over
/// the best single thread, and epochs and seconds to 1 % and 0.1 % of the certified optimum.
#[derive(Args)]
pub struct BenchScalingArgs {
    /// Data: libsvm text, plain or compressed, or a cache; two classes, or targets of regression
    pub data: PathBuf,
    /// Held-out data, for the accuracy beside each point
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Thread counts; 1 is always measured [default: 1,2,4,... and one a core]
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub threads: Vec<i64>,
    /// Strategies by name, hogwild's other updates as hogwild-wild, hogwild-split and
    /// hogwild-atomic; sequential is always measured [default: all but auto]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = labeled)]
    pub strategies: Vec<StrategyKind>,
    /// Trainings per point, each with its own seed, 1 to 4096
    /// [default: 9, and up to 49 while all take less than 75 seconds]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub repeats: Option<i64>,
    /// Also measure weak scaling: data in proportion to the threads
    #[arg(long)]
    pub weak: bool,
    #[command(flatten)]
    pub loss: LossArgs,
    /// Strength of the squares in the regularizer, above 0 [default: 1/n for n examples]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub l2: Option<f64>,
    /// Maximum number of epochs per training, 1 or more
    #[arg(long, value_name = "N", default_value_t = Plan::default().epochs as i64, allow_hyphen_values = true)]
    pub epochs: i64,
    /// End a training after the epoch in which it exceeds this many seconds, above 0
    #[arg(long, value_name = "S", default_value_t = Plan::default().time_limit.as_secs_f64(), allow_hyphen_values = true)]
    pub time_limit: f64,
    /// Also time from opening the file to this: a fraction of correct held-out labels, or an
    /// objective
    #[arg(long, value_name = "accuracy:X|objective:X", value_parser = target)]
    pub target: Option<Target>,
    /// Also compare with LIBLINEAR, scikit-learn and others: a Python that has the packages of
    /// benches/peers/requirements.txt
    #[arg(long, value_name = "PYTHON")]
    pub peers: Option<PathBuf>,
    /// Seed of the rows' order and of the first training, 0 to 2^64-1
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write the tables here, as Markdown [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub markdown: Option<PathBuf>,
    /// Write all points here, as comma-separated values [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub csv: Option<PathBuf>,
    /// Write all numbers here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub json: Option<PathBuf>,
    /// Write a self-contained page with tables and plots here [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub html: Option<PathBuf>,
    /// Write the plots into this folder, as SVG [default: no files]
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,
    /// Index of the first feature in DATA and --test; auto: 0 if DATA has an index 0, else 1; a
    /// cache records its own
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

fn target(text: &str) -> Result<Target, String> {
    let (what, number) = text.split_once(':').unwrap_or((text, ""));
    match (what, number.parse()) {
        ("accuracy", Ok(share)) => Ok(Target::Accuracy(share)),
        ("objective", Ok(objective)) => Ok(Target::Objective(objective)),
        _ => Err("expected accuracy:X or objective:X with a number, like accuracy:0.9".into()),
    }
}

fn cores() -> i64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as i64)
}

fn labeled(text: &str) -> Result<StrategyKind, String> {
    StrategyKind::of_label(text).ok_or_else(|| {
        let labels = StrategyKind::ALL.iter().map(|kind| kind.label()).chain(["auto"]);
        format!("no strategy has this name; there are {}", labels.collect::<Vec<_>>().join(", "))
    })
}
