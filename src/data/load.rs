//! Loads data sets by name: files, standard input, compressed or not, on many threads.

#[cfg(test)]
mod tests;

use super::libsvm::Unread;
use super::source::{self, Format, Input, Stream};
use super::{Dataset, IndexBase, ParseOptions, cache, libsvm, stream};
use crate::error::{Error, Result};
use crate::memory::Shortage;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::path::Path;

/// Options of [`load`]: how to read, and where to put the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Options of the text format.
    pub parse: ParseOptions,
    /// Seed of the random order that the examples are laid out in, as if by [`Dataset::shuffled`]
    /// but without a copy. Training with this seed then makes no copy either. Default `None`: the
    /// order of the file.
    pub shuffle: Option<u64>,
    /// Threads that read text. Compressed text and standard input take one more, which
    /// decompresses. Default 0: one per core.
    pub threads: usize,
}

/// Reads the data set at `path`: libsvm text (`-`: standard input) or a cache. gzip, bzip2 and zstd
/// are recognized by the first bytes.
///
/// For a plain file, takes memory for the data set and about 1 MiB per thread. For standard input,
/// pipes and compressed text, takes at most twice the data set and 2 MiB per thread. Deterministic
/// for any number of threads.
///
/// A [cache](super::cache) is recognized by its content and opened. `options` do not apply to it:
/// they were chosen when it was made. It is checked later ([`Dataset::verify`]).
///
/// A plain file is read twice, first to count. If another process writes to it meanwhile, that is
/// an error.
///
/// # Errors
/// [`Error::Text`] for the first place that [`libsvm::parse`] refuses. [`Error::Io`] if the system
/// cannot open or read the input, or start threads. [`Error::Input`] if there is no such file, or
/// if it is a directory, empty, without an example, changed while it is read, truncated, damaged,
/// followed by other bytes, or compressed in a format that is not supported. Damage of compressed
/// data is reported before any error of the text in them.
pub fn load(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Dataset> {
    load_with_base(path, options).map(|(data, _)| data)
}

/// Loads like [`load`], and returns the number from which the text counts its features, which is
/// never [`IndexBase::Auto`]. Read a file that shares its features with this one with that number:
/// on its own, it may happen to lack the index 0 that reveals it. A cache that does not know counts
/// as one from 1.
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
        Input::Cache(file, bytes) => {
            let data = pool(options.threads)?.install(|| cache::of_file(name, file, bytes))?;
            let base = cache::notes(&data).and_then(|notes| notes.base).unwrap_or_default();
            Ok((data, base))
        }
        Input::Text(text) => pool(options.threads)?
            .install(|| libsvm::parse_parallel(&text, &options.parse, options.shuffle))
            .map_err(|unread| match unread {
                Unread::Text(error) => error.into_error(name),
                Unread::System(error) => Error::io(name, "read", error),
                Unread::Memory(shortage) => too_large(shortage, &name),
            }),
        Input::Stream(Stream { reader, format }) => {
            let read_on = format != Format::Plain;
            let pool = pool(options.threads)?;
            let threads = pool.current_num_threads();
            stream::Reading { options: &options.parse, threads, block: stream::BLOCK, read_on }
                .read(&pool, reader, options.shuffle)
                .map_err(|stop| {
                    stop_error(stop, format, &name, |shortage| too_large(shortage, &name))
                })
        }
    }
}

fn too_large(shortage: Shortage, name: &str) -> Error {
    let hint = "make a cache of it with `wildsgd convert --memory-limit`, and train on that";
    shortage.into_error(name, "the data set", hint)
}

/// The error for `stop`. `of_consumer` converts the error of the consumer of the blocks.
pub(super) fn stop_error<E>(
    stop: stream::Stop<E>,
    format: Format,
    name: &str,
    of_consumer: impl FnOnce(E) -> Error,
) -> Error {
    match stop {
        stream::Stop::Unread(error) => source::fault(error, format, name),
        stream::Stop::Empty => source::empty(name),
        stream::Stop::Text(error) => error.into_error(name),
        stream::Stop::NoThread(error) => Error::io("<threads>", "start", error),
        stream::Stop::Consumer(error) => of_consumer(error),
    }
}

/// Starts a pool of threads for reading.
pub(super) fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
        // The system's error, where that is the cause.
        let system = std::error::Error::source(&error);
        let system = system.and_then(|source| source.downcast_ref::<std::io::Error>());
        let source = match system.and_then(std::io::Error::raw_os_error) {
            Some(code) => std::io::Error::from_raw_os_error(code),
            None => std::io::Error::other(error),
        };
        Error::io("<threads>", "start", source)
    })
}
