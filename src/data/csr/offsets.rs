//! Offsets of rows: where the entries of each row lie.

use super::Array;
use std::ops::Range;

/// Offsets of rows. Row `i` holds the entries `offsets[i]..offsets[i + 1]`. They take 4 bytes per
/// row while they fit.
///
/// Invariant of offsets in memory: they ascend from 0, and are [`Offsets::Wide`] only if one does
/// not fit into u32.
///
/// Record: D025.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Offsets {
    Narrow(Array<u32>),
    Wide(Array<u64>),
}

/// [`Offsets`] as a plain slice.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) enum Starts<'a> {
    Narrow(&'a [u32]),
    Wide(&'a [u64]),
}

impl Offsets {
    /// Makes offsets from the number of entries of each row. Takes no further memory unless the sum
    /// exceeds u32.
    pub(in crate::data) fn from_lengths(mut lengths: Vec<u32>) -> Self {
        let total: u64 = lengths.iter().map(|&length| u64::from(length)).sum();
        if u32::try_from(total).is_ok() {
            let mut end = 0;
            for length in &mut lengths {
                end += std::mem::replace(length, end);
            }
            lengths.reserve_exact(1);
            lengths.push(end);
            return Offsets::Narrow(lengths.into());
        }
        let mut end = 0;
        let starts = lengths.iter().map(|&length| {
            end += u64::from(length);
            end
        });
        Offsets::Wide(std::iter::once(0).chain(starts).collect::<Vec<_>>().into())
    }

    /// The offsets as a plain slice.
    pub(in crate::data) fn starts(&self) -> Starts<'_> {
        match self {
            Offsets::Narrow(offsets) => Starts::Narrow(offsets),
            Offsets::Wide(offsets) => Starts::Wide(offsets),
        }
    }
}

impl Starts<'_> {
    /// Number of rows.
    pub(in crate::data) fn rows(&self) -> usize {
        match self {
            Starts::Narrow(offsets) => offsets.len() - 1,
            Starts::Wide(offsets) => offsets.len() - 1,
        }
    }

    /// Bytes of the offsets.
    pub(super) fn memory(&self) -> usize {
        match self {
            Starts::Narrow(offsets) => size_of_val(*offsets),
            Starts::Wide(offsets) => size_of_val(*offsets),
        }
    }

    /// Number of entries of all rows.
    pub(in crate::data) fn total(&self) -> usize {
        self.start(self.rows())
    }

    /// Start of row `i`, or the number of all entries for `i` one past the last row.
    #[inline(always)]
    pub(in crate::data) fn start(&self, i: usize) -> usize {
        match self {
            Starts::Narrow(offsets) => offsets[i] as usize,
            Starts::Wide(offsets) => offsets[i] as usize,
        }
    }

    /// The entries of row `i`.
    #[inline(always)]
    pub(in crate::data) fn range(&self, i: usize) -> Range<usize> {
        match self {
            Starts::Narrow(offsets) => offsets[i] as usize..offsets[i + 1] as usize,
            Starts::Wide(offsets) => offsets[i] as usize..offsets[i + 1] as usize,
        }
    }

    /// The first row that starts at entry `entry` or later, or the number of rows if there is none.
    /// The offsets must ascend.
    pub(in crate::data) fn row_from(&self, entry: usize) -> usize {
        let row = match self {
            Starts::Narrow(offsets) => offsets.partition_point(|&offset| (offset as usize) < entry),
            Starts::Wide(offsets) => offsets.partition_point(|&offset| (offset as usize) < entry),
        };
        row.min(self.rows())
    }
}

/// Converts ascending offsets that start with 0.
impl From<Vec<usize>> for Offsets {
    fn from(offsets: Vec<usize>) -> Self {
        match offsets.last().map(|&total| u32::try_from(total)) {
            Some(Err(_)) => {
                let wide: Vec<u64> = offsets.into_iter().map(|offset| offset as u64).collect();
                Offsets::Wide(wide.into())
            }
            _ => {
                let narrow: Vec<u32> = offsets.into_iter().map(|offset| offset as u32).collect();
                Offsets::Narrow(narrow.into())
            }
        }
    }
}
