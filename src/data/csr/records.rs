//! Rows with a fact beside each.
//!
//! Invariant: the starts ascend, there is one more of them than rows, and the last one is at most
//! the number of indices. There are as many values as indices. So a row is found with no check but
//! that of its number.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::{Row, Rows};
use crate::row::prefetch;

/// All rows of a data set, each with a fact. The start of a row and its fact are adjacent in
/// memory, so that one access fetches both.
#[derive(Clone, Debug)]
pub(crate) struct Records<'d, T> {
    rows: Rows<'d>,
    /// One per row, and one more for the end of the last.
    records: Vec<Record<T>>,
}

#[derive(Clone, Copy, Debug)]
struct Record<T> {
    start: u64,
    fact: T,
}

impl<'d, T: Copy + Default + Send + Sync> Records<'d, T> {
    /// Pairs each row with `fact` of its number and itself.
    ///
    /// # Panics
    /// If the arrays are not those of rows.
    pub(crate) fn new(rows: Rows<'d>, fact: impl Fn(usize, Row<'d>) -> T + Sync) -> Self {
        let record = |i| Record {
            start: rows.starts().start(i) as u64,
            fact: if i < rows.len() { fact(i, rows.row(i)) } else { T::default() },
        };
        let records: Vec<_> = (0..=rows.len()).into_par_iter().map(record).collect();
        let entries = rows.indices().len();
        assert!(records.is_sorted_by_key(|record| record.start), "rows start one after the other");
        assert!(
            records.last().is_some_and(|end| end.start <= entries as u64),
            "rows end where indices do"
        );
        assert!(
            rows.values().is_none_or(|values| values.len() == entries),
            "there is one value per index"
        );
        Records { rows, records }
    }

    /// Returns the rows with other facts, each made from the row's number and its previous fact.
    pub(crate) fn with(&self, fact: impl Fn(usize, T) -> T) -> Self {
        let mut records = self.records.clone();
        let facts = records[..self.rows.len()].iter_mut().enumerate();
        facts.for_each(|(i, record)| record.fact = fact(i, record.fact));
        Records { rows: self.rows, records }
    }

    /// The rows without their facts.
    pub(crate) fn rows(&self) -> &Rows<'d> {
        &self.rows
    }

    /// The fact of row `i`.
    ///
    /// # Panics
    /// If there is no row `i`.
    #[inline(always)]
    pub(crate) fn fact(&self, i: usize) -> T {
        self.records[i].fact
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no row `i`.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> Row<'d> {
        let (start, end) = self.range(i);
        Row {
            // SAFETY: start <= end <= the number of indices, and of values: the invariant of this
            // module.
            indices: unsafe { self.rows.indices().get_unchecked(start..end) },
            // SAFETY: as above.
            values: self.rows.values().map(|values| unsafe { values.get_unchecked(start..end) }),
            width: self.rows.width(),
        }
    }

    /// Prefetches the record of row `i`, which [`Records::prefetch`] reads.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, i: usize) {
        prefetch::at(&self.records, i);
    }

    /// Prefetches row `i`, which will be read soon.
    ///
    /// # Panics
    /// If there is no row `i`.
    #[inline(always)]
    pub(crate) fn prefetch(&self, i: usize) {
        let (start, end) = self.range(i);
        prefetch::range(self.rows.indices(), start..end);
        if let Some(values) = self.rows.values() {
            prefetch::range(values, start..end);
        }
    }

    #[inline(always)]
    fn range(&self, i: usize) -> (usize, usize) {
        assert!(i + 1 < self.records.len(), "there is no row {i}");
        (self.records[i].start as usize, self.records[i + 1].start as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    fn data(values: Option<Vec<f32>>) -> Dataset {
        Dataset::from_parts(vec![0, 2, 2, 5], vec![0, 3, 1, 2, 6], values, vec![1.0; 3], 7).unwrap()
    }

    #[test]
    fn rows_and_facts_are_those_of_the_data_set() {
        for values in [None, Some(vec![0.5, 1.5, 2.5, 3.5, 4.5])] {
            let data = data(values);
            let records = Records::new(data.rows(), |i, row| (i, row.len()));
            let other = records.with(|i, (number, len)| (number + i, len));
            for i in 0..3 {
                assert_eq!((records.row(i), other.row(i)), (data.row(i), data.row(i)));
                assert_eq!(records.fact(i), (i, data.row(i).len()));
                assert_eq!(other.fact(i), (2 * i, data.row(i).len()));
            }
        }
    }

    #[test]
    #[should_panic(expected = "there is no row 3")]
    fn there_is_no_row_after_the_last() {
        Records::new(data(None).rows(), |_, _| ()).row(3);
    }
}
