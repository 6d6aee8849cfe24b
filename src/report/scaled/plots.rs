//! The plots.
use super::Scaled;
use crate::error::Result;
use std::path::Path;
/// Writes.
pub fn write_plots(_: &Scaled, _: impl AsRef<Path>) -> Result<()> {
    Ok(())
}
