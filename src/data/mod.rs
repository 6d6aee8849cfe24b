//! Reads bytes into checked rows. This module knows no models.

pub mod cache;
mod csr;
mod gather;
mod labels;
pub mod libsvm;
mod load;
mod map;
mod ratings;
mod scan;
pub mod source;
pub mod stats;
mod stream;
mod synthetic;
mod throughput;
mod weights;

pub use crate::row::Row;
pub(crate) use csr::Records;
pub use csr::{Builder, Dataset, Rows};
pub use labels::ClassLabels;
pub use libsvm::{IndexBase, ParseError, ParseErrorKind, ParseOptions};
pub use load::{LoadOptions, load, load_with_base};
pub use ratings::{LowRank, Names, Rating, Ratings, load_pairs, load_ratings};
pub use scan::Scan;
pub use synthetic::{Skew, Synthetic};
pub use throughput::{Throughput, throughput};
pub use weights::load_weights;
