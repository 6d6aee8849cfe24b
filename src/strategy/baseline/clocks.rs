//! Clocks: each worker's progress, and waits for the slowest (Li et al., OSDI 2014; Ho et al., NIPS
//! 2013).
//!
//! Invariant: when a worker's wait for `least` has ended, every other worker's clock is at least
//! that or the worker has ended, and everything that the others wrote before their clocks reached
//! it is seen.

use crossbeam::utils::CachePadded;

use crate::strategy::engine::{CLOSED, Counter};

/// A clock for each worker, 0 at first.
#[derive(Debug)]
pub(super) struct Clocks(Vec<CachePadded<Counter>>);

impl Clocks {
    /// Creates the clocks of `workers` workers.
    pub(super) fn new(workers: usize) -> Self {
        Clocks((0..workers).map(|_| CachePadded::new(Counter::default())).collect())
    }

    /// Advances a worker's own clock to `to`.
    pub(super) fn set(&self, worker: usize, to: usize) {
        self.0[worker].raise(to);
    }

    /// Ends a worker's clock. From now on nobody waits for it.
    pub(super) fn end(&self, worker: usize) {
        self.0[worker].raise(CLOSED);
    }

    /// Returns true if a worker has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.0.iter().any(|clock| clock.get() == CLOSED)
    }

    /// Waits until no clock is below `least`, and returns the lowest value that it saw of any.
    pub(super) fn wait(&self, least: usize) -> usize {
        // Clocks only rise, so looking at them one after the other does no harm.
        self.0.iter().map(|clock| clock.wait(least)).min().unwrap_or(CLOSED)
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use loom::thread;

    use super::Clocks;

    /// Lets each of two workers make `rounds` marks. A worker that may go on sees all marks that
    /// are more than `staleness` older.
    fn run(rounds: usize, staleness: usize, leaves_early: bool) {
        let mut model = loom::model::Builder::new();
        // Switches that threads make by waiting are not counted. Without a bound, two rounds take
        // minutes.
        model.preemption_bound = Some(3);
        model.check(move || {
            let shared = Arc::new((Clocks::new(2), [AtomicUsize::new(0), AtomicUsize::new(0)]));
            let work = move |shared: &(Clocks, [AtomicUsize; 2]), worker: usize, rounds: usize| {
                let (clocks, marks) = shared;
                for clock in 0..rounds {
                    let slowest = clocks.wait(clock.saturating_sub(staleness));
                    assert!(clock - slowest.min(clock) <= staleness);
                    // Relaxed: the clocks alone must make the marks visible.
                    let seen = marks[1 - worker].load(Relaxed);
                    assert!(leaves_early || seen + staleness >= clock, "{seen} at {clock}");
                    marks[worker].store(clock + 1, Relaxed);
                    clocks.set(worker, clock + 1);
                }
                clocks.end(worker);
            };
            let other = shared.clone();
            let thread =
                thread::spawn(move || work(&other, 1, if leaves_early { 0 } else { rounds }));
            work(&shared, 0, rounds);
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_worker_that_may_go_on_sees_what_is_older_than_the_bound() {
        run(2, 0, false);
        run(2, 1, false);
    }

    #[test]
    fn a_worker_that_has_ended_holds_nobody_up() {
        run(2, 0, true);
    }
}
