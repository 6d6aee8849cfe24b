//! The rows of a data set, all checked, as slices.

use super::Starts;
use crate::row::Row;

/// All rows of a data set, for loops. They are plain slices wherever the data set has its arrays.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub(super) starts: Starts<'a>,
    pub(super) indices: &'a [u32],
    pub(super) values: Option<&'a [f32]>,
    pub(super) width: usize,
}

impl<'a> Rows<'a> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.rows()
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of features: all indices are below it.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of stored entries.
    pub fn nonzeros(&self) -> usize {
        self.indices.len()
    }

    /// The offsets of the rows.
    pub(in crate::data) fn starts(&self) -> Starts<'a> {
        self.starts
    }

    /// The indices of all rows.
    pub(crate) fn indices(&self) -> &'a [u32] {
        self.indices
    }

    /// The values of all rows, `None` if all are 1.
    pub(crate) fn values(&self) -> Option<&'a [f32]> {
        self.values
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no row `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> Row<'a> {
        let range = self.starts.range(i);
        Row {
            values: self.values.map(|values| &values[range.clone()]),
            indices: &self.indices[range],
            width: self.width,
        }
    }
}
