//! The plots: self-contained drawings, for the page and as separate files.

mod bars;
mod canvas;
mod curves;
pub(super) mod plot;

use std::path::Path;

use super::Scaled;
use crate::error::Result;
use crate::save;
use plot::{Plot, Standalone};

/// Draws all plots into files in `folder`: `speed-up.svg`, `time-to-target.svg`, `objective.svg`,
/// `model.svg`, each [atomically](save::atomically).
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if a file cannot be written.
pub fn write_plots(report: &Scaled, folder: impl AsRef<Path>) -> Result<()> {
    let folder = folder.as_ref();
    plots(report).iter().try_for_each(|plot| {
        save::atomically(folder.join(format!("{}.svg", plot.name)), |out| {
            writeln!(out, "{}", Standalone(plot))
        })
    })
}

/// Draws all plots.
pub(super) fn plots(report: &Scaled) -> [Plot; 4] {
    [
        curves::speed_up(report),
        bars::time_to_target(report),
        curves::objective(report),
        bars::model(report),
    ]
}
