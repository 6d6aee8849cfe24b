//! Locks around each visit: the baseline for lock-free updates (*AIG* in Niu, Recht, Ré & Wright,
//! NIPS 2011, section 5).
//!
//! Invariant: from a visit's first read to its last write no other worker touches its coordinates.
//! A lock guards a stripe of neighbors. Stripes are taken in ascending order, so that no two
//! workers wait for each other.

use crossbeam::utils::{Backoff, CachePadded};

use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};
use crate::strategy::engine::{Block, Tickets, work};
use crate::strategy::{Pass, Profile, StepState, Strategy, Visit, apply_deferred_scale};
use crate::sync::plain::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};

/// Workers that draw blocks of terms and lock a term's coordinates during its visit. Common
/// coordinates are private copies that are merged after each block, as with hogwild, since each
/// visit would have to lock them. Racy by design with more than one worker.
#[derive(Debug)]
pub struct Locked {
    workers: usize,
}

impl Locked {
    /// Creates the strategy for `workers` threads, at least 1.
    pub fn new(workers: usize) -> Self {
        Locked { workers: workers.max(1) }
    }
}

impl<R: Real> Strategy<R> for Locked {
    fn profile(&self) -> Profile {
        Profile { applies_scale: true, ..Profile::new(self.workers) }
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::new(pass.order.blocks());
        let (workers, common) = (self.workers, visit.shape().common);
        let stripes = Stripes::new(visit.shape().width);
        let visits = pass.pool.run(&tickets, |worker| {
            let weights = Handle::wild(params, common, workers);
            let mut locker = Locker::new(&stripes);
            work(worker, visit, &tickets, pass, |block, state| {
                block.singles().for_each(|term| locker.visit(visit, term, state, &weights));
                weights.merge();
            })
        })?;
        apply_deferred_scale(visit, params, pass.clock(visits));
        Ok(visits)
    }
}

/// Most locks: enough that two rows seldom need the same one by chance, and few enough to stay in
/// the cache.
const STRIPES: usize = 1024;

/// A lock for each stripe of coordinates.
pub(crate) struct Stripes {
    locks: Vec<CachePadded<AtomicBool>>,
    /// Coordinates in a stripe.
    width: usize,
}

impl Stripes {
    /// Creates free locks for `coordinates` coordinates.
    pub(crate) fn new(coordinates: usize) -> Self {
        let width = coordinates.div_ceil(STRIPES).max(1);
        let locks = (0..coordinates.div_ceil(width)).map(|_| CachePadded::default()).collect();
        Stripes { locks, width }
    }

    /// Replaces ascending coordinates by their stripes, each once.
    fn stripes_of(&self, coordinates: &mut Vec<usize>) {
        coordinates.iter_mut().for_each(|j| *j /= self.width);
        coordinates.dedup();
    }

    /// Replaces ascending coordinates by their stripes, and locks these.
    fn hold<'a>(&'a self, coordinates: &'a mut Vec<usize>) -> Held<'a> {
        self.stripes_of(coordinates);
        coordinates.iter().for_each(|&stripe| self.lock(stripe));
        Held { stripes: self, held: coordinates }
    }

    fn lock(&self, stripe: usize) {
        let (lock, backoff) = (&self.locks[stripe], Backoff::new());
        // Acquire: pairs with the Release in `unlock`, so that everything that earlier holders
        // wrote is seen.
        while lock.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            backoff.snooze();
        }
    }

    fn unlock(&self, stripe: usize) {
        self.locks[stripe].store(false, Release);
    }
}

/// Makes one worker's visits with the locks of their coordinates held.
pub(crate) struct Locker<'s> {
    stripes: &'s Stripes,
    /// Buffer for the coordinates that a term touches, then for its stripes.
    touched: Vec<usize>,
}

impl<'s> Locker<'s> {
    /// Creates a locker that takes locks of `stripes`.
    pub(crate) fn new(stripes: &'s Stripes) -> Self {
        Locker { stripes, touched: Vec::new() }
    }

    /// Visits a block of one term under its locks.
    pub(crate) fn visit<R: Real>(
        &mut self,
        visit: &dyn Visit<R>,
        term: Block<'_>,
        state: &mut StepState<R>,
        weights: &Handle<'_, R>,
    ) {
        self.touched.clear();
        visit.support(term.terms(), &mut self.touched);
        let _held = self.stripes.hold(&mut self.touched);
        visit.visit_block(term, state, weights);
    }
}

/// Holds locks until it is dropped, in a panic too.
struct Held<'a> {
    stripes: &'a Stripes,
    held: &'a [usize],
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.held.iter().for_each(|&stripe| self.stripes.unlock(stripe));
    }
}

#[cfg(test)]
mod tests {
    use super::Stripes;

    #[test]
    fn neighbors_share_a_stripe_that_is_taken_once() {
        let stripes = Stripes::new(10_000);
        assert!(stripes.locks.len() <= super::STRIPES && stripes.width == 10);
        let of = |stripes: &Stripes, coordinates: &[usize]| {
            let mut found = coordinates.to_vec();
            stripes.stripes_of(&mut found);
            found
        };
        assert_eq!(of(&stripes, &[0, 9, 10, 11, 9_999]), [0, 1, 999]);
        assert_eq!(of(&Stripes::new(3), &[0, 1, 2]), [0, 1, 2]);
    }
}
