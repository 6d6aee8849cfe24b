//! Examples as compressed sparse rows.
//!
//! Invariant: the indices of a row ascend strictly and are below its width. It is checked when a
//! [`Dataset`] or a [`Row`] is made, and kept by private fields. The kernels rely on it to leave
//! out bounds checks.

mod array;
mod assembly;
mod block;
mod builder;
mod layout;
mod merged;
mod offsets;
mod packed;
mod records;
mod rows;
mod stop;
#[cfg(test)]
mod tests;

pub(super) use array::Array;
pub(super) use assembly::Layout;
pub(super) use block::Block;
pub use builder::Builder;
pub(super) use layout::{places, shuffle};
pub(super) use merged::LARGE;
pub use merged::MergedValues;
pub(super) use offsets::{Offsets, Starts};
pub(super) use packed::Packed;
pub(crate) use records::Records;
pub use rows::Rows;
pub(super) use stop::Stop;

use std::sync::Arc;

use super::cache::Cache;
use crate::error::{Error, Result};
use crate::row::Row;

/// Examples with a label each, in compressed sparse rows: u32 indices, f32 values, f64 labels.
///
/// Takes 8 bytes per entry (4 if all values are 1) and 12 per example (16 with 2^32 entries or
/// more).
///
/// The examples lie in the order of the file, or in the random order of a seed: see
/// [`Dataset::shuffled`].
///
/// The arrays are in memory, or in place in a [cache](super::cache) file. A file is checked as a
/// whole before its first row or label is used: [`Dataset::verify`] does that, and reports damage
/// as an error.
#[derive(Clone, Debug)]
pub struct Dataset {
    offsets: Offsets,
    indices: Array<u32>,
    values: Option<Array<f32>>,
    labels: Array<f64>,
    width: usize,
    /// The seed of the rows' random order, a [`layout::permutation`].
    seed: Option<u64>,
    /// The file that the arrays lie in.
    cache: Option<Arc<Cache>>,
    merged: Option<MergedValues>,
}

/// The arrays of a data set in a file, not checked yet.
pub(super) struct Arrays {
    pub(super) offsets: Offsets,
    pub(super) indices: Array<u32>,
    pub(super) values: Option<Array<f32>>,
    pub(super) labels: Array<f64>,
    pub(super) width: usize,
    pub(super) seed: Option<u64>,
}

impl Dataset {
    /// Makes a data set from its arrays: row `i` holds the entries `offsets[i]..offsets[i + 1]` of
    /// `indices` and `values` (`None`: all values are 1), and `labels[i]`. All indices are below
    /// `width`.
    ///
    /// # Errors
    /// [`Error::Input`] that names the array and the broken condition; values and labels that are
    /// not finite are one.
    pub fn from_parts(
        offsets: Vec<usize>,
        indices: Vec<u32>,
        values: Option<Vec<f32>>,
        labels: Vec<f64>,
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
        if let Some(error) = Self::first_infinite(values.as_deref().unwrap_or_default(), &labels) {
            return Err(error);
        }
        Self::checked(Offsets::from(offsets), indices, values, labels, width)
    }

    /// Returns the error for the first number that is not finite, if there is one.
    fn first_infinite(values: &[f32], labels: &[f64]) -> Option<Error> {
        let value = values.iter().position(|x| !x.is_finite());
        let label = labels.iter().position(|y| !y.is_finite());
        let what = match (value, label) {
            (Some(k), _) => format!("value {k} is {}", values[k]),
            (None, Some(i)) => format!("label {i} is {}", labels[i]),
            (None, None) => return None,
        };
        Some(broken(what, "finite numbers"))
    }

    /// Makes a data set of arrays in a file. Its rows are valid once `cache` has checked them.
    pub(super) fn in_cache(arrays: Arrays, cache: Arc<Cache>) -> Self {
        let Arrays { offsets, indices, values, labels, width, seed } = arrays;
        Dataset { offsets, indices, values, labels, width, seed, cache: Some(cache), merged: None }
    }

