//! The order in which an epoch visits terms: blocks of consecutive terms, shuffled; terms shuffled inside a block.
//!
//! Rows lie in memory in shuffled order from the start, so blocks of neighbors are a random sample, and an epoch
//! reads memory in runs that the hardware can prefetch. A fully random order costs several times as much.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Most terms in a block.
pub(super) const BLOCK: usize = 64;

/// Blocks of terms in the order of one epoch.
#[derive(Clone, Debug)]
pub struct Order {
    terms: usize,
    block: usize,
    blocks: Vec<u32>,
}

impl Order {
    /// Blocks over `terms` terms, not shuffled yet. Few terms make small blocks, so that every worker gets some.
    pub fn new(terms: usize) -> Self {
        let block = (terms / 64).clamp(1, BLOCK);
        Order { terms, block, blocks: (0..terms.div_ceil(block) as u32).collect() }
    }

    /// Shuffles the blocks for `epoch`; a block that is not full stays the last one, so that a block's place tells how
    /// many terms come before it. Deterministic given seed, epoch and the order before.
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        let full = self.terms / self.block;
        self.blocks[..full].shuffle(&mut stream(seed, epoch, u64::MAX));
    }

    /// Number of terms.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Terms of a full block: all but the one that holds the last terms are full.
    pub fn block_len(&self) -> usize {
        self.block
    }

    /// The terms of the block that comes `k`-th in this epoch.
    pub fn block(&self, k: usize) -> Range<usize> {
        let start = self.blocks[k] as usize * self.block;
        start..self.terms.min(start + self.block)
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
