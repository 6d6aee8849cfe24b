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

pub(crate) use allreduce::{AllReduce, by_lists};
pub(crate) use averaging::Averaging;
pub(crate) use bounded::BoundedStaleness;
pub use bounded::{Access, Bounds};
pub(crate) use gate::Gate;
pub(crate) use locked::{Locked, Locker, Stripes};
pub(crate) use quorum::Quorum;
pub(crate) use round_robin::RoundRobin;
pub(crate) use synchronous::Synchronous;
