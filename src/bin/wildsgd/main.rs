//! The command `wildsgd`: trains, predicts and evaluates sparse models, and inspects data. The
//! library does the work; this reads arguments, reports progress on standard error, and returns the
//! exit code.

mod args;
mod failure;
mod input;
mod interrupt;
mod memory;
mod outputs;
mod strategy_args;
mod streaming;
mod terminal;
mod train_cache;

mod bench;
mod convert;
mod evaluate;
mod factorize;
mod inspect;
mod predict;
mod train;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let started = Instant::now();
    interrupt::catch_signals();
    let result = match Cli::parse().command {
        Command::Train(args) => train::run(&args, started),
        Command::Factorize(args) => factorize::run(&args, started),
        Command::Predict(args) => predict::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Bench(args) => bench::run(&args, started),
        Command::Convert(args) => convert::run(&args),
        Command::Inspect(args) => inspect::run(&args),
    };
    result.unwrap_or_else(|failure| failure.show())
}
