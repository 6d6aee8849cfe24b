//! One cluster's copy of the weights, and the sync that passes its changes on.
//!
//! Letters as in Zhang, Hsieh & Akella (ICDM 2016): w_k is the replica, s_k the snapshot of its
//! last sync. A sync writes what was changed. Where few weights change between two syncs, workers
//! mark them in groups of neighbors, and a sync looks at marked groups only.

use super::consensus::Mixing;
use crate::error::Result;
use crate::params::{Real, SharedParams, SharedReal};
use crate::row::real::Slot;
use crate::sync::plain::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};

/// Weights that share a mark: a cache line of f32.
pub(super) const GROUP: usize = 16;
/// A difference is passed on once it exceeds this fraction of the group's largest weight. Until
/// then it waits in w_k - s_k.
const SETTLED: f64 = 1e-4;

/// A cluster's weights, and their state in the ring protocol.
pub(super) struct Replica<R: Real> {
    /// w_k, which the cluster's workers may change at any time.
    pub(super) weights: SharedParams<R>,
    /// s_k, which only the holder of the token touches.
    pub(super) snapshot: SharedParams<R>,
    /// Groups to look at in the next sync.
    due: Vec<AtomicBool>,
}

impl<R: Real> Replica<R> {
    /// Creates a replica of `width` zeros. The memory is not touched yet: it will lie near the
    /// thread that calls [`Replica::fill`].
    ///
    /// # Errors
    /// If the system has no memory for them.
    pub(super) fn new(width: usize) -> Result<Self> {
        let due = (0..width.div_ceil(GROUP)).map(|_| AtomicBool::new(false)).collect();
        Ok(Replica {
            weights: SharedParams::anonymous(width)?,
            snapshot: SharedParams::anonymous(width)?,
            due,
        })
    }

    /// Copies `from`, with nothing left to pass on. No worker may run.
    pub(super) fn fill(&self, from: &SharedParams<R>) {
        for ((w, s), x) in self.weights.slots().iter().zip(self.snapshot.slots()).zip(from.slots())
        {
            w.set(x.get());
            s.set(x.get());
        }
        self.due.iter().for_each(|due| due.store(false, Relaxed));
    }

    /// Marks the weight of coordinate `j` as changed. Called after the change.
    #[inline(always)]
    pub(super) fn mark(&self, j: usize) {
        // Release: pairs with the Acquire of the swap in `sync`, so that whoever clears a mark sees
        // the changes it stood for.
        self.due[j / GROUP].store(true, Release);
    }

    /// Passes the changes since the last sync on to `next`, and takes over some of what it has:
    ///
    /// ```text
    /// D = w_k - s_k
    /// w_k <- lambda*w_next + (1 - lambda)*s_k + beta*D
    /// w_next <- w_next + beta*D
    /// s_k <- w_k
    /// ```
    ///
    /// Workers go on meanwhile, so w_k is read once, both replicas change by increments, and s_k
    /// becomes what w_k would be without the workers: what they changed since the read is part of
    /// the next D. The caller holds the token.
    pub(super) fn sync(&self, next: &Replica<R>, how: SyncMode) {
        for (group, (here, there)) in self.due.iter().zip(&next.due).enumerate() {
            if how.all {
                self.sync_group(next, group, how);
                continue;
            }
            // Acquire: pairs with the Release in `mark`. A read-modify-write only if there is a
            // mark to clear.
            let due = here.load(Relaxed) && here.swap(false, Acquire);
            if due || there.load(Acquire) {
                let remaining = self.sync_group(next, group, how);
                if remaining.here {
                    here.store(true, Relaxed);
                }
                if remaining.there {
                    there.store(true, Relaxed);
                }
            }
        }
    }

    /// Adds the changes since the last sync, divided by `clusters`, to `sum`, and takes the sum
    /// over:
    ///
    /// ```text
    /// sum <- sum + (w_k - s_k)/K
    /// w_k <- sum
    /// s_k <- sum
    /// ```
    ///
    /// As in [`Replica::sync`], workers go on meanwhile and lose nothing. `alone` as in
    /// [`SyncMode::alone`]. The caller holds the token, and nobody else writes `sum`.
    pub(super) fn sum_up(&self, sum: &SharedParams<R>, clusters: usize, alone: bool) {
        let fraction = R::of(1.0 / clusters as f64);
        for ((w, s), sum) in self.weights.slots().iter().zip(self.snapshot.slots()).zip(sum.slots())
        {
            let (now, total) = (w.get(), sum.get());
            let own = now - s.get();
            let summed = if own == R::ZERO { total } else { total + fraction * own };
            if own != R::ZERO {
                sum.set(summed);
            }
            if summed == now {
                s.set(summed);
                continue;
            }
            if alone {
                w.set(summed);
            } else {
                w.add(summed - now);
            }
            s.set(summed);
        }
    }

