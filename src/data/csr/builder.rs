//! Builds data sets row by row.

use super::{Block, Dataset};

/// Builds a [`Dataset`] row by row. Values get an array at the first one that is not 1.
#[derive(Debug, Default)]
pub struct Builder {
    rows: Block,
}

impl Builder {
    /// Adds an entry to the row that is being built. Returns false, and adds nothing, if its index
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
    pub fn end_row(&mut self, label: impl Into<f64>) {
        self.rows.end_row(label.into());
    }

    /// Number of ended rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns true if no row has ended.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// Makes a data set of all ended rows, `width` features wide, or wider if the indices need it.
    /// Drops entries of a row that was not ended.
    pub fn finish(self, width: usize) -> Dataset {
        self.rows.into_dataset(width)
    }
}
