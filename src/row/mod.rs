//! One example's features, the loops over them, and the scalar types of weights. No policy, no
//! allocation.
//!
//! Invariant: the indices of a [`Row`] ascend strictly and are below its width. The kernels rely on
//! it to leave out bounds checks. [`Row::new`] checks it; apart from that, only `data/csr` writes
//! the fields, from arrays that were checked.

pub(crate) mod kernel;
pub(crate) mod prefetch;
pub(crate) mod real;

use std::ops::Range;

/// One example's features: strictly ascending indices below `width`, and their values.
///
/// A row whose values are all 1 may leave them out: then [`Row::values`] is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    pub(crate) indices: &'a [u32],
    pub(crate) values: Option<&'a [f32]>,
    pub(crate) width: usize,
}

impl<'a> Row<'a> {
    /// Makes a row of `indices` and `values` (`None`: all 1), for vectors of `width` coordinates.
    ///
    /// # Panics
    /// If the indices do not ascend strictly, one is not below `width`, or the lengths differ.
    pub fn new(indices: &'a [u32], values: Option<&'a [f32]>, width: usize) -> Self {
        assert!(indices.is_sorted_by(|a, b| a < b), "the indices of a row must ascend strictly");
        assert!(
            indices.last().is_none_or(|&last| (last as usize) < width),
            "the indices of a row must be below its width"
        );
        assert!(
            values.is_none_or(|values| values.len() == indices.len()),
            "a row has one value per index"
        );
        Row { indices, values, width }
    }

    /// 0-based feature indices, strictly ascending, each below [`Row::width`].
    #[inline]
    pub fn indices(&self) -> &'a [u32] {
        self.indices
    }

    /// One value per index, or `None` if all are 1.
    #[inline]
    pub fn values(&self) -> Option<&'a [f32]> {
        self.values
    }

    /// Number of coordinates of the vectors that the row fits.
    #[inline]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of stored entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Returns true if nothing is stored.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Iterates over index and value of each entry, in ascending order of the index.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + use<'a> {
        let values = self.values;
        self.indices
            .iter()
            .enumerate()
            .map(move |(k, &j)| (j as usize, values.map_or(1.0, |values| values[k])))
    }

    /// The part of the row whose indices are below `width`. A model that is narrower than the data
    /// reads this part.
    pub fn below(&self, width: usize) -> Row<'a> {
        let fits = self.indices.last().is_none_or(|&last| (last as usize) < width);
        let end = if fits {
            self.indices.len()
        } else {
            self.indices.partition_point(|&j| (j as usize) < width)
        };
        Row {
            indices: &self.indices[..end],
            values: self.values.map(|values| &values[..end]),
            width,
        }
    }

    /// The part of the row whose indices are in `columns`.
    #[inline]
    pub fn within(&self, columns: &Range<u32>) -> Row<'a> {
        let start = if columns.start == 0 {
            0
        } else {
            self.indices.partition_point(|&j| j < columns.start)
        };
        let fits = self.indices.last().is_none_or(|&last| last < columns.end);
        let end = if fits {
            self.indices.len()
        } else {
            self.indices.partition_point(|&j| j < columns.end)
        };
        let part = start..end.max(start);
        Row {
            indices: &self.indices[part.clone()],
            values: self.values.map(|values| &values[part]),
            width: self.width,
        }
    }

    /// Sum of the squared values, in f64.
    pub fn norm2(&self) -> f64 {
        match self.values {
            None => self.indices.len() as f64,
            Some(values) => values.iter().map(|&x| f64::from(x) * f64::from(x)).sum(),
        }
    }
}
