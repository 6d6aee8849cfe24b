//! Examples as compressed sparse rows.
//!
//! Invariant, checked when a [`Dataset`] or a [`Row`] is made and kept by private fields: the indices of
//! a row ascend strictly and are smaller than its width. The kernels rely on it to leave out bounds checks.

use crate::error::{Error, Result};

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
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    offsets: Vec<usize>,
    indices: Vec<u32>,
    values: Option<Vec<f32>>,
    labels: Vec<f32>,
    width: usize,
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
        let wrong = |what: String, expected: &str| {
            Err(Error::input("data set", what, expected, "check the arrays that the data set is made from"))
        };
        if offsets.len() != labels.len() + 1
            || offsets[0] != 0
            || offsets.last() != Some(&indices.len())
            || !offsets.is_sorted()
        {
            return wrong(
                format!("the {} offsets do not delimit {} rows", offsets.len(), labels.len()),
                "ascending offsets from 0 to the number of entries, one more than labels",
            );
        }
        if values.as_ref().is_some_and(|values| values.len() != indices.len()) {
            return wrong("indices and values differ in number".into(), "one value an index");
        }
        for (i, row) in offsets.windows(2).enumerate() {
            let row = &indices[row[0]..row[1]];
            if !row.is_sorted_by(|a, b| a < b) || row.last().is_some_and(|&j| j as usize >= width) {
                return wrong(
                    format!("the indices of row {i} do not ascend strictly below {width}"),
                    "strictly ascending indices below the width",
                );
            }
        }
        Ok(Dataset { offsets, indices, values, labels, width })
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

    /// One label an example, as they stand in the file.
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// The features of example `i`.
    ///
    /// # Panics
    /// If there is no example `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> Row<'_> {
        let range = self.offsets[i]..self.offsets[i + 1];
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

    /// A copy whose row `i` is this one's row `order[i]`: training reads memory in order when its rows were
    /// shuffled once.
    ///
    /// # Panics
    /// If `order` names a row that is not there.
    pub fn reordered(&self, order: &[u32]) -> Dataset {
        let total = order.iter().map(|&i| self.row(i as usize).len()).sum();
        let mut offsets = Vec::with_capacity(order.len() + 1);
        let mut indices = Vec::with_capacity(total);
        let mut values = self.values.as_ref().map(|_| Vec::with_capacity(total));
        offsets.push(0);
        for &i in order {
            let row = self.row(i as usize);
            indices.extend_from_slice(row.indices);
            if let (Some(all), Some(own)) = (&mut values, row.values) {
                all.extend_from_slice(own);
            }
            offsets.push(indices.len());
        }
        Dataset {
            offsets,
            indices,
            values,
            labels: order.iter().map(|&i| self.labels[i as usize]).collect(),
            width: self.width,
        }
    }
}

/// Grows a [`Dataset`] row by row. Values get an array at the first one that is not 1.
#[derive(Debug)]
pub struct Builder {
    offsets: Vec<usize>,
    indices: Vec<u32>,
    values: Option<Vec<f32>>,
    labels: Vec<f32>,
    width: usize,
}

impl Default for Builder {
    fn default() -> Self {
        Builder { offsets: vec![0], indices: Vec::new(), values: None, labels: Vec::new(), width: 0 }
    }
}

impl Builder {
    /// Adds an entry to the row that is being built; returns false, and adds nothing, if its index does not ascend.
    #[inline]
    pub fn entry(&mut self, index: u32, value: f32) -> bool {
        let start = self.offsets[self.offsets.len() - 1];
        if self.indices.len() > start && self.indices[self.indices.len() - 1] >= index {
            return false;
        }
        if let Some(values) = &mut self.values {
            values.push(value);
        } else if value != 1.0 {
            let mut values = vec![1.0; self.indices.len()];
            values.push(value);
            self.values = Some(values);
        }
        self.indices.push(index);
        true
    }

    /// The last index of the row that is being built.
    pub fn last_index(&self) -> Option<u32> {
        self.indices[self.offsets[self.offsets.len() - 1]..].last().copied()
    }

    /// Ends the row that is being built.
    #[inline]
    pub fn end_row(&mut self, label: f32) {
        if let Some(last) = self.last_index() {
            self.width = self.width.max(last as usize + 1);
        }
        self.offsets.push(self.indices.len());
        self.labels.push(label);
    }

    /// Number of ended rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether no row has ended.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The data set of all ended rows, `width` features wide, or wider if the indices need it.
    /// Entries of a row that was not ended are dropped.
    pub fn finish(mut self, width: usize) -> Dataset {
        let total = self.offsets[self.offsets.len() - 1];
        self.indices.truncate(total);
        if let Some(values) = &mut self.values {
            values.truncate(total);
        }
        Dataset {
            offsets: self.offsets,
            indices: self.indices,
            values: self.values,
            labels: self.labels,
            width: self.width.max(width),
        }
    }
}