    fn sync_group(&self, next: &Replica<R>, group: usize, how: SyncMode) -> Remaining {
        let range = group * GROUP..self.weights.len().min((group + 1) * GROUP);
        let w = &self.weights.slots()[range.clone()];
        let s = &self.snapshot.slots()[range.clone()];
        let w_next = &next.weights.slots()[range];
        let (mut x, mut y, mut d, mut e) =
            ([R::ZERO; GROUP], [R::ZERO; GROUP], [R::ZERO; GROUP], [R::ZERO; GROUP]);
        let (mut largest, mut moved) = (R::ZERO, R::ZERO);
        for i in 0..w.len() {
            x[i] = w[i].get();
            y[i] = w_next[i].get();
            let snapshot = s[i].get();
            d[i] = x[i] - snapshot;
            e[i] = y[i] - snapshot;
            largest = largest.max(x[i].abs()).max(y[i].abs());
            moved = moved.max(d[i].abs()).max(e[i].abs());
        }
        let bound = R::of(SETTLED) * largest;
        let mut remaining = Remaining { here: false, there: false };
        if moved <= bound {
            return remaining;
        }
        let (beta, lambda) = (R::of(how.mixing.beta), R::of(how.mixing.lambda));
        for i in 0..w.len() {
            if d[i].abs().max(e[i].abs()) <= bound {
                continue;
            }
            let pass = beta * d[i];
            // lambda*y + (1 - lambda)*s + beta*d - x, and exactly 0 where replicas agree.
            let increment = lambda * e[i] + (pass - d[i]);
            let now = x[i] + increment;
            if how.alone {
                w[i].set(now);
            } else {
                w[i].add(increment);
            }
            w_next[i].add(pass);
            s[i].set(now);
            remaining.here |= (now - (y[i] + pass)).abs() > bound;
            remaining.there |= pass.abs() > bound;
        }
        remaining
    }
}

/// Settings of a sync.
#[derive(Clone, Copy, Debug)]
pub(super) struct SyncMode {
    /// Weights of the sync.
    pub(super) mixing: Mixing,
    /// Set if only the caller writes its replica, which then needs no increments.
    pub(super) alone: bool,
    /// Set if the sync looks at all groups, marked or not.
    pub(super) all: bool,
}

/// A group's differences that remain to be passed on.
struct Remaining {
    /// Set if the replicas still differ.
    here: bool,
    /// Set if the next replica has got a change.
    there: bool,
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn replicas(count: usize, width: usize) -> Vec<Replica<f64>> {
        (0..count).map(|_| Replica::new(width).unwrap()).collect()
    }

    fn sum(params: &SharedParams<f64>, j: usize) -> f64 {
        params.slots()[j].get()
    }

    #[test]
    fn no_update_is_lost_to_a_sync_at_the_same_time() {
        // With lambda 0 and beta 1/4, a sync leaves w_0 + w_1 + 2*(s_0 + s_1) as it is.
        let how = SyncMode { mixing: Mixing { beta: 0.25, lambda: 0.0 }, alone: false, all: true };
        let (width, times) = (40, 2_000);
        let replicas = replicas(2, width);
        thread::scope(|scope| {
            let workers = [0, 0, 1].map(|cluster| {
                let slots = replicas[cluster].weights.slots();
                scope.spawn(move || {
                    (0..times).for_each(|_| slots.iter().for_each(|slot| slot.add(1.0)))
                })
            });
            while !workers.iter().all(|worker| worker.is_finished()) {
                replicas[0].sync(&replicas[1], how);
                replicas[1].sync(&replicas[0], how);
            }
        });
        for j in 0..width {
            let total: f64 = replicas
                .iter()
                .map(|replica| sum(&replica.weights, j) + 2.0 * sum(&replica.snapshot, j))
                .sum();
            assert!((total - 3.0 * f64::from(times)).abs() < 1e-6, "{total} of {}", 3 * times);
        }
    }

    #[test]
    fn a_change_reaches_every_replica_with_the_weight_of_the_ring() {
        for (clusters, all) in [(2, true), (4, true), (8, true), (2, false), (4, false), (8, false)]
        {
            let replicas = replicas(clusters, 3 * GROUP + 1);
            let mixing = Mixing::of(clusters);
            let weights = mixing.consensus(clusters);
            for (from, replica) in replicas.iter().enumerate() {
                let j = GROUP + from;
                replica.weights.slots()[j].add(1.0);
                replica.mark(j);
            }
            for pass in 0..clusters * 300 {
                let next = &replicas[(pass + 1) % clusters];
                replicas[pass % clusters].sync(next, SyncMode { mixing, alone: true, all });
            }
            for (from, replica) in
                (0..clusters).flat_map(|from| replicas.iter().map(move |at| (from, at)))
            {
                let expected = if from == 0 { weights.at_token } else { weights.elsewhere };
                let found = sum(&replica.weights, GROUP + from);
                assert!(
                    (found - expected).abs() < 2e-3,
                    "K = {clusters} from {from}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn settled_groups_are_left_alone_and_others_stay_due() {
        let replicas = replicas(2, 2 * GROUP);
        let how = SyncMode { mixing: Mixing::of(2), alone: true, all: false };
        replicas[0].weights.slots()[0].set(1.0);
        replicas[0].sync(&replicas[1], how);
        assert_eq!(sum(&replicas[1].weights, 0), 0.0, "nobody marked it");
        replicas[0].mark(0);
        replicas[0].sync(&replicas[1], how);
        assert!((sum(&replicas[1].weights, 0) - Mixing::of(2).beta).abs() < 1e-12);
        assert!(replicas[1].due[0].load(Relaxed), "the next replica has got something to pass on");
        for _ in 0..50 {
            replicas[1].sync(&replicas[0], how);
            replicas[0].sync(&replicas[1], how);
        }
        assert!(replicas.iter().all(|replica| !replica.due[0].load(Relaxed)), "they agree");
    }
}
