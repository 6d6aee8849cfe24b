//! Where the weights are: atomic floats in a memory map, and one worker's handles on them.

mod handles;
mod real;
mod shared;

pub use handles::{Atomic, Plain, Weights, Wild};
pub use real::{Real, SharedReal};
pub use shared::SharedParams;
