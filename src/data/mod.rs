//! Reads bytes into checked rows. This module knows no models.

pub mod cache;
pub(crate) mod csr;
mod gather;
mod labels;
pub mod libsvm;
mod load;
mod map;
pub(crate) mod ratings;
pub(crate) mod scan;
pub mod source;
pub(crate) mod stats;
mod stream;
mod synthetic;
pub(crate) mod throughput;
mod weights;

pub use crate::row::Row;
pub use csr::{Builder, Dataset, MergedValues};
pub(crate) use csr::{Records, Rows};
pub(crate) use labels::ClassLabels;
pub use libsvm::{IndexBase, ParseError, ParseOptions};
pub use load::{LoadOptions, load, load_with_base};
pub use ratings::{Names, Rating, Ratings, load_pairs, load_ratings};
pub use synthetic::Synthetic;
pub use weights::load_weights;
