//! Files of numbers that are used as they lie: checked sections behind one header, whatever they
//! hold.
//!
//! Data caches are of this family, and so can other formats be: a kind and a version say which
//! sections and facts to expect. This module knows neither rows nor weights; it owns the invariant
//! that **each byte of a file is covered by a checksum**, so that any single flipped bit, and any
//! loss of bytes, is told with its place before what it damages is used.
//!
//! # Layout
//!
//! All numbers are little-endian. The first 4096 bytes are the header:
//!
//! | byte | size | holds |
//! |---|---|---|
//! | 0 | 8 | `89 57 53 47 44 0d 0a 1a` (`.WSGD` CR LF SUB): no text starts so, and a transfer as text breaks it |
//! | 8 | 4 | kind, see [`Kind`] |
//! | 12 | 4 | version of the kind |
//! | 16 | 8 | bytes of the whole file |
//! | 24 | 4 | bytes of a chunk, 262144 |
//! | 28 | 4 | number of sections, at most 16 |
//! | 32 | 24 each | sections: name in ASCII, padded with zeros to 8 bytes; first byte in the file (8); bytes (8) |
//! | 416 | 3676 | facts: what the kind and version say, the rest zeros |
//! | 4092 | 4 | checksum of bytes 0 to 4091 |
//!
//! Sections follow in the header's order without gaps, each padded with zeros to a multiple of 4096
//! bytes: mapped, each starts on a page. After the last one stand the checksums of all chunks (4
//! bytes each), and the checksum of those (4). A section with its padding is cut into chunks from
//! its start on; its last chunk may be shorter. Checksums are CRC-32 (IEEE), which tells any flip
//! of one bit, any burst of up to 32, and others but one in 2^32.
//!
//! # Use
//!
//! [`Writer`] fills sections in any order of writes, forward within each, in memory for a table of
//! checksums. [`Container::open`] reads the header and the table of checksums, whatever the file's
//! size; [`Container::check`] checks chunks, on all threads of rayon's current pool, and has to be
//! called before bytes of sections are believed.

mod damage;
mod header;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use damage::Damage;
pub(crate) use header::{Facts, Header, Kind, MAGIC, claims, is_of};
pub(crate) use read::Container;
pub(crate) use write::Writer;

/// Sections start at multiples of this.
pub(crate) const PAGE: u64 = 4096;
/// Bytes under one checksum: enough that the table is small, few enough to be read from a core's
/// cache again.
pub(crate) const CHUNK: u64 = 1 << 18;
