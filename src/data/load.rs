//! From a name to a data set: files, standard input, compressed or not, on many threads.

#[cfg(test)]
mod tests;

use super::source::{self, Format, Input, Stream};
use super::{Dataset, IndexBase, ParseOptions, cache, libsvm, stream};
use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::path::Path;

/// How [`load`] reads, and where it puts the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// How the text is read.
    pub parse: ParseOptions,
    /// Seed of the random order that the examples are laid out in, as if by [`Dataset::shuffled`]
    /// but without a copy; training with the same seed then makes none either. Default `None`: the
    /// order of the file.
    pub shuffle: Option<u64>,
    /// Threads that read text; compressed text and standard input take one more that decompresses.
    /// Default 0: as many as there are cores.
    pub threads: usize,
}

/// Reads the data set at `path`: libsvm text (`-`: standard input) or a cache. gzip, bzip2 and zstd
/// are recognized by the first bytes.
///
/// Takes memory for the data set itself and about 1 MiB a thread if the file is plain, and for at
/// most twice the data set and 2 MiB a thread if the text comes from standard input, from a pipe,
/// or compressed. Deterministic, whatever the number of threads.
///
/// A [cache](super::cache) is recognized by its content and opened: what `options` say was said
/// when it was made, and it is checked later ([`Dataset::verify`]).
///
/// A plain file is mapped. If another process writes to it meanwhile, rows may be refused or read
/// as what was written; if it makes the file shorter, the system may end this process (SIGBUS).
/// Replace files by renaming.
///
/// # Errors
/// [`Error::Text`] for the first place that [`libsvm::parse`] refuses. [`Error::Io`] if the system
/// does not let the input be opened or read, or threads be started. [`Error::Input`] if there is no
/// such file, it is a directory, empty, without an example, changed while it is read, truncated,
/// damaged, followed by other bytes, or compressed in a way that is not supported. Damage of
/// compressed data is told before any fault of the text in them.
pub fn load(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Dataset> {
    load_with_base(path, options).map(|(data, _)| data)
}

/// Like [`load`]; also tells from which number the text counts its features, which is never
/// [`IndexBase::Auto`]. A file that must share its features with this one is to be read with that:
/// on its own, it may happen to lack the index 0 that tells. A cache that does not know counts as
/// one from 1.
///
/// # Errors
/// Those of [`load`].
pub fn load_with_base(
    path: impl AsRef<Path>,
    options: &LoadOptions,
) -> Result<(Dataset, IndexBase)> {
    let path = path.as_ref();
    let name = source::display_name(path);
    match source::open(path, &name)? {
        Input::Cache(file, map) => {
            let data = cache::of_map(name, file, map)?;
            let base = cache::notes(&data).and_then(|notes| notes.base).unwrap_or_default();
            Ok((data, base))
        }
        Input::Map(map) => pool(options.threads)?
            .install(|| libsvm::parse_parallel(&map, &options.parse, options.shuffle))
            .map_err(|error| error.into_error(name)),
        Input::Stream(Stream { reader, format }) => {
            let read_on = format != Format::Plain;
            let pool = pool(options.threads)?;
            let threads = pool.current_num_threads();
            stream::Reading { options: &options.parse, threads, block: stream::BLOCK, read_on }
                .read(&pool, reader, options.shuffle)
                .map_err(|stop| stop_error(stop, format, &name, |never| match never {}))
        }
    }
}

/// The error for `stop`, where `taken` is that of whoever took the blocks.
pub(super) fn stop_error<E>(
    stop: stream::Stop<E>,
    format: Format,
    name: &str,
    taken: impl FnOnce(E) -> Error,
) -> Error {
    match stop {
        stream::Stop::Unread(error) => source::fault(error, format, name),
        stream::Stop::Empty => source::empty(name),
        stream::Stop::Text(error) => error.into_error(name),
        stream::Stop::NoThread(error) => Error::io("<threads>", "start", error),
        stream::Stop::Taker(error) => taken(error),
    }
}

/// Threads for reading.
pub(super) fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
        let source = std::io::Error::other(error);
        Error::io(format!("<{threads} threads>"), "start", source)
    })
}
