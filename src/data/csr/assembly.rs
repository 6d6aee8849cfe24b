//! Assembles rows directly in their places in the final arrays, from many threads at once.
//!
//! The places follow from the number of entries of each row, known in advance, and from the seed.
//! Beyond the final arrays there is memory for one block of rows per thread only: the place of each
//! row is kept where its label will be, as a number, and labels are shuffled last.

mod places;

use super::{Array, Block, Dataset, MergedValues, Offsets, Stop, layout, merged};
use crate::data::IndexBase;
use crate::memory::advise_huge_pages;
use places::{Places, Sorter};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// The places of all rows.
pub(in crate::data) struct Layout {
    offsets: Offsets,
    seed: Option<u64>,
}

/// Properties of all rows that are in place.
#[derive(Default)]
struct Facts {
    width: usize,
    zero: bool,
    merged: Option<MergedValues>,
}

impl Layout {
    /// Lays out rows with these numbers of entries, in the order of the file. They will lie in the
    /// order of `seed` (`None`: in that of the file). There are at most `u32::MAX` rows.
    pub(in crate::data) fn new(mut lengths: Vec<u32>, seed: Option<u64>) -> Self {
        if let Some(seed) = seed {
            layout::shuffle(&mut lengths, seed);
        }
        Layout { offsets: Offsets::from_lengths(lengths), seed }
    }

    /// Bytes that laying out so many rows and entries takes at least: the arrays, without values.
    pub(in crate::data) fn memory(rows: usize, entries: usize) -> u64 {
        (entries * size_of::<u32>() + rows * (size_of::<f64>() + size_of::<u32>())) as u64
    }

    /// Fills the arrays with the rows of all parts, which together hold the rows of the file in
    /// order. Parallel in rayon's current pool.
    ///
    /// A part is its number of rows, and an input from which `read` makes a block. With `values`
    /// there is an array of values, else all must be 1.
    ///
    /// # Errors
    /// The error of the first part that fails, in the order of the file.
    pub(in crate::data) fn fill<P: Send, E: Send>(
        &self,
        values: bool,
        parts: impl IntoIterator<Item = (usize, P)>,
        read: impl Fn(P, &mut Block) -> Result<(), E> + Sync,
    ) -> Result<Filled, Stop<E>> {
        let starts = self.offsets.starts();
        // Takes twice its memory for a moment, so before the large arrays exist.
        let places = layout::places(starts.rows(), self.seed);
        let mut labels: Vec<f64> = places.into_iter().map(f64::from).collect();
        // Zeroed memory comes from the system: it takes no space before a thread writes to it.
        let mut indices = vec![0; starts.total()];
        let mut all_values = values.then(|| vec![0.0; indices.len()]);
        advise_huge_pages(&mut indices);
        advise_huge_pages(all_values.as_deref_mut().unwrap_or_default());
        let facts = Mutex::new(Facts::default());
        let places = Places::new(starts, &mut indices, all_values.as_deref_mut());
        let stop = split(&mut labels, parts)?
            .into_par_iter()
            .map_init(<(Block, Sorter)>::default, |(block, sorter), (part, labels)| {
                read(part, block).map_err(Stop::Unread)?;
                places.put(block, labels, sorter)?;
                labels.copy_from_slice(block.labels());
                let mut facts = facts.lock().unwrap_or_else(PoisonError::into_inner);
                facts.width = facts.width.max(block.width());
                facts.zero |= block.has_zero();
                facts.merged = merged::first(facts.merged, block.merged());
                Ok(())
            })
            .find_map_first(Result::err);
        drop(places);
        match stop {
            Some(stop) => Err(stop),
            None => {
                let Facts { width, zero, merged } =
                    facts.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok(Filled { indices, values: all_values, labels, width, zero, merged })
            }
        }
    }

    /// Makes the data set of the arrays that [`Layout::fill`] filled from a text that counts
    /// features from `base`. Also returns the number from which the text does count. If that is to
    /// be found and no index is 0, it is 1: then 1 is subtracted from each index.
    pub(in crate::data) fn finish(self, filled: Filled, base: IndexBase) -> (Dataset, IndexBase) {
        let Filled { mut indices, values, mut labels, mut width, zero, merged } = filled;
        let found = match base {
            IndexBase::Auto if zero => IndexBase::Zero,
            IndexBase::Auto => IndexBase::One,
            given => given,
        };
        if found != base && !zero {
            indices.par_iter_mut().for_each(|index| *index -= 1);
            width = width.saturating_sub(1);
        }
        if let Some(seed) = self.seed {
            layout::shuffle(&mut labels, seed);
        }
        let data = Dataset {
            offsets: self.offsets,
            indices: indices.into(),
            values: values.map(Array::from),
            labels: labels.into(),
            width,
            seed: self.seed,
            cache: None,
            merged,
        };
        (data, found)
    }
}

/// Arrays that hold all rows, each checked.
pub(in crate::data) struct Filled {
    indices: Vec<u32>,
    values: Option<Vec<f32>>,
    /// The labels, in the order of the file.
    labels: Vec<f64>,
    width: usize,
    zero: bool,
    merged: Option<MergedValues>,
}

impl Filled {
    /// Number of rows.
    pub(in crate::data) fn rows(&self) -> usize {
        self.labels.len()
    }
}

/// Pairs each part with the places of its rows, where their labels will be.
fn split<P, E>(
    mut places: &mut [f64],
    parts: impl IntoIterator<Item = (usize, P)>,
) -> Result<Vec<(P, &mut [f64])>, Stop<E>> {
    let mut split = Vec::new();
    for (rows, part) in parts {
        let (own, rest) = places.split_at_mut_checked(rows).ok_or(Stop::Changed)?;
        split.push((part, own));
        places = rest;
    }
    if places.is_empty() { Ok(split) } else { Err(Stop::Changed) }
}
