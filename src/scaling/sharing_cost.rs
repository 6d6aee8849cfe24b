//! Cost of sharing per epoch, by strategy: C(P) of the model (`prediction.rs`), from measured times
//! and counts.
//!
//! For P threads:
//!
//! - wild and atomic updates: each touch of a weight finds its line with another thread with
//!   probability (P-1)/P, at the extra cost that two threads showed on these rows, with probability
//!   1/2; a strategy that is not in this list is taken for wild;
//! - merged copies: the merges of `strategy/hogwild/merging.rs`, at the cost of one each, and the
//!   dense pass at the end;
//! - split weights: merges of the hot weights, touches of the others;
//! - the ring: its syncs, each a merge of all weights and a pass over three vectors, the consensus
//!   at the end, and wild updates within a cluster;
//! - sync: half of a visit writes, and one thread does that for all; in each round of P batches,
//!   P-1 threads wait for another one;
//! - ssp: touches by compare-and-swap, and a wait to read and one to write each time that the bound
//!   is used up;
//! - all-reduce: each thread waits for the others twice per round, and applies the movements of
//!   all: half of T(1) again, less where a batch touches coordinates more than once; or all
//!   coordinates, in chunks with a wait for each;
//! - averaging: (P-1)/P of each copy go to another thread, and as much of the mean comes from
//!   there, at the cost of a merge; and threads wake up once more;
//! - locked: the extra cost of a touch with one set of locks, P-1 times of P: visits that need a
//!   common lock do not run in parallel, whatever the number of threads;
//! - round-robin: one thread at a time makes the half of the visits that writes, and each visit is
//!   a turn.
//!
//! Waiting is measured with the protocols' own turns and rounds (`rehearsal.rs`), which distinguish
//! a short wait from one in which a thread falls asleep: waking it up takes many times as long.
//! Where waits are near that border, the same data show both from one training to the next, several
//! times apart, and the model has the median of what the rehearsals found. It ignores that waits of
//! all-reduce and ssp differ in length from those of sync, the lists that all-reduce moves, and
//! that more than two threads wait for the slowest of them.

use super::prediction::Machine;
use crate::strategy::{
    Access, BATCH, Bounds, ClusterConfig, Clusters, Layout, StrategyKind, Update, by_lists,
};

/// Touches between two merges of a coordinate if all have copies (`strategy/hogwild/merging.rs`),
/// with two threads.
/// Record: D144.
const TOUCHES: f64 = 16.0;
/// Touches between two merges of a coordinate if only hot ones have copies
/// (`strategy/hogwild/splitting.rs`), with two threads.
/// Record: D193.
const HOT_TOUCHES: f64 = 64.0;
/// Minimum number of visits between two merges of a coordinate, with two threads.
/// Record: D043, D150.
const VISITS: f64 = 256.0;
/// A weight is hot if at least one in this many terms touches it (`strategy/hogwild/splitting.rs`).
/// Record: D080, D193.
const RARE: f64 = 100.0;
/// Terms per block; merges and syncs happen between blocks.
/// Record: D075.
const BLOCK: f64 = 64.0;
/// Number of weights from which all threads take part in the last merge
/// (`strategy/hogwild/merging.rs`).
const MANY: usize = 50_000;
/// Fraction of a visit that writes: it reads its weights, then writes them.
const WRITING: f64 = 0.5;

