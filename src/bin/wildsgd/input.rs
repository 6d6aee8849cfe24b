//! Data sets as the command reads them.

use std::path::Path;
use std::time::{Duration, Instant};

use wildsgd::data::{
    self, IndexBase, LoadOptions, ParseError, ParseErrorKind, ParseOptions, cache, libsvm, source,
};
use wildsgd::report;
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
    /// Reads the libsvm file at `path` (`-`: standard input), or opens the cache, whose rows are not checked yet.
    ///
    /// A file that must share its features with this one is to be read with [`Input::base`]: on its own, it may
    /// happen to lack the index 0 that tells.
    pub fn load(path: &Path, base: IndexBase) -> Result<Self> {
        Self::load_with(path, base, LoadOptions::default())
    }

    /// Reads like [`Input::load`], in the order and with the threads of `options`.
    pub fn load_with(path: &Path, base: IndexBase, options: LoadOptions) -> Result<Self> {
        let started = Instant::now();
        let name = source::display_name(path);
        let parse = |index_base| ParseOptions { index_base, ..ParseOptions::default() };
        let (data, base) = if cache::is_cache(path) {
            let data = data::load(path, &options)?;
            let known = cache::notes(&data).and_then(|notes| notes.base);
            (data, known.unwrap_or_default())
        } else if base == IndexBase::Auto {
            let bytes = source::read(path)?;
            let (data, base) = match libsvm::parse(&bytes, &parse(IndexBase::One)) {
                Err(ParseError { kind: ParseErrorKind::IndexZero, .. }) => {
                    (libsvm::parse(&bytes, &parse(IndexBase::Zero)), IndexBase::Zero)
                }
                data => (data, IndexBase::One),
            };
            (data.map_err(|error| error.into_error(&*name))?, base)
        } else {
            (data::load(path, &LoadOptions { parse: parse(base), ..options })?, base)
        };
        Ok(Input { name, data, base, time: started.elapsed() })
    }

    /// What reports say of it.
    pub fn report(&self) -> report::Data {
        report::Data::of(&self.name, &self.data, self.time)
    }
}
