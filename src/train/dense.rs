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
    width * size_of::<R>() <= CACHED && width.saturating_mul(4 * threads) <= touches
}

/// Bytes of weights that last-level caches may hold: of more, the first would be gone when the last have come.
const CACHED: usize = 1 << 25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_written_by_one_task_or_another() {
        for len in [0, 1, TOGETHER - 1, TOGETHER, 2 * TOGETHER + 3] {
            let from: Vec<usize> = (0..len).collect();
            let mut to = vec![usize::MAX; len];
            map(&mut to, &from, |x| 3 * x);
            assert!(to.iter().zip(&from).all(|(to, from)| *to == 3 * from), "{len}");
            copy(&mut to, &from);
            assert_eq!(to, from);
        }
    }

    #[test]
    fn few_weights_that_are_read_often_are_worth_fetching() {
        let is_worth = is_worth_fetching::<f32>;
        assert!(is_worth(100_000, 800_000, 2));
        assert!(!is_worth(100_000, 800_000, 3), "each thread reads all of them");
        assert!(is_worth(CACHED / 4, usize::MAX, 2));
        assert!(!is_worth(CACHED / 4 + 1, usize::MAX, 2), "they do not stay in the cache");
    }
}
