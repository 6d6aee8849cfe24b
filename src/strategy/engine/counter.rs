//! A waitable counter: a number that only rises, and that threads wait for. Except for locks,
//! workers wait for each other on nothing else.
//!
//! Invariants: nobody sleeps through a rise that it waits for; whoever has seen a value sees all
//! that was written before the counter was raised to it; a closed counter holds nobody up.

use std::sync::PoisonError;

#[cfg(not(loom))]
use crossbeam::utils::Backoff;

use crate::sync::{
    AtomicUsize, Condvar, Mutex, MutexGuard,
    Ordering::{Acquire, Release},
};

/// The value of a closed counter, above all values that work can reach. Whatever threads wait for
/// will not come, or is no longer needed.
pub(crate) const CLOSED: usize = usize::MAX;

/// Looks at the value before sleeping, at growing intervals: a few microseconds in all.
#[cfg(not(loom))]
const SPINS: usize = 12;

/// A waitable counter, 0 at first.
#[derive(Debug)]
pub(crate) struct Counter {
    value: AtomicUsize,
    /// Number of threads that sleep or are about to.
    sleepers: Mutex<usize>,
    risen: Condvar,
}

impl Default for Counter {
    fn default() -> Self {
        Counter { value: AtomicUsize::new(0), sleepers: Mutex::new(0), risen: Condvar::new() }
    }
}

impl Counter {
    /// Returns the current value.
    pub(crate) fn get(&self) -> usize {
        // Acquire: pairs with the Release in `raise`.
        self.value.load(Acquire)
    }

    /// Raises the counter to `value`, unless it is higher already, and wakes waiting threads.
    pub(crate) fn raise(&self, value: usize) {
        // Release: pairs with the Acquire in `get`, so that what was written before is seen.
        self.value.fetch_max(value, Release);
        // A sleeper has counted itself before this lock is taken, or sees the new value after it:
        // it looks at the value with the lock held, and releases the lock only by sleeping.
        if *lock(&self.sleepers) > 0 {
            self.risen.notify_all();
        }
    }

    /// Waits until the value is at least `least`, and returns it.
    pub(crate) fn wait(&self, least: usize) -> usize {
        if let Some(value) = self.spin(least) {
            return value;
        }
        let mut sleepers = lock(&self.sleepers);
        *sleepers += 1;
        let value = loop {
            let value = self.get();
            if value >= least {
                break value;
            }
            // May return early, after a signal or for no reason: the loop looks again.
            sleepers = self.risen.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
        };
        *sleepers -= 1;
        value
    }

    /// Waits for a moment without sleeping, since many waits are shorter than a wake-up. It does
    /// not yield: on a busy machine a thread that yields comes back later than one that sleeps.
    #[cfg(not(loom))]
    fn spin(&self, least: usize) -> Option<usize> {
        let backoff = Backoff::new();
        for _ in 0..SPINS {
            let value = self.get();
            if value >= least {
                return Some(value);
            }
            backoff.spin();
        }
        None
    }

    /// Looks once: to the model checker, sleeping is as good as spinning.
    #[cfg(loom)]
    fn spin(&self, least: usize) -> Option<usize> {
        Some(self.get()).filter(|&value| value >= least)
    }
}

/// Locks a mutex whose data no panic can leave inconsistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::{CLOSED, Counter};

    #[test]
    fn nobody_sleeps_through_a_rise_and_what_was_written_before_is_seen() {
        loom::model(|| {
            let shared = Arc::new((Counter::default(), UnsafeCell::new(0)));
            let waiters: Vec<_> = (0..2)
                .map(|_| {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        assert!(shared.0.wait(1) >= 1);
                        #[allow(unsafe_code)]
                        // SAFETY: loom checks that the write came before, and fails the test
                        // otherwise.
                        shared.1.with(|cell| assert_eq!(unsafe { *cell }, 7));
                    })
                })
                .collect();
            #[allow(unsafe_code)]
            // SAFETY: as above.
            shared.1.with_mut(|cell| unsafe { *cell = 7 });
            shared.0.raise(1);
            waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        });
    }

    #[test]
    fn a_closed_counter_stays_closed_whoever_else_raises_it() {
        loom::model(|| {
            let counter = Arc::new(Counter::default());
            let other = counter.clone();
            let raiser = thread::spawn(move || other.raise(1));
            counter.raise(CLOSED);
            assert_eq!(counter.wait(5), CLOSED);
            raiser.join().unwrap();
            assert_eq!(counter.get(), CLOSED);
        });
    }
}
