//! Files of numbers that are used in place: checked sections behind one header, independent of what
//! they hold.
//!
//! Data caches are of this family, and other formats can be: a kind and a version determine the
//! sections and facts to expect. This module knows neither rows nor weights. It owns the invariant
//! that **each byte of a file is covered by a checksum**. Any single flipped bit and any loss of
//! bytes is reported with its place, before the damaged part is used.
//!
//! # Layout
//!
//! All numbers are little-endian. The first 4096 bytes are the header:
//!
//! | byte | size | holds |
//! |---|---|---|
//! | 0 | 8 | `89 57 53 47 44 0d 0a 1a` (`.WSGD` CR LF SUB): no text starts like this, and a transfer as text breaks it |
//! | 8 | 4 | kind, see [`Kind`] |
//! | 12 | 4 | version of the kind |
//! | 16 | 8 | bytes of the whole file |
//! | 24 | 4 | bytes of a chunk, 262144 |
//! | 28 | 4 | number of sections, at most 16 |
//! | 32 | 24 each | sections: name in ASCII, padded with zeros to 8 bytes; first byte in the file (8); bytes (8) |
//! | 416 | 3676 | facts: those of the kind and version, the rest zeros |
//! | 4092 | 4 | checksum of bytes 0 to 4091 |
//!
//! Sections follow in the header's order without gaps, each padded with zeros to a multiple of 4096
//! bytes: mapped, each starts on a page. After the last one come the checksums of all chunks (4
//! bytes each) and the checksum of those (4). A section with its padding is cut into chunks from
//! its start; its last chunk may be shorter. Checksums are CRC-32 (IEEE), which detects any flip of
//! one bit and any burst of up to 32. It misses one in 2^32 of all other changes.
//!
//! # Use
//!
//! [`Writer`] fills sections in any order of writes, forward within each, with memory for a table
//! of checksums only. [`Container::open`] reads the header and the table of checksums, in the same
//! time for any size of file. [`Container::check`] checks chunks on all threads of rayon's current
//! pool. Call it before you rely on bytes of sections.

mod damage;
mod header;
mod kind;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use damage::Damage;
pub(crate) use header::{Facts, Header, MAGIC, claims, is_of};
pub(crate) use kind::Kind;
pub(crate) use read::Container;
pub(crate) use write::Writer;

/// Alignment of sections in bytes.
pub(crate) const PAGE: u64 = 4096;
/// Bytes under one checksum: enough for a small table, few enough to be still in a core's cache
/// when they are read again.
pub(crate) const CHUNK: u64 = 1 << 18;