    /// Makes a data set like [`Dataset::from_parts`], from offsets that delimit one row per label.
    fn checked(
        offsets: Offsets,
        indices: Vec<u32>,
        values: Option<Vec<f32>>,
        labels: Vec<f64>,
        width: usize,
    ) -> Result<Self> {
        if values.as_ref().is_some_and(|values| values.len() != indices.len()) {
            return Err(broken(
                "indices and values differ in number".into(),
                "one value per index",
            ));
        }
        let starts = offsets.starts();
        for i in 0..labels.len() {
            let row = &indices[starts.range(i)];
            if !row.is_sorted_by(|a, b| a < b) || row.last().is_some_and(|&j| j as usize >= width) {
                return Err(broken(
                    format!("the indices of row {i} do not ascend strictly below {width}"),
                    "strictly ascending indices below the width",
                ));
            }
        }
        let (indices, values, labels) = (indices.into(), values.map(Array::from), labels.into());
        Ok(Dataset {
            offsets,
            indices,
            values,
            labels,
            width,
            seed: None,
            cache: None,
            merged: None,
        })
    }

    /// Checks the arrays in a [cache](super::cache) file: all of them at the first call, in rayon's
    /// current pool. Later calls only check whether the file was written to. Rows in memory are
    /// valid from the start.
    ///
    /// # Errors
    /// [`Error::Input`] that names the damaged bytes, or says that the file has changed since it
    /// was opened.
    pub fn verify(&self) -> Result<()> {
        self.cache.as_ref().map_or(Ok(()), |cache| cache.verify(self.unchecked()))
    }

    /// The file that the arrays lie in, if they lie in one.
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.as_deref()
    }

    /// Returns all rows, for loops.
    ///
    /// # Panics
    /// If they lie in a damaged cache file. [`Dataset::verify`] reports that as an error.
    pub fn rows(&self) -> Rows<'_> {
        self.insist();
        self.unchecked()
    }

    /// Panics on damage, which the first call may find. Callers should have called
    /// [`Dataset::verify`].
    #[inline]
    fn insist(&self) {
        if let Some(cache) = &self.cache
            && let Err(error) = cache.insist(self.unchecked())
        {
            panic!("{error}");
        }
    }

    /// The rows before the check, for the check itself.
    fn unchecked(&self) -> Rows<'_> {
        Rows {
            starts: self.offsets.starts(),
            indices: &self.indices,
            values: self.values.as_deref(),
            width: self.width,
        }
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns true if there is no example.
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
        self.nonzeros() * entry + self.len() * size_of::<f64>() + self.offsets.starts().memory()
    }

    /// Two values of a feature that differed in the text that this was read from, and are one as
    /// f32, if some were found: large numbers such as time stamps. A cache does not know them.
    pub fn merged_values(&self) -> Option<MergedValues> {
        self.merged
    }

    /// One label per example, in the order of the rows.
    ///
    /// # Panics
    /// As [`Dataset::rows`].
    pub fn labels(&self) -> &[f64] {
        self.insist();
        &self.labels
    }

    /// The features of example `i`. In loops, call [`Dataset::rows`] once before.
    ///
    /// # Panics
    /// If there is no example `i`, and as [`Dataset::rows`].
    #[inline]
    pub fn row(&self, i: usize) -> Row<'_> {
        self.rows().row(i)
    }

    /// Iterates over the examples in order, features and label.
    ///
    /// # Panics
    /// As [`Dataset::rows`].
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Row<'_>, f64)> {
        let (rows, labels) = (self.rows(), self.labels());
        (0..self.len()).map(move |i| (rows.row(i), labels[i]))
    }
}

/// Data sets are equal if they have equal numbers in the same order, wherever they lie.
impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.seed) == (other.width, other.seed)
            && self.labels() == other.labels()
            && self.offsets == other.offsets
            && self.indices == other.indices
            && self.values == other.values
    }
}

fn broken(what: String, expected: &str) -> Error {
    Error::input("data set", what, expected, "check the arrays that the data set is made from")
}
