//! The report of a look at data.

use std::time::Duration;

use serde::Serialize;

use super::{Data, SCHEMA};
use crate::data::stats::Stats;

/// Measures of a data set.
#[derive(Clone, Debug, Serialize)]
pub struct Inspected {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The data.
    pub data: Data,
    /// From checked rows to all measures.
    pub inspect_seconds: f64,
    /// The measures.
    #[serde(flatten)]
    pub stats: Stats,
}

impl Inspected {
    /// The report of `stats` that took `time`.
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
