//! Fuzzes a reader with a stable toolchain: mutates inputs for some seconds, saves what it finds.
//!
//! A child process reads. It keeps its current input in a file, so that the parent has it even if
//! the child is killed: by a signal, for the memory it allocates, or because it hangs.

mod arguments;
mod child;
mod findings;

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use arguments::{Arguments, USAGE};
use tempfile::TempDir;
use wildsgd_fuzz::Reader;

/// The environment variable that makes a process a child, and names the file for its input.
const INPUT: &str = "WILDSGD_FUZZ_INPUT";

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match std::env::var_os(INPUT) {
        Some(input) => child::run(&arguments, Path::new(&input)),
        None => arguments
            .readers
            .iter()
            .try_fold(true, |is_clean, reader| Ok(supervise(*reader, &arguments)? && is_clean)),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Fuzzes one reader in a child. Returns whether there is no finding.
fn supervise(reader: Reader, arguments: &Arguments) -> std::io::Result<bool> {
    let scratch = scratch()?;
    let input = scratch.path().join("input");
    let status = Command::new(std::env::current_exe()?)
        .args(arguments.for_child(reader))
        .env(INPUT, &input)
        .env("TMPDIR", scratch.path())
        .status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        Some(2) => Err(std::io::Error::other("the child could not start")),
        _ => {
            let bytes = std::fs::read(&input)?;
            findings::save(reader, &bytes, &format!("the process ended: {}", words(status)))?;
            Ok(false)
        }
    }
}

/// A folder in memory where there is one: the readers of files would wait for a disk.
fn scratch() -> std::io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

fn words(status: ExitStatus) -> String {
    format!("{status}; the lines above say why, if it could tell")
}
