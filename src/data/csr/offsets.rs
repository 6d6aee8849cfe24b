//! Where each row's entries lie.

use std::ops::Range;

/// Row `i` holds the entries `offsets[i]..offsets[i + 1]`; 4 bytes a row while they fit.
///
/// Invariant: the offsets ascend from 0, and are [`Offsets::Wide`] only if one does not fit into u32.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Offsets {
    Narrow(Vec<u32>),
    Wide(Vec<usize>),
}

impl Offsets {
    /// From the number of entries of each row; takes no further memory unless the sum exceeds u32.
    pub(super) fn from_lengths(mut lengths: Vec<u32>) -> Self {
        let total: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
        if u32::try_from(total).is_ok() {
            let mut end = 0;
            for length in &mut lengths {
                end += std::mem::replace(length, end);
            }
            lengths.reserve_exact(1);
            lengths.push(end);
            return Offsets::Narrow(lengths);
        }
        let mut end = 0;
        let starts = lengths.iter().map(|&length| {
            end += length as usize;
            end
        });
        Offsets::Wide(std::iter::once(0).chain(starts).collect())
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        match self {
            Offsets::Narrow(offsets) => offsets.len() - 1,
            Offsets::Wide(offsets) => offsets.len() - 1,
        }
    }

    /// Bytes that they take.
    pub(super) fn memory(&self) -> usize {
        match self {
            Offsets::Narrow(offsets) => size_of_val(offsets.as_slice()),
            Offsets::Wide(offsets) => size_of_val(offsets.as_slice()),
        }
    }

    /// Number of entries of all rows.
    pub(super) fn total(&self) -> usize {
        self.start(self.rows())
    }

    /// Where row `i` starts; the number of all entries for `i` one past the last row.
    #[inline(always)]
    pub(super) fn start(&self, i: usize) -> usize {
        match self {
            Offsets::Narrow(offsets) => offsets[i] as usize,
            Offsets::Wide(offsets) => offsets[i],
        }
    }

    /// The entries of row `i`.
    #[inline(always)]
    pub(super) fn range(&self, i: usize) -> Range<usize> {
        match self {
            Offsets::Narrow(offsets) => offsets[i] as usize..offsets[i + 1] as usize,
            Offsets::Wide(offsets) => offsets[i]..offsets[i + 1],
        }
    }
}

/// From ascending offsets that start with 0.
impl From<Vec<usize>> for Offsets {
    fn from(offsets: Vec<usize>) -> Self {
        match offsets.last().map(|&total| u32::try_from(total)) {
            Some(Err(_)) => Offsets::Wide(offsets),
            _ => Offsets::Narrow(offsets.into_iter().map(|offset| offset as u32).collect()),
        }
    }
}
