//! Clusters of workers with a replica each, and a token that carries their changes round a ring
//! (*Hogwild++*, Zhang, Hsieh & Akella, ICDM 2016).

mod clusters;
mod consensus;
mod replica;
mod ring;

use std::thread;

pub use self::clusters::{ClusterConfig, Clusters};
pub use self::consensus::Mixing;
use self::replica::{GROUP, Replica, SyncMode};
use self::ring::{Ring, Token};
use super::engine::{BLOCK, Tickets, Topology, WorkerPool, pin, work};
use super::{Hogwild, Pass, Profile, Strategy, Update, Visit};
use crate::error::{Error, Result};
use crate::params::{Handle, Real, SharedParams};
use crate::row::real::Slot;

/// How hogwild++ is laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Number of workers, at least 1.
    pub workers: usize,
    /// Number of clusters, from 1 to the number of workers. Clusters are as equal in size as they
    /// can be.
    pub clusters: usize,
    /// Visits that a worker makes between taking the token and passing it on, rounded to whole
    /// blocks (of 64 terms, or fewer if there are few): 0 passes it on at once.
    pub update_delay: usize,
    /// How changes are weighted when the token goes round often.
    pub mixing: Mixing,
    /// How they are weighted after an epoch in which it went round fewer than K*K/2 times for K
    /// clusters.
    pub rare: Mixing,
    /// How a worker writes a weight of its cluster's replica.
    pub update: Update,
    /// What becomes of the clusters' changes.
    pub merging: Merging,
    /// Whether each worker stays on one processor.
    pub pin: bool,
}

/// What becomes of the clusters' changes when the token comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merging {
    /// They go round the ring, each time with less weight ([`Layout::mixing`]): replicas agree on a
    /// weighted mean.
    #[default]
    Mixed,
    /// Each is added up once, divided by the number of clusters, and the sum replaces the replica.
    /// For rules whose weights are a sum that must be kept, and who make changes larger by that
    /// number.
    Summed,
}

impl Layout {
    /// Settings that suit `clusters` clusters: the authors' weights ([`Mixing::of`]) and their
    /// delay of 64, 16 or 4 visits, by the number of clusters; wild updates, not pinned.
    pub fn new(workers: usize, clusters: usize) -> Self {
        let workers = workers.max(1);
        let clusters = clusters.clamp(1, workers);
        let update_delay = match clusters {
            0..=4 => 64,
            5..=10 => 16,
            _ => 4,
        };
        let (mixing, update) = (Mixing::of(clusters), Update::default());
        Layout {
            workers,
            clusters,
            update_delay,
            mixing,
            rare: Mixing::RARE,
            update,
            merging: Merging::Mixed,
            pin: false,
        }
    }

    /// The same with a longer delay where weights are many, and a sync takes longer than the visits
    /// between two: a visit for each 16 weights, unless that leaves the token fewer than K*K rounds
    /// in an epoch.
    pub fn for_problem(self, terms: usize, width: usize) -> Self {
        let rounds = self.clusters * self.clusters;
        let most = terms / (rounds * self.clusters * self.workers);
        Layout { update_delay: self.update_delay.max(most.min(width / 16)), ..self }
    }

    /// The cluster of a worker.
    fn cluster(&self, worker: usize) -> usize {
        worker * self.clusters / self.workers
    }

    /// The number of workers of each cluster.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.clusters];
        (0..self.workers).for_each(|worker| sizes[self.cluster(worker)] += 1);
        sizes
    }
}

/// Hogwild inside clusters, and a ring of clusters. With one cluster it is [`Hogwild`]; with more,
/// racy by design.
///
/// Each cluster has a replica. Where changes are mixed it stays its own from epoch to epoch; at the
/// end of an epoch `params` gets what the replicas would agree on if the token went on for ever,
/// and during an epoch it stays as it was. Where they are summed, `params` is the sum, which the
/// token brings to one replica after the other.
pub struct HogwildPlusPlus<R: Real> {
    layout: Layout,
    sizes: Vec<usize>,
    ring: Ring,
    /// Empty before the first epoch.
    replicas: Vec<Replica<R>>,
    /// Whether the replicas must take over `params` before the next epoch.
    stale: bool,
    /// How changes are weighted at present.
    mixing: Mixing,
    /// A processor for each worker, if they are pinned.
    places: Vec<usize>,
    /// What a single cluster does.
    alone: Hogwild<R>,
    /// Whether there are more workers than processors.
    crowded: bool,
    /// Whether changed weights are marked.
    marks: bool,
}

