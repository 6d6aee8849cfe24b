//! Items for the project's own binary and benchmarks, outside the public interface. They may change
//! at any time.

pub use crate::params::handles::{Atomic, Plain, RawWeights, Wild};
pub use crate::solver::sgd::{Sgd, SgdRule};

/// The loops over one row's entries.
pub mod kernel {
    pub use crate::row::kernel::*;
    pub use crate::row::prefetch::row as prefetch;
}

/// Reports, tables and plots.
pub mod report {
    pub use crate::report::*;
}

/// Atomic file writes.
pub mod save {
    pub use crate::save::*;
}

/// The scaling benchmark.
pub mod scaling {
    pub use crate::scaling::*;
}
