//! Lock-free parallel training of sparse models.
pub mod data;
pub mod error;
pub mod kernel;
pub mod metrics;
pub mod model;
pub mod params;
pub mod problem;
pub mod report;
pub mod rule;
pub mod save;
pub mod strategy;
mod sync;
pub mod train;

pub use data::{Dataset, Row};
pub use error::{Error, Result};
pub use model::Model;
