//! Report of the statistics of a data set.

use std::time::Duration;

use serde::Serialize;

use super::{Data, SCHEMA};
use crate::data::stats::Stats;

/// Statistics of a data set.
#[derive(Clone, Debug, Serialize)]
pub struct Inspected {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The data.
    pub data: Data,
    /// Time from checked rows to all statistics.
    pub inspect_seconds: f64,
    /// The statistics.
    #[serde(flatten)]
    pub stats: Stats,
}

impl Inspected {
    /// Creates the report of `stats`, computed in `time`.
    pub fn new(data: Data, stats: Stats, time: Duration) -> Self {
        Inspected {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            data,
            inspect_seconds: time.as_secs_f64(),
            stats,
        }
    }
}
