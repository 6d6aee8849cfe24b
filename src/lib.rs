pub mod data;
pub mod error;

pub use data::{Dataset, Row};
pub use error::{Error, Result};
