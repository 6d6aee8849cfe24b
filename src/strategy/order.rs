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
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        self.runs.shuffle(&mut stream(seed, epoch, u64::MAX));
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
