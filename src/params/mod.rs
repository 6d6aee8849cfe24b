//! The shared weights, atomic floats in a memory map, and a worker's handles on them.

mod handle;
pub(crate) mod handles;
mod merged;
mod shared;
mod split;

pub use crate::row::real::Real;
pub(crate) use crate::row::real::SharedReal;
pub use handle::Handle;
pub(crate) use handle::{Kind, with_handle, with_whole_handle};
pub(crate) use handles::{Plain, RawWeights};
pub use handles::{Scale, Weights};
pub(crate) use merged::{MergeSchedule, Merger, OwnWeights};
pub use shared::SharedParams;
pub(crate) use split::{Copies, Hot};
