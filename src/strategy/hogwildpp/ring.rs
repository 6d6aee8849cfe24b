//! The token of hogwild++ (Zhang, Hsieh & Akella, ICDM 2016): the right to pass a cluster's changes
//! on.
//!
//! Invariants: at most one worker holds the token; clusters hold it in the order of the ring; it is
//! never lost, even if a worker ends early or panics; nobody ever waits for it.

use crossbeam::utils::CachePadded;

use crate::sync::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

/// Set while a worker holds the token.
const HELD: usize = 1;

/// A ring of clusters, and the one token that goes round.
#[derive(Debug)]
pub(super) struct Ring {
    /// Twice the number of times that the token was passed on, plus [`HELD`] while it is held.
    state: CachePadded<AtomicUsize>,
    clusters: usize,
}

impl Ring {
    /// Creates a ring of `clusters` clusters, at least 1. It is the first one's turn.
    pub(super) fn new(clusters: usize) -> Self {
        Ring { state: CachePadded::new(AtomicUsize::new(0)), clusters }
    }

    /// Returns the cluster that comes after `cluster`.
    pub(super) fn after(&self, cluster: usize) -> usize {
        (cluster + 1) % self.clusters
    }

    /// Returns the number of times that the token was passed on. Exact when no worker runs.
    pub(super) fn passes(&self) -> usize {
        self.state.load(Relaxed) / 2
    }

    /// Returns the cluster whose turn it is. Exact when no worker runs.
    pub(super) fn turn(&self) -> usize {
        self.passes() % self.clusters
    }

    /// Takes the token, if it is `cluster`'s turn and no other worker of the cluster holds it.
    pub(super) fn take(&self, cluster: usize) -> Option<Token<'_>> {
        // Mostly it is another cluster's turn: a load leaves the line in the caches of all that
        // look.
        let free = self.state.load(Relaxed);
        if free & HELD != 0 || free / 2 % self.clusters != cluster {
            return None;
        }
        // Acquire: pairs with the Release in `Token::drop`, so that everything that earlier holders
        // did is seen.
        let taken = self.state.compare_exchange(free, free | HELD, Acquire, Relaxed);
        taken.ok().map(|_| Token { ring: self, passed: free + 2 })
    }
}

/// The right to sync, for one cluster. Dropping it passes it on to the next cluster, in a panic
/// too.
#[derive(Debug)]
pub(super) struct Token<'r> {
    ring: &'r Ring,
    /// The ring's state once this is passed on.
    passed: usize,
}

impl Drop for Token<'_> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire of the next holder's `Ring::take`. A store is enough,
        // since nobody else writes while the token is held.
        self.ring.state.store(self.passed, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn the_token_goes_round_in_order_and_has_one_holder() {
        let ring = Ring::new(3);
        for cluster in [0, 1, 2, 0, 1] {
            assert_eq!(ring.turn(), cluster);
            (0..3)
                .filter(|&other| other != cluster)
                .for_each(|other| assert!(ring.take(other).is_none()));
            let token = ring.take(cluster).expect("it is this cluster's turn");
            assert!(ring.take(cluster).is_none(), "two hold the token");
            drop(token);
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::Ring;

    /// A list that only the holder of the token may touch. Loom reports any access that is not
    /// ordered after the last one.
    struct Guarded {
        ring: Ring,
        holders: UnsafeCell<Vec<usize>>,
    }

    impl Guarded {
        fn new(clusters: usize) -> Arc<Self> {
            Arc::new(Guarded { ring: Ring::new(clusters), holders: UnsafeCell::new(Vec::new()) })
        }

        /// Looks at the token once, and takes it if possible.
        fn look(&self, cluster: usize) {
            if let Some(_token) = self.ring.take(cluster) {
                self.note(cluster);
            }
        }

        #[allow(unsafe_code)]
        fn note(&self, cluster: usize) {
            // SAFETY: the token is held; loom checks that nobody else has access now, and fails the
            // test otherwise.
            self.holders.with_mut(|holders| unsafe { (*holders).push(cluster) });
        }

        /// Checks, after all threads were joined, that the order was that of the ring, and that the
        /// next holder can take the token.
        #[allow(unsafe_code)]
        fn check(&self) {
            // SAFETY: as above; no thread is left.
            let held = self.holders.with(|holders| unsafe { (*holders).clone() });
            let clusters = self.ring.clusters;
            held.iter()
                .enumerate()
                .for_each(|(k, &cluster)| assert_eq!(cluster, k % clusters, "{held:?}"));
            assert_eq!(self.ring.passes(), held.len(), "{held:?}");
            assert!(
                self.ring.take(held.len() % clusters).is_some(),
                "the token was lost after {held:?}"
            );
        }
    }

    fn run(clusters: usize, workers: &[(usize, fn(&Guarded, usize))]) {
        let workers = workers.to_vec();
        loom::model(move || {
            let guarded = Guarded::new(clusters);
            // The last one runs on the model's own thread: one thread fewer to interleave.
            let (&(last, work), others) = workers.split_last().expect("there is a worker");
            let spawn = |&(cluster, work): &(usize, fn(&Guarded, usize))| {
                let guarded = guarded.clone();
                thread::spawn(move || work(&guarded, cluster))
            };
            let threads: Vec<_> = others.iter().map(spawn).collect();
            work(&guarded, last);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            guarded.check();
        });
    }

    fn twice(guarded: &Guarded, cluster: usize) {
        guarded.look(cluster);
        guarded.look(cluster);
    }

    fn once(guarded: &Guarded, cluster: usize) {
        guarded.look(cluster);
    }

    fn panics_with_the_token(guarded: &Guarded, cluster: usize) {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            if let Some(_token) = guarded.ring.take(cluster) {
                guarded.note(cluster);
                resume_unwind(Box::new("a worker's panic"));
            }
        }));
        drop(caught);
    }

    #[test]
    fn two_clusters_take_turns() {
        run(2, &[(0, twice), (1, twice)]);
    }

    #[test]
    fn two_workers_of_a_cluster_never_both_hold_the_token() {
        run(2, &[(0, once), (0, once), (1, once)]);
    }

    #[test]
    fn a_ring_of_one_passes_to_itself() {
        run(1, &[(0, twice), (0, twice)]);
    }

    #[test]
    fn a_cluster_that_has_ended_stops_the_token_but_nobody_else() {
        // No worker of the second cluster looks.
        run(3, &[(0, twice), (2, twice)]);
    }

    #[test]
    fn a_panic_of_the_holder_passes_the_token_on() {
        run(2, &[(0, panics_with_the_token), (1, twice)]);
        run(2, &[(0, panics_with_the_token), (0, once), (1, once)]);
    }
}
