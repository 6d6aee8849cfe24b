//! The random order of rows that training reads in memory order, and back to the order of the file.

use super::{Array, Dataset, Offsets};
use crate::memory::advise_huge_pages;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use std::borrow::Cow;

/// Brings `items`, one per row of the file, into the order of `seed`. Deterministic; the
/// permutation does not depend on the items.
pub(in crate::data) fn shuffle<T>(items: &mut [T], seed: u64) {
    items.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
}

/// The order of `seed`: for each place, the row of the file in it.
fn permutation(rows: usize, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    shuffle(&mut order, seed);
    order
}

/// The place of each row of the file in the order of `seed`.
pub(in crate::data) fn places(rows: usize, seed: Option<u64>) -> Vec<u32> {
    let Some(seed) = seed else { return (0..rows as u32).collect() };
    let mut places = vec![0; rows];
    for (place, row) in permutation(rows, seed).into_iter().enumerate() {
        places[row as usize] = place as u32;
    }
    places
}

impl Dataset {
    /// The seed of the examples' random order. `None` if they lie in the order of the file.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Returns this data set with its examples in the random order of `seed`: a copy unless they
    /// lie in it already. Deterministic, and independent of their current order.
    pub fn shuffled(&self, seed: u64) -> Cow<'_, Dataset> {
        if self.seed == Some(seed) {
            return Cow::Borrowed(self);
        }
        let mut order = places(self.len(), self.seed);
        shuffle(&mut order, seed);
        Cow::Owned(Dataset { seed: Some(seed), ..self.reordered(&order) })
    }

    /// Returns this data set in a random order, for training. One that lies in a cache file in a
    /// random order stays as it is; all others are [`Dataset::shuffled`].
    ///
    /// A file may be too large to copy, and one random order is as good as another. Epochs of
    /// training have random orders of their own anyway.
    pub fn in_random_order(&self, seed: u64) -> Cow<'_, Dataset> {
        match self.seed {
            Some(_) if self.cache.is_some() => Cow::Borrowed(self),
            _ => self.shuffled(seed),
        }
    }

    /// Returns this data set in the order of the file: a copy unless it is in it already.
    pub fn in_file_order(&self) -> Cow<'_, Dataset> {
        match self.seed {
            None => Cow::Borrowed(self),
            seed => Cow::Owned(self.reordered(&places(self.len(), seed))),
        }
    }

    /// Brings `scores`, one per row, into the order of the file.
    ///
    /// # Panics
    /// If the number of scores is not that of the rows.
    pub fn in_order_of_file<T: Copy>(&self, scores: Vec<T>) -> Vec<T> {
        assert_eq!(scores.len(), self.len(), "one score per row");
        match self.seed {
            None => scores,
            seed => {
                places(self.len(), seed).into_iter().map(|place| scores[place as usize]).collect()
            }
        }
    }

    /// The label of the file's first example.
    pub fn first_label(&self) -> Option<f64> {
        match (self.cache(), self.seed) {
            (Some(cache), _) if !self.is_empty() => Some(cache.first_label()),
            (_, None) => self.labels().first().copied(),
            _ => self.labels_of_file().first().copied(),
        }
    }

    /// One label per example, in the order of the file.
    pub fn labels_of_file(&self) -> Cow<'_, [f64]> {
        match self.seed {
            None => Cow::Borrowed(self.labels()),
            seed => {
                let labels = self.labels();
                places(self.len(), seed).into_iter().map(|place| labels[place as usize]).collect()
            }
        }
    }

    /// Brings `items`, one per example in the order of the file, into the order of the rows.
    ///
    /// # Panics
    /// If the number of items is not that of the examples.
    pub fn from_file_order<T: Clone>(&self, items: &[T]) -> Vec<T> {
        assert_eq!(items.len(), self.len(), "one item per example");
        let mut items = items.to_vec();
        if let Some(seed) = self.seed {
            shuffle(&mut items, seed);
        }
        items
    }

    /// Copies the rows: row `i` of the copy is row `order[i]` of this data set. For the copy, that
    /// is the order of the file.
    ///
    /// # Panics
    /// If `order` contains a row that does not exist.
    pub fn reordered(&self, order: &[u32]) -> Dataset {
        let (rows, labels) = (self.rows(), self.labels());
        let lengths: Vec<u32> = order.iter().map(|&i| rows.row(i as usize).len() as u32).collect();
        let offsets = Offsets::from_lengths(lengths);
        let total = offsets.starts().total();
        let mut indices: Vec<u32> = Vec::with_capacity(total);
        let mut values: Option<Vec<f32>> = self.values.as_ref().map(|_| Vec::with_capacity(total));
        advise_huge_pages(indices.spare_capacity_mut());
        advise_huge_pages(values.as_mut().map(Vec::spare_capacity_mut).unwrap_or_default());
        for &i in order {
            let row = rows.row(i as usize);
            indices.extend_from_slice(row.indices);
            if let (Some(all), Some(own)) = (&mut values, row.values) {
                all.extend_from_slice(own);
            }
        }
        let labels: Vec<f64> = order.iter().map(|&i| labels[i as usize]).collect();
        let (indices, values, labels) = (indices.into(), values.map(Array::from), labels.into());
        Dataset {
            offsets,
            indices,
            values,
            labels,
            width: self.width,
            seed: None,
            cache: None,
            merged: self.merged,
        }
    }
}
