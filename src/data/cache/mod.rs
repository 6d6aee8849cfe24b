//! Data sets in files that are used as they lie: opened in microseconds whatever their size,
//! nothing copied.
//!
//! A cache holds what a [`Dataset`] holds, rows in their random order included. [`open`] maps it;
//! the system reads from the disk what is touched, and may drop it again, so that data sets larger
//! than memory can be trained on.
//!
//! # Layout
//!
//! A file of kind 1, version 1, of the format that `src/container` lays out byte by byte (header,
//! sections on pages of 4096 bytes, a CRC-32 for each 256 KiB). All numbers are little-endian. The
//! header's facts, from byte 416 of the file on, are of 8 bytes each:
//!
//! | byte | holds |
//! |---|---|
//! | 416 | rows |
//! | 424 | entries of all rows |
//! | 432 | width: all indices are below it; at most 2^32 |
//! | 440 | flags: 1 rows lie in the random order of a seed, 2 there are values, 4 offsets take 8 bytes each |
//! | 448 | that seed, else 0 |
//! | 456 | from which number the text counted features: 1 from 0, 2 from 1, 0 not known |
//! | 464 | label of the text's first row, as f32; 0 if there is no row |
//! | 472 | 1 if the next four facts are there: which text this is a cache of, see [`Source`] |
//! | 480 | bytes of the text file |
//! | 488, 496 | its modification time, seconds and nanoseconds since 1970 |
//! | 504 | how it was asked to count features: 1 from 0, 2 from 1, 3 as it seems |
//! | 512 | longest line that was allowed, in bytes |
//!
//! Sections, in this order:
//!
//! | name | holds |
//! |---|---|
//! | `labels` | f32, one a row |
//! | `offsets` | u32, or u64 if the entries are 2^32 or more; one a row, and one more: row i holds the entries from `offsets[i]` to before `offsets[i+1]` |
//! | `indices` | u32, one an entry, ascending in each row, from 0 |
//! | `values` | f32, one an entry; this section is left out if all values are 1 |
//!
//! # What is believed, and when
//!
//! The kernels leave out bounds checks because a row's indices are below its width. So a file's
//! rows are seen by nobody before all of it was checked: [`Dataset::verify`] compares all checksums
//! and looks at all offsets and indices (a file with right checksums may still have been written by
//! a program that was wrong), at the speed of memory and on all cores, once. Training, and all
//! commands, call it before they begin; the methods that show rows or labels do it by themselves
//! and panic if there is damage. A checksum a block of rows, compared when the block is touched
//! first, would ask at each visit to a row whether that was done, and find damage in the middle of
//! an epoch.
//!
//! # If the file changes
//!
//! From then on the file is believed. Were another process to write into it while it is mapped, its
//! rows would change under the kernels' feet; were it cut, touching what is gone would end the
//! process with SIGBUS. A private map would not help (pages that were not touched still show the
//! file), nor would a lock (nobody has to respect it), and checking each index at each visit would
//! slow down the loop that all of this is for. So it is a condition of use, as for any map:
//! **replace a cache by renaming, never write into it**. All commands of this crate do so. What can
//! be seen is told: [`Dataset::verify`] looks at size and modification time at each call, and
//! training calls it again before it gives a model.

mod check;
mod external;
mod facts;
mod open;
#[cfg(test)]
mod tests;
mod write;

pub use external::{Converted, convert};
pub use facts::Source;
pub(super) use open::Cache;
pub(super) use open::of_map;
pub use open::{is_cache, notes, open};
pub use write::write;

#[cfg(doc)]
use super::Dataset;
use super::IndexBase;
use crate::error::{Error, Result};

/// What a cache says beside the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// From which number the text counted features ([`IndexBase::Zero`] or [`IndexBase::One`]), if
    /// that is known.
    pub base: Option<IndexBase>,
    /// Which text the rows were read from, for a cache that is kept beside it.
    pub source: Option<Source>,
}

/// Version of the layout.
const VERSION: u32 = 1;

/// Sections are used as they lie.
fn check_byte_order(name: &str) -> Result<()> {
    if cfg!(target_endian = "little") {
        return Ok(());
    }
    Err(Error::input(
        name,
        "is a cache",
        "a machine with little-endian numbers",
        "give the text instead",
    ))
}
