//! Counters that workers update while they run, for any thread to read.

use crossbeam::utils::CachePadded;

use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};

/// Counts since a fit began, padded so that no two workers write one cache line.
#[derive(Debug)]
pub struct Progress(Vec<CachePadded<Counts>>);

/// The age of the weights that gradients were computed on. Each strategy counts it in its own unit:
/// see its README.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staleness {
    /// The maximum over all gradients.
    pub most: usize,
    /// The mean over all gradients.
    pub mean: f64,
}

#[derive(Debug, Default)]
struct Counts {
    visits: AtomicUsize,
    taken: AtomicUsize,
    dropped: AtomicUsize,
    staleness: AtomicUsize,
    most_staleness: AtomicUsize,
}

impl Progress {
    /// Creates counters of 0 for `workers` workers.
    pub fn new(workers: usize) -> Self {
        Progress((0..workers).map(|_| CachePadded::default()).collect())
    }

    /// Returns the number of visits of all workers since the fit began. A block counts when it
    /// ends.
    pub fn visits(&self) -> usize {
        self.sum(|counts| &counts.visits)
    }

    /// Returns the staleness of gradients, if the strategy counts it. Exact when no worker runs.
    pub fn staleness(&self) -> Option<Staleness> {
        let taken = self.sum(|counts| &counts.taken);
        let most =
            self.0.iter().map(|counts| counts.most_staleness.load(Relaxed)).max().unwrap_or(0);
        let mean = self.sum(|counts| &counts.staleness) as f64 / taken as f64;
        (taken > 0).then_some(Staleness { most, mean })
    }

    /// Returns the fraction of gradients that came too late and were dropped, if the strategy
    /// counts them. Exact when no worker runs.
    pub fn dropped(&self) -> Option<f64> {
        let (taken, dropped) =
            (self.sum(|counts| &counts.taken), self.sum(|counts| &counts.dropped));
        (taken + dropped > 0).then(|| dropped as f64 / (taken + dropped) as f64)
    }

    fn sum(&self, counter: impl Fn(&Counts) -> &AtomicUsize) -> usize {
        self.0.iter().map(|counts| counter(counts).load(Relaxed)).sum()
    }

    /// Counts a worker's visits.
    pub(crate) fn add(&self, worker: usize, visits: usize) {
        self.0[worker].visits.fetch_add(visits, Relaxed);
    }

    /// Counts a worker's gradient that is applied, with its staleness.
    pub(crate) fn taken(&self, worker: usize, staleness: usize) {
        let counts = &self.0[worker];
        counts.taken.fetch_add(1, Relaxed);
        counts.staleness.fetch_add(staleness, Relaxed);
        counts.most_staleness.fetch_max(staleness, Relaxed);
    }

    /// Counts a worker's gradient that was dropped.
    pub(crate) fn was_dropped(&self, worker: usize) {
        self.0[worker].dropped.fetch_add(1, Relaxed);
    }
}
