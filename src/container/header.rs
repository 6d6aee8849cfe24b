//! The first page of a file.

use super::{CHUNK, Damage, Kind, PAGE};
use std::ops::Range;

/// The first bytes of each file of the family.
pub(crate) const MAGIC: [u8; 8] = *b"\x89WSGD\r\n\x1a";
const MOST_SECTIONS: usize = 16;
const SECTIONS_AT: usize = 32;
const SECTION: usize = 24;
const FACTS_AT: usize = SECTIONS_AT + MOST_SECTIONS * SECTION;
const SUM_AT: usize = PAGE as usize - 4;

/// Returns true if a file that starts with `head` claims to be of this family. A magic number with
/// up to two wrong bytes counts, so that it is reported as damaged.
pub(crate) fn claims(head: &[u8]) -> bool {
    head.len() >= MAGIC.len()
        && head.iter().zip(MAGIC).filter(|&(&a, b)| a == b).count() + 2 >= MAGIC.len()
}

/// Returns true if a file that starts with `head` claims to be of this kind.
pub(crate) fn is_of(head: &[u8], kind: Kind) -> bool {
    claims(head)
        && head.get(8..12).is_some_and(|number| u32::from_le_bytes(array(number)) == kind.number())
}

/// Numbers that a kind keeps in the header, by their offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts(Vec<u8>);

impl Default for Facts {
    fn default() -> Self {
        Facts(vec![0; SUM_AT - FACTS_AT])
    }
}

impl Facts {
    /// Sets the 8 bytes from `at` on, counted from the first fact.
    ///
    /// # Panics
    /// If they do not lie within the facts.
    pub(crate) fn set(&mut self, at: usize, number: u64) {
        self.set_bytes(at, &number.to_le_bytes());
    }

    /// The 8 bytes from `at` on.
    ///
    /// # Panics
    /// If they do not lie within the facts.
    pub(crate) fn get(&self, at: usize) -> u64 {
        u64::from_le_bytes(array(&self.0[at..]))
    }

    /// Sets the bytes from `at` on.
    ///
    /// # Panics
    /// If they do not lie within the facts.
    pub(crate) fn set_bytes(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// All facts, with the zeros at their end.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: [u8; 8],
    start: u64,
    bytes: u64,
}

impl Section {
    /// The bytes in the file, with the padding.
    fn extent(&self) -> Range<u64> {
        self.start..self.start + self.bytes.next_multiple_of(PAGE)
    }
}

/// The content of the first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) version: u32,
    pub(crate) facts: Facts,
    sections: Vec<Section>,
}

impl Header {
    /// Makes the header of a file with these sections, each a name of at most 8 ASCII characters
    /// and a number of bytes.
    ///
    /// # Panics
    /// If there are more than 16 sections, or a name is longer.
    pub(crate) fn new(kind: Kind, version: u32, facts: Facts, sections: &[(&str, u64)]) -> Self {
        assert!(sections.len() <= MOST_SECTIONS, "at most {MOST_SECTIONS} sections");
        let mut start = PAGE;
        let place = |&(name, bytes): &(&str, u64)| {
            let section = Section { name: padded(name), start, bytes };
            start = section.extent().end;
            section
        };
        let sections = sections.iter().map(place).collect();
        Header { kind, version, facts, sections }
    }

    /// The bytes of the section `name` in the file, without its padding.
    pub(crate) fn section(&self, name: &str) -> Option<Range<u64>> {
        let found = self.sections.iter().find(|section| section.name == padded(name))?;
        Some(found.start..found.start + found.bytes)
    }

    /// Number of sections.
    pub(super) fn sections(&self) -> usize {
        self.sections.len()
    }

