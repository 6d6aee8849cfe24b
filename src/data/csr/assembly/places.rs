//! The final arrays, cut into buckets of whole rows that threads lock in turn.

use crate::data::csr::Offsets;
use std::sync::{Mutex, PoisonError};

/// Buckets are as many as this, or rows as few as [`ROWS`]: two threads hardly ever meet at one.
const BUCKETS: usize = 1 << 12;
const ROWS: usize = 16;

pub(super) struct Places<'a> {
    buckets: Vec<Mutex<Bucket<'a>>>,
    /// Logarithm of the number of rows of a bucket.
    shift: u32,
    values: bool,
}

/// Consecutive rows.
struct Bucket<'a> {
    /// Offset of the first row.
    start: usize,
    indices: &'a mut [u32],
    values: &'a mut [f32],
}

impl<'a> Places<'a> {
    pub(super) fn new(offsets: &Offsets, mut indices: &'a mut [u32], values: Option<&'a mut [f32]>) -> Self {
        let rows = (offsets.rows() / BUCKETS).next_power_of_two().max(ROWS);
        let has_values = values.is_some();
        let mut values = values.unwrap_or_default();
        let mut buckets = Vec::with_capacity(offsets.rows().div_ceil(rows));
        let mut start = 0;
        for row in (0..offsets.rows()).step_by(rows) {
            let end = offsets.start(offsets.rows().min(row + rows));
            let own = indices.split_off_mut(..end - start).unwrap_or_default();
            let own_values =
                values.split_off_mut(..if has_values { end - start } else { 0 }).unwrap_or_default();
            buckets.push(Mutex::new(Bucket { start, indices: own, values: own_values }));
            start = end;
        }
        Places { buckets, shift: rows.trailing_zeros(), values: has_values }
    }

    pub(super) fn take_values(&self) -> bool {
        self.values
    }

    #[inline]
    pub(super) fn put(&self, place: usize, start: usize, indices: &[u32], values: Option<&[f32]>) {
        let mut bucket = self.buckets[place >> self.shift].lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = &mut *bucket;
        let range = start - bucket.start..start - bucket.start + indices.len();
        bucket.indices[range.clone()].copy_from_slice(indices);
        match values {
            Some(values) => bucket.values[range].copy_from_slice(values),
            None if self.values => bucket.values[range].fill(1.0),
            None => (),
        }
    }
}
