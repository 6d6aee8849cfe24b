//! Rows in passing: blocks of them in the order of the file, for work that needs no data set as a
//! whole.

#[cfg(test)]
mod tests;

use super::load::stop_error;
use super::source::{self, Format, Stream};
use super::stream::{self, Reading};
use super::{Dataset, IndexBase, ParseOptions, libsvm};
use crate::error::{Error, Result};
use std::path::Path;

/// How rows are read in passing.
///
/// # Examples
/// ```
/// use wildsgd::data::Scan;
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
    /// How the text is read. [`IndexBase::Auto`] is refused: a block cannot tell what comes after
    /// it.
    pub parse: ParseOptions,
    /// Threads that read text and work on rows; one more reads and decompresses the file. Default
    /// 0: as many as there are cores.
    pub threads: usize,
}

impl Scan {
    /// Reads the libsvm data set at `path` (`-`: standard input) in blocks of rows, lets `work`
    /// make of each block what it likes, on many threads, and hands that to `take`, in the order of
    /// the file. Deterministic if both are: blocks do not depend on the number of threads.
    ///
    /// Takes memory for a few blocks a thread (1 MiB or so, more if lines are longer than 256 KiB),
    /// whatever the size of the file; plain files are read, not mapped. What `take` got before an
    /// error is a beginning of the data set.
    ///
    /// # Errors
    /// Those of [`load`](super::load) for the text, at the first place in it, [`Error::Parameter`]
    /// for [`IndexBase::Auto`], and those of `take`, which gets nothing more then.
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
                hint: "say from which number the file counts: rows are used before all of it is read",
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
        let reading = Reading { options: &self.parse, threads, block: stream::BLOCK, read_on };
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
        // Their number is bounded by nothing but the file.
        libsvm::check_rows(rows.min(1), &self.parse).map_err(|error| error.into_error(name))
    }
}
