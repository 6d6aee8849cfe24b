//! Where the weights are: atomic floats in a memory map, and one worker's handles on them.

mod handles;
mod merged;
mod shared;
mod split;

pub use crate::real::{Real, SharedReal};
pub use handles::{Atomic, Plain, Scale, Weights, Wild};
pub(crate) use merged::{Meetings, Merged, OwnWeights};
pub use shared::SharedParams;
pub(crate) use split::{Copies, Hot, Split};
