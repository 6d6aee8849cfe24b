//! The order in which an epoch visits terms: four stretches of consecutive terms at a time, in
//! turn.
//!
//! Rows lie in memory in shuffled order from the start, so the terms of a stretch are a random
//! sample, and each stretch is read from its first byte to its last, which processors foresee.
//! Terms that are visited one after the other in each epoch make up for each other's errors only
//! slowly; here terms of three other stretches, others in each epoch, come between neighbors. Dual
//! ascent to 0.1 % on 84 problems takes 1,822 epochs together; with runs of 16 terms, four to a
//! block whose terms are shuffled, 1,795; blocks of 64 that stayed together took 79 instead of 13
//! on a9a (`benches/record/README.md`).

use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Most terms in a block.
pub(crate) const BLOCK: usize = 64;
/// Stretches that are visited in turn.
const LANES: usize = 4;

/// From this many terms on, stretches are long: the data may be larger than memory, and a disk
/// reads some hundred KB at a place much faster than a few. Decided by the terms alone, so that the
/// order is the same on each machine.
const MANY: usize = 1 << 20;

/// Blocks of terms in the order of one epoch.
#[derive(Clone, Debug)]
pub struct Order {
    terms: usize,
    block: usize,
    /// Terms in a stretch are 2 to the power of this.
    log_stretch: u32,
    /// The term that the first stretch starts with.
    start: usize,
    /// The full stretches, by number.
    stretches: Vec<u32>,
}

impl Order {
    /// How many visits before its own a term's memory is best asked for: four turns.
    pub const AHEAD: usize = 4 * LANES;

    /// Blocks over `terms` terms, not shuffled yet. Few terms make small blocks, so that every
    /// worker gets some, and are shuffled one by one.
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

    /// Draws the order of `epoch`: where stretches start, and which comes when. Deterministic given
    /// seed and epoch.
    pub fn shuffle(&mut self, seed: u64, epoch: u64) {
        let mut random = stream(seed, epoch);
        self.start = random.random_range(0..self.terms.max(1));
        self.stretches.iter_mut().zip(0..).for_each(|(stretch, number)| *stretch = number);
        self.stretches.shuffle(&mut random);
    }

    /// Number of terms.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.terms.div_ceil(self.block)
    }

    /// Terms of a full block: all but the last one are full, so that a block's place tells how many
    /// terms come before it.
    pub fn block_len(&self) -> usize {
        self.block
    }

    /// Appends the terms of the block that comes `k`-th in this epoch to `terms`.
    pub fn block(&self, k: usize, terms: &mut Vec<usize>) {
        let places = k * self.block..self.terms.min((k + 1) * self.block);
        let turn = LANES << self.log_stretch;
        let first = places.start / turn * LANES;
        let lanes = self.stretches.get(first..).and_then(|lanes| lanes.first_chunk::<LANES>());
        match lanes.filter(|_| {
            places.len() % LANES == 0 && places.end <= (first << self.log_stretch) + turn
        }) {
            Some(lanes) => {
                let starts = lanes.map(|lane| ((lane as usize) << self.log_stretch) + self.start);
                let steps = places.start % turn / LANES..;
                for step in steps.take(places.len() / LANES) {
                    terms.extend(starts.map(|start| self.wrapped(start + step)));
                }
            }
            None => terms.extend(places.map(|place| self.term(place))),
        }
    }

    /// The term that is visited `place`-th in this epoch.
    fn term(&self, place: usize) -> usize {
        // What makes no full stretch comes last.
        if place >= self.stretches.len() << self.log_stretch {
            return self.wrapped(place + self.start);
        }
        let first = place / (LANES << self.log_stretch) * LANES;
        let lanes = &self.stretches[first..self.stretches.len().min(first + LANES)];
        let within = place - (first << self.log_stretch);
        let (step, lane) = (within / lanes.len(), within % lanes.len());
        self.wrapped(((lanes[lane] as usize) << self.log_stretch) + step + self.start)
    }

    /// After the last term comes the first one.
    fn wrapped(&self, term: usize) -> usize {
        if term < self.terms { term } else { term - self.terms }
    }
}

/// The random numbers of one epoch.
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
                let places: Vec<usize> = (0..terms).map(|place| order.term(place)).collect();
                assert_eq!(places, all(&order), "{terms}");
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
