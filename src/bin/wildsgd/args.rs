//! The arguments. Ranges of numbers are the library's to check: here, a number only has to be one.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use wildsgd::data::IndexBase;
use wildsgd::model::{LossKind, ModelFormat};
use wildsgd::rule::Schedule;
use wildsgd::scaling::{Plan, Target, Way};
use wildsgd::train::{Factorizer, Settings};

use crate::bench::StrategiesArgs;
use crate::failure::Failure;
use crate::memory;
use crate::ways::WayArgs;

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
    Factorize(Box<FactorizeArgs>),
    Predict(PredictArgs),
    Evaluate(EvaluateArgs),
    Inspect(InspectArgs),
    Convert(ConvertArgs),
    Bench(BenchArgs),
}

/// Write a libsvm file as a cache that opens at once, for use in place of the text.
#[derive(Args)]
pub struct ConvertArgs {
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache
    pub data: PathBuf,
    /// File to write
    #[arg(value_parser = output())]
    pub out: PathBuf,
    /// What to write: a cache, or text in the order of the file that DATA came from, with features counted from 1
    #[arg(long, value_enum, default_value_t = Format::Cache)]
    pub to: Format,
    /// Seed of the random order in which rows lie in the cache, and are trained on, 0 to 2^64-1 [default: 1; that of
    /// DATA if it is a cache]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write rows in the order of the file: training then copies them into memory
    #[arg(long, conflicts_with = "seed")]
    pub no_shuffle: bool,
    /// From which number DATA counts its features; auto: 0 if DATA has an index 0, else 1; a cache knows
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Memory to take for text that becomes a cache: with more to sort, it goes by way of temporary files beside OUT,
    /// and takes this and 16 bytes an example; 1M or larger, in bytes or with K, M, G or T [default: half of what is free]
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    pub memory_limit: Option<usize>,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Cache,
    Libsvm,
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
    Scaling(Box<BenchScalingArgs>),
    Strategies(StrategiesArgs),
}

/// Time loading a file and a cache of it, with one thread and with all, beside a copy of the same bytes in memory.
#[derive(Args)]
pub struct BenchLoadArgs {
    /// Data: libsvm text, plain or compressed, or a cache
    pub data: PathBuf,
    /// Time the text compressed with gzip, bzip2 and zstd, too; takes room for that in the temporary folder
    #[arg(long)]
    pub compressed: bool,
    /// Threads of the second row, 1 to 4096 [default: one a core]
    #[arg(long, value_name = "N", default_value_t = cores(), hide_default_value = true, allow_hyphen_values = true)]
    pub threads: i64,
    /// Runs that each figure is the median of, 1 to 4096
    #[arg(long, value_name = "N", default_value_t = 9, allow_hyphen_values = true)]
    pub runs: i64,
}

/// Train with each strategy on 1, 2, 4 ... threads, beside a plain loop, the memory's speed and a model of the machine.
///
/// Linear models without a bias, by stochastic gradient descent. Each point is the median of whole trainings, interleaved
/// with those of all others: non-zeros a second, speed-up against the best single thread, and epochs and seconds to 1 %
/// and 0.1 % of the certified optimum.
#[derive(Args)]
pub struct BenchScalingArgs {
    /// Data: libsvm text, plain or compressed, or a cache; two classes, or targets of regression
    pub data: PathBuf,
    /// Held-out data, for the accuracy beside each point
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Numbers of threads; 1 is always measured [default: 1,2,4,... and one a core]
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true)]
    pub threads: Vec<i64>,
    /// Strategies by name, hogwild's other updates as hogwild-wild, hogwild-split and hogwild-atomic; sequential is always measured [default: all but auto]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub strategies: Vec<Way>,
    /// Trainings a point, each with another seed, 1 to 4096 [default: 9, and up to 25 while all take less than 45 seconds]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub repeats: Option<i64>,
    /// Measure weak scaling, too: data in proportion to the threads
    #[arg(long)]
    pub weak: bool,
    #[command(flatten)]
    pub loss: LossArgs,
    /// Strength of the squares in the regularizer, above 0 [default: 1/n for n examples]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub l2: Option<f64>,
    /// Most epochs of a training, 1 or more
    #[arg(long, value_name = "N", default_value_t = Plan::default().epochs as i64, allow_hyphen_values = true)]
    pub epochs: i64,
    /// End a training after the epoch in which these seconds are over, above 0
    #[arg(long, value_name = "S", default_value_t = Plan::default().time_limit.as_secs_f64(), allow_hyphen_values = true)]
    pub time_limit: f64,
    /// Time the way from the file to this, too: a share of right held-out labels, or an objective
    #[arg(long, value_name = "accuracy:X|objective:X", value_parser = target)]
    pub target: Option<Target>,
    /// Compare with LIBLINEAR, scikit-learn and others, too: a Python that has the packages of benches/peers/requirements.txt
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
    /// Write a page with tables and plots here, which needs no network [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub html: Option<PathBuf>,
    /// Write the plots into this folder, as SVG [default: no files]
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,
    /// From which number DATA and --test count their features; auto: 0 if DATA has an index 0, else 1; a cache knows
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

