pub mod data;
pub mod error;
pub mod metrics;
pub mod model;
pub mod save;

pub use data::{Dataset, Row};
pub use error::{Error, Result};
pub use model::Model;
