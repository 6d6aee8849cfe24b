//! Maps files into memory.
//!
//! # If the file changes
//! A map shows the current content of the file. If another process writes to the file while it is
//! mapped, the bytes change under the reader. Rows may then be refused, or read as anything that
//! the text held meanwhile, but they never break the invariant of rows: each is checked after it
//! was copied out of the map. If another process shortens the file, touching the missing bytes ends
//! this process with SIGBUS. Write a new file and rename it, as all commands of this crate do, or
//! pass the file as standard input.
#![allow(unsafe_code)]

use memmap2::{Advice, Mmap};
use std::fs::File;
use std::io;
use std::ops::Deref;

/// The bytes of a file, read-only.
#[derive(Debug)]
pub(super) struct Map(Mmap);

impl Map {
    /// Maps all of `file`, which is not empty.
    ///
    /// # Errors
    /// Those of the system, if it cannot map this file.
    pub(super) fn of(file: &File) -> io::Result<Map> {
        // SAFETY: `Mmap::map` requires that the file is not modified while it is mapped, as safe
        // code relies on bytes behind a shared reference staying the same. No code of this crate
        // writes to a file that it maps: files are saved under another name and renamed. There is
        // no protection against other processes; the docs of this module say what happens then.
        // Code that parses text from a map indexes slices with checks, and takes no decision about
        // memory from bytes that it reads twice: entries are copied out first, then counted and
        // checked. Code that uses rows of a cache in place relies on the condition that the module
        // `cache` states.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Map(map))
    }

    /// Advises the system that the bytes will be read from first to last. The map works without it.
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
