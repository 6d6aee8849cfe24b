//! Failures that end the command early, and exit codes: 0 success, 1 failure, 2 usage, 3 not
//! certified with `--strict`; 128 plus the number of a signal that ended training, after saving.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::CommandFactory;
use wildsgd::Error;

use crate::args::Cli;
use crate::terminal::harmless;

const USAGE: u8 = 2;
/// Exit code of a training whose model is not certified, with `--strict`.
pub const NOT_CERTIFIED: u8 = 3;

/// Reason why the command ends early.
pub enum Failure {
    /// Arguments that do not fit together.
    Usage(clap::Error),
    /// Everything else.
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Error(error)
    }
}

impl Failure {
    /// Reports arguments of the subcommand `name` that contradict each other, for the reason `why`.
    pub fn conflict(name: &str, why: &str) -> Self {
        let mut cli = Cli::command();
        cli.build();
        let command = cli.find_subcommand_mut(name).expect("the subcommand that is running exists");
        Failure::Usage(command.error(clap::error::ErrorKind::ArgumentConflict, why))
    }

    /// Prints the message and returns the exit code. A broken pipe is a success: its reader has
    /// read enough.
    pub fn show(self) -> ExitCode {
        match self {
            Failure::Usage(error) => {
                // Standard error may be closed: nothing is left to report that to.
                let _ = error.print();
                ExitCode::from(USAGE)
            }
            Failure::Error(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            Failure::Error(error) => {
                let _ = writeln!(io::stderr(), "error: {}", harmless(&error.to_string()));
                ExitCode::FAILURE
            }
        }
    }
}