impl<R: Real> HogwildPlusPlus<R> {
    /// # Errors
    /// [`Error::Parameter`] for [`Update::Merged`] and [`Update::Split`], which have a way of their
    /// own to share changes; [`Error::Io`] if workers are to be pinned and the system refuses that.
    pub fn new(layout: Layout, topology: &Topology) -> Result<Self> {
        if !matches!(layout.update, Update::Wild | Update::Atomic) {
            return Err(Error::Parameter {
                name: "update",
                value: layout.update.name().into(),
                expected: "wild or atomic with hogwild++, whose clusters have their own way to merge",
                hint: "leave it out, or choose hogwild",
            });
        }
        let sizes = layout.sizes();
        let places = if layout.pin { topology.places(&sizes) } else { Vec::new() };
        for &cpu in &places {
            pin(cpu).map_err(|source| {
                Error::io(format!("<processor {cpu}>"), "keep a thread on", source)
            })?;
        }
        Ok(HogwildPlusPlus {
            ring: Ring::new(layout.clusters),
            mixing: layout.mixing,
            alone: Hogwild::new(layout.workers, layout.update),
            places,
            layout,
            sizes,
            replicas: Vec::new(),
            stale: true,
            marks: false,
            crowded: layout.workers > thread::available_parallelism().map_or(1, usize::from),
        })
    }
}

impl<R: Real> Strategy<R> for HogwildPlusPlus<R> {
    fn profile(&self) -> Profile {
        Profile {
            places: self.places.clone(),
            // Replicas differ in age, so that a scale would differ between them: l2 travels with
            // their changes instead.
            applies_scale: self.layout.clusters == 1,
            layout: Some(self.layout),
            ..Profile::new(self.layout.workers)
        }
    }

    fn restart(&mut self) {
        self.stale = true;
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let clusters = self.layout.clusters;
        if clusters == 1 {
            return self.alone.epoch(visit, params, pass);
        }
        let is_summed = self.layout.merging == Merging::Summed;
        if self.stale {
            self.refill(pass.pool, params)?;
            self.marks = !is_summed && self.marks_pay(visit);
        }
        // Until the workers have ended well, the replicas are nothing to go on with.
        self.stale = true;
        let tickets = Tickets::new(pass.order.blocks());
        let passes = self.ring.passes();
        let visits =
            pass.pool.run(&tickets, |worker| self.run(worker, visit, params, &tickets, pass))?;
        if is_summed {
            self.replicas.iter().for_each(|replica| replica.sum_up(params, clusters, true));
            return Ok(visits);
        }
        let often = self.ring.passes() - passes >= clusters * clusters * clusters / 2;
        self.mixing = if often { self.layout.mixing } else { self.layout.rare };
        while self.ring.passes() < passes + clusters {
            self.pass_on(params);
        }
        self.agree(pass.pool, params)?;
        self.stale = false;
        Ok(visits)
    }
}

impl<R: Real> HogwildPlusPlus<R> {
    /// Makes all replicas equal to `params`, each from a thread of its cluster, so that its memory
    /// lies there.
    fn refill(&mut self, pool: &WorkerPool, params: &SharedParams<R>) -> Result<()> {
        if self.replicas.is_empty() {
            let replicas = (0..self.layout.clusters).map(|_| Replica::new(params.len()));
            self.replicas = replicas.collect::<Result<_>>()?;
        }
        pool.each(|worker| {
            let cluster = self.layout.cluster(worker);
            if worker == 0 || self.layout.cluster(worker - 1) != cluster {
                self.replicas[cluster].fill(params);
            }
        })
    }

    /// Whether marks are worth their time, a seventh of a visit's: few groups change before the
    /// token is passed on.
    fn marks_pay(&self, visit: &dyn Visit<R>) -> bool {
        let Layout { workers, update_delay, .. } = self.layout;
        let sample: Vec<usize> = (0..visit.shape().terms.min(1_000)).collect();
        let mut touched = Vec::new();
        visit.support(&sample, &mut touched);
        let (entries, sample) = (touched.len(), sample.len());
        let changes =
            workers.saturating_mul(update_delay.max(BLOCK)).saturating_mul(entries / sample.max(1));
        changes < visit.shape().width / GROUP / 8
    }

