//! Examples with the same features and values.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Add;

use rayon::prelude::*;
use serde::Serialize;

use super::labels::one_zero;
use crate::data::{Dataset, Row};

/// Examples that equal another one in all features and values, regardless of their labels. Explicit
/// zeros make no difference: rows are compared as vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Examples that equal an earlier one. All of them can be removed, and each different row is
    /// still there once.
    pub copies: usize,
    /// Examples that equal one with another label.
    pub contradicting: usize,
    /// Least number of examples that any classifier gets wrong: among equal ones, all that do not
    /// have their most frequent label.
    pub least_errors: usize,
}

impl Duplicates {
    pub(super) fn of(data: &Dataset) -> Self {
        let mut hashed: Vec<(u64, u32)> =
            (0..data.len()).into_par_iter().map(|i| (hash(data.row(i)), i as u32)).collect();
        hashed.par_sort_unstable();
        let groups = hashed.par_chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
        groups.map(|group| Self::among(data, group)).reduce(Self::default, Self::add)
    }

    /// Counts rows with the same hash, which are almost always equal.
    fn among(data: &Dataset, rows: &[(u64, u32)]) -> Self {
        let mut all = Self::default();
        let mut rest: Vec<usize> = rows.iter().map(|&(_, i)| i as usize).collect();
        while let Some(&first) = rest.first() {
            let (equal, other) =
                rest.into_iter().partition(|&i| entries(data.row(i)).eq(entries(data.row(first))));
            all = all + Self::among_equals(data, equal);
            rest = other;
        }
        all
    }

    fn among_equals(data: &Dataset, rows: Vec<usize>) -> Self {
        let mut labels: Vec<f64> = rows.iter().map(|&i| one_zero(data.labels()[i])).collect();
        labels.sort_unstable_by(f64::total_cmp);
        let most = labels.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0);
        let total = labels.len();
        Duplicates {
            copies: total - 1,
            contradicting: if most < total { total } else { 0 },
            least_errors: total - most,
        }
    }
}

impl Add for Duplicates {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Duplicates {
            copies: self.copies + other.copies,
            contradicting: self.contradicting + other.contradicting,
            least_errors: self.least_errors + other.least_errors,
        }
    }
}

/// Entries that count for equality.
fn entries(row: Row<'_>) -> impl Iterator<Item = (usize, f32)> {
    row.iter().filter(|&(_, x)| x != 0.0)
}

fn hash(row: Row<'_>) -> u64 {
    // The standard hasher is seeded with zeros: hashes, and so the order of rows, are the same in
    // every run.
    let mut hasher = DefaultHasher::new();
    for (j, x) in entries(row) {
        (((j as u64) << 32) | u64::from(x.to_bits())).hash(&mut hasher);
    }
    hasher.finish()
}
