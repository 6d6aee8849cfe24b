//! Report of a comparison of strategies and thread counts: as JSON, CSV, Markdown, and a page with
//! plots.
//!
//! Invariant: all of them, and the output of the command, show the same numbers: texts are made
//! from the report in one place (`tables.rs`), and no number is measured or aggregated anywhere
//! else.

mod csv;
mod markdown;
mod page;
mod peers;
mod plots;
mod spark;
mod tables;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Serialize;

pub use csv::write_csv;
pub use markdown::write_markdown;
pub use page::write_html;
pub use peers::Peers;
pub use plots::write_plots;
pub use spark::sparkline;
pub use tables::{Table, notes, peers, points, prediction, shapes, streaming, target};

use super::{Data, Machine, SCHEMA};
use crate::scaling::Scaling;

/// A comparison of strategies, with the machine and data that it depends on.
#[derive(Clone, Debug, Serialize)]
pub struct Scaled {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
    /// The training data.
    pub data: Data,
    /// The held-out data, if there were any.
    pub test_data: Option<Data>,
    /// Comparison with other programs, if requested.
    pub peers: Option<Peers>,
    /// Time from the start of the program to the end of the comparison.
    pub total_seconds: f64,
    /// The comparison.
    #[serde(flatten)]
    pub scaling: Scaling,
}

impl Scaled {
    /// Creates the report of `scaling` on this machine.
    pub fn new(data: Data, test_data: Option<Data>, scaling: Scaling, total: Duration) -> Self {
        Scaled {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::here(),
            data,
            test_data,
            peers: None,
            total_seconds: total.as_secs_f64(),
            scaling,
        }
    }
}
