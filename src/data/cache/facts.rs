//! The facts in the header of a cache.

use crate::container::{Damage, Facts};
use crate::data::{IndexBase, ParseOptions};
use crate::error::{Error, Result};
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

/// Version of the layout of caches.
pub(super) const VERSION: u32 = 2;

/// Checks that numbers can be used in place.
pub(super) fn check_byte_order(name: &str) -> Result<()> {
    if cfg!(target_endian = "little") {
        return Ok(());
    }
    Err(Error::input(
        name,
        "is a cache",
        "a machine with little-endian numbers",
        "pass the text instead",
    ))
}

/// Facts of a cache beyond its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Number from which the text counted features ([`IndexBase::Zero`] or [`IndexBase::One`]), if
    /// known.
    pub base: Option<IndexBase>,
    /// The text that the rows were read from, for a cache that is kept beside it.
    pub source: Option<Source>,
}

/// Identity of the text that a cache was made from, and how it was read. Equal sources give the
/// same rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Bytes of the file on disk.
    pub bytes: u64,
    /// Its modification time: seconds since 1970, and nanoseconds.
    pub modified: (i64, i64),
    /// CRC-32 of its first MiB in the upper half, of its last one in the lower half.
    pub ends: u64,
    /// Options that it was read with.
    pub parse: ParseOptions,
}

impl Source {
    /// Identifies `file`, read with these options.
    ///
    /// # Errors
    /// If the system cannot read it.
    pub fn of(file: &File, parse: &ParseOptions) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let bytes = metadata.len();
        let mut end = vec![0; bytes.min(1 << 20) as usize];
        let mut sum = |from: u64| {
            file.read_exact_at(&mut end, from)?;
            Ok::<_, io::Error>(u64::from(crc32fast::hash(&end)))
        };
        let ends = sum(0)? << 32 | sum(bytes - bytes.min(1 << 20))?;
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Ok(Source { bytes, modified, ends, parse: parse.clone() })
    }
}

/// All facts of a data set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) rows: u64,
    pub(super) entries: u64,
    pub(super) width: u64,
    pub(super) seed: Option<u64>,
    pub(super) has_values: bool,
    pub(super) is_wide: bool,
    pub(super) first_label: f64,
    pub(super) notes: Notes,
}

const SHUFFLED: u64 = 1;
const VALUES: u64 = 2;
const WIDE: u64 = 4;

impl Shape {
    pub(super) fn to_facts(&self) -> Facts {
        let mut facts = Facts::default();
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        let flags = flag(self.seed.is_some(), SHUFFLED)
            | flag(self.has_values, VALUES)
            | flag(self.is_wide, WIDE);
        let numbers = [
            self.rows,
            self.entries,
            self.width,
            flags,
            self.seed.unwrap_or(0),
            self.notes.base.map_or(0, base_number),
            self.first_label.to_bits(),
        ];
        let source = self.notes.source.iter().flat_map(|source| {
            [
                1,
                source.bytes,
                source.modified.0 as u64,
                source.modified.1 as u64,
                base_number(source.parse.index_base),
                source.parse.max_line as u64,
                source.ends,
            ]
        });
        for (k, number) in numbers.into_iter().chain(source).enumerate() {
            facts.set(8 * k, number);
        }
        facts
    }

    /// # Errors
    /// The first fact that this version does not know.
    pub(super) fn of_facts(facts: &Facts) -> Result<Self, Damage> {
        let fact = |k: usize| facts.get(8 * k);
        let strange = |what: String| Damage::new(what, "the documented layout");
        let flags = fact(3);
        if flags & !(SHUFFLED | VALUES | WIDE) != 0 {
            return Err(strange(format!("has unknown flags {flags:#x} (byte 440)")));
        }
        if fact(2) > 1 << 32 {
            return Err(strange(format!("has {} features (byte 432)", fact(2))));
        }
        if fact(0) > u64::from(u32::MAX) {
            return Err(strange(format!("has {} rows (byte 416)", fact(0))));
        }
        let source = (fact(7) == 1).then(|| {
            Some(Source {
                bytes: fact(8),
                modified: (fact(9) as i64, fact(10) as i64),
                ends: fact(13),
                parse: ParseOptions { index_base: base_of(fact(11))?, max_line: fact(12) as usize },
            })
        });
        Ok(Shape {
            rows: fact(0),
            entries: fact(1),
            width: fact(2),
            seed: (flags & SHUFFLED != 0).then(|| fact(4)),
            has_values: flags & VALUES != 0,
            is_wide: flags & WIDE != 0,
            first_label: f64::from_bits(fact(6)),
            notes: Notes { base: base_of(fact(5)), source: source.flatten() },
        })
    }

    /// Names and sizes in bytes of the sections.
    pub(super) fn sections(&self) -> Vec<(&'static str, u64)> {
        let offset = if self.is_wide { 8 } else { 4 };
        let mut sections = vec![
            ("labels", self.rows.saturating_mul(8)),
            ("offsets", (self.rows + 1).saturating_mul(offset)),
            ("indices", self.entries.saturating_mul(4)),
        ];
        if self.has_values {
            sections.push(("values", self.entries.saturating_mul(4)));
        }
        sections
    }
}

fn base_number(base: IndexBase) -> u64 {
    match base {
        IndexBase::Zero => 1,
        IndexBase::One => 2,
        IndexBase::Auto => 3,
    }
}

fn base_of(number: u64) -> Option<IndexBase> {
    match number {
        1 => Some(IndexBase::Zero),
        2 => Some(IndexBase::One),
        3 => Some(IndexBase::Auto),
        _ => None,
    }
}
