//! Finds sections, and checks them.

use super::header::{Header, array};
use super::{CHUNK, Damage, Kind};
use rayon::prelude::*;
use std::ops::Range;

/// A file whose header and table of checksums are checked.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    header: Header,
    sums: Vec<u32>,
}

impl Container {
    /// Reads the header and the table of checksums of `file`, which is all of the file's bytes.
    /// Does not read any section.
    ///
    /// # Errors
    /// The damage of the header, the length, or the table.
    pub(crate) fn open(file: &[u8], kind: Kind, version: u32) -> Result<Self, Damage> {
        let header = Header::read(file, kind, version)?;
        // The header holds the length of the file, which was compared.
        let table = &file[header.table() as usize..];
        let (sums, own) = table.split_at(table.len() - 4);
        let (found, expected) = (crc32fast::hash(sums), u32::from_le_bytes(array(own)));
        if found != expected {
            return Err(Damage::new(
                format!(
                    "is damaged between byte {} and byte {} (checksums): their checksum is {found:08x}",
                    header.table(),
                    header.file_bytes() - 1
                ),
                format!("{expected:08x}"),
            ));
        }
        let sums = sums.as_chunks().0.iter().map(|&sum| u32::from_le_bytes(sum)).collect();
        Ok(Container { header, sums })
    }

    /// The content of the first page.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The byte range of the section `name` in the file.
    pub(crate) fn section(&self, name: &str) -> Option<Range<usize>> {
        self.header.section(name).map(|bytes| bytes.start as usize..bytes.end as usize)
    }

    /// Checks all chunks of the sections `names` of `file`, the bytes that were opened, in rayon's
    /// current pool. After each intact chunk, calls `then` with the section's name and the chunk's
    /// bytes (a range within the section), while they are in the core's cache.
    ///
    /// # Errors
    /// The first damage, in the order of the file. Errors of `then` count as damage.
    pub(crate) fn check(
        &self,
        file: &[u8],
        names: &[&str],
        then: impl Fn(&str, Range<usize>) -> Result<(), Damage> + Sync,
    ) -> Result<(), Damage> {
        let chunks = self.chunks(names);
        let damage = chunks.into_par_iter().find_map_first(|chunk| {
            self.check_chunk(file, &chunk)
                .and_then(|()| then(names[chunk.name], chunk.inside))
                .err()
        });
        damage.map_or(Ok(()), Err)
    }

    /// The chunks of the sections `names`, in their order.
    fn chunks(&self, names: &[&str]) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for (name, section) in
            names.iter().enumerate().filter_map(|(k, name)| Some((k, self.header.number(name)?)))
        {
            let before: usize = (0..section).map(|earlier| self.header.chunks_of(earlier)).sum();
            let (start, end, padded) = self.header.ends(section);
            chunks.extend((0..self.header.chunks_of(section)).map(|k| {
                let from = start + k as u64 * CHUNK;
                let to = padded.min(from + CHUNK);
                Chunk {
                    name,
                    section,
                    bytes: from as usize..to as usize,
                    inside: (from - start) as usize..(to.min(end).max(from) - start) as usize,
                    sum: self.sums[before + k],
                }
            }));
        }
        chunks
    }

    fn check_chunk(&self, file: &[u8], chunk: &Chunk) -> Result<(), Damage> {
        let found = crc32fast::hash(&file[chunk.bytes.clone()]);
        if found == chunk.sum {
            return Ok(());
        }
        Err(Damage::new(
            format!(
                "is damaged between byte {} and byte {} (section `{}`): the checksum is {found:08x}",
                chunk.bytes.start,
                chunk.bytes.end - 1,
                self.header.name(chunk.section)
            ),
            format!("{:08x}", chunk.sum),
        ))
    }
}

/// Bytes under one checksum.
struct Chunk {
    /// Index of the section in the list to check.
    name: usize,
    /// Number of the section in the file.
    section: usize,
    /// Range in the file.
    bytes: Range<usize>,
    /// Range in the section, without its padding.
    inside: Range<usize>,
    sum: u32,
}