/// Train a model on a libsvm file.
#[derive(Args)]
pub struct TrainArgs {
    /// Training data: libsvm text, plain or compressed with gzip, bzip2 or zstd (`-` is standard input), or a cache from
    /// `wildsgd convert`
    pub data: PathBuf,
    /// Keep a cache beside DATA, in DATA.wsgd, and read that instead while DATA keeps its size and time
    #[arg(long)]
    pub cache: bool,
    /// Held-out data, measured after each epoch, off the clock
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Write the model here [default: no file]
    #[arg(long, value_name = "OUT", value_parser = output())]
    pub model: Option<PathBuf>,
    /// Format of the model's file: liblinear is text for LIBLINEAR's programs too, which have no softmax and
    /// keep no epsilon; native keeps each bit, has checksums, and is read faster [default: liblinear; native with --loss softmax]
    #[arg(long, value_name = "FORMAT", value_parser = model_format())]
    pub model_format: Option<ModelFormat>,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// Map the weights to this file, for other processes to watch: f32 in the machine's byte order, the bias last
    /// [default: no file]
    #[arg(long, value_name = "FILE")]
    pub params: Option<PathBuf>,
    /// From which number DATA and --test count their features; auto: 0 if DATA has an index 0, else 1; a cache knows
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub problem: ProblemArgs,
    #[command(flatten)]
    pub method: MethodArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Complete a matrix of ratings: find factors of users and items that predict the ratings that are missing.
#[derive(Args)]
pub struct FactorizeArgs {
    /// Ratings: `user item rating` a line, apart by blanks, tabs or a comma, plain or compressed with gzip, bzip2 or zstd
    /// (`-` is standard input); users and items are numbers or names; what follows is ignored
    pub data: PathBuf,
    /// Number of factors of a user or an item, 1 or more: larger fits more, and takes more time and memory
    #[arg(long, value_name = "R", default_value_t = Factorizer::default().rank as i64, allow_hyphen_values = true)]
    pub rank: i64,
    /// Held-out ratings, measured after each epoch, off the clock
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Write the model here, in a format with checksums [default: no file]
    #[arg(long, value_name = "OUT", value_parser = output())]
    pub model: Option<PathBuf>,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// Strength of the squares of factors and biases, which count in standard deviations of the ratings; 0 or larger
    /// [default: 1/n for n ratings]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub l2: Option<f64>,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What an error costs.
#[derive(Args)]
pub struct LossArgs {
    /// Loss; squared, huber and epsilon-insensitive are for regression; softmax trains all classes at once, whatever
    /// numbers name them
    #[arg(long = "loss", value_name = "LOSS", default_value = "logistic", value_parser = loss())]
    pub kind: LossKind,
    /// epsilon-insensitive: size of the errors that cost nothing, in units of the labels, 0 or larger (LIBLINEAR's -p)
    /// [default: 0.1]
    #[arg(long, value_name = "E", allow_hyphen_values = true)]
    pub epsilon: Option<f32>,
}

impl LossArgs {
    /// The loss, for the subcommand `name`.
    pub fn chosen(&self, name: &str) -> Result<LossKind, Failure> {
        match (self.kind, self.epsilon) {
            (LossKind::EpsilonInsensitive { .. }, Some(epsilon)) => {
                Ok(LossKind::EpsilonInsensitive { epsilon })
            }
            (_, Some(_)) => Err(Failure::conflict(name, "`--epsilon` is for `--loss epsilon-insensitive`")),
            (kind, None) => Ok(kind),
        }
    }
}

/// What is minimized.
#[derive(Args)]
#[command(next_help_heading = "Problem")]
pub struct ProblemArgs {
    #[command(flatten)]
    pub loss: LossArgs,
    /// What becomes of more than two labels: ovr trains each class against the rest, whatever numbers name them; auto
    /// does so if all are whole numbers
    #[arg(long, value_enum, default_value_t = Multiclass::Auto)]
    pub multiclass: Multiclass,
    /// Strength of the squares in the regularizer, 0 or larger [default: 1/n for n examples]
    #[arg(long, value_name = "X", allow_hyphen_values = true, conflicts_with = "cost")]
    pub l2: Option<f64>,
    /// LIBLINEAR's C, above 0: the same as --l2 with 1/(C*n) for n examples
    #[arg(long, value_name = "C", allow_hyphen_values = true)]
    pub cost: Option<f64>,
    /// Strength of the absolute values in the regularizer, 0 or larger; makes weights exactly 0
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_hyphen_values = true)]
    pub l1: f64,
    /// Value of a constant feature that every example gets, 0 or larger, like LIBLINEAR's -B: its weight is the bias,
    /// regularized like the others; larger makes it cheaper
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    pub bias: f64,
    /// Train without that constant feature
    #[arg(long, conflicts_with = "bias")]
    pub no_bias: bool,
    /// Leave the bias out of the regularizer
    #[arg(long, conflicts_with = "no_bias")]
    pub free_bias: bool,
    /// Factor W, above 0, of the losses of examples with this label (LIBLINEAR's -wi), repeatable; balanced: all classes
    /// count the same in all [default: 1]
    #[arg(long, value_name = "LABEL:W|balanced", value_parser = class_weight, allow_hyphen_values = true)]
    pub class_weight: Vec<ClassWeight>,
    /// Factors of the examples' losses: a file with one number a line, 0 or larger, in the order of DATA [default: all 1]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

/// By which method.
#[derive(Args)]
#[command(next_help_heading = "Training")]
pub struct MethodArgs {
    /// How one visit to an example changes the weights
    #[arg(long, value_enum, default_value_t = Solver::Auto)]
    pub solver: Solver,
    /// Type of the weights while they are found: f64 takes twice the memory, and reaches a --tolerance below 1e-6
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
}

/// How it is minimized.
#[derive(Args)]
#[command(next_help_heading = "Training")]
pub struct RunArgs {
    /// Most epochs, 1 or more
    #[arg(long, value_name = "N", default_value_t = Settings::default().epochs as i64, allow_hyphen_values = true)]
    pub epochs: i64,
    /// End when the objective is at most this share of itself above the optimum (the gap); with --solver sgd, which has
    /// no gap, when it changes by less. 0 or larger; 0 never ends early
    #[arg(long, value_name = "X", default_value_t = Settings::default().tolerance, allow_hyphen_values = true)]
    pub tolerance: f64,
    /// End after this many seconds, above 0 [default: none]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub time_limit: Option<f64>,
    /// Training threads, 1 to 4096 [default: one a core; 1 for --strategy sequential]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub threads: Option<i64>,
    /// How threads share the weights
    #[arg(long, value_enum, default_value_t = Strategy::Auto)]
    pub strategy: Strategy,
    /// How hogwild's threads write a weight: wild may lose another thread's write, atomic never does; merged writes a
    /// copy of the thread's own, merged often (not with hogwild++ or saga)
    /// [default: merged with --solver sgd and hogwild, else wild]
    #[arg(long, value_enum)]
    pub update: Option<Update>,
    #[command(flatten)]
    pub ring: RingArgs,
    #[command(flatten)]
    pub way: WayArgs,
    /// First step size, a number above 0; auto searches for one
    #[arg(long, value_name = "auto|X", default_value = "auto", value_parser = learning_rate, allow_hyphen_values = true)]
    pub learning_rate: LearningRate,
    /// The step size's course: plateau, constant, inverse, geometric or geometric:DECAY, with a factor for
    /// each epoch above 0 and at most 1 (0.9 if left out)
    #[arg(long, default_value = "plateau", value_parser = schedule)]
    pub schedule: Schedule,
    /// Seed of all random choices, 0 to 2^64-1; rows of a cache keep the order that they lie in there
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

/// Predict the labels of a libsvm file, or ratings.
#[derive(Args)]
pub struct PredictArgs {
    /// Model file, from `wildsgd train`, `wildsgd factorize` or LIBLINEAR
    pub model: PathBuf,
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache; for a model of ratings, `user item` or
    /// `user item rating` a line
    pub data: PathBuf,
    /// Write the predictions here [default: standard output]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub output: Option<PathBuf>,
    /// Write decision values: of two classes, positive for the model's first label; of more, one a label, in its order
    #[arg(long)]
    pub decision: bool,
    /// Write the probabilities of all labels beside each prediction (logistic and softmax)
    #[arg(long, conflicts_with = "decision")]
    pub proba: bool,
    /// From which number DATA counts its features
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["0", "1"]))]
    pub index_base: IndexBase,
    /// Print no accuracy and no warnings
    #[arg(long)]
    pub quiet: bool,
}

