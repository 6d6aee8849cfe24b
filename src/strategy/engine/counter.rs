//! A number that only rises, and that threads wait for: the one way in which workers wait for each
//! other.
//!
//! Invariants: nobody sleeps through a rise that it waits for; who has seen a level sees all that
//! was written before the level was raised to it; a level that is over holds nobody up.

use std::sync::PoisonError;

#[cfg(not(loom))]
use crossbeam::utils::Backoff;

use crate::sync::{
    AtomicUsize, Condvar, Mutex, MutexGuard,
    Ordering::{Acquire, Release},
};

/// Above all levels that work can reach: what is waited for will not come, or is not needed any
/// more.
pub(crate) const CLOSED: usize = usize::MAX;

/// Looks at a level before sleeping, ever further apart: together a few microseconds.
#[cfg(not(loom))]
const SPINS: usize = 12;

/// A level, 0 at first.
#[derive(Debug)]
pub(crate) struct Counter {
    value: AtomicUsize,
    /// How many threads sleep, or are about to.
    sleepers: Mutex<usize>,
    risen: Condvar,
}

impl Default for Counter {
    fn default() -> Self {
        Counter { value: AtomicUsize::new(0), sleepers: Mutex::new(0), risen: Condvar::new() }
    }
}

impl Counter {
    /// The level now.
    pub(crate) fn get(&self) -> usize {
        // Acquire: pairs with the Release in `raise`.
        self.value.load(Acquire)
    }

    /// Raises the level to `value`, unless it is higher already, and wakes those that wait.
    pub(crate) fn raise(&self, value: usize) {
        // Release: pairs with the Acquire in `get`, so that what was written before is seen.
        self.value.fetch_max(value, Release);
        // A sleeper has counted itself before this lock is taken, or sees the new value after it:
        // it looks at the value with the lock held, and gives it up only in its sleep.
        if *lock(&self.sleepers) > 0 {
            self.risen.notify_all();
        }
    }

    /// Waits until the level is `least` or higher, and returns it.
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
            sleepers = self.risen.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
        };
        *sleepers -= 1;
        value
    }

    /// Waits for a moment without sleeping: many waits are shorter than waking up. It does not
    /// yield, since a thread that does on a busy machine comes back later than one that sleeps.
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

    /// To the model checker, sleeping is as good.
    #[cfg(loom)]
    fn spin(&self, least: usize) -> Option<usize> {
        Some(self.get()).filter(|&value| value >= least)
    }
}

/// A lock whose data no panic can leave in disorder.
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
    fn a_level_that_is_over_stays_so_whoever_else_raises_it() {
        loom::model(|| {
            let level = Arc::new(Counter::default());
            let other = level.clone();
            let raiser = thread::spawn(move || other.raise(1));
            level.raise(CLOSED);
            assert_eq!(level.wait(5), CLOSED);
            raiser.join().unwrap();
            assert_eq!(level.get(), CLOSED);
        });
    }
}