impl Machine<'_> {
    /// Returns the cost of sharing in an epoch on `threads` threads that takes `single` seconds on
    /// one.
    pub(super) fn sharing(&self, strategy: StrategyKind, single: f64, threads: usize) -> f64 {
        let (p, pieces) = (self.at_once(threads), &self.pieces);
        let (width, merge) = (self.frequencies.len(), pieces.merge.unwrap_or(0.0));
        let rounds = self.examples as f64 / BATCH as f64 / p;
        let round = pieces.round.unwrap_or(0.0);
        match strategy {
            StrategyKind::Sequential | StrategyKind::Auto | StrategyKind::Own(_) => 0.0,
            StrategyKind::Hogwild(Update::Atomic) => self.touches(p, pieces.contended_swap),
            StrategyKind::Hogwild(Update::Merged) => {
                let passes = if width < MANY { 1.0 } else { p };
                let bucket = pieces.bucket.unwrap_or(0.0);
                self.merges(p, TOUCHES, 0.0) * bucket + width as f64 * pieces.sweep * p / passes
            }
            StrategyKind::Hogwild(Update::Split) => {
                let hot = self.examples as f64 / RARE;
                let rare = self
                    .frequencies
                    .iter()
                    .map(|&count| f64::from(count))
                    .filter(|count| *count < hot);
                let fraction = rare.sum::<f64>() / self.nonzeros.max(1) as f64;
                self.merges(p, HOT_TOUCHES, hot) * merge
                    + fraction * self.touches(p, pieces.contended_touch)
            }
            StrategyKind::HogwildPlusPlus(ring) => self.ring(ring, threads),
            StrategyKind::Synchronous { .. } => {
                WRITING * single * (1.0 - 1.0 / p) + rounds * (p - 1.0) * round
            }
            StrategyKind::BoundedStaleness(bounds) => {
                self.touches(p, pieces.contended_swap) + rounds * waits(bounds) * round
            }
            StrategyKind::AllReduce => {
                let entries = self.nonzeros as f64 / self.examples as f64 * BATCH as f64;
                if by_lists(entries as usize, width, threads) {
                    let lists = WRITING * single * self.distinct(BATCH) / entries;
                    lists + rounds * 2.0 * round
                } else {
                    let hops = 2.0 * (p - 1.0);
                    let passes = 4.0 * pieces.sweep + hops / p * merge;
                    rounds * (hops * round + width as f64 * passes)
                }
            }
            StrategyKind::Averaging { .. } => {
                let moves = 2.0 * (p - 1.0) / p;
                self.barrier(threads) + width as f64 * (moves * merge + 3.0 * pieces.sweep)
            }
            StrategyKind::Locked => {
                self.nonzeros as f64 * (1.0 - 1.0 / p) * pieces.contended_lock.unwrap_or(0.0)
            }
            StrategyKind::RoundRobin => {
                single * (WRITING - 1.0 / p).max(0.0)
                    + self.examples as f64 * pieces.turn.unwrap_or(0.0)
            }
            // Hogwild with wild updates, and what has no line of its own.
            _ => self.touches(p, pieces.contended_touch),
        }
    }

    /// Returns the extra cost of one thread's touches of shared weights, `each` of which costs this
    /// much more with one other thread.
    fn touches(&self, p: f64, each: Option<f64>) -> f64 {
        let with_others = 2.0 * (p - 1.0) / p;
        self.nonzeros as f64 / p * with_others * each.unwrap_or(0.0)
    }

    fn ring(&self, ring: ClusterConfig, threads: usize) -> f64 {
        let (p, pieces, width) = (self.at_once(threads), &self.pieces, self.frequencies.len());
        let clusters = match ring.clusters {
            Clusters::Auto => self.topology.clusters(threads),
            Clusters::Count(count) => count,
            Clusters::Size(size) => threads.div_ceil(size.max(1)),
        };
        let delay = Layout::new(threads, clusters).for_problem(self.examples, width).update_delay;
        let syncs = self.examples as f64 / p / (delay as f64).max(BLOCK);
        let sync = width as f64 * (pieces.merge.unwrap_or(0.0) + 3.0 * pieces.sweep);
        let consensus = 2.0 * clusters as f64 * width as f64 * pieces.sweep;
        let within = (p / clusters as f64).max(1.0);
        // The touches of one worker among p.
        let touches = self.touches(within, pieces.contended_touch) * within / p;
        syncs * sync / p + consensus + touches
    }

    /// Returns the number of coordinates that any of `terms` terms touches.
    fn distinct(&self, terms: usize) -> f64 {
        let absent = |&count: &u32| 1.0 - f64::from(count) / self.examples as f64;
        self.frequencies.iter().map(|count| 1.0 - absent(count).max(0.0).powi(terms as i32)).sum()
    }

    /// Returns the number of merges by one worker in an epoch, one after this many `touches` of a
    /// coordinate, over the features that at least `hot` examples hold.
    fn merges(&self, p: f64, touches: f64, hot: f64) -> f64 {
        let blocks = self.examples as f64 / p / BLOCK;
        let of = |&count: &u32| {
            if f64::from(count) < hot {
                return 0.0;
            }
            let visits = (touches * self.examples as f64 / f64::from(count.max(1))).max(VISITS);
            let apart = (visits / (p - 1.0).max(1.0) / BLOCK).max(1.0).log2().floor().exp2();
            if apart <= blocks { blocks / apart } else { 0.0 }
        };
        self.frequencies.iter().map(of).sum()
    }
}

