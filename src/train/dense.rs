//! Passes over whole vectors of weights, by all threads of rayon's current pool.

use rayon::prelude::*;

use crate::kernel;
use crate::params::Real;

/// Weights that are written by one task.
const TOGETHER: usize = 1 << 15;

/// Sets each place of `to` to `f` of the one of `from`.
pub(super) fn map<S: Sync, T: Send>(to: &mut [T], from: &[S], f: impl Fn(&S) -> T + Sync) {
    let parts = to.par_chunks_mut(TOGETHER).zip(from.par_chunks(TOGETHER));
    parts.for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(to, from)| *to = f(from)));
}

/// Copies `from` to `to`.
pub(super) fn copy<T: Copy + Send + Sync>(to: &mut [T], from: &[T]) {
    map(to, from, |&x| x);
}

/// Lets each thread read all `weights` in order. Of weights that others have written lately, what a thread needs comes sooner
/// than line by line when it needs it.
pub(super) fn fetch<R: Real>(weights: &[R]) {
    rayon::broadcast(|_| kernel::fetch(weights));
}

/// Whether [`fetch`] is worth its time before a pass in which `threads` threads read the weights `touches` times: it takes each of
/// them a few percent of that.
pub(super) fn is_worth_fetching<R: Real>(width: usize, touches: usize, threads: usize) -> bool {
    threads > 1 && width * size_of::<R>() <= CACHED && width.saturating_mul(4 * threads) <= touches
}

/// Bytes of weights that last-level caches may hold: of more, the first would be gone when the last have come.
const CACHED: usize = 1 << 25;
