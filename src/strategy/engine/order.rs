//! The order of an epoch's visits: four stretches of consecutive terms at a time, one term of each
//! in turn.
//!
//! Rows lie in memory in shuffled order from the start, so the terms of a stretch are a random
//! sample. Each stretch is read from its first byte to its last, which processors foresee. Terms
//! that follow each other in every epoch correct each other's errors only slowly. Here terms of
//! three other stretches come between neighbors, different ones in each epoch. Dual ascent to 0.1 %
//! takes 1,822 epochs over 84 problems, and 1,795 with runs of 16 terms, four to a block whose
//! terms are shuffled. Blocks of 64 that stayed together took 79 instead of 13 on a9a (D075, D076).

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Most terms in a block.
/// Record: D075, D076.
pub(crate) const BLOCK: usize = 64;
/// Number of stretches that are visited in turn.
/// Record: D075, D076.
const LANES: usize = 4;

/// From this many terms on, stretches are long: the data may be larger than memory, and a disk
/// reads runs of some hundred KB much faster than runs of a few. It depends on the number of terms
/// alone, so that the order is the same on each machine.
/// Record: D037, D075.
const MANY: usize = 1 << 20;

/// The blocks of terms, in the order of one epoch.
#[derive(Clone, Debug)]
pub struct Order {
    terms: usize,
    block: usize,
    /// A stretch has 2 to the power of this many terms.
    /// Record: D075, D076.
    log_stretch: u32,
    /// The first term of the first stretch.
    start: usize,
    /// The numbers of the full stretches, in this epoch's order.
    stretches: Vec<u32>,
}

impl Order {
    /// Visits between the prefetch of a term's data and its own visit: four terms of each stretch.
    /// Record: D180.
    pub const AHEAD: usize = 4 * LANES;

    /// Cuts `terms` terms into blocks, not shuffled yet. If terms are few, blocks are small, so
    /// that every worker gets some, and terms are shuffled one by one.
    pub fn new(terms: usize) -> Self {
        let block = (terms / 64).clamp(1, BLOCK);
        let log_stretch = match terms {
            MANY.. => 9,
            _ if block == BLOCK => 6,
            _ => 0,
        };
        Order {
            terms,
            block,
            log_stretch,
            start: 0,
            stretches: (0..(terms >> log_stretch) as u32).collect(),
        }
    }

    /// Draws the order of `epoch`: the start of the first stretch, and the order of the stretches.
    /// Deterministic given seed and epoch.
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        let mut random = stream(seed, epoch);
        self.start = random.random_range(0..self.terms.max(1));
        self.stretches.iter_mut().zip(0..).for_each(|(stretch, number)| *stretch = number);
        self.stretches.shuffle(&mut random);
    }

    /// Returns the number of terms.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Returns the number of blocks.
    pub fn blocks(&self) -> usize {
        self.terms.div_ceil(self.block)
    }

    /// Returns the number of terms in a full block. All blocks but the last are full, so `k`
    /// times this many terms come before the `k`-th block, from 0.
    pub fn block_len(&self) -> usize {
        self.block
    }

    /// Appends the terms of the `k`-th block of this epoch, from 0, to `terms`.
    pub fn block(&self, k: usize, terms: &mut Vec<usize>) {
        let positions = k * self.block..self.terms.min((k + 1) * self.block);
        let round = LANES << self.log_stretch;
        let first = positions.start / round * LANES;
        let lanes = self.stretches.get(first..).and_then(|lanes| lanes.first_chunk::<LANES>());
        match lanes.filter(|_| {
            positions.len() % LANES == 0 && positions.end <= (first << self.log_stretch) + round
        }) {
            Some(lanes) => {
                let starts = lanes.map(|lane| ((lane as usize) << self.log_stretch) + self.start);
                let steps = positions.start % round / LANES..;
                for step in steps.take(positions.len() / LANES) {
                    terms.extend(starts.map(|start| self.wrapped(start + step)));
                }
            }
            None => terms.extend(positions.map(|position| self.term(position))),
        }
    }

    /// Returns the term that is visited at `position` in this epoch.
    fn term(&self, position: usize) -> usize {
        // Terms that make no full stretch come last.
        if position >= self.stretches.len() << self.log_stretch {
            return self.wrapped(position + self.start);
        }
        let first = position / (LANES << self.log_stretch) * LANES;
        let lanes = &self.stretches[first..self.stretches.len().min(first + LANES)];
        let within = position - (first << self.log_stretch);
        let (step, lane) = (within / lanes.len(), within % lanes.len());
        self.wrapped(((lanes[lane] as usize) << self.log_stretch) + step + self.start)
    }

    /// Wraps a number past the last term around to the first ones.
    fn wrapped(&self, term: usize) -> usize {
        if term < self.terms { term } else { term - self.terms }
    }
}

