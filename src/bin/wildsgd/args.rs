//! The arguments. Ranges of numbers are the library's to check: here, a number only has to be one.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use wildsgd::data::IndexBase;
use wildsgd::model::LossKind;
use wildsgd::rule::Schedule;
use wildsgd::train::Settings;

/// Trains linear models on sparse data, with threads that share the weights without locks.
#[derive(Parser)]
#[command(name = "wildsgd", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    Train(Box<TrainArgs>),
    Predict(PredictArgs),
    Evaluate(EvaluateArgs),
    Inspect(InspectArgs),
    Bench(BenchArgs),
}

/// Measure how fast this machine is.
#[derive(Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub benchmark: Benchmark,
}

#[derive(Subcommand)]
pub enum Benchmark {
    Load(BenchLoadArgs),
}

/// Time loading a file, with one thread and with all, beside a copy of its text in memory.
#[derive(Args)]
pub struct BenchLoadArgs {
    /// Data: libsvm text, plain or compressed
    pub data: PathBuf,
    /// Threads of the second row, 1 to 4096 [default: one a core]
    #[arg(long, value_name = "N", default_value_t = cores(), hide_default_value = true, allow_hyphen_values = true)]
    pub threads: i64,
    /// Runs that each figure is the median of, 1 to 4096
    #[arg(long, value_name = "N", default_value_t = 9, allow_hyphen_values = true)]
    pub runs: i64,
}

fn cores() -> i64 {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() as i64)
}

/// Train a model on a libsvm file.
#[derive(Args)]
pub struct TrainArgs {
    /// Training data: libsvm text, plain or compressed with gzip, bzip2 or zstd; `-` is standard input
    pub data: PathBuf,
    /// Held-out data, measured after each epoch, off the clock
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Write the model here, in LIBLINEAR's text format [default: no file]
    #[arg(long, value_name = "OUT", value_parser = output())]
    pub model: Option<PathBuf>,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// Map the weights to this file, for other processes to watch: f32 in the machine's byte order, the bias last
    /// [default: no file]
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// From which number DATA and --test count their features; auto: 0 if DATA has an index 0, else 1
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub problem: ProblemArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What is minimized.
#[derive(Args)]
#[command(next_help_heading = "Problem")]
pub struct ProblemArgs {
    /// Loss; squared and huber are for regression
    #[arg(long, default_value = "logistic", value_parser = loss())]
    pub loss: LossKind,
    /// Strength of the squares in the regularizer, 0 or larger [default: 1/n for n examples]
    #[arg(long, value_name = "X", allow_hyphen_values = true, conflicts_with = "cost")]
    pub l2: Option<f64>,
    /// LIBLINEAR's C, above 0: the same as --l2 with 1/(C*n) for n examples
    #[arg(long, value_name = "C", allow_hyphen_values = true)]
    pub cost: Option<f64>,
    /// Strength of the absolute values in the regularizer, 0 or larger; makes weights exactly 0
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_hyphen_values = true)]
    pub l1: f64,
    /// Value of a constant feature that every example gets, 0 or larger; larger makes its weight cheaper
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    pub bias: f64,
    /// Train without that constant feature
    #[arg(long, conflicts_with = "bias")]
    pub no_bias: bool,
}

/// How it is minimized.
#[derive(Args)]
#[command(next_help_heading = "Training")]
pub struct RunArgs {
    /// Most epochs, 1 or more
    #[arg(long, value_name = "N", default_value_t = Settings::default().epochs as i64, allow_hyphen_values = true)]
    pub epochs: i64,
    /// End when the objective changes by less than this share of itself, 0 or larger; 0 never ends early
    #[arg(long, value_name = "X", default_value_t = Settings::default().tolerance, allow_hyphen_values = true)]
    pub tolerance: f64,
    /// End after this many seconds, above 0 [default: none]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub time_limit: Option<f64>,
    /// Training threads, 1 to 4096 [default: one a core; 1 for --strategy sequential]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub threads: Option<i64>,
    /// How one visit to an example changes the weights
    #[arg(long, value_enum, default_value_t = Solver::Auto)]
    pub solver: Solver,
    /// How threads share the weights
    #[arg(long, value_enum, default_value_t = Strategy::Auto)]
    pub strategy: Strategy,
    /// How hogwild's threads write a weight: wild may lose another thread's write, atomic never does; merged writes a
    /// copy of the thread's own, merged often (not with hogwild++)
    /// [default: merged, for hogwild++ wild]
    #[arg(long, value_enum)]
    pub update: Option<Update>,
    #[command(flatten)]
    pub ring: RingArgs,
    /// First step size, a number above 0; auto searches for one
    #[arg(long, value_name = "auto|X", default_value = "auto", value_parser = learning_rate, allow_hyphen_values = true)]
    pub learning_rate: LearningRate,
    /// The step size's course: plateau, constant, inverse, geometric or geometric:DECAY, with a factor for
    /// each epoch above 0 and at most 1 (0.9 if left out)
    #[arg(long, default_value = "plateau", value_parser = schedule)]
    pub schedule: Schedule,
    /// Seed of all random choices, 0 to 2^64-1
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    pub seed: u64,
}