/// Returns the number of waits of a thread per batch.
fn waits(Bounds { staleness, reads, writes }: Bounds) -> f64 {
    let blocking = [reads, writes].iter().filter(|&&access| access == Access::Blocking).count();
    staleness.map_or(0.0, |batches| blocking as f64 / (batches as f64 + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::prediction::tests::{floors, machine};

    /// Returns the cost of sharing in an epoch of 4 ms: 100,000 examples of 10 features, of which
    /// there are 1,000.
    fn cost(name: &str, threads: usize) -> f64 {
        machine(&floors()).sharing(StrategyKind::of_label(name).unwrap(), 4e-3, threads)
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
    }

    #[test]
    fn merges_are_those_of_the_groups() {
        // Touched once in 100 visits: 64 touches take 6,400 visits, 100 blocks, rounded down to 64;
        // 781.25 blocks each.
        let expected = 1000.0 * (100_000.0 / 2.0 / 64.0) / 64.0;
        assert_near(machine(&floors()).merges(2.0, HOT_TOUCHES, 0.0), expected);
        // 16 touches take 1,600 visits, 25 blocks.
        assert_near(
            machine(&floors()).merges(2.0, TOUCHES, 0.0),
            1000.0 * (100_000.0 / 2.0 / 64.0) / 16.0,
        );
    }

    #[test]
    fn waiting_in_each_round_costs_rounds() {
        let rounds = 100_000.0 / 16.0 / 2.0;
        // Half of the visits' time is writing, of which half would be the other thread's.
        assert_near(cost("sync", 2), 1e-3 + rounds * 3e-6);
        // Three batches apart, so that one in four waits to read, and to write; half a million
        // touches each.
        assert_near(cost("ssp", 2), 0.5e6 * 5e-9 + rounds * 2.0 / 4.0 * 3e-6);
        // Each thread applies all movements: of 160 touches of a batch, 1,000 * (1 - 0.99^16) are
        // of distinct coordinates.
        let applied = 2e-3 * 1000.0 * (1.0 - 0.99_f64.powi(16)) / 160.0;
        assert_near(cost("allreduce", 2), applied + rounds * 2.0 * 3e-6);
        // Of eight threads, seven follow another one in each of the rounds, which are a quarter as
        // many.
        assert_near(cost("sync", 8), 2e-3 * 7.0 / 8.0 + rounds / 4.0 * 7.0 * 3e-6);
    }

    #[test]
    fn serialized_writes_gain_nothing() {
        // With many threads, an epoch takes as long as all writing, and all turns.
        assert_near(cost("round-robin", 2), 100_000.0 * 300e-9);
        assert_near(cost("round-robin", 8), 4e-3 * (0.5 - 0.125) + 100_000.0 * 300e-9);
        assert_near(cost("locked", 2), 0.5e6 * 20e-9);
        assert_near(cost("locked", 8), 0.875e6 * 20e-9);
    }

    #[test]
    fn an_average_passes_over_all_weights_once_an_epoch() {
        // Half of a copy goes to the other thread, and half of the mean comes from there.
        assert_near(cost("averaging", 2), 1000.0 * (4e-9 + 3.0 * 1e-10));
    }
}
