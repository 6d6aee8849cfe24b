//! Locks around each visit: the baseline that lock-free updates are compared with (*AIG* in Niu, Recht, Ré & Wright, NIPS
//! 2011, section 5).
//!
//! Invariant: from a visit's first read to its last write nobody else touches its coordinates. A lock guards a stripe of
//! neighbors; stripes are taken in ascending order, so that no two workers wait for each other.

use crossbeam::utils::{Backoff, CachePadded};

use super::crew::Crew;
use super::framed::{Frame, Framed};
use super::tickets::Tickets;
use super::worker::work;
use super::{Pass, Strategy, fold};
use crate::error::Result;
use crate::params::{Real, SharedParams, Weights, Wild};
use crate::rule::Visit;
use crate::sync::plain::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};

/// Workers that draw blocks of terms and lock a term's coordinates for the time of its visit. Common coordinates are
/// private copies that are merged after each block, as with hogwild: each visit would have to lock them.
#[derive(Debug)]
pub struct Locked {
    crew: Crew,
}

impl Locked {
    /// `workers` threads, at least 1.
    pub fn new(workers: usize) -> Self {
        Locked { crew: Crew::new(workers, Vec::new()) }
    }
}

impl<R: Real> Strategy<R> for Locked {
    fn crew(&self) -> &Crew {
        &self.crew
    }

    fn crew_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }

    fn folds(&self) -> bool {
        true
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::new(pass.order.blocks());
        let (workers, common) = (self.crew.workers(), visit.common());
        let stripes = Stripes::new(visit.width());
        let framed = Framed { visit, frame: &stripes };
        let visits = self.crew.run(&tickets, |worker| {
            work(worker, &framed, &Wild::new(params, common, workers), &tickets, pass, |_| ())
        })?;
        fold(visit, params, pass.clock(visits));
        Ok(visits)
    }
}

/// Most locks: so many that two rows seldom need the same one by chance, so few that they stay in the cache.
const STRIPES: usize = 1024;

/// A lock for each stripe of coordinates.
pub(crate) struct Stripes {
    locks: Vec<CachePadded<AtomicBool>>,
    /// Coordinates in a stripe.
    width: usize,
}

impl Stripes {
    pub(crate) fn new(coordinates: usize) -> Self {
        let width = coordinates.div_ceil(STRIPES).max(1);
        let locks = (0..coordinates.div_ceil(width)).map(|_| CachePadded::default()).collect();
        Stripes { locks, width }
    }

    /// The stripes of ascending coordinates, each once.
    fn of(&self, coordinates: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
        let mut last = None;
        coordinates.map(|j| j / self.width).filter(move |&stripe| last.replace(stripe) != Some(stripe))
    }

    fn lock(&self, stripe: usize) {
        let (lock, backoff) = (&self.locks[stripe], Backoff::new());
        // Acquire: pairs with the Release in `unlock`, so that all that earlier holders wrote is seen.
        while lock.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            backoff.snooze();
        }
    }

    fn unlock(&self, stripe: usize) {
        self.locks[stripe].store(false, Release);
    }
}

/// A term's locks, until it is dropped: by a panic, too.
pub(crate) struct Held<'a, V: Visit> {
    stripes: &'a Stripes,
    visit: &'a V,
    term: usize,
}

impl<V: Visit> Drop for Held<'_, V> {
    fn drop(&mut self) {
        self.stripes.of(self.visit.support(self.term)).for_each(|stripe| self.stripes.unlock(stripe));
    }
}

impl<'a, V: Visit + 'a> Frame<'a, V> for Stripes {
    type Held = Held<'a, V>;
    const EMPTY_TOO: bool = false;

    fn enter(&'a self, visit: &'a V, term: usize, _: &impl Weights) -> Held<'a, V> {
        self.of(visit.support(term)).for_each(|stripe| self.lock(stripe));
        Held { stripes: self, visit, term }
    }

    fn leave(&self, _: Held<'a, V>, _: &impl Weights, apply: impl FnOnce()) {
        apply();
    }
}

#[cfg(test)]
mod tests {
    use super::Stripes;

    #[test]
    fn neighbors_share_a_stripe_that_is_taken_once() {
        let stripes = Stripes::new(10_000);
        assert!(stripes.locks.len() <= super::STRIPES && stripes.width == 10);
        assert!(stripes.of([0, 9, 10, 11, 9_999].into_iter()).eq([0, 1, 999]));
        assert!(Stripes::new(3).of([0, 1, 2].into_iter()).eq([0, 1, 2]));
    }
}