/// Measure a model on a labeled libsvm file, or on ratings.
#[derive(Args)]
pub struct EvaluateArgs {
    /// Model file, from `wildsgd train`, `wildsgd factorize` or LIBLINEAR
    pub model: PathBuf,
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache; for a model of ratings, ratings
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
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache
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
pub enum Precision {
    F32,
    F64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Solver {
    /// dual where there is a dual (l2 above 0, no l1), else sgd
    Auto,
    /// Stochastic gradient descent
    Sgd,
    /// Dual coordinate ascent, without step sizes
    Dual,
    /// Variance reduction, for smooth losses: converges under l1 too, and says how near the optimum is
    Saga,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Multiclass {
    Auto,
    Ovr,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// Chosen by the number of threads and the sizes of the data
    Auto,
    /// One thread
    Sequential,
    /// One vector without locks, or copies that are merged as often as they are used
    Hogwild,
    /// Clusters of threads with a replica each, merged along a ring
    #[value(name = "hogwild++")]
    HogwildPlusPlus,
    /// Rounds of batches on one version of the weights, with or without backup workers
    Sync,
    /// One vector, and threads that may be apart by a bounded number of batches
    Ssp,
    /// Equal replicas, whose steps are summed round a ring
    Allreduce,
    /// Replicas that know nothing of each other, averaged after epochs
    Averaging,
    /// One vector, and locks around each example
    Locked,
    /// One vector, written in turn
    RoundRobin,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Update {
    Wild,
    Atomic,
    Merged,
    Split,
}

#[derive(Clone, Copy)]
pub enum ClassWeight {
    Balanced,
    Of { label: f64, weight: f64 },
}

fn class_weight(text: &str) -> Result<ClassWeight, String> {
    if text == "balanced" {
        return Ok(ClassWeight::Balanced);
    }
    let parts =
        text.rsplit_once(':').and_then(|(label, weight)| Some((label.parse().ok()?, weight.parse().ok()?)));
    let (label, weight) = parts.ok_or("expected `balanced` or LABEL:W with two numbers, like -1:2.5")?;
    Ok(ClassWeight::Of { label, weight })
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

fn model_format() -> impl TypedValueParser<Value = ModelFormat> {
    PossibleValuesParser::new(["liblinear", "native"]).map(|name| match &*name {
        "native" => ModelFormat::Native,
        _ => ModelFormat::Liblinear,
    })
}

/// A file to write.
fn output() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("expected a file's name; standard output is /dev/stdout"),
        false => Ok(path),
    })
}
