//! Parts that strategies are built from: threads, the order of terms, tickets for blocks, and a
//! worker's loop and counters.

mod batches;
mod block;
mod counter;
mod delays;
mod frequency;
mod order;
mod pool;
mod progress;
mod tickets;
mod topology;
mod worker;

pub(crate) use batches::Batches;
pub use block::Block;
pub(crate) use counter::{CLOSED, Counter, lock};
pub use delays::Delay;
pub(crate) use delays::Delays;
pub(crate) use frequency::FrequencySample;
pub(crate) use order::BLOCK;
pub use order::Order;
pub use pool::WorkerPool;
pub use progress::{Progress, Staleness};
pub use tickets::Tickets;
pub use topology::Topology;
pub(crate) use topology::{Pin, pin};
pub use worker::Control;
pub(crate) use worker::work;
