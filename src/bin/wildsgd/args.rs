//! The arguments. The library checks ranges of numbers; here, a number only has to parse.

mod bench;
mod problem;
mod training;

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use wildsgd::data::IndexBase;

pub use self::bench::{BenchArgs, BenchLoadArgs, BenchScalingArgs, Benchmark};
pub use self::problem::{ClassWeight, LossArgs, Multiclass, ProblemArgs};
pub use self::training::{
    FactorizeArgs, LearningRate, Precision, RingArgs, RunArgs, Solver, TrainArgs, Update,
};
use crate::memory;

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

/// Convert a libsvm file into a cache that opens at once and can be used in place of the text.
#[derive(Args)]
pub struct ConvertArgs {
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache
    pub data: PathBuf,
    /// File to write
    #[arg(value_parser = output())]
    pub out: PathBuf,
    /// Format to write: a cache, or text in the row order of the file that DATA came from, with
    /// features counted from 1
    #[arg(long, value_enum, default_value_t = Format::Cache)]
    pub to: Format,
    /// Seed of the random order in which the cache stores rows, and training visits them, 0 to
    /// 2^64-1 [default: 1; that of DATA if it is a cache]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Keep the row order of the file: training then copies the rows into memory
    #[arg(long, conflicts_with = "seed")]
    pub no_shuffle: bool,
    /// Index of the first feature in DATA; auto: 0 if DATA has an index 0, else 1; a cache records
    /// its own
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Memory for converting text into a cache: beyond it, rows are sorted through temporary files
    /// beside OUT, in this much memory plus 16 bytes per example; 1M or more, in bytes or with K,
    /// M, G or T [default: half of the free memory]
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

/// Predict the labels of a libsvm file, or ratings.
#[derive(Args)]
pub struct PredictArgs {
    /// Model file, from `wildsgd train`, `wildsgd factorize` or LIBLINEAR
    pub model: PathBuf,
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache; for a model of
    /// ratings, one `user item` or `user item rating` per line
    pub data: PathBuf,
    /// Write the predictions here [default: standard output]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub output: Option<PathBuf>,
    /// Write decision values: with two classes, one that is positive for the model's first label;
    /// with more, one per label, in the model's order
    #[arg(long)]
    pub decision: bool,
    /// Write the probabilities of all labels beside each prediction (logistic and softmax)
    #[arg(long, conflicts_with = "decision")]
    pub proba: bool,
    /// Index of the first feature in DATA
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["0", "1"]))]
    pub index_base: IndexBase,
    /// Print no accuracy and no warnings
    #[arg(long)]
    pub quiet: bool,
}

/// Evaluate a model on a labeled libsvm file, or on ratings.
#[derive(Args)]
pub struct EvaluateArgs {
    /// Model file, from `wildsgd train`, `wildsgd factorize` or LIBLINEAR
    pub model: PathBuf,
    /// Data: libsvm text, plain or compressed (`-` is standard input), or a cache; for a model of
    /// ratings, ratings
    pub data: PathBuf,
    /// Write a report here, as JSON [default: no file]
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub report: Option<PathBuf>,
    /// Index of the first feature in DATA
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["0", "1"]))]
    pub index_base: IndexBase,
    /// Print no warnings
    #[arg(long)]
    pub quiet: bool,
}

/// Summarize a libsvm file, and what its sparsity means for training without locks.
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
    /// Index of the first feature in DATA; auto: 0 if DATA has an index 0, else 1
    #[arg(long, value_name = "BASE", default_value = "1", value_parser = index_base(&["auto", "0", "1"]))]
    pub index_base: IndexBase,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

fn index_base(legal: &'static [&'static str]) -> impl TypedValueParser<Value = IndexBase> {
    PossibleValuesParser::new(legal).map(|name| match &*name {
        "0" => IndexBase::Zero,
        "1" => IndexBase::One,
        _ => IndexBase::Auto,
    })
}

/// Parses the name of a file to write.
fn output() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("expected a file name; standard output is /dev/stdout"),
        false => Ok(path),
    })
}
