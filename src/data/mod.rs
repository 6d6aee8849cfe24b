//! From bytes to checked rows. This module knows no models.

mod csr;

pub use csr::{Builder, Dataset, Row};
