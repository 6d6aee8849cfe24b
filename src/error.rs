//! The error type of the library. Messages read `place: what is wrong (what was expected); hint`.

use std::io;
use std::path::PathBuf;

use crate::human::Bytes;

/// An error on the way from a text file to a saved model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Malformed text in a data or model file.
    #[error("{path}:{line}:{column}: {what} (expected {expected}); {hint}")]
    Text {
        /// The file's name, or `<stdin>`.
        path: String,
        /// 1-based line in the decompressed text.
        line: u64,
        /// 1-based byte position in the line.
        column: u64,
        /// The fault: the offending text.
        what: String,
        /// The form or range that was expected.
        expected: String,
        /// Advice.
        hint: String,
    },
    /// A file or data set that is unusable as a whole (empty, binary, corrupt, one class only).
    #[error("{path}: {what} (expected {expected}); {hint}")]
    Input {
        /// The file's name, or `<stdin>`, or `data set`.
        path: String,
        /// The fault.
        what: String,
        /// The form or range that was expected.
        expected: String,
        /// Advice.
        hint: String,
    },
    /// Less memory is free than the work would take. It was not begun, or was given up.
    #[error("{path}: {what} takes at least {} of memory (expected at most the {} that are free); {hint}", Bytes(*needed), Bytes(*available))]
    Memory {
        /// The file's name, or `<stdin>`, or `data set`.
        path: String,
        /// What takes the memory.
        what: String,
        /// Bytes that it takes at least.
        needed: u64,
        /// Bytes that are free.
        available: u64,
        /// Advice.
        hint: String,
    },
    /// The operating system refused to read or write.
    #[error("{}: cannot {action}: {source}{}", path.display(), advice(source.kind()))]
    Io {
        /// The file.
        path: PathBuf,
        /// The action that failed, as a verb: `open`, `read`, `write`, `sync`, `rename`.
        action: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A setting outside its legal range.
    #[error("{name} is {value} (expected {expected}); {hint}")]
    Parameter {
        /// The setting's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// The legal range.
        expected: &'static str,
        /// Advice.
        hint: &'static str,
    },
    /// A worker panicked. The other workers were stopped, and there is no model.
    #[error(
        "worker {worker} panicked: {message} (expected no panic); the fit was stopped, no model was made"
    )]
    Worker {
        /// The worker's number, from 0.
        worker: usize,
        /// The panic's message.
        message: String,
    },
    /// Training diverged at every step size that was tried.
    #[error("training diverged: {what} (expected a finite objective); {hint}")]
    Diverged {
        /// The last observation.
        what: String,
        /// Advice.
        hint: &'static str,
    },
}

impl Error {
    /// Makes an [`Error::Input`].
    pub fn input(
        path: impl Into<String>,
        what: impl Into<String>,
        expected: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Error::Input {
            path: path.into(),
            what: what.into(),
            expected: expected.into(),
            hint: hint.into(),
        }
    }

    /// Makes an [`Error::Io`].
    pub fn io(path: impl Into<PathBuf>, action: &'static str, source: io::Error) -> Self {
        Error::Io { path: path.into(), action, source }
    }
}

/// Adds what the system's reason leaves out: what was expected, and advice.
fn advice(reason: io::ErrorKind) -> &'static str {
    use io::ErrorKind as Kind;
    match reason {
        Kind::StorageFull | Kind::QuotaExceeded => {
            " (expected free space on the disk); free some, or name a file on another disk"
        }
        Kind::PermissionDenied => {
            " (expected permission for that); check owner and mode, or name another file"
        }
        Kind::ReadOnlyFilesystem => {
            " (expected a disk that can be written); name a file on another disk"
        }
        Kind::NotFound => {
            " (expected an existing file); check the name and the folder it is relative to"
        }
        Kind::IsADirectory => " (expected a file); name one file in it",
        // Of starting a thread: nothing else here does not wait.
        Kind::WouldBlock => {
            " (expected a limit that leaves room for it, see `ulimit -u`); use fewer threads"
        }
        Kind::OutOfMemory => " (expected enough memory); use fewer features or a larger machine",
        _ => "",
    }
}

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
