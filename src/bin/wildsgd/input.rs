//! Data sets as the command reads them.

use std::path::Path;
use std::time::{Duration, Instant};

use wildsgd::data::{self, IndexBase, LoadOptions, ParseOptions, source};
use wildsgd::internal::report;
use wildsgd::{Dataset, Result};

/// A data set, and how it came here.
pub struct Input {
    /// The file's name, or `<stdin>`.
    pub name: String,
    /// The checked rows.
    pub data: Dataset,
    /// From which number the file counts features: never [`IndexBase::Auto`].
    pub base: IndexBase,
    /// Time from opening the file to checked rows.
    pub time: Duration,
}

impl Input {
    /// Reads the libsvm file at `path` (`-`: standard input), or opens the cache, whose rows are
    /// not checked yet.
    ///
    /// A file that must share its features with this one is to be read with [`Input::base`]: on its
    /// own, it may happen to lack the index 0 that tells.
    pub fn load(path: &Path, base: IndexBase) -> Result<Self> {
        Self::load_with(path, base, LoadOptions::default())
    }

    /// Reads like [`Input::load`], in the order and with the threads of `options`.
    pub fn load_with(path: &Path, base: IndexBase, options: LoadOptions) -> Result<Self> {
        let started = Instant::now();
        let name = source::display_name(path);
        let parse = ParseOptions { index_base: base, ..ParseOptions::default() };
        let (data, base) = data::load_with_base(path, &LoadOptions { parse, ..options })?;
        Ok(Input { name, data, base, time: started.elapsed() })
    }

    /// What reports say of it.
    pub fn report(&self) -> report::Data {
        report::Data::of(&self.name, &self.data, self.time)
    }
}
