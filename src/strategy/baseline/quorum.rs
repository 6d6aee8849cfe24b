//! A quorum: rounds that the first N parts close (synchronous training with backup workers; Chen et
//! al., 2016, section 2.2).
//!
//! Invariants: all parts of a round were made for the version that the round closes; a part that
//! comes later is refused; each round is closed once, by one thread, while no other thread closes a
//! round or hands a part in; no round waits for a worker that has left.

use std::mem;

use crate::strategy::engine::{CLOSED, Counter, lock};
use crate::sync::Mutex;

/// The open round, and the version: the number of closed rounds.
#[derive(Debug)]
pub(crate) struct Quorum<T> {
    version: Counter,
    round: Mutex<Round<T>>,
    needed: usize,
}

#[derive(Debug)]
struct Round<T> {
    /// Number of workers that have not left.
    present: usize,
    /// The parts so far, with their workers.
    parts: Vec<(usize, T)>,
}

impl<T> Quorum<T> {
    /// Creates rounds of `needed` parts for `workers` workers. When fewer workers than that are
    /// left, a round takes one part of each.
    pub(crate) fn new(needed: usize, workers: usize) -> Self {
        let round = Mutex::new(Round { present: workers, parts: Vec::new() });
        Quorum { version: Counter::default(), round, needed }
    }

    /// Returns the version to make a part for, or [`CLOSED`].
    pub(crate) fn version(&self) -> usize {
        self.version.get()
    }

    /// Hands in a worker's part for a version. If it completes the round, calls `close` with the
    /// round's parts, in the order of their workers, before anyone sees the next version.
    ///
    /// # Errors
    /// Returns the part, if its round was closed without it.
    pub(crate) fn hand_in(
        &self,
        worker: usize,
        version: usize,
        part: T,
        close: impl FnOnce(Vec<(usize, T)>),
    ) -> Result<(), T> {
        let mut round = lock(&self.round);
        if self.version.get() != version {
            return Err(part);
        }
        round.parts.push((worker, part));
        self.close(&mut round, close);
        Ok(())
    }

    /// Leaves, when the rounds of all parts that the worker handed in are closed. That may complete
    /// the open round.
    pub(crate) fn leave(&self, close: impl FnOnce(Vec<(usize, T)>)) {
        let mut round = lock(&self.round);
        round.present -= 1;
        self.close(&mut round, close);
    }

    fn close(&self, round: &mut Round<T>, close: impl FnOnce(Vec<(usize, T)>)) {
        if round.parts.is_empty() || round.parts.len() < self.needed.min(round.present) {
            return;
        }
        let mut parts = mem::take(&mut round.parts);
        parts.sort_unstable_by_key(|&(worker, _)| worker);
        close(parts);
        self.version.raise(self.version.get().saturating_add(1));
    }

    /// Waits until the round of `version` is closed.
    pub(crate) fn wait(&self, version: usize) {
        self.version.wait(version + 1);
    }

    /// Ends all waiting. There will be no further version.
    pub(crate) fn abandon(&self) {
        self.version.raise(CLOSED);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::{CLOSED, Quorum};

    /// A list that threads write only when a round is closed, and read only once they see its
    /// version.
    struct CheckedQuorum {
        quorum: Quorum<usize>,
        closed: UnsafeCell<Vec<Vec<usize>>>,
    }

    #[allow(unsafe_code)]
    impl CheckedQuorum {
        fn new(needed: usize, workers: usize) -> Arc<Self> {
            Arc::new(CheckedQuorum {
                quorum: Quorum::new(needed, workers),
                closed: UnsafeCell::new(Vec::new()),
            })
        }

        fn close(&self, parts: Vec<(usize, usize)>) {
            let workers: Vec<usize> = parts.iter().map(|&(worker, _)| worker).collect();
            // SAFETY: only one thread closes at a time; loom checks that, and fails the test
            // otherwise.
            self.closed.with_mut(|closed| unsafe {
                parts
                    .iter()
                    .for_each(|&(_, version)| assert_eq!(version, (*closed).len(), "a stale part"));
                (*closed).push(workers);
            });
        }

        /// Hands in `count` parts; returns how many were refused.
        fn work(&self, worker: usize, count: usize) -> usize {
            let mut refused = 0;
            for _ in 0..count {
                let version = self.quorum.version();
                match self.quorum.hand_in(worker, version, version, |parts| self.close(parts)) {
                    Ok(()) => {
                        self.quorum.wait(version);
                        // SAFETY: this worker's part is in the round of `version`, which is closed,
                        // and the next one cannot be closed without it, as none of these tests has
                        // more workers than are needed.
                        let closed = self.closed.with(|closed| unsafe { (*closed).len() });
                        assert_eq!(closed, version + 1);
                    }
                    Err(part) => {
                        assert_eq!(part, version);
                        refused += 1;
                    }
                }
            }
            self.quorum.leave(|parts| self.close(parts));
            refused
        }

        fn closed(&self) -> Vec<Vec<usize>> {
            // SAFETY: all threads were joined.
            self.closed.with(|closed| unsafe { (*closed).clone() })
        }
    }

    #[test]
    fn a_round_of_all_takes_one_part_of_each_and_ends_when_workers_leave() {
        for counts in [[1, 1], [2, 1], [0, 2]] {
            loom::model(move || {
                let checked = CheckedQuorum::new(2, 2);
                let other = checked.clone();
                let thread = thread::spawn(move || other.work(1, counts[1]));
                assert_eq!(
                    checked.work(0, counts[0]) + thread.join().unwrap(),
                    0,
                    "a part was refused"
                );
                let rounds: Vec<Vec<usize>> = (0..counts[0].max(counts[1]))
                    .map(|round| (0..2).filter(|&worker| round < counts[worker]).collect())
                    .collect();
                assert_eq!(checked.closed(), rounds);
            });
        }
    }

    #[test]
    fn with_a_backup_each_part_is_in_its_round_or_refused() {
        loom::model(|| {
            let quorum = Arc::new(Quorum::new(1, 2));
            let work = |quorum: &Quorum<usize>, worker| {
                let version = quorum.version();
                let mut closed = 0;
                let taken = quorum
                    .hand_in(worker, version, version, |parts| {
                        assert_eq!(parts, [(worker, version)]);
                        closed += 1;
                    })
                    .is_ok();
                quorum.leave(|_| panic!("no part is left over"));
                assert_eq!(closed, usize::from(taken));
                closed
            };
            let other = quorum.clone();
            let thread = thread::spawn(move || work(&other, 1));
            let closed = work(&quorum, 0) + thread.join().unwrap();
            assert!(closed >= 1);
            assert_eq!(quorum.version(), closed);
        });
    }

    #[test]
    fn nobody_waits_for_a_quorum_that_was_abandoned() {
        loom::model(|| {
            let quorum = Arc::new(Quorum::new(2, 2));
            let other = quorum.clone();
            let thread = thread::spawn(move || other.abandon());
            let version = quorum.version();
            if version != CLOSED
                && quorum.hand_in(0, version, (), |_| panic!("not complete")).is_ok()
            {
                quorum.wait(version);
            }
            thread.join().unwrap();
            assert_eq!(quorum.version(), CLOSED);
        });
    }
}
