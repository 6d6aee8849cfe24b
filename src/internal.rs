//! Items for the project's own binary and benchmarks, outside the public interface. They may change
//! at any time.

pub use crate::metrics::errors::Errors;
pub use crate::model::evaluator::Evaluator;
pub use crate::params::handles::{Atomic, Plain, RawWeights, Wild};
pub use crate::solver::sgd::{Sgd, SgdRule, StepSize};
pub use crate::train::target::{Optimum, Reached};

/// Caches, with notes on the file that they were made from.
pub mod cache {
    pub use crate::data::cache::external::{Converted, convert};
    pub use crate::data::cache::facts::{Notes, Source};
    pub use crate::data::cache::open::{is_cache, notes, open};
    pub use crate::data::cache::write::{write, write_with};
}

/// Made data, files in blocks of rows, and times of reading.
pub mod data {
    pub use crate::data::csr::Rows;
    pub use crate::data::ratings::LowRank;
    pub use crate::data::scan::Scan;
    pub use crate::data::throughput::{Throughput, throughput};
}

/// Statistics of a data set.
pub mod stats {
    pub use crate::data::stats::*;
}

/// The strategies as types, and what they are made of.
pub mod strategy {
    pub use crate::strategy::engine::{Control, Staleness, Topology};
    pub use crate::strategy::hogwild::Hogwild;
    pub use crate::strategy::hogwildpp::{HogwildPlusPlus, Mixing};
    pub use crate::strategy::sequential::Sequential;
}

/// The loops over one row's entries.
pub mod kernel {
    pub use crate::row::kernel::*;
    pub use crate::row::prefetch::row as prefetch;
}

/// Reports, tables and plots.
pub mod report {
    pub use crate::report::*;
}

/// How much memory there is.
pub mod memory {
    pub use crate::memory::available;
}

/// Atomic file writes.
pub mod save {
    pub use crate::save::*;
}

/// The scaling benchmark.
pub mod scaling {
    pub use crate::scaling::*;
}
