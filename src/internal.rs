//! What the project's own binary and benches need beside the public face. Nothing here is promised
//! to stay.

pub use crate::params::{Atomic, Plain, RawWeights, Wild};
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

/// Files that are written at once or not at all.
pub mod save {
    pub use crate::save::*;
}

/// The scaling benchmark.
pub mod scaling {
    pub use crate::scaling::*;
}
