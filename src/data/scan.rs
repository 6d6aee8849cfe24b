//! Streams rows: blocks of them in the order of the file, for work that does not need the whole
//! data set.

#[cfg(test)]
mod tests;

use super::load::stop_error;
use super::source::{self, Format, Stream};
use super::stream::{self, Reading};
use super::{Dataset, IndexBase, ParseOptions, libsvm};
use crate::error::{Error, Result};
use std::path::Path;

/// Options of streaming rows.
///
/// # Examples
/// ```
/// use wildsgd::internal::data::Scan;
///
/// let mut examples = 0;
/// Scan::default().blocks(
///     "data/debian-packages.test.svm.zst",
///     |block| block.len(),
///     |count| {
///         examples += count;
///         Ok(())
///     },
/// )?;
/// assert_eq!(examples, 1500);
/// # Ok::<(), wildsgd::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Options of the text format. [`IndexBase::Auto`] is refused: a block cannot know what comes
    /// after it.
    pub parse: ParseOptions,
    /// Threads that read text and work on rows. One more reads and decompresses the file. Default
    /// 0: one per core.
    pub threads: usize,
    /// Bytes of text in a block, at least one line. Default 0: 256 KiB.
    pub block: usize,
}

impl Scan {
    /// Reads the libsvm data set at `path` (`-`: standard input) in blocks of rows. Calls `work` on
    /// each block, on many threads, and passes its results to `take` in the order of the file.
    /// Deterministic if both are: blocks do not depend on the number of threads.
    ///
    /// Takes memory for a few blocks per thread (about 1 MiB, more if lines are longer than 256
    /// KiB) for any size of file. Plain files are read, not mapped. After an error, `take` has got
    /// the start of the data set.
    ///
    /// # Errors
    /// Those of [`load`](super::load) for the text, at the first place in it; [`Error::Parameter`]
    /// for [`IndexBase::Auto`]; and those of `take`, which is then not called again.
    pub fn blocks<T: Send>(
        &self,
        path: impl AsRef<Path>,
        work: impl Fn(Dataset) -> T + Sync,
        mut take: impl FnMut(T) -> Result<()> + Send,
    ) -> Result<()> {
        if self.parse.index_base == IndexBase::Auto {
            return Err(Error::Parameter {
                name: "index base",
                value: "auto".into(),
                expected: "0 or 1",
                hint: "give the number from which the file counts features: rows are used before all of it is read",
            });
        }
        let path = path.as_ref();
        let name = source::display_name(path);
        let Stream { reader, format } = source::stream(path, &name)?;
        let read_on = format != Format::Plain;
        let threads = match self.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let mut rows = 0;
        let block = if self.block == 0 { stream::BLOCK } else { self.block };
        let reading = Reading { options: &self.parse, threads, block, read_on };
        let work = |block: &mut _| {
            let data = std::mem::take::<super::csr::Block>(block).into_dataset(0);
            (data.len() as u64, work(data))
        };
        reading
            .run(reader, work, |(own, made)| {
                rows += own;
                take(made)
            })
            .map_err(|stop| stop_error(stop, format, &name, |error| error))?;
        // Only emptiness is checked: the number of rows has no bound here.
        libsvm::check_rows(rows.min(1), &self.parse).map_err(|error| error.into_error(name))
    }
}
