//! Arguments of `train` and `factorize`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use wildsgd::data::IndexBase;
use wildsgd::model::ModelFormat;
use wildsgd::strategy::StrategyKind;
use wildsgd::train::{Factorizer, Schedule, Settings};

use super::{ProblemArgs, index_base, output};
use crate::strategy_args::StrategyArgs;

/// Train a model on a libsvm file.
#[derive(Args)]
pub struct TrainArgs {
    /// Training data: libsvm text, plain or compressed with gzip, bzip2 or zstd (`-` is standard
    /// input), or a cache from `wildsgd convert`
    pub data: PathBuf,
    /// Keep a cache beside DATA, in DATA.wsgd, and read it instead while the size and time of DATA
    /// stay the same
    #[arg(long)]
    pub cache: bool,
    /// Held-out data, evaluated after each epoch, off the clock
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Write the model here [default: no file]
    #[arg(long, value_name = "OUT", value_parser = output())]
    pub model: Option<PathBuf>,
    /// Format of the model file: liblinear is text that LIBLINEAR's programs also read, but they
    /// have no softmax and store no epsilon; native keeps every bit, has checksums, and loads
    /// faster [default: liblinear; native with --loss softmax, or labels that are not whole]
    #[arg(long, value_name = "FORMAT", value_parser = model_format())]
    pub model_format: Option<ModelFormat>,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// Map the weights to this file, so that other processes can watch: f32 in the machine's byte
    /// order, the bias last; excludes the solver interior, whose weights are not shared
    /// [default: no file]
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// Index of the first feature in DATA and --test; auto: 0 if DATA has an index 0, else 1; a
    /// cache records its own
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
    /// End with status 3 unless the model is certified to be within --tolerance of the optimum; it
    /// is written all the same
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub problem: ProblemArgs,
    #[command(flatten)]
    pub solver: SolverArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Complete a matrix of ratings: find factors of users and items that predict the missing ratings.
#[derive(Args)]
pub struct FactorizeArgs {
    /// Ratings: one `user item rating` per line, separated by blanks, tabs or a comma, plain or
    /// compressed with gzip, bzip2 or zstd (`-` is standard input); users and items are numbers or
    /// names; further fields are ignored
    pub data: PathBuf,
    /// Number of factors per user and item, 1 or more: more factors fit more, and take more time
    /// and memory
    #[arg(long, value_name = "R", default_value_t = Factorizer::default().rank as i64, allow_hyphen_values = true)]
    pub rank: i64,
    /// Held-out ratings, evaluated after each epoch, off the clock
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Write the model here, in a format with checksums [default: no file]
    #[arg(long, value_name = "OUT", value_parser = output())]
    pub model: Option<PathBuf>,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// Strength of the squares of factors and biases, in units of the standard deviation of the
    /// ratings; 0 or larger [default: 1/n for n ratings]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub l2: Option<f64>,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// The solver and its precision.
#[derive(Args)]
#[command(next_help_heading = "Training")]
pub struct SolverArgs {
    /// Solver: how the objective is minimized
    #[arg(long, value_enum, default_value_t = Solver::Auto)]
    pub solver: Solver,
    /// Precision of the weights during training (values of features are f32): f64 takes twice the
    /// memory, and reaches a --tolerance below 1e-6, where auto chooses it; the solver interior,
    /// and dual with softmax, always use f64
    #[arg(long, value_enum, default_value_t = Precision::Auto)]
    pub precision: Precision,
}

/// Stopping rules, threads, strategy and step sizes.
#[derive(Args)]
#[command(next_help_heading = "Training")]
pub struct RunArgs {
    /// Maximum number of epochs, 1 or more
    #[arg(long, value_name = "N", default_value_t = Settings::default().epochs as i64, allow_hyphen_values = true)]
    pub epochs: i64,
    /// Stop when the objective is at most this fraction of itself above the optimum (the gap); with
    /// --solver sgd, which computes no gap, when it changes by less than that. 0 or larger; 0 never
    /// stops early
    #[arg(long, value_name = "X", default_value_t = Settings::default().tolerance, allow_hyphen_values = true)]
    pub tolerance: f64,
    /// Stop after this many seconds, above 0 [default: none]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub time_limit: Option<f64>,
    /// Training threads, 1 to 4096 [default: one a core; 1 for --strategy sequential]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub threads: Option<i64>,
    /// Strategy: how threads share the weights
    #[arg(long, default_value = "auto", value_parser = strategy())]
    pub strategy: StrategyKind,
    /// Kind of update: wild may lose another thread's write, atomic never does; merged writes to a
    /// private copy per thread, merged often; split keeps private copies only of the weights that
    /// many examples touch (neither with hogwild++ or saga)
    /// [default: merged with --solver sgd and hogwild, else wild]
    #[arg(long, value_enum)]
    pub update: Option<Update>,
    #[command(flatten)]
    pub ring: RingArgs,
    #[command(flatten)]
    pub strategy_args: StrategyArgs,
    /// First step size, above 0; auto searches for one
    #[arg(long, value_name = "auto|X", default_value = "auto", value_parser = learning_rate, allow_hyphen_values = true)]
    pub learning_rate: LearningRate,
    /// Step size schedule: plateau, constant, inverse, geometric or geometric:DECAY, where DECAY is
    /// a factor per epoch above 0 and at most 1 (0.9 if omitted)
    #[arg(long, default_value = "plateau", value_parser = schedule)]
    pub schedule: Schedule,
    /// Seed of all random choices, 0 to 2^64-1; rows of a cache keep the order in which it stores
    /// them
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    pub seed: u64,
}

/// The clusters of hogwild++ and its ring.
#[derive(Args)]
pub struct RingArgs {
    /// hogwild++: number of clusters of threads, 1 to --threads
    /// [default: by sockets, caches and cores, at most 4]
    #[arg(long, value_name = "K", allow_hyphen_values = true, conflicts_with = "cluster_size")]
    pub clusters: Option<i64>,
    /// hogwild++: maximum number of threads per cluster, 1 or more
    #[arg(long, value_name = "C", allow_hyphen_values = true)]
    pub cluster_size: Option<i64>,
    /// hogwild++: visits that a thread makes between taking the token and passing it on, 1 or more,
    /// rounded to blocks of 64 [default: 64 for up to 4 clusters, 16 for up to 10, else 4; more if
    /// there are many weights]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub update_delay: Option<i64>,
    /// hogwild++: weight of a change that is passed on, above 0 and below 1 [default: depends on
    /// the number of clusters]
    #[arg(long, value_name = "B", allow_hyphen_values = true)]
    pub ring_beta: Option<f64>,
    /// hogwild++: weight of the next cluster's replica, 0 to 1 [default: depends on the number of
    /// clusters]
    #[arg(long, value_name = "L", allow_hyphen_values = true)]
    pub ring_lambda: Option<f64>,
    /// hogwild++: pin each thread to one processor
    #[arg(long)]
    pub pin: bool,
}

impl RingArgs {
    /// Returns true if any of these arguments is given.
    pub fn is_given(&self) -> bool {
        let numbers = [self.clusters, self.cluster_size, self.update_delay];
        let weights = [self.ring_beta, self.ring_lambda];
        self.pin || numbers.iter().any(Option::is_some) || weights.iter().any(Option::is_some)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// f32, or f64 for a tolerance below 1e-6
    Auto,
    F32,
    F64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Solver {
    /// dual with l2 and without l1, saga with l1 where the loss is smooth; interior where these
    /// cannot be used or do not reach the tolerance
    Auto,
    /// Stochastic gradient descent
    Sgd,
    /// Dual coordinate ascent, without step sizes
    Dual,
    /// Variance reduction, for smooth losses: also converges with l1, and bounds the distance to
    /// the optimum
    Saga,
    /// Interior-point method, for any loss and regularizer, on data of any scale: few slow steps
    Interior,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Update {
    Wild,
    Atomic,
    Merged,
    Split,
}

#[derive(Clone, Copy)]
pub enum LearningRate {
    Auto,
    Fixed(f64),
}

fn learning_rate(text: &str) -> Result<LearningRate, String> {
    match text {
        "auto" => Ok(LearningRate::Auto),
        _ => {
            text.parse().map(LearningRate::Fixed).map_err(|_| "expected `auto` or a number".into())
        }
    }
}

fn schedule(text: &str) -> Result<Schedule, String> {
    let expected =
        || "expected plateau, constant, inverse, geometric or geometric:DECAY".to_string();
    match text {
        "plateau" => Ok(Schedule::default()),
        "constant" => Ok(Schedule::Constant),
        "inverse" => Ok(Schedule::Inverse),
        "geometric" => Ok(Schedule::Geometric { decay: 0.9 }),
        _ => {
            let decay = text.strip_prefix("geometric:").and_then(|decay| decay.parse().ok());
            Ok(Schedule::Geometric { decay: decay.ok_or_else(expected)? })
        }
    }
}

/// Parses a strategy by name; parameters of a single strategy have their own arguments.
fn strategy() -> impl TypedValueParser<Value = StrategyKind> {
    let named =
        StrategyKind::named().map(|kind| PossibleValue::new(kind.name()).help(kind.summary()));
    PossibleValuesParser::new(named)
        .map(|name| StrategyKind::of_name(&name).expect("a name of the table"))
}

fn model_format() -> impl TypedValueParser<Value = ModelFormat> {
    PossibleValuesParser::new(["liblinear", "native"]).map(|name| match &*name {
        "native" => ModelFormat::Native,
        _ => ModelFormat::Liblinear,
    })
}
