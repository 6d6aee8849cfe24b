//! Examples as compressed sparse rows.
//!
//! Invariant, checked when a [`Dataset`] or a [`Row`] is made and kept by private fields: the indices of
//! a row ascend strictly and are smaller than its width. The kernels rely on it to leave out bounds checks.

mod assembly;
mod block;
mod builder;
mod layout;
mod offsets;
mod packed;
#[cfg(test)]
mod tests;

pub(super) use assembly::{Layout, Stop};
pub(super) use block::Block;
pub use builder::Builder;
pub(super) use packed::Packed;

use crate::error::{Error, Result};
use offsets::Offsets;

/// One example's features: strictly ascending indices below `width`, and their values.
///
/// A row whose values are all 1 may leave them out: then [`Row::values`] is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'a> {
    indices: &'a [u32],
    values: Option<&'a [f32]>,
    width: usize,
}

impl<'a> Row<'a> {
    /// A row over `indices` with `values` (`None`: all 1), for vectors of `width` coordinates.
    ///
    /// # Panics
    /// If the indices do not ascend strictly, one is not below `width`, or the lengths differ.
    pub fn new(indices: &'a [u32], values: Option<&'a [f32]>, width: usize) -> Self {
        assert!(indices.is_sorted_by(|a, b| a < b), "the indices of a row must ascend strictly");
        assert!(
            indices.last().is_none_or(|&last| (last as usize) < width),
            "the indices of a row must be below its width"
        );
        assert!(values.is_none_or(|values| values.len() == indices.len()), "a row has one value an index");
        Row { indices, values, width }
    }

    /// 0-based feature indices, strictly ascending, each below [`Row::width`].
    pub fn indices(&self) -> &'a [u32] {
        self.indices
    }

    /// One value an index, or `None` if all are 1.
    pub fn values(&self) -> Option<&'a [f32]> {
        self.values
    }

    /// Number of coordinates of the vectors that this row fits.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of stored entries.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Index and value of each entry, in ascending order of the index.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f32)> + use<'a> {
        let values = self.values;
        self.indices
            .iter()
            .enumerate()
            .map(move |(k, &j)| (j as usize, values.map_or(1.0, |values| values[k])))
    }

    /// The part of the row whose indices are below `width`: a model that is narrower than the data reads this.
    pub fn below(&self, width: usize) -> Row<'a> {
        let fits = self.indices.last().is_none_or(|&last| (last as usize) < width);
        let end =
            if fits { self.indices.len() } else { self.indices.partition_point(|&j| (j as usize) < width) };
        Row { indices: &self.indices[..end], values: self.values.map(|values| &values[..end]), width }
    }

    /// Sum of the squared values, in f64.
    pub fn norm2(&self) -> f64 {
        match self.values {
            None => self.indices.len() as f64,
            Some(values) => values.iter().map(|&x| f64::from(x) * f64::from(x)).sum(),
        }
    }
}

/// Examples with a label each, in compressed sparse rows: u32 indices, f32 values, f32 labels.
///
/// Takes 8 bytes an entry, 4 if all values are 1, and 8 an example (12 with 2^32 entries or more).
///
/// The examples lie in the order of the file, or in the random order of a seed: see [`Dataset::shuffled`].
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    offsets: Offsets,
    indices: Vec<u32>,
    values: Option<Vec<f32>>,
    labels: Vec<f32>,
    width: usize,
    /// The seed whose [`layout::permutation`] the rows lie in.
    seed: Option<u64>,
}

impl Dataset {
    /// A data set from its arrays: row `i` holds the entries `offsets[i]..offsets[i + 1]` of `indices` and `values`
    /// (`None`: all values are 1), and `labels[i]`; all indices are below `width`.
    ///
    /// # Errors
    /// [`Error::Input`] that says which array breaks which rule.
    pub fn from_parts(
        offsets: Vec<usize>,
        indices: Vec<u32>,
        values: Option<Vec<f32>>,
        labels: Vec<f32>,
        width: usize,
    ) -> Result<Self> {
        if offsets.len() != labels.len() + 1
            || offsets[0] != 0
            || offsets.last() != Some(&indices.len())
            || !offsets.is_sorted()
        {
            return Err(broken(
                format!("the {} offsets do not delimit {} rows", offsets.len(), labels.len()),
                "ascending offsets from 0 to the number of entries, one more than labels",
            ));
        }
        Self::checked(Offsets::from(offsets), indices, values, labels, width)
    }

    /// [`Dataset::from_parts`] with offsets that delimit one row a label.
    fn checked(
        offsets: Offsets,
        indices: Vec<u32>,
        values: Option<Vec<f32>>,
        labels: Vec<f32>,
        width: usize,
    ) -> Result<Self> {
        if values.as_ref().is_some_and(|values| values.len() != indices.len()) {
            return Err(broken("indices and values differ in number".into(), "one value an index"));
        }
        for i in 0..labels.len() {
            let row = &indices[offsets.range(i)];
            if !row.is_sorted_by(|a, b| a < b) || row.last().is_some_and(|&j| j as usize >= width) {
                return Err(broken(
                    format!("the indices of row {i} do not ascend strictly below {width}"),
                    "strictly ascending indices below the width",
                ));
            }
        }
        Ok(Dataset { offsets, indices, values, labels, width, seed: None })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Number of features: all indices are below it.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of stored entries.
    pub fn nonzeros(&self) -> usize {
        self.indices.len()
    }

    /// Bytes that the arrays take.
    pub fn memory(&self) -> usize {
        let entry = if self.values.is_some() { 8 } else { 4 };
        self.nonzeros() * entry + self.len() * size_of::<f32>() + self.offsets.memory()
    }

    /// One label an example, in the order of the rows.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// The features of example `i`.
    ///
    /// # Panics
    /// If there is no example `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> Row<'_> {
        let range = self.offsets.range(i);
        Row {
            values: self.values.as_ref().map(|values| &values[range.clone()]),
            indices: &self.indices[range],
            width: self.width,
        }
    }

    /// The examples in order, features and label.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Row<'_>, f32)> {
        (0..self.len()).map(|i| (self.row(i), self.labels[i]))
    }
}

fn broken(what: String, expected: &str) -> Error {
    Error::input("data set", what, expected, "check the arrays that the data set is made from")
}
