//! Dense passes: work on whole vectors, cut into ranges, on all threads of rayon's current pool.
//!
//! All generic code of rayon is compiled here, once; callers pass closures by reference. Ranges
//! depend on the length alone, and results are combined in the order of ranges, so that a pass
//! gives the same bits for any number of threads.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::row::prefetch;

/// Calls `task(k, range)` for each range of `each` numbers below `len`. The last range may be
/// shorter.
///
/// # Panics
/// If `each` is 0.
pub(crate) fn ranges(len: usize, each: usize, task: &(dyn Fn(usize, Range<usize>) + Sync)) {
    let range = |k: usize| task(k, k * each..len.min((k + 1) * each));
    match len.div_ceil(each) {
        0 => (),
        1 => range(0),
        count => (0..count).into_par_iter().for_each(range),
    }
}

/// Collects the results of `task(k, range)` for each range of `each` numbers below `len`, in the
/// order of ranges.
pub(crate) fn collect<T: Send>(
    len: usize,
    each: usize,
    task: &(dyn Fn(usize, Range<usize>) -> T + Sync),
) -> Vec<T> {
    let results: Vec<Mutex<Option<T>>> =
        (0..len.div_ceil(each)).map(|_| Mutex::new(None)).collect();
    ranges(len, each, &|k, range| *lock(&results[k]) = Some(task(k, range)));
    let found = results
        .into_iter()
        .map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner));
    found.map(|found| found.expect("each range has a result")).collect()
}

/// Sums the results of `task(range)`, in the order of ranges.
pub(crate) fn sum(len: usize, each: usize, task: &(dyn Fn(Range<usize>) -> f64 + Sync)) -> f64 {
    collect(len, each, &|_, range| task(range)).iter().sum()
}

/// Calls `task(first, part)` for each part of `each` elements of `all`. `first` is the index of the
/// part's first element.
pub(crate) fn parts<T: Send>(all: &mut [T], each: usize, task: &(dyn Fn(usize, &mut [T]) + Sync)) {
    let len = all.len();
    let parts: Vec<Mutex<&mut [T]>> = all.chunks_mut(each).map(Mutex::new).collect();
    ranges(len, each, &|k, range| task(range.start, &mut lock(&parts[k])));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Elements per task.
const PER_TASK: usize = 1 << 15;

/// Sets each element of `to` to `f` of its counterpart in `from`.
pub(crate) fn map<S: Sync, T: Send>(to: &mut [T], from: &[S], f: impl Fn(&S) -> T + Sync) {
    let len = to.len().min(from.len());
    parts(&mut to[..len], PER_TASK, &|first, to| {
        to.iter_mut().zip(&from[first..]).for_each(|(to, from)| *to = f(from));
    });
}

/// Copies `from` to `to`.
pub(crate) fn copy<T: Copy + Send + Sync>(to: &mut [T], from: &[T]) {
    map(to, from, |&x| x);
}

/// Number of threads of the current pool.
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Calls `task` on each thread of the current pool.
pub(crate) fn on_each_thread(task: &(dyn Fn() + Sync)) {
    rayon::broadcast(|_| task());
}

/// Runs two closures, at the same time if two threads are free.
pub(crate) fn both<A: Send, B: Send>(
    a: impl FnOnce() -> A + Send,
    b: impl FnOnce() -> B + Send,
) -> (A, B) {
    let (mut a, mut b) = (Some(a), Some(b));
    let (mut of_a, mut of_b) = (None, None);
    join(&mut || of_a = a.take().map(|a| a()), &mut || of_b = b.take().map(|b| b()));
    (of_a.expect("the first closure ran"), of_b.expect("the second closure ran"))
}

fn join(a: &mut (dyn FnMut() + Send), b: &mut (dyn FnMut() + Send)) {
    rayon::join(a, b);
}

/// Prefetches all `weights` in order, on each thread. If others wrote the weights lately, this is
/// faster than fetching line by line on demand.
pub(crate) fn fetch<T: Sync>(weights: &[T]) {
    on_each_thread(&|| prefetch::all(weights));
}

/// Returns true if [`fetch`] pays off before a pass in which `threads` threads read a vector of
/// `width` weights of `bytes` bytes each, `reads` times in all. If so, it takes each thread a few
/// percent of the pass.
pub(crate) fn is_worth_fetching(width: usize, bytes: usize, reads: usize, threads: usize) -> bool {
    width * bytes <= CACHE_BYTES && width.saturating_mul(4 * threads) <= reads
}

/// Bytes of weights that last-level caches may hold. Of larger vectors, the first lines would be
/// evicted before the last arrive.
const CACHE_BYTES: usize = 1 << 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_is_written_by_one_task_or_another() {
        for len in [0, 1, PER_TASK - 1, PER_TASK, 2 * PER_TASK + 3] {
            let from: Vec<usize> = (0..len).collect();
            let mut to = vec![usize::MAX; len];
            map(&mut to, &from, |x| 3 * x);
            assert!(to.iter().zip(&from).all(|(to, from)| *to == 3 * from), "{len}");
            copy(&mut to, &from);
            assert_eq!(to, from);
        }
    }

    #[test]
    fn results_come_in_the_order_of_ranges() {
        for len in [0, 1, 9, 10, 11, 95] {
            let found = collect(len, 10, &|k, range| (k, range));
            let wanted: Vec<_> =
                (0..len.div_ceil(10)).map(|k| (k, 10 * k..len.min(10 * k + 10))).collect();
            assert_eq!(found, wanted);
            let total = sum(len, 10, &|range| range.map(|k| k as f64).sum());
            assert_eq!(total, (0..len).map(|k| k as f64).sum::<f64>());
        }
        assert_eq!(both(|| 1, || "two"), (1, "two"));
    }

    #[test]
    fn few_weights_that_are_read_often_are_worth_fetching() {
        let is_worth = |width, reads, threads| is_worth_fetching(width, 4, reads, threads);
        assert!(is_worth(100_000, 800_000, 2));
        assert!(!is_worth(100_000, 800_000, 3), "each thread reads all of them");
        assert!(is_worth(CACHE_BYTES / 4, usize::MAX, 2));
        assert!(!is_worth(CACHE_BYTES / 4 + 1, usize::MAX, 2), "they do not stay in the cache");
    }
}
