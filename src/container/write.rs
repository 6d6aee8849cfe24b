//! Writes several sections side by side.

use super::header::Header;
use super::{CHUNK, PAGE};
use crc32fast::Hasher;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Writes a file whose sections' sizes are known in advance. Keeps one checksum per chunk in
/// memory, and no byte of a section.
pub(crate) struct Writer<'f> {
    file: &'f File,
    header: Header,
    sections: Vec<Progress>,
}

/// Progress of one section.
struct Progress {
    /// Next byte in the file.
    at: u64,
    /// Bytes of the chunk that is being written.
    filled: u64,
    hasher: Hasher,
    sums: Vec<u32>,
}

impl<'f> Writer<'f> {
    /// Writes the header to `file`, which is empty.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn new(file: &'f File, header: Header) -> io::Result<Self> {
        file.write_all_at(&header.to_bytes(), 0)?;
        let sections = (0..header.sections())
            .map(|section| Progress {
                at: header.ends(section).0,
                filled: 0,
                hasher: Hasher::new(),
                sums: Vec::with_capacity(header.chunks_of(section)),
            })
            .collect();
        Ok(Writer { file, header, sections })
    }

    /// Appends `bytes` to the section `name`. Each call takes at least one system call, so pass
    /// some thousand bytes at a time.
    ///
    /// # Errors
    /// Those of the system.
    ///
    /// # Panics
    /// If there is no such section, or it gets more bytes than the header says.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let number = self.header.number(name).expect("a section of the header");
        let section = &mut self.sections[number];
        assert!(
            section.at + bytes.len() as u64 <= self.header.ends(number).1,
            "`{name}` is longer than its header says"
        );
        // Checksums are computed while the bytes are in the core's cache.
        bytes.chunks(CHUNK as usize).try_for_each(|part| section.write(self.file, part))
    }

    /// Ends the file with the table of checksums.
    ///
    /// # Errors
    /// Those of the system.
    ///
    /// # Panics
    /// If a section has fewer bytes than the header says.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        for (number, section) in self.sections.iter_mut().enumerate() {
            let (_, end, padded) = self.header.ends(number);
            assert_eq!(section.at, end, "section {number} is shorter than its header says");
            section.write(self.file, &[0; PAGE as usize][..(padded - end) as usize])?;
            if section.filled > 0 {
                section.end_chunk();
            }
        }
        let sums = self.sections.iter().flat_map(|section| &section.sums);
        let mut table: Vec<u8> = sums.flat_map(|sum| sum.to_le_bytes()).collect();
        let own = crc32fast::hash(&table);
        table.extend(own.to_le_bytes());
        self.file.write_all_at(&table, self.header.table())
    }
}

impl Progress {
    fn write(&mut self, file: &File, mut bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        while !bytes.is_empty() {
            let fits = bytes.len().min((CHUNK - self.filled) as usize);
            let (own, rest) = bytes.split_at(fits);
            self.hasher.update(own);
            self.filled += fits as u64;
            if self.filled == CHUNK {
                self.end_chunk();
            }
            bytes = rest;
        }
        Ok(())
    }

    fn end_chunk(&mut self) {
        self.sums.push(std::mem::take(&mut self.hasher).finalize());
        self.filled = 0;
    }
}