    /// One worker's epoch.
    fn run(
        &self,
        worker: usize,
        visit: &dyn Visit<R>,
        params: &SharedParams<R>,
        tickets: &Tickets,
        pass: Pass<'_>,
    ) -> u64 {
        let cluster = self.layout.cluster(worker);
        let (weights, members) = (&self.replicas[cluster].weights, self.sizes[cluster]);
        let handle = match self.layout.update {
            Update::Wild => Handle::wild(weights, visit.shape().common, members),
            // `new` has refused the others.
            Update::Atomic | Update::Merged | Update::Split => {
                Handle::atomic(weights, visit.shape().common, members)
            }
        };
        let mut courier = Courier { of: self, params, cluster, held: None, changed: Vec::new() };
        let visits = work(worker, visit, tickets, pass, |block, state| {
            visit.visit_block(block, state, &handle);
            handle.merge();
            courier.after_block(visit, block.terms());
        });
        courier.end();
        visits
    }

    /// Passes the token on when no worker runs, for a ring that was stopped by a worker that got no
    /// processor.
    fn pass_on(&self, params: &SharedParams<R>) {
        let cluster = self.ring.turn();
        let held = self.ring.take(cluster).map(|token| (token, 0));
        Courier { of: self, params, cluster, held, changed: Vec::new() }.end();
    }

    /// Sets `params` to what the replicas would agree on, each worker a part of them.
    fn agree(&self, pool: &WorkerPool, params: &SharedParams<R>) -> Result<()> {
        let Layout { workers, clusters, .. } = self.layout;
        let (turn, weights) = (self.ring.turn(), self.mixing.consensus(clusters));
        let forms: Vec<_> = (0..clusters)
            .map(|cluster| {
                let replica = &self.replicas[cluster];
                let own = if cluster == turn { weights.at_token } else { weights.elsewhere };
                (own, replica.weights.slots(), weights.snapshot, replica.snapshot.slots())
            })
            .collect();
        let slots = params.slots();
        let parts = if slots.len() < MANY { 1 } else { workers };
        pool.each(|part| {
            for j in
                slots.len() * part.min(parts) / parts..slots.len() * (part + 1).min(parts) / parts
            {
                let of = |(a, w, b, s): &(f64, &[R::Shared], f64, &[R::Shared])| {
                    a * w[j].get().to_f64() + b * s[j].get().to_f64()
                };
                slots[j].set(R::of(forms.iter().map(of).sum()));
            }
        })
    }
}

/// Weights from which on a pass over them is worth waking threads.
const MANY: usize = 100_000;

/// One worker's dealings with the ring, between two blocks.
struct Courier<'s, R: Real> {
    of: &'s HogwildPlusPlus<R>,
    /// Where changes are summed, if they are.
    params: &'s SharedParams<R>,
    cluster: usize,
    /// The token, and the visits made since it was taken.
    held: Option<(Token<'s>, usize)>,
    /// Room for the coordinates that a block's terms touch.
    changed: Vec<usize>,
}

impl<R: Real> Courier<'_, R> {
    /// Marks what the block's terms changed, then looks at the token, once.
    fn after_block(&mut self, visit: &dyn Visit<R>, terms: &[usize]) {
        let own = &self.of.replicas[self.cluster];
        if self.of.marks {
            self.changed.clear();
            visit.support(terms, &mut self.changed);
            let common = visit.shape().own()..visit.shape().width;
            self.changed.iter().copied().chain(common).for_each(|j| own.mark(j));
        }
        match &mut self.held {
            None => self.held = self.of.ring.take(self.cluster).map(|token| (token, 0)),
            Some((_, visits)) => *visits += terms.len(),
        }
        if self
            .held
            .as_ref()
            .is_some_and(|(_, visits)| visits + terms.len() / 2 >= self.of.layout.update_delay)
        {
            self.end();
        }
        if self.of.crowded {
            // The token waits for a worker that waits for a processor.
            thread::yield_now();
        }
    }

    /// Syncs and passes the token on, if this worker has it.
    fn end(&mut self) {
        if let Some((_token, _)) = self.held.take() {
            let (own, alone) = (&self.of.replicas[self.cluster], self.of.sizes[self.cluster] == 1);
            if self.of.layout.merging == Merging::Summed {
                own.sum_up(self.params, self.of.layout.clusters, alone);
                return;
            }
            let next = &self.of.replicas[self.of.ring.after(self.cluster)];
            own.sync(next, SyncMode { mixing: self.of.mixing, alone, all: !self.of.marks });
        }
    }
}
