//! A data set made row by row.

use super::{Block, Dataset};

/// Grows a [`Dataset`] row by row. Values get an array at the first one that is not 1.
#[derive(Debug, Default)]
pub struct Builder {
    rows: Block,
}

impl Builder {
    /// Adds an entry to the row that is being built; returns false, and adds nothing, if its index
    /// does not ascend.
    #[inline]
    pub fn entry(&mut self, index: u32, value: f32) -> bool {
        let ascends = self.rows.last_index().is_none_or(|last| last < index);
        if ascends {
            self.rows.entry(index, value);
        }
        ascends
    }

    /// The last index of the row that is being built.
    pub fn last_index(&self) -> Option<u32> {
        self.rows.last_index()
    }

    /// Ends the row that is being built.
    #[inline]
    pub fn end_row(&mut self, label: f32) {
        self.rows.end_row(label);
    }

    /// Number of ended rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row has ended.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// The data set of all ended rows, `width` features wide, or wider if the indices need it.
    /// Entries of a row that was not ended are dropped.
    pub fn finish(self, width: usize) -> Dataset {
        self.rows.into_dataset(width)
    }
}
