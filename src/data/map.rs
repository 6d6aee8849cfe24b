//! Files as maps of memory.
//!
//! # If the file changes
//! A map shows the file as it is at each moment. If another process writes to the file while it is
//! mapped, the bytes change under the reader: rows may be refused, or read as anything that the
//! text held meanwhile, but never break the rules of rows, as each is checked after it was copied
//! out of the map. If another process shortens the file, touching the bytes that are gone ends this
//! process with SIGBUS. Write a new file and rename it, as all commands of this crate do, or give
//! the file as standard input.
#![allow(unsafe_code)]

use memmap2::{Advice, Mmap};
use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file, read only.
#[derive(Debug)]
pub(super) struct Map(Mmap);

impl Map {
    /// Maps the whole of `file`, which is not empty.
    ///
    /// # Errors
    /// The system's, if it cannot map this file.
    pub(super) fn of(file: &File) -> io::Result<Map> {
        // SAFETY: `Mmap::map` requires that the file is not modified while it is mapped, as safe
        // code relies on bytes behind a shared reference staying the same. No code of this crate
        // writes to a file that it maps: files are saved under another name and renamed. Against
        // other processes there is no means; the module says what happens then. Code that parses
        // text from a map indexes slices with checks, and takes no decision about memory from bytes
        // that it reads twice: entries are copied out first, then counted and checked. Code that
        // uses rows of a cache where they lie relies on the condition that the module `cache`
        // states.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Map(map))
    }

    /// Says that the bytes will be read from the first to the last. Advice only: the map is as good
    /// without it.
    pub(super) fn will_be_read_in_order(&self) {
        let _ = self.0.advise(Advice::Sequential);
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
