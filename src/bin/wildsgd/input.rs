//! Data sets as the command loads them.

use std::path::Path;
use std::time::{Duration, Instant};

use wildsgd::data::{self, IndexBase, LoadOptions, ParseOptions, source};
use wildsgd::internal::report;
use wildsgd::{Dataset, Result};

/// A data set with its origin.
pub struct Input {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// The checked rows.
    pub data: Dataset,
    /// Index of the first feature in the file: never [`IndexBase::Auto`].
    pub base: IndexBase,
    /// Time from opening the file to checked rows.
    pub time: Duration,
}

impl Input {
    /// Reads the libsvm file at `path` (`-`: standard input), or opens a cache, whose rows are not
    /// checked yet.
    ///
    /// Read a file that shares its features with this one with [`Input::base`]: on its own, it may
    /// happen to lack the index 0 that `auto` looks for.
    pub fn load(path: &Path, base: IndexBase) -> Result<Self> {
        Self::load_with(path, base, LoadOptions::default())
    }

    /// Reads like [`Input::load`], with the row order and threads of `options`.
    pub fn load_with(path: &Path, base: IndexBase, options: LoadOptions) -> Result<Self> {
        let started = Instant::now();
        let name = source::display_name(path);
        let parse = ParseOptions { index_base: base, ..ParseOptions::default() };
        let (data, base) = data::load_with_base(path, &LoadOptions { parse, ..options })?;
        Ok(Input { name, data, base, time: started.elapsed() })
    }

    /// Returns the entry for reports.
    pub fn report(&self) -> report::Data {
        report::Data::of(&self.name, &self.data, self.time)
    }
}
