//! The report as one page.
use super::Scaled;
use crate::error::Result;
use std::path::Path;
/// Writes.
pub fn write_html(_: &Scaled, _: impl AsRef<Path>) -> Result<()> {
    Ok(())
}