/// How hogwild++ forms clusters of threads, and how their changes go round.
#[derive(Args)]
pub struct RingArgs {
    /// hogwild++: number of clusters of threads, 1 to --threads [default: by sockets, caches and cores, at most 4]
    #[arg(long, value_name = "K", allow_hyphen_values = true, conflicts_with = "cluster_size")]
    pub clusters: Option<i64>,
    /// hogwild++: most threads in a cluster, 1 or more
    #[arg(long, value_name = "C", allow_hyphen_values = true)]
    pub cluster_size: Option<i64>,
    /// hogwild++: visits that a thread makes between taking the token and passing it on, 1 or more, rounded to blocks
    /// of 64 [default: 64 for up to 4 clusters, 16 for up to 10, else 4; more if there are many weights]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub update_delay: Option<i64>,
    /// hogwild++: weight with which a change is passed on, above 0 and below 1 [default: by clusters]
    #[arg(long, value_name = "B", allow_hyphen_values = true)]
    pub ring_beta: Option<f64>,
    /// hogwild++: weight of the next cluster's replica, 0 to 1 [default: by clusters]
    #[arg(long, value_name = "L", allow_hyphen_values = true)]
    pub ring_lambda: Option<f64>,
    /// hogwild++: keep each thread on one processor
    #[arg(long)]
    pub pin: bool,
}

impl RingArgs {
    /// Whether any of them is given.
    pub fn is_given(&self) -> bool {
        let numbers = [self.clusters, self.cluster_size, self.update_delay];
        let weights = [self.ring_beta, self.ring_lambda];
        self.pin || numbers.iter().any(Option::is_some) || weights.iter().any(Option::is_some)
    }
}

/// Predict the labels of a libsvm file.
#[derive(Args)]
pub struct PredictArgs {
    /// Model file, from `wildsgd train` or LIBLINEAR
    pub model: PathBuf,
    /// Data: libsvm text, plain or compressed; `-` is standard input
    pub data: PathBuf,
    /// Write the predictions here [default: standard output]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub output: Option<PathBuf>,
    /// Write decision values: positive for the model's first label
    #[arg(long)]
    pub decision: bool,
    /// Write the probabilities of both labels beside each prediction (logistic loss only)
    #[arg(long, conflicts_with = "decision")]
    pub proba: bool,
    /// From which number DATA counts its features
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["0", "1"]))]
    pub index_base: IndexBase,
    /// Print no accuracy and no warnings
    #[arg(long)]
    pub quiet: bool,
}

/// Measure a model on a labeled libsvm file.
#[derive(Args)]
pub struct EvaluateArgs {
    /// Model file, from `wildsgd train` or LIBLINEAR
    pub model: PathBuf,
    /// Data: libsvm text, plain or compressed; `-` is standard input
    pub data: PathBuf,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// From which number DATA counts its features
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["0", "1"]))]
    pub index_base: IndexBase,
    /// Print no warnings
    #[arg(long)]
    pub quiet: bool,
}

/// Show what a libsvm file holds, and what that means for training without locks.
#[derive(Args)]
pub struct InspectArgs {
    /// Data: libsvm text, plain or compressed; `-` is standard input
    pub data: PathBuf,
    /// Write the distributions here, as SVG [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub svg: Option<PathBuf>,
    /// Write all numbers here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub json: Option<PathBuf>,
    /// From which number DATA counts its features; auto: 0 if DATA has an index 0, else 1
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Solver {
    /// dual where there is a dual (l2 above 0, no l1), else sgd
    Auto,
    /// Stochastic gradient descent
    Sgd,
    /// Dual coordinate ascent, without step sizes
    Dual,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// Chosen by the number of threads and the sizes of the data
    Auto,
    Sequential,
    Hogwild,
    #[value(name = "hogwild++")]
    HogwildPlusPlus,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Update {
    Wild,
    Atomic,
    Merged,
}

#[derive(Clone, Copy)]
pub enum LearningRate {
    Auto,
    Fixed(f64),
}

fn learning_rate(text: &str) -> Result<LearningRate, String> {
    match text {
        "auto" => Ok(LearningRate::Auto),
        _ => text.parse().map(LearningRate::Fixed).map_err(|_| "expected `auto` or a number".into()),
    }
}

fn schedule(text: &str) -> Result<Schedule, String> {
    let expected = || "expected plateau, constant, inverse, geometric or geometric:DECAY".to_string();
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

fn loss() -> impl TypedValueParser<Value = LossKind> {
    PossibleValuesParser::new(LossKind::ALL.map(LossKind::name)).try_map(|name| name.parse::<LossKind>())
}

fn index_base(legal: &'static [&'static str]) -> impl TypedValueParser<Value = IndexBase> {
    PossibleValuesParser::new(legal).map(|name| match &*name {
        "0" => IndexBase::Zero,
        "1" => IndexBase::One,
        _ => IndexBase::Auto,
    })
}

/// A file to write.
fn output() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("expected a file's name; standard output is /dev/stdout"),
        false => Ok(path),
    })
}