    /// Number of the section `name` in the order of the file.
    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.sections.iter().position(|section| section.name == padded(name))
    }

    /// Name of the section with this number.
    pub(super) fn name(&self, section: usize) -> String {
        self.sections[section]
            .name
            .iter()
            .filter(|&&byte| byte != 0)
            .map(|&byte| char::from(byte))
            .collect()
    }

    /// First byte of a section, and one past its last, with and without padding.
    pub(super) fn ends(&self, section: usize) -> (u64, u64, u64) {
        let section = &self.sections[section];
        (section.start, section.start + section.bytes, section.extent().end)
    }

    /// Number of chunks of a section.
    pub(super) fn chunks_of(&self, section: usize) -> usize {
        let extent = self.sections[section].extent();
        (extent.end - extent.start).div_ceil(CHUNK) as usize
    }

    /// Number of all chunks.
    pub(super) fn chunks(&self) -> usize {
        (0..self.sections()).map(|section| self.chunks_of(section)).sum()
    }

    /// First byte of the table of checksums.
    pub(super) fn table(&self) -> u64 {
        self.sections.last().map_or(PAGE, |last| last.extent().end)
    }

    /// Bytes of the whole file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.table() + 4 * (self.chunks() as u64 + 1)
    }

    /// Encodes the first page.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut page = vec![0; PAGE as usize];
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &MAGIC);
        put(8, &self.kind.number().to_le_bytes());
        put(12, &self.version.to_le_bytes());
        put(16, &self.file_bytes().to_le_bytes());
        put(24, &(CHUNK as u32).to_le_bytes());
        put(28, &(self.sections.len() as u32).to_le_bytes());
        for (k, section) in self.sections.iter().enumerate() {
            let at = SECTIONS_AT + k * SECTION;
            put(at, &section.name);
            put(at + 8, &section.start.to_le_bytes());
            put(at + 16, &section.bytes.to_le_bytes());
        }
        put(FACTS_AT, self.facts.bytes());
        let sum = crc32fast::hash(&page[..SUM_AT]);
        page[SUM_AT..].copy_from_slice(&sum.to_le_bytes());
        page
    }

    /// Reads the first page of `file`, which is all of the file's bytes and should be of `kind` in
    /// `version`.
    ///
    /// # Errors
    /// The damage, if the header or the file's length is wrong.
    pub(super) fn read(file: &[u8], kind: Kind, version: u32) -> Result<Self, Damage> {
        let Some((page, _)) = file.split_at_checked(PAGE as usize) else {
            return Err(Damage::new(
                format!("is cut off after {} bytes, within its header", file.len()),
                "at least 4096 bytes of header",
            ));
        };
        if let Some(at) = (0..MAGIC.len()).find(|&at| page[at] != MAGIC[at]) {
            return Err(Damage::new(
                format!("is damaged: byte {at} is {:#04x}", page[at]),
                format!("{:#04x}, as in all files of wildsgd's own formats", MAGIC[at]),
            ));
        }
        let number = |at: usize| u32::from_le_bytes(array(&page[at..]));
        let sum = crc32fast::hash(&page[..SUM_AT]);
        if sum != number(SUM_AT) {
            return Err(Damage::new(
                format!(
                    "is damaged between byte 0 and byte {} (header): the checksum is {sum:08x}",
                    PAGE - 1
                ),
                format!("{:08x}", number(SUM_AT)),
            ));
        }
        if number(8) != kind.number() {
            let found = Kind::of_number(number(8)).map_or("of an unknown kind", Kind::name);
            return Err(Damage::new(format!("is {found}"), kind.name()));
        }
        if number(12) != version {
            return Err(Damage::new(
                format!("is written in version {} of its format", number(12)),
                format!("version {version}, the only one that this version of wildsgd reads"),
            ));
        }
        let header = Self::of_page(page, kind, version)?;
        let expected = u64::from_le_bytes(array(&page[16..]));
        if file.len() as u64 != expected {
            let what = if (file.len() as u64) < expected { "is cut off" } else { "is too long" };
            return Err(Damage::new(
                format!("{what}: it has {} bytes", file.len()),
                format!("{expected} bytes, as its header says (byte 16)"),
            ));
        }
        Ok(header)
    }

    /// Reads a page whose checksum is right. Its sections may still be out of place.
    fn of_page(page: &[u8], kind: Kind, version: u32) -> Result<Self, Damage> {
        let strange =
            |what: &str| Damage::new(format!("has a header whose {what}"), "the documented layout");
        let number = |at: usize| u64::from_le_bytes(array(&page[at..]));
        let count = u32::from_le_bytes(array(&page[28..])) as usize;
        if count > MOST_SECTIONS {
            return Err(strange("number of sections (byte 28) is above 16"));
        }
        if u32::from_le_bytes(array(&page[24..])) != CHUNK as u32 {
            return Err(strange("chunks (byte 24) are not of 262144 bytes"));
        }
        let mut sections = Vec::with_capacity(count);
        let mut start = PAGE;
        for k in 0..count {
            let at = SECTIONS_AT + k * SECTION;
            let section =
                Section { name: array(&page[at..]), start: number(at + 8), bytes: number(at + 16) };
            // Far below 2^64, so that no sum overflows.
            if section.start != start || section.bytes > 1 << 56 {
                return Err(strange("sections (byte 32) do not follow each other"));
            }
            start = section.extent().end;
            sections.push(section);
        }
        let facts = Facts(page[FACTS_AT..SUM_AT].to_vec());
        let header = Header { kind, version, facts, sections };
        if header.file_bytes() != number(16) {
            return Err(strange("sections do not fill the file (byte 16)"));
        }
        Ok(header)
    }
}

/// The first `N` bytes of `bytes`.
///
/// # Panics
/// If there are fewer.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("the place of a number lies within the header")
}

fn padded(name: &str) -> [u8; 8] {
    let mut padded = [0; 8];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}
