//! Rows in the order of the file, gathered before their places are known.

use super::merged::Merging;
use super::{Dataset, MergedValues, Offsets};

/// Rows of consecutive lines. Values get an array at the first one that is not 1.
#[derive(Debug, Default)]
pub(in crate::data) struct Block {
    lengths: Vec<u32>,
    labels: Vec<f64>,
    indices: Vec<u32>,
    values: Option<Vec<f32>>,
    /// The unused array of values, kept for its memory.
    spare: Vec<f32>,
    /// Start of the row that is being built.
    open: usize,
    width: usize,
    zero: bool,
    merging: Merging,
}

impl Block {
    /// Drops all rows and keeps the memory. Takes more for `rows` and `entries` if there is too
    /// little.
    pub(in crate::data) fn clear(&mut self, rows: usize, entries: usize) {
        self.lengths.clear();
        self.lengths.reserve_exact(rows);
        self.labels.clear();
        self.labels.reserve_exact(rows);
        self.indices.clear();
        self.indices.reserve_exact(entries);
        if let Some(values) = self.values.take() {
            self.spare = values;
        }
        (self.open, self.width, self.zero) = (0, 0, false);
        self.merging.reset(None);
    }

    /// Adds an entry to the row that is being built. Its index is above the one before.
    #[inline(always)]
    pub(in crate::data) fn entry(&mut self, index: u32, value: f32) {
        if let Some(values) = &mut self.values {
            values.push(value);
        } else if value != 1.0 {
            self.first_value(value);
        }
        self.indices.push(index);
    }

    /// Returns true if [`Block::note_large`] may lead to something.
    pub(in crate::data) fn looks_for_merged(&self) -> bool {
        self.merging.goes_on()
    }

    /// Notes a value of the feature with this number in the text, as f32 and as it is there.
    pub(in crate::data) fn note_large(&mut self, feature: u32, rounded: f32, exact: f64) {
        self.merging.add(feature, rounded, exact);
    }

    /// Two values that are one as f32, if there are any.
    pub(in crate::data) fn merged(&self) -> Option<MergedValues> {
        self.merging.found()
    }

    /// Sets what [`Block::merged`] returns, until the next row is read.
    pub(in crate::data) fn set_merged(&mut self, found: Option<MergedValues>) {
        self.merging.reset(found);
    }

    #[cold]
    fn first_value(&mut self, value: f32) {
        let mut values = std::mem::take(&mut self.spare);
        values.clear();
        values.reserve_exact(self.indices.capacity());
        values.resize(self.indices.len(), 1.0);
        values.push(value);
        self.values = Some(values);
    }

    /// The last index of the row that is being built.
    #[inline(always)]
    pub(in crate::data) fn last_index(&self) -> Option<u32> {
        self.indices[self.open..].last().copied()
    }

    /// Ends the row that is being built.
    #[inline(always)]
    pub(in crate::data) fn end_row(&mut self, label: f64) {
        if let Some(last) = self.last_index() {
            self.width = self.width.max(last as usize + 1);
            // Only the first index of a row can be 0.
            self.zero |= self.indices[self.open] == 0;
        }
        // The indices of a row differ, so that only a row of all 2^32 indices would not fit.
        self.lengths.push((self.indices.len() - self.open) as u32);
        self.labels.push(label);
        self.open = self.indices.len();
    }

    /// Number of rows.
    pub(in crate::data) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Returns true if index 0 occurs.
    pub(in crate::data) fn has_zero(&self) -> bool {
        self.zero
    }

    /// One more than the largest index, 0 if there is none.
    pub(in crate::data) fn width(&self) -> usize {
        self.width
    }

    /// Number of entries of each row.
    pub(in crate::data) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// The label of each row.
    pub(in crate::data) fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// The indices of all rows.
    pub(in crate::data) fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The values of all rows, `None` if all are 1.
    pub(in crate::data) fn values(&self) -> Option<&[f32]> {
        self.values.as_deref()
    }

    /// Subtracts 1 from each index; none may be 0.
    pub(in crate::data) fn count_from_one(&mut self) {
        self.indices.iter_mut().for_each(|index| *index -= 1);
        self.width = self.width.saturating_sub(1);
    }

    /// Makes a data set of all ended rows, `width` features wide, or wider if the indices need it.
    ///
    /// # Panics
    /// If the indices of a row do not ascend.
    pub(in crate::data) fn into_dataset(mut self, width: usize) -> Dataset {
        self.indices.truncate(self.open);
        if let Some(values) = &mut self.values {
            values.truncate(self.open);
        }
        let offsets = Offsets::from_lengths(self.lengths);
        let merged = self.merging.found();
        let width = self.width.max(width);
        let data = Dataset::checked(offsets, self.indices, self.values, self.labels, width)
            .expect("rows are gathered in ascending order");
        Dataset { merged, ..data }
    }
}
