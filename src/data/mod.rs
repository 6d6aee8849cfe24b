//! From bytes to checked rows. This module knows no models.

mod csr;
mod labels;
pub mod libsvm;
pub mod source;
pub mod stats;

pub use csr::{Builder, Dataset, Row};
pub use labels::ClassLabels;
pub use libsvm::{IndexBase, ParseError, ParseErrorKind, ParseOptions};
