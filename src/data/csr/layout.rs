//! The random order of rows that training reads in memory order, and the way back to the file's.

use super::{Dataset, Offsets};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::borrow::Cow;

/// Brings `items`, one a row of the file, into the order of `seed`. Deterministic; the same permutation whatever
/// the items are.
pub(super) fn shuffle<T>(items: &mut [T], seed: u64) {
    items.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
}

/// The order of `seed`: the row of the file that lies in each place.
fn permutation(rows: usize, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    shuffle(&mut order, seed);
    order
}

/// The place of each row of the file in the order of `seed`.
pub(super) fn places(rows: usize, seed: Option<u64>) -> Vec<u32> {
    let Some(seed) = seed else { return (0..rows as u32).collect() };
    let mut places = vec![0; rows];
    for (place, row) in permutation(rows, seed).into_iter().enumerate() {
        places[row as usize] = place as u32;
    }
    places
}

impl Dataset {
    /// The seed in whose random order the examples lie, `None` if they lie in the order of the file.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// This data set with its examples in the random order of `seed`: a copy unless they lie in it already.
    /// Deterministic: the order of the examples before does not matter.
    pub fn shuffled(&self, seed: u64) -> Cow<'_, Dataset> {
        if self.seed == Some(seed) {
            return Cow::Borrowed(self);
        }
        let mut order = places(self.len(), self.seed);
        shuffle(&mut order, seed);
        Cow::Owned(Dataset { seed: Some(seed), ..self.reordered(&order) })
    }

    /// One label an example, in the order of the file.
    pub fn labels_of_file(&self) -> Cow<'_, [f32]> {
        match self.seed {
            None => Cow::Borrowed(&self.labels),
            seed => places(self.len(), seed).into_iter().map(|place| self.labels[place as usize]).collect(),
        }
    }

    /// `items`, one an example in the order of the file, in the order of the rows.
    ///
    /// # Panics
    /// If there is not one an example.
    pub fn from_file_order<T: Clone>(&self, items: &[T]) -> Vec<T> {
        assert_eq!(items.len(), self.len(), "one item an example");
        let mut items = items.to_vec();
        if let Some(seed) = self.seed {
            shuffle(&mut items, seed);
        }
        items
    }

    /// A copy whose row `i` is this one's row `order[i]`, for which that is the order of the file.
    ///
    /// # Panics
    /// If `order` names a row that is not there.
    pub fn reordered(&self, order: &[u32]) -> Dataset {
        let lengths: Vec<u32> = order.iter().map(|&i| self.row(i as usize).len() as u32).collect();
        let offsets = Offsets::from_lengths(lengths);
        let total = offsets.total();
        let mut indices = Vec::with_capacity(total);
        let mut values = self.values.as_ref().map(|_| Vec::with_capacity(total));
        for &i in order {
            let row = self.row(i as usize);
            indices.extend_from_slice(row.indices);
            if let (Some(all), Some(own)) = (&mut values, row.values) {
                all.extend_from_slice(own);
            }
        }
        let labels = order.iter().map(|&i| self.labels[i as usize]).collect();
        Dataset { offsets, indices, values, labels, width: self.width, seed: None }
    }
}
