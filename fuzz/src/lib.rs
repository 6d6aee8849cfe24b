//! Feeds any bytes to wildsgd's five readers of files, which must refuse or accept them, not panic.
//!
//! Invariant of each target: it depends on its bytes alone, so a saved input replays. What a reader
//! accepts must keep the rules that its type documents, and must survive writing and reading again.

mod container;
mod mutate;
mod seeds;
mod targets;

pub use mutate::Mutator;
pub use targets::{cache, liblinear, libsvm, native, ratings};

/// `Ok` if a reader accepted the bytes, else its message.
pub type Verdict = Result<(), String>;

/// A reader that can be fuzzed.
#[derive(Clone, Copy)]
pub struct Reader {
    /// Its name on the command line.
    pub name: &'static str,
    /// Feeds it some bytes.
    pub read: fn(&[u8]) -> Verdict,
    /// Makes the valid inputs that mutation starts from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All readers.
pub const READERS: [Reader; 5] = [
    Reader { name: "libsvm", read: libsvm, seeds: seeds::libsvm },
    Reader { name: "ratings", read: ratings, seeds: seeds::ratings },
    Reader { name: "cache", read: cache, seeds: seeds::cache },
    Reader { name: "native", read: native, seeds: seeds::native },
    Reader { name: "liblinear", read: liblinear, seeds: seeds::liblinear },
];
