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

/// The layout and the settings of hogwild++'s workers, clusters and ring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Number of workers, at least 1.
    pub workers: usize,
    /// Number of clusters, from 1 to the number of workers. Their sizes differ by at most 1.
    pub clusters: usize,
    /// Visits that a worker makes between taking the token and passing it on, rounded to whole
    /// blocks (of 64 terms, or fewer if there are few): 0 passes it on at once.
    pub update_delay: usize,
    /// Weights of a sync while the token goes round often.
    pub mixing: Mixing,
    /// Weights of a sync after an epoch in which the token went round fewer than K*K/2 times, for K
    /// clusters.
    pub rare: Mixing,
    /// Kind of write to a weight of the cluster's replica.
    pub update: Update,
    /// Treatment of the clusters' changes.
    pub(crate) merging: Merging,
    /// Set if each worker is pinned to one processor.
    pub pin: bool,
}

/// The treatment of a cluster's changes when the token comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merging {
    /// Changes go round the ring, with less weight at each hop ([`Layout::mixing`]). Replicas agree
    /// on a weighted mean.
    #[default]
    Mixed,
    /// Each change, divided by the number of clusters, is added once to a sum, which replaces the
    /// replica. For rules whose weights are a sum that must be kept, and that make changes larger
    /// by that number.
    Summed,
}

impl Layout {
    /// Returns the settings that suit `clusters` clusters: the authors' weights ([`Mixing::of`])
    /// and their delay of 64, 16 or 4 visits, by the number of clusters; wild updates, not pinned.
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

    /// Returns this layout with a longer delay if weights are so many that a sync takes longer than
    /// the visits between two: one visit per 16 weights, unless that leaves the token fewer than
    /// K*K rounds in an epoch.
    pub fn for_problem(self, terms: usize, width: usize) -> Self {
        let rounds = self.clusters * self.clusters;
        let most = terms / (rounds * self.clusters * self.workers);
        Layout { update_delay: self.update_delay.max(most.min(width / 16)), ..self }
    }

    /// Returns the cluster of a worker.
    fn cluster(&self, worker: usize) -> usize {
        worker * self.clusters / self.workers
    }

    /// Returns the number of workers of each cluster.
    fn sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.clusters];
        (0..self.workers).for_each(|worker| sizes[self.cluster(worker)] += 1);
        sizes
    }
}

/// Hogwild inside clusters, and a ring of clusters. With one cluster it is [`Hogwild`]; with more,
/// racy by design.
///
/// Each cluster has a replica. Where changes are mixed, replicas live from epoch to epoch. `params`
/// stays as it is during an epoch, and at its end gets the consensus that the replicas would reach
/// if the token went on forever. Where changes are summed, `params` is the sum, which the token
/// brings to one replica after the other.
pub struct HogwildPlusPlus<R: Real> {
    layout: Layout,
    sizes: Vec<usize>,
    ring: Ring,
    /// Empty before the first epoch.
    replicas: Vec<Replica<R>>,
    /// Set if the replicas must take over `params` before the next epoch.
    stale: bool,
    /// Current weights of a sync.
    mixing: Mixing,
    /// A processor for each worker, if they are pinned.
    places: Vec<usize>,
    /// The strategy that runs if there is only one cluster.
    alone: Hogwild<R>,
    /// Set if there are more workers than processors.
    crowded: bool,
    /// Set if workers mark changed weights.
    marks: bool,
}

impl<R: Real> HogwildPlusPlus<R> {
    /// Creates the strategy for `layout`. If that pins workers, `topology` gives their processors.
    ///
    /// # Errors
    /// [`Error::Parameter`] for [`Update::Merged`] and [`Update::Split`], which merge copies by
    /// their own protocols; [`Error::Io`] if workers are to be pinned and the system refuses that.
    pub fn new(layout: Layout, topology: &Topology) -> Result<Self> {
        if !matches!(layout.update, Update::Wild | Update::Atomic) {
            return Err(Error::Parameter {
                name: "update",
                value: layout.update.name().into(),
                expected: "wild or atomic with hogwild++, whose clusters merge over a ring",
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
            // Replicas differ in age, so a deferred scale would differ between them. l2 travels
            // with their changes instead.
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
        // The replicas are usable again only when all workers have ended without a panic.
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
    /// Sets all replicas to `params`, each from a thread of its cluster, so that its memory lies
    /// near that thread.
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

    /// Returns true if marks are worth their time, a seventh of a visit's: that is so if few groups
    /// change before the token is passed on.
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

    /// Runs one worker's epoch and returns its number of visits.
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
        let mut courier =
            Courier { strategy: self, params, cluster, held: None, changed: Vec::new() };
        let visits = work(worker, visit, tickets, pass, |block, state| {
            visit.visit_block(block, state, &handle);
            handle.merge();
            courier.after_block(visit, block.terms());
        });
        courier.end();
        visits
    }

    /// Syncs and passes the token on when no worker runs, for a ring that was held up by a worker
    /// without a processor.
    fn pass_on(&self, params: &SharedParams<R>) {
        let cluster = self.ring.turn();
        let held = self.ring.take(cluster).map(|token| (token, 0));
        Courier { strategy: self, params, cluster, held, changed: Vec::new() }.end();
    }

    /// Sets `params` to the consensus of the replicas. Each worker sets a part of them.
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

/// Least number of weights for which a pass is worth waking threads.
const MANY: usize = 100_000;

/// One worker's side of the ring protocol, between two blocks.
struct Courier<'s, R: Real> {
    strategy: &'s HogwildPlusPlus<R>,
    /// The sum, where changes are summed.
    params: &'s SharedParams<R>,
    cluster: usize,
    /// The token, and the visits made since it was taken.
    held: Option<(Token<'s>, usize)>,
    /// Room for the coordinates that a block's terms touch.
    changed: Vec<usize>,
}

impl<R: Real> Courier<'_, R> {
    /// Marks the weights that the block's terms changed, then looks at the token once.
    fn after_block(&mut self, visit: &dyn Visit<R>, terms: &[usize]) {
        let own = &self.strategy.replicas[self.cluster];
        if self.strategy.marks {
            self.changed.clear();
            visit.support(terms, &mut self.changed);
            let common = visit.shape().own()..visit.shape().width;
            self.changed.iter().copied().chain(common).for_each(|j| own.mark(j));
        }
        match &mut self.held {
            None => self.held = self.strategy.ring.take(self.cluster).map(|token| (token, 0)),
            Some((_, visits)) => *visits += terms.len(),
        }
        if self.held.as_ref().is_some_and(|(_, visits)| {
            visits + terms.len() / 2 >= self.strategy.layout.update_delay
        }) {
            self.end();
        }
        if self.strategy.crowded {
            // The token waits for a worker that waits for a processor.
            thread::yield_now();
        }
    }

    /// Syncs and passes the token on, if this worker holds it.
    fn end(&mut self) {
        if let Some((_token, _)) = self.held.take() {
            let (own, alone) =
                (&self.strategy.replicas[self.cluster], self.strategy.sizes[self.cluster] == 1);
            if self.strategy.layout.merging == Merging::Summed {
                own.sum_up(self.params, self.strategy.layout.clusters, alone);
                return;
            }
            let next = &self.strategy.replicas[self.strategy.ring.after(self.cluster)];
            own.sync(
                next,
                SyncMode { mixing: self.strategy.mixing, alone, all: !self.strategy.marks },
            );
        }
    }
}
