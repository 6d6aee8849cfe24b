//! Who may write next, where workers write one after the other in a fixed order.
//!
//! Invariants: one worker at a time has the turn; a turn goes to the next worker in order that has
//! not left; it is never lost, because leaving waits for one's turn, and a worker that panics ends
//! all turns.
//!
//! Worker k's j-th turn has the number k + j*N, for N workers; the numbers of those that left are
//! left out.

use crossbeam::utils::CachePadded;

use crate::strategy::engine::{CLOSED, Counter};
use crate::sync::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Gate of some workers.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The number of each worker's last turn: one level each, so that only the next one wakes.
    given: Vec<CachePadded<Counter>>,
    left: Vec<AtomicBool>,
    now: CachePadded<AtomicUsize>,
}

impl Gate {
    /// Gate of `workers` workers; the first one is worker 0's.
    pub(crate) fn new(workers: usize) -> Self {
        Gate {
            given: (0..workers).map(|_| CachePadded::new(Counter::default())).collect(),
            left: (0..workers).map(|_| AtomicBool::new(false)).collect(),
            now: CachePadded::new(AtomicUsize::new(0)),
        }
    }

    /// Waits for a worker's next turn, given the number of its last one plus that of workers, or
    /// the worker's number at first; says whether it came.
    pub(crate) fn wait(&self, turn: usize) -> bool {
        self.given[turn % self.given.len()].wait(turn) != CLOSED
    }

    /// The number of the turn that it is, or was a moment ago.
    pub(crate) fn now(&self) -> usize {
        self.now.load(Relaxed)
    }

    /// Passes turn number `turn` on. Only who has it may call this.
    pub(crate) fn pass(&self, turn: usize) {
        let workers = self.left.len();
        // Relaxed: the flags are written by who has the turn, which passes them on.
        let next =
            (turn + 1..=turn + workers).find(|turn| !self.left[turn % workers].load(Relaxed));
        if let Some(next) = next {
            self.now.store(next, Relaxed);
            self.given[next % workers].raise(next);
        }
    }

    /// Waits for the worker's next turn and gives it up for good.
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
            let turns = Arc::new(Gate::new(2));
            let other = turns.clone();
            let thread = thread::spawn(move || other.abandon());
            turns.leave(1);
            thread.join().unwrap();
        });
    }
}
