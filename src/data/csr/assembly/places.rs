//! The final arrays, cut into buckets of whole rows, one lock each.
//!
//! A thread has the rows of a whole piece of text at hand, sorts them by bucket and locks each
//! bucket once. With one lock per row it would wait for the row's memory each time.

use crate::data::csr::{Block, Starts, Stop};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Locks of the final arrays: enough that threads seldom contend for one, few enough that a bucket
/// gets several rows of a piece.
const BUCKETS: usize = 64;

/// Places of rows in the final arrays, to be filled by many threads.
pub(super) struct Places<'a> {
    offsets: Starts<'a>,
    buckets: Vec<Mutex<Bucket<'a>>>,
    /// Logarithm of the number of rows of a bucket.
    shift: u32,
    has_values: bool,
}

/// Consecutive rows of the final arrays.
struct Bucket<'a> {
    /// Offset of the first row.
    start: usize,
    indices: &'a mut [u32],
    values: &'a mut [f32],
}

/// A row of a block: its entries there, and its place in the final arrays.
#[derive(Clone, Copy, Default)]
struct Move {
    start: usize,
    length: u32,
    place: u32,
}

/// The rows of a block, sorted by bucket: reused memory of [`Places::put`].
#[derive(Default)]
pub(super) struct Sorter {
    /// End of the rows of each bucket in `moves`, which is the start of the next bucket's.
    ends: Vec<usize>,
    moves: Vec<Move>,
}

impl<'a> Places<'a> {
    /// Cuts the arrays into buckets. Without `values` all values are 1.
    pub(super) fn new(
        offsets: Starts<'a>,
        mut indices: &'a mut [u32],
        values: Option<&'a mut [f32]>,
    ) -> Self {
        let rows = offsets.rows().div_ceil(BUCKETS).next_power_of_two();
        let has_values = values.is_some();
        let mut values = values.unwrap_or_default();
        let mut buckets = Vec::with_capacity(BUCKETS);
        for row in (0..offsets.rows()).step_by(rows) {
            let start = offsets.start(row);
            let entries = offsets.start(offsets.rows().min(row + rows)) - start;
            let (own, rest) = indices.split_at_mut(entries);
            let (own_values, rest_values) =
                values.split_at_mut(if has_values { entries } else { 0 });
            buckets.push(Mutex::new(Bucket { start, indices: own, values: own_values }));
            (indices, values) = (rest, rest_values);
        }
        Places { offsets, buckets, shift: rows.trailing_zeros(), has_values }
    }

    /// Copies the rows of `block` to their `places`, whole numbers.
    ///
    /// # Panics
    /// If the indices of a row do not ascend.
    pub(super) fn put<E>(
        &self,
        block: &Block,
        places: &[f64],
        sorter: &mut Sorter,
    ) -> Result<(), Stop<E>> {
        if block.len() != places.len() {
            return Err(Stop::Changed);
        }
        if block.values().is_some() && !self.has_values {
            return Err(Stop::Values);
        }
        sorter.sort(block, places, self.buckets.len(), self.shift);
        let mut from = 0;
        for (bucket, &end) in self.buckets.iter().zip(&sorter.ends) {
            if from < end {
                let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
                for row in &sorter.moves[from..end] {
                    self.put_row(&mut bucket, block, *row)?;
                }
            }
            from = end;
        }
        Ok(())
    }

    #[inline]
    fn put_row<E>(&self, bucket: &mut Bucket<'_>, block: &Block, row: Move) -> Result<(), Stop<E>> {
        let to = self.offsets.range(row.place as usize);
        let from = row.start..row.start + row.length as usize;
        let indices = &block.indices()[from.clone()];
        // The invariant of `Dataset`. That all indices are below its width follows from how the
        // width is found.
        assert!(ascend(indices), "the indices of a row must ascend strictly");
        if to.len() != indices.len() {
            return Err(Stop::Changed);
        }
        let to = Range { start: to.start - bucket.start, end: to.end - bucket.start };
        bucket.indices[to.clone()].copy_from_slice(indices);
        match block.values() {
            Some(values) => bucket.values[to].copy_from_slice(&values[from]),
            None if self.has_values => bucket.values[to].fill(1.0),
            None => (),
        }
        Ok(())
    }
}

impl Sorter {
    /// Sorts the rows of `block`, in place of those before.
    fn sort(&mut self, block: &Block, places: &[f64], buckets: usize, shift: u32) {
        self.ends.clear();
        self.ends.resize(buckets + 1, 0);
        for &place in places {
            self.ends[(place as u32 >> shift) as usize + 1] += 1;
        }
        for k in 1..=buckets {
            self.ends[k] += self.ends[k - 1];
        }
        // Each end is the bucket's start until its rows are in.
        self.moves.resize(places.len().max(self.moves.len()), Move::default());
        let mut start = 0;
        for (&place, &length) in places.iter().zip(block.lengths()) {
            let place = place as u32;
            let at = &mut self.ends[(place >> shift) as usize];
            self.moves[*at] = Move { start, length, place };
            *at += 1;
            start += length as usize;
        }
    }
}

/// Returns true if the indices ascend strictly. Reads all of them, so that the compiler makes
/// vector code of it.
fn ascend(indices: &[u32]) -> bool {
    indices.windows(2).fold(true, |ascend, pair| ascend & (pair[0] < pair[1]))
}
