//! The bytes of a data cache: a copy in memory, or a map of the file.
//!
//! # If the file changes
//! A file that fits in memory is copied: what happens to it later does no harm. A larger one is
//! mapped, and a map shows the current content of the file. If another process writes to the file
//! while it is mapped, the bytes change under the reader; if it shortens the file, touching the
//! missing bytes ends this process with SIGBUS. Write a new file and rename it, as all commands of
//! this crate do.
#![allow(unsafe_code)]

use memmap2::{Mmap, MmapMut};
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

use crate::memory;
use crate::parallel;

/// Bytes that one thread copies at a time.
const PART: usize = 1 << 20;

/// The bytes of a file, read-only, from a page boundary on.
#[derive(Debug)]
pub(super) struct Map {
    bytes: Mmap,
    is_copy: bool,
}

impl Map {
    /// Copies all of `file`, which holds `len` bytes, if it takes at most half of the memory that
    /// is available; else maps it. Parallel in rayon's current pool.
    ///
    /// # Errors
    /// Those of the system, if it cannot read or map this file.
    pub(super) fn of(file: &File, len: u64) -> io::Result<Map> {
        match usize::try_from(len) {
            Ok(len) if len <= memory::available() / 2 => Map::copied(file, len),
            _ => Map::mapped(file),
        }
    }

    fn copied(file: &File, len: usize) -> io::Result<Map> {
        let mut bytes = MmapMut::map_anon(len)?;
        memory::advise_huge_pages(&mut bytes);
        let failed = Mutex::new(None);
        parallel::parts(&mut bytes, PART, &|first, part| {
            if let Err(error) = file.read_exact_at(part, first as u64) {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(Map { bytes: bytes.make_read_only()?, is_copy: true }),
        }
    }

    pub(super) fn mapped(file: &File) -> io::Result<Map> {
        // SAFETY: `Mmap::map` requires that the file is not modified while it is mapped, as safe
        // code relies on bytes behind a shared reference staying the same. No code of this crate
        // writes to a file that it maps: files are saved under another name and renamed. There is
        // no protection against other processes; it is a condition of use that the docs of this
        // module and of `cache` state.
        let bytes = unsafe { Mmap::map(file) }?;
        Ok(Map { bytes, is_copy: false })
    }

    /// Returns true if the bytes are a copy, which stays whatever happens to the file.
    pub(super) fn is_copy(&self) -> bool {
        self.is_copy
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}
