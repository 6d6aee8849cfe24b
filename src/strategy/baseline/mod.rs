//! Baselines that hogwild is compared with, and the parts that only these strategies need.

mod allreduce;
mod allreduce_buffers;
mod averaging;
mod bounded;
mod clocks;
mod gate;
mod locked;
mod quorum;
mod reduction;
mod round_robin;
mod synchronous;

pub use allreduce::AllReduce;
pub(crate) use allreduce::by_lists;
pub use averaging::Averaging;
pub use bounded::{Access, BoundedStaleness, Bounds};
pub(crate) use gate::Gate;
pub use locked::Locked;
pub(crate) use locked::{Locker, Stripes};
pub(crate) use quorum::Quorum;
pub use round_robin::RoundRobin;
pub use synchronous::Synchronous;
