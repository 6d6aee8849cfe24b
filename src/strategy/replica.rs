//! One cluster's copy of the weights, and the sync that passes its changes on.
//!
//! Letters as in Zhang, Hsieh & Akella (ICDM 2016): w_k is the replica, s_k the snapshot of its last sync. A sync costs
//! what was changed: weights are marked in groups of neighbors, and only marked groups are looked at.

use super::consensus::Mixing;
use crate::error::Result;
use crate::params::{Real, SharedParams, SharedReal};
use crate::real::Slot;
use crate::sync::plain::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};

use std::sync::atomic::AtomicUsize as AU;
pub static SYNC: AU = AU::new(0);
pub static MARK: AU = AU::new(0);
pub static SYNCS: AU = AU::new(0);
pub static GROUPS: AU = AU::new(0);
pub static CHANGED: AU = AU::new(0);

/// Weights that share a mark.
const GROUP: usize = 16;
/// A group is settled when replicas differ by less than this share of the group's largest weight. 1e-2 hurts.
const SETTLED: f64 = 1e-4;

/// A cluster's weights, and what the ring knows of them.
pub(super) struct Replica<R: Real> {
    /// w_k, which the cluster's workers change at any time.
    pub(super) weights: SharedParams<R>,
    /// s_k, which only the holder of the token touches.
    pub(super) snapshot: SharedParams<R>,
    /// Groups to look at in the next sync.
    due: Vec<AtomicBool>,
}

impl<R: Real> Replica<R> {
    /// `width` zeros. The memory is not touched yet: it comes to lie near the thread that calls [`Replica::fill`].
    ///
    /// # Errors
    /// If there is no memory for them.
    pub(super) fn new(width: usize) -> Result<Self> {
        let due = (0..width.div_ceil(GROUP)).map(|_| AtomicBool::new(false)).collect();
        Ok(Replica {
            weights: SharedParams::anonymous(width)?,
            snapshot: SharedParams::anonymous(width)?,
            due,
        })
    }

    /// Takes over `from`, with nothing to pass on. No worker may run.
    pub(super) fn fill(&self, from: &SharedParams<R>) {
        for ((w, s), x) in self.weights.slots().iter().zip(self.snapshot.slots()).zip(from.slots()) {
            w.set(x.get());
            s.set(x.get());
        }
        self.due.iter().for_each(|due| due.store(false, Relaxed));
    }

    /// Says that the weight of coordinate `j` was changed. Called after the change.
    #[inline(always)]
    pub(super) fn mark(&self, j: usize) {
        // Release: pairs with the Acquire of the swap in `sync`: who clears a mark sees the changes it stood for.
        self.due[j / GROUP].store(true, Release);
    }

    /// Number of groups of weights that share a mark.
    pub(super) fn groups(&self) -> usize {
        self.due.len()
    }

    /// Says that any weight may have been changed.
    pub(super) fn mark_all(&self) {
        self.due.iter().for_each(|due| due.store(true, Release));
    }

    /// Passes the changes since the last sync on to `next`, and takes over some of what it has:
    ///
    ///     D = w_k - s_k
    ///     w_k <- lambda*w_next + (1 - lambda)*s_k + beta*D
    ///     w_next <- w_next + beta*D
    ///     s_k <- w_k
    ///
    /// Workers go on meanwhile, so w_k is read once, both replicas change by increments, and s_k becomes what w_k
    /// would be without the workers: what they changed since the read is part of the next D. The caller holds the
    /// token; `alone` says that it is the only one to write w_k.
    pub(super) fn sync(&self, next: &Replica<R>, mixing: Mixing, alone: bool) {
        let mut groups = 0;
        for (group, (here, there)) in self.due.iter().zip(&next.due).enumerate() {
            // Acquire: pairs with the Release in `mark`. A read-modify-write only where there is something to clear.
            let due = here.load(Relaxed) && here.swap(false, Acquire);
            if due || there.load(Acquire) {
                groups += 1;
                let (left_here, left_there) = self.sync_group(next, group, mixing, alone);
                if left_here {
                    here.store(true, Relaxed);
                }
                if left_there {
                    there.store(true, Relaxed);
                }
            }
        }
        GROUPS.fetch_add(groups, Relaxed);
    }

    /// Says whether the replicas still differ, and whether `next` has got something to pass on.
    fn sync_group(&self, next: &Replica<R>, group: usize, mixing: Mixing, alone: bool) -> (bool, bool) {
        let range = group * GROUP..self.weights.len().min((group + 1) * GROUP);
        let w = &self.weights.slots()[range.clone()];
        let s = &self.snapshot.slots()[range.clone()];
        let w_next = &next.weights.slots()[range];
        let (beta, lambda) = (R::of(mixing.beta), R::of(mixing.lambda));
        let mut changed = 0;
        let (mut largest, mut difference, mut passed) = (R::ZERO, R::ZERO, R::ZERO);
        for ((w, s), w_next) in w.iter().zip(s).zip(w_next) {
            let (x, snapshot, y) = (w.get(), s.get(), w_next.get());
            let d = x - snapshot;
            let pass = beta * d;
            // The new w_k less x; zero, not a rounding error, where nothing changed.
            let increment = lambda * (y - snapshot) + (pass - d);
            let now = x + increment;
            if d != R::ZERO {
                w_next.add(pass);
            }
            if alone {
                w.set(now);
            } else if increment != R::ZERO {
                w.add(increment);
            }
            s.set(now);
            if d.abs() > R::of(1e-4) || (y - snapshot).abs() > R::of(1e-4) {
                changed += 1;
            }
            largest = largest.max(now.abs());
            difference = difference.max((now - (y + pass)).abs());
            passed = passed.max(pass.abs());
        }
        CHANGED.fetch_add(changed, Relaxed);
        let bound = R::of(SETTLED) * largest;
        (difference > bound, passed > bound)
    }
}
