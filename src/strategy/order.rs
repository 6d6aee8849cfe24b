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

/// From this many terms on, an epoch goes through stretches of memory: the data may be larger than it, and a disk reads
/// neighbors much faster than blocks far apart. Decided by the terms alone, so that the order is the same on each machine.
const MANY: usize = 1 << 20;

/// Blocks in a stretch: some MB of rows, hundreds of stretches an epoch. Rows lie in random order, so that a stretch is
/// as good a sample as any.
const STRETCH: usize = 128;

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
    ///
    /// Of many terms, stretches of blocks are shuffled, and the blocks of each.
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        let full = self.terms / self.block;
        let mut random = stream(seed, epoch, u64::MAX);
        if self.terms < MANY {
            self.blocks[..full].shuffle(&mut random);
            return;
        }
        let mut stretches: Vec<usize> = (0..full.div_ceil(STRETCH)).collect();
        stretches.shuffle(&mut random);
        let mut at = 0;
        for stretch in stretches {
            let start = stretch * STRETCH;
            let blocks = start..full.min(start + STRETCH);
            let places = &mut self.blocks[at..at + blocks.len()];
            at += blocks.len();
            places.iter_mut().zip(blocks).for_each(|(place, block)| *place = block as u32);
            places.shuffle(&mut random);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_of_many_terms_goes_through_stretches() {
        let terms = MANY + 3 * BLOCK + 5;
        let mut order = Order::new(terms);
        order.shuffle(1, 0);
        let first = order.clone();
        let mut seen = order.blocks.clone();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..terms.div_ceil(BLOCK) as u32));
        let last = order.block(order.blocks() - 1);
        assert_eq!(last, terms / BLOCK * BLOCK..terms);
        let changes = order.blocks.windows(2).filter(|pair| pair[0] / 128 != pair[1] / 128).count();
        assert!(changes <= (MANY / BLOCK).div_ceil(STRETCH) + 1, "{changes}");
        order.shuffle(1, 1);
        assert_ne!(order.blocks, first.blocks);
        order.shuffle(1, 0);
        assert_eq!(order.blocks, first.blocks);
    }
}
