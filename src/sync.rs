//! The only importer of atomics. With `--cfg loom`, the atomics of protocols, and the locks that
//! protocols sleep in, are those of the model checker.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

/// Atomics that are never loom's: weights live in maps, and no protocol depends on them.
pub(crate) mod plain {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    pub(crate) use atomic_float::{AtomicF32, AtomicF64};
}
