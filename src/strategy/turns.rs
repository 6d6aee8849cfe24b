//! Who may write next, where workers write one after the other in a fixed order.
//!
//! Invariants: one worker at a time has the turn; a turn goes to the next worker in order that has not left; it is never
//! lost, because leaving waits for one's turn, and a worker that panics ends all turns.
//!
//! Worker k's j-th turn has the number k + j*N, for N workers; the numbers of those that left are left out.

use super::level::{Level, OVER};
use crate::sync::{AtomicBool, Ordering::Relaxed};

/// Turns of some workers.
#[derive(Debug)]
pub(super) struct Turns {
    at: Level,
    left: Vec<AtomicBool>,
}

impl Turns {
    /// Turns of `workers` workers; the first one is worker 0's.
    pub(super) fn new(workers: usize) -> Self {
        Turns { at: Level::default(), left: (0..workers).map(|_| AtomicBool::new(false)).collect() }
    }

    /// Waits for a worker's next turn, given the number of its last one plus that of workers, or the worker's number at first;
    /// says whether it came.
    pub(super) fn wait(&self, turn: usize) -> bool {
        self.at.wait(turn) != OVER
    }

    /// The number of the turn that it is.
    pub(super) fn now(&self) -> usize {
        self.at.get()
    }

    /// Passes turn number `turn` on. Only who has it may call this.
    pub(super) fn pass(&self, turn: usize) {
        let workers = self.left.len();
        // Relaxed: the flags are written by who has the turn, which passes them on.
        let next = (turn + 1..=turn + workers).find(|turn| !self.left[turn % workers].load(Relaxed));
        if let Some(next) = next {
            self.at.raise(next);
        }
    }

    /// Waits for the worker's next turn and gives it up for good.
    pub(super) fn leave(&self, turn: usize) {
        if self.wait(turn) {
            self.left[turn % self.left.len()].store(true, Relaxed);
            self.pass(turn);
        }
    }

    /// Ends all turns.
    pub(super) fn abandon(&self) {
        self.at.raise(OVER);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::Turns;

    #[test]
    #[allow(unsafe_code)]
    fn one_worker_at_a_time_writes_in_order_and_none_waits_for_one_that_left() {
        for counts in [[2, 2], [1, 2], [2, 0]] {
            loom::model(move || {
                let shared = Arc::new((Turns::new(2), UnsafeCell::new(Vec::new())));
                let work = move |shared: &(Turns, UnsafeCell<Vec<usize>>), worker: usize| {
                    let mut turn = worker;
                    for _ in 0..counts[worker] {
                        assert!(shared.0.wait(turn));
                        // SAFETY: this worker has the turn; loom checks that nobody else has access.
                        shared.1.with_mut(|writers| unsafe { (*writers).push(worker) });
                        shared.0.pass(turn);
                        turn += 2;
                    }
                    shared.0.leave(turn);
                };
                let other = shared.clone();
                let thread = thread::spawn(move || work(&other, 1));
                work(&shared, 0);
                thread.join().unwrap();
                // SAFETY: no thread is left.
                let writers = shared.1.with(|writers| unsafe { (*writers).clone() });
                let expected: Vec<usize> =
                    (0..2).flat_map(|j| (0..2).filter(move |&worker| j < counts[worker])).collect();
                assert_eq!(writers, expected);
            });
        }
    }
}
