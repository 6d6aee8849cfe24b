//! Every atomic of the crate comes from here, so that the model checker's own can take the place of
//! the hardware's: with `--cfg loom`, the atomics of protocols are loom's. So are the locks that
//! protocols sleep in.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

/// Never loom's: weights live in maps, and no protocol hangs on them.
pub(crate) mod plain {
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    pub(crate) use atomic_float::{AtomicF32, AtomicF64};
}
