//! The round-robin gate: turns to write, one worker after the other in a fixed order.
//!
//! Invariants: one worker at a time has the turn; a turn goes to the next worker in order that has
//! not left; it is never lost, because a worker waits for its turn before it leaves, and a panic
//! ends all turns.
//!
//! Worker k's j-th turn has the number k + j*N, for N workers. The numbers of workers that left are
//! skipped.

use crossbeam::utils::CachePadded;

use crate::strategy::engine::{CLOSED, Counter};
use crate::sync::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// A round-robin gate.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The number of each worker's last turn. A counter for each, so that only the next one wakes.
    given: Vec<CachePadded<Counter>>,
    left: Vec<AtomicBool>,
    now: CachePadded<AtomicUsize>,
}

impl Gate {
    /// Creates a gate for `workers` workers. The first turn is worker 0's.
    pub(crate) fn new(workers: usize) -> Self {
        Gate {
            given: (0..workers).map(|_| CachePadded::new(Counter::default())).collect(),
            left: (0..workers).map(|_| AtomicBool::new(false)).collect(),
            now: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Waits for a worker's next turn, whose number is that of its last turn plus the number of
    /// workers, or the worker's number at first. Returns false if turns have ended.
    pub(crate) fn wait(&self, turn: usize) -> bool {
        self.given[turn % self.given.len()].wait(turn) != CLOSED
    }

    /// Returns the number of the current turn, or of one a moment ago.
    pub(crate) fn now(&self) -> usize {
        self.now.load(Relaxed)
    }

    /// Passes turn number `turn` on. Only the worker that has it may call this.
    pub(crate) fn pass(&self, turn: usize) {
        let workers = self.left.len();
        // Relaxed: only the worker that has the turn writes the flags, and passing the turn on
        // makes them visible.
        let next =
            (turn + 1..=turn + workers).find(|turn| !self.left[turn % workers].load(Relaxed));
        if let Some(next) = next {
            self.now.store(next, Relaxed);
            self.given[next % workers].raise(next);
        }
    }

    /// Waits for the worker's next turn, and leaves the gate for good.
    pub(crate) fn leave(&self, turn: usize) {
        if self.wait(turn) {
            self.left[turn % self.left.len()].store(true, Relaxed);
            self.pass(turn);
        }
    }

    /// Ends all turns.
    pub(crate) fn abandon(&self) {
        self.given.iter().for_each(|given| given.raise(CLOSED));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::Gate;

    #[test]
    #[allow(unsafe_code)]
    fn one_worker_at_a_time_writes_in_order_and_none_waits_for_one_that_left() {
        for counts in [[2, 2], [1, 2], [2, 0]] {
            let mut model = loom::model::Builder::new();
            model.preemption_bound = Some(3);
            model.check(move || {
                let shared = Arc::new((Gate::new(2), UnsafeCell::new(Vec::new())));
                let work = move |shared: &(Gate, UnsafeCell<Vec<usize>>), worker: usize| {
                    let mut turn = worker;
                    for _ in 0..counts[worker] {
                        assert!(shared.0.wait(turn));
                        // SAFETY: this worker has the turn; loom checks that nobody else has
                        // access.
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

    #[test]
    fn turns_that_are_abandoned_hold_nobody_up() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            let other = gate.clone();
            let thread = thread::spawn(move || other.abandon());
            gate.leave(1);
            thread.join().unwrap();
        });
    }
}
