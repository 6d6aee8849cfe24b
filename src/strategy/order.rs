//! The order in which an epoch visits terms: short runs of consecutive terms, shuffled, and blocks that are made of some
//! runs each, whose terms a worker shuffles.
//!
//! Rows lie in memory in shuffled order from the start, so neighbors are a random sample, and a run is one stretch of
//! memory. Terms that are visited one after the other in each epoch make up for each other's errors only slowly, so runs
//! are much shorter than blocks: dual ascent to 0.1 % on a9a takes 13 epochs with runs of 1 or 8 terms, 14 with 16, 16
//! with 32, and 79 with 64, where a run is a block.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Most terms in a block.
pub(super) const BLOCK: usize = 64;
/// Terms in a run, if blocks are full: divides [`BLOCK`].
const RUN: usize = 16;

/// From this many terms on, an epoch goes through stretches of memory: the data may be larger than it, and a disk reads
/// neighbors much faster than runs far apart. Decided by the terms alone, so that the order is the same on each machine.
const MANY: usize = 1 << 20;
/// Runs in a stretch: some hundred KB of rows.
const STRETCH: usize = 32;
/// Stretches that are worked on at the same time. Other ones in each epoch, so that no terms stay together.
const POOL: usize = 16;

/// Blocks of terms in the order of one epoch.
#[derive(Clone, Debug)]
pub struct Order {
    terms: usize,
    block: usize,
    run: usize,
    /// The full runs, by number.
    runs: Vec<u32>,
}

impl Order {
    /// Blocks over `terms` terms, not shuffled yet. Few terms make small blocks, so that every worker gets some.
    pub fn new(terms: usize) -> Self {
        let block = (terms / 64).clamp(1, BLOCK);
        let run = if block == BLOCK { RUN } else { 1 };
        Order { terms, block, run, runs: (0..(terms / run) as u32).collect() }
    }

    /// Shuffles the runs for `epoch`. The last block takes what is left, so that a block's place tells how many terms
    /// come before it. Deterministic given seed, epoch and the order before.
    ///
    /// Of many terms, stretches are shuffled, and the runs of a few stretches at a time.
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        let mut random = stream(seed, epoch, u64::MAX);
        if self.terms < MANY {
            self.runs.shuffle(&mut random);
            return;
        }
        let count = self.runs.len();
        let mut stretches: Vec<usize> = (0..count).step_by(STRETCH).collect();
        stretches.shuffle(&mut random);
        let runs = stretches.into_iter().flat_map(|start| start..count.min(start + STRETCH));
        self.runs.iter_mut().zip(runs).for_each(|(place, run)| *place = run as u32);
        self.runs.chunks_mut(POOL * STRETCH).for_each(|pool| pool.shuffle(&mut random));
    }

    /// Number of terms.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.terms.div_ceil(self.block)
    }

    /// Terms of a full block: all but the last one are full.
    pub fn block_len(&self) -> usize {
        self.block
    }

    /// The terms of the block that comes `k`-th in this epoch.
    pub fn block(&self, k: usize) -> impl Iterator<Item = usize> {
        let (run, runs) = (self.run, self.block / self.run);
        let runs = &self.runs[k * runs..self.runs.len().min((k + 1) * runs)];
        let rest = if k + 1 == self.blocks() { self.terms / run * run..self.terms } else { 0..0 };
        runs.iter().flat_map(move |&number| number as usize * run..(number as usize + 1) * run).chain(rest)
    }
}

/// The random stream of one worker in one epoch.
pub(super) fn stream(seed: u64, epoch: u64, worker: u64) -> Xoshiro256PlusPlus {
    let mut mixed = Xoshiro256PlusPlus::seed_from_u64(seed);
    for part in [epoch, worker] {
        mixed = Xoshiro256PlusPlus::seed_from_u64(mixed.next_u64() ^ part);
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(order: &Order) -> Vec<usize> {
        (0..order.blocks()).flat_map(|k| order.block(k)).collect()
    }

    #[test]
    fn each_term_comes_once_and_blocks_are_full_but_the_last() {
        for terms in [1, 2, 63, 64, 100, 4096, 4096 + 17, 10_000, MANY + 3 * BLOCK + 5] {
            let mut order = Order::new(terms);
            for epoch in 0..2 {
                order.shuffle(3, epoch);
                let lens: Vec<usize> = (0..order.blocks()).map(|k| order.block(k).count()).collect();
                assert!(lens[..lens.len() - 1].iter().all(|&len| len == order.block_len()), "{terms}");
                let mut sorted = all(&order);
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..terms), "{terms}");
            }
        }
    }

    #[test]
    fn blocks_do_not_keep_their_terms() {
        let mut order = Order::new(100_000);
        order.shuffle(1, 0);
        let first: Vec<usize> = order.block(0).collect();
        order.shuffle(1, 1);
        let most =
            (0..order.blocks()).map(|k| order.block(k).filter(|term| first.contains(term)).count()).max();
        assert!(most.unwrap() <= 2 * RUN, "{most:?}");
    }

    #[test]
    fn an_epoch_of_many_terms_goes_through_stretches() {
        let mut order = Order::new(MANY + 5);
        order.shuffle(1, 0);
        let rows = STRETCH * RUN;
        for pool in all(&order).chunks(POOL * rows) {
            let mut stretches: Vec<usize> = pool.iter().map(|term| term / rows).collect();
            stretches.sort_unstable();
            stretches.dedup();
            assert!(stretches.len() <= POOL + 2, "{}", stretches.len());
        }
        let first = order.runs.clone();
        order.shuffle(1, 1);
        assert_ne!(order.runs, first);
        order.shuffle(1, 0);
        assert_eq!(order.runs, first);
    }
}
