//! Data sets in files that hold them as they lie in memory.
//!
//! A cache holds the content of a [`Dataset`], including the random order of its rows. [`open`]
//! copies it into memory, if it takes at most half of what is available. A larger one is mapped:
//! the system reads the parts that are touched from the disk, and may drop them again, so that data
//! sets larger than memory can be trained on.
//!
//! # Layout
//!
//! A file of kind 1, version 2, of the format that `src/container` specifies byte by byte (header,
//! sections on pages of 4096 bytes, a CRC-32 for each 256 KiB). All numbers are little-endian. The
//! facts of the header, from byte 416 of the file on, take 8 bytes each:
//!
//! | byte | holds |
//! |---|---|
//! | 416 | rows |
//! | 424 | entries of all rows |
//! | 432 | width: all indices are below it; at most 2^32 |
//! | 440 | flags: 1 rows lie in the random order of a seed, 2 there are values, 4 offsets take 8 bytes each |
//! | 448 | that seed, else 0 |
//! | 456 | number from which the text counted features: 1 for 0, 2 for 1, 0 if not known |
//! | 464 | label of the text's first row, as f64; 0 if there is no row |
//! | 472 | 1 if the next facts are present: the text that this is a cache of |
//! | 480 | bytes of the text file |
//! | 488, 496 | its modification time, seconds and nanoseconds since 1970 |
//! | 504 | requested number from which to count features: 1 for 0, 2 for 1, 3 for automatic |
//! | 512 | longest line that was allowed, in bytes |
//! | 520 | CRC-32 of the text file's first MiB times 2^32, and of its last MiB |
//!
//! Sections, in this order:
//!
//! | name | holds |
//! |---|---|
//! | `labels` | f64, one per row |
//! | `offsets` | u32, or u64 with 2^32 entries or more; one per row, and one more: row i holds the entries from `offsets[i]` to before `offsets[i+1]` |
//! | `indices` | u32, one per entry, ascending in each row, from 0 |
//! | `values` | f32, one per entry; this section is left out if all values are 1 |
//!
//! # When the content is trusted
//!
//! The kernels leave out bounds checks because a row's indices are below its width. So nothing sees
//! a file's rows before all of it was checked. [`Dataset::verify`] compares all checksums and
//! checks all offsets and indices, once, at the speed of memory and on all cores. (A file with
//! right checksums may still come from a faulty program.) Training, and all commands, call it
//! before they start. Methods that return rows or labels do it by themselves, and panic on damage.
//! The alternative, a checksum per block of rows that is compared when the block is first touched,
//! would need a test at each visit to a row, and would find damage in the middle of an epoch.
//!
//! # If the file changes
//!
//! A copy in memory is checked as it is, and nothing that happens to the file changes it. That is
//! most of the reason for copying; the rest is that huge pages make up for half of its time.
//!
//! A file that is too large for that is trusted after the check. If another process wrote into it
//! while it is mapped, its rows would change while the kernels use them. If another process
//! shortened it, touching the missing part would end this process with SIGBUS. A private map would
//! not help: pages that were not touched still show the file. A lock would not help either, as no
//! process has to respect it. Comparing each index at each visit costs 5 % to 20 % of training
//! (record: D214). So it is a condition of use, as for any map: **replace such a cache by renaming,
//! never write into it**. All commands of this crate do so. Detectable changes are reported:
//! [`Dataset::verify`] compares size and modification time at each call, and training calls it
//! again before it returns a model.

mod check;
pub(crate) mod external;
pub(crate) mod facts;
mod mapped;
pub(crate) mod open;
#[cfg(test)]
mod tests;
pub(crate) mod write;

pub(super) use mapped::Cache;
pub(crate) use open::notes;
pub(super) use open::of_file;
pub use open::{is_cache, open};
pub use write::write;

#[cfg(doc)]
use super::Dataset;
