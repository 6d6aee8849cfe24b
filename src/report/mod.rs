//! Machine-readable reports: trainings, evaluations and data set statistics as JSON; distributions
//! as SVG.
//!
//! Invariants: the file is valid JSON whatever the numbers (those that are not finite become
//! `null`), and [`SCHEMA`] changes whenever a key changes its name or its meaning; keys may be
//! added under the same number. All times are in seconds.

mod drawing;
mod evaluated;
mod factorized;
mod inspected;
mod machine;
pub mod scaled;
mod svg;
#[cfg(test)]
mod tests;
mod trained;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

pub use evaluated::{Evaluated, ModelFile};
pub use factorized::{
    EvaluatedFactors, FactorOutcome, FactorSettings, Factorized, FactorsFile, RatingsData,
};
pub use inspected::Inspected;
pub use machine::{Cache, Machine};
pub use scaled::Scaled;
pub use svg::write_svg;
pub use trained::{Class, Epoch, Outcome, Settings, Trained};

use crate::data::Dataset;
use crate::error::Result;
use crate::save;

/// Version of the layout of all reports.
pub const SCHEMA: u32 = 1;

/// A data set.
#[derive(Clone, Debug, Serialize)]
pub struct Data {
    /// The file's name, or `<stdin>`.
    pub path: String,
    /// Number of examples.
    pub examples: usize,
    /// Number of features, seen or not: the largest index.
    pub features: usize,
    /// Number of stored entries.
    pub nonzeros: usize,
    /// Time from opening the file to checked rows; to their scores where rows are scored while they
    /// are streamed.
    pub load_seconds: f64,
}

impl Data {
    /// Describes `data`, read from `path` in `load_time`.
    pub fn of(path: &str, data: &Dataset, load_time: Duration) -> Self {
        Data {
            path: path.into(),
            examples: data.len(),
            features: data.width(),
            nonzeros: data.nonzeros(),
            load_seconds: load_time.as_secs_f64(),
        }
    }
}

/// Writes a report as indented JSON, [atomically](save::atomically).
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write(report: &impl Serialize, path: impl AsRef<Path>) -> Result<()> {
    save::atomically(path, |out| {
        serde_json::to_writer_pretty(&mut *out, report)?;
        out.write_all(b"\n")
    })
}
