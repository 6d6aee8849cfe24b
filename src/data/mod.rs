//! From bytes to checked rows. This module knows no models.

pub mod cache;
mod csr;
mod labels;
pub mod libsvm;
mod load;
mod map;
pub mod source;
pub mod stats;
mod stream;
mod throughput;

pub use csr::{Builder, Dataset, Row, Rows};
pub use labels::ClassLabels;
pub use libsvm::{IndexBase, ParseError, ParseErrorKind, ParseOptions};
pub use load::{LoadOptions, load};
pub use throughput::{Throughput, throughput};