/// Returns the random numbers of one epoch.
fn stream(seed: u64, epoch: u64) -> Xoshiro256PlusPlus {
    let mut mixed = Xoshiro256PlusPlus::seed_from_u64(seed);
    Xoshiro256PlusPlus::seed_from_u64(mixed.next_u64() ^ epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(order: &Order) -> Vec<usize> {
        let mut terms = Vec::new();
        (0..order.blocks()).for_each(|k| order.block(k, &mut terms));
        terms
    }

    #[test]
    fn each_term_comes_once_and_blocks_are_full_but_the_last() {
        for terms in [
            1,
            2,
            63,
            64,
            100,
            4096,
            4096 + 17,
            10_000,
            256 * 64,
            256 * 64 + 191,
            MANY + 3 * BLOCK + 5,
        ] {
            let mut order = Order::new(terms);
            for epoch in 0..2 {
                order.shuffle(3, epoch);
                let mut block = Vec::new();
                for k in 0..order.blocks() - 1 {
                    block.clear();
                    order.block(k, &mut block);
                    assert_eq!(block.len(), order.block_len(), "{terms}");
                }
                let positions: Vec<usize> =
                    (0..terms).map(|position| order.term(position)).collect();
                assert_eq!(positions, all(&order), "{terms}");
                let mut sorted = all(&order);
                sorted.sort_unstable();
                assert!(sorted.into_iter().eq(0..terms), "{terms}");
            }
        }
    }

    #[test]
    fn an_order_depends_on_seed_and_epoch_alone() {
        let mut order = Order::new(10_000);
        let mut drawn = |seed, epoch| {
            order.shuffle(seed, epoch);
            all(&order)
        };
        let first = drawn(1, 0);
        assert_ne!(first, drawn(1, 1));
        assert_ne!(first, drawn(2, 0));
        assert_eq!(first, drawn(1, 0));
    }

    #[test]
    fn neighbors_have_others_between_them_in_each_epoch() {
        let mut order = Order::new(100_000);
        let mut between = |epoch| {
            order.shuffle(1, epoch);
            let all = all(&order);
            let gaps = all.windows(LANES + 1).filter(|terms| terms[LANES] == terms[0] + 1).count();
            assert!(gaps > all.len() * 9 / 10, "{gaps}");
            all.windows(2)
                .map(|terms| (terms[0], terms[1]))
                .collect::<std::collections::HashSet<_>>()
        };
        let (first, second) = (between(0), between(1));
        let together = first.intersection(&second).count();
        assert!(together < 1000, "{together}");
    }

    #[test]
    fn an_epoch_of_many_terms_reads_long_stretches() {
        let mut order = Order::new(MANY + 5);
        order.shuffle(1, 0);
        let visited = all(&order);
        for group in visited[..MANY].chunks(LANES << 9) {
            for lane in 0..LANES {
                let (first, last) = (group[lane], group[group.len() - LANES + lane]);
                assert!(last == first + 511 || last + MANY + 5 == first + 511, "{first} {last}");
            }
        }
    }
}
