//! Every atomic of the crate comes from here, so that the model checker's own can take the place of the
//! hardware's: with `--cfg loom`, the integer atomics are loom's. Float atomics live in maps, where loom's
//! cannot; no protocol hangs on them.

pub(crate) use atomic_float::{AtomicF32, AtomicF64};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Ordering for float atomics, which are std's in any build.
pub(crate) use std::sync::atomic::Ordering as FloatOrdering;
