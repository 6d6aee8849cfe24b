//! What the system does with memory: files as maps, and huge pages for large arrays.
//!
//! # If the file changes
//! A map shows the file as it is at each moment. If another process writes to the file while it is mapped, the
//! bytes change under the reader: rows may be refused, or read as anything that the text held meanwhile, but
//! never break the rules of rows, as each is checked after it was copied out of the map. If another process
//! shortens the file, touching the bytes that are gone ends this process with SIGBUS. Write a new file and rename
//! it, as all commands of this crate do, or give the file as standard input.
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
        // SAFETY: `Mmap::map` requires that the file is not modified while it is mapped, as safe code relies on bytes
        // behind a shared reference staying the same. No code of this crate writes to a file that it maps: files are
        // saved under another name and renamed. Against other processes there is no means; the module says what
        // happens then. Code that parses text from a map indexes slices with checks, and takes no decision about memory
        // from bytes that it reads twice: entries are copied out first, then counted and checked. Code that uses rows
        // of a cache where they lie relies on the condition that the module `cache` states.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Map(map))
    }

    /// Says that the bytes will be read from the first to the last. Advice only: the map is as good without it.
    pub(super) fn will_be_read_in_order(&self) {
        let _ = self.0.advise(Advice::Sequential);
    }
}

/// Asks the system for huge pages behind `array`, which is large and not yet written to: there are then fewer faults
/// while it is filled, and fewer misses of the address cache later. Takes no memory beyond the array, as only pages
/// that lie in it as a whole become huge.
pub(crate) fn ask_for_huge_pages<T: Copy>(array: &mut [T]) {
    ask_for(array, Pages::Huge);
}

/// An empty vector with room for `len` values, which are written at once: it has all its pages, huge ones where possible. Taken
/// one by one, at a fault each, they cost several times as long as what is then written to them.
pub(crate) fn room<T: Copy>(len: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(len);
    ask_for_huge_pages(vector.spare_capacity_mut());
    ask_for(vector.spare_capacity_mut(), Pages::Now);
    vector
}

/// `len` times `value`, all pages taken now. A vector of zeros from the allocator takes a page where it is written to first; if
/// it was read before, each such page makes all threads forget where it lay.
pub(crate) fn filled<T: Copy>(value: T, len: usize) -> Vec<T> {
    let mut vector = room(len);
    vector.resize(len, value);
    vector
}

/// What the system can be asked for behind memory.
#[derive(Clone, Copy)]
enum Pages {
    /// Huge ones.
    Huge,
    /// All of them, before they are written to.
    Now,
}

/// Asks the system for `pages` behind `array`, from the first that starts in it.
fn ask_for<T: Copy>(array: &mut [T], pages: Pages) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 1 << 12;
        let bytes = array.as_mut_ptr_range();
        let start = bytes.start.addr().next_multiple_of(PAGE);
        let length = bytes.end.addr().saturating_sub(start);
        let skipped = start - bytes.start.addr();
        let advice = match pages {
            Pages::Huge => libc::MADV_HUGEPAGE,
            Pages::Now => libc::MADV_POPULATE_WRITE,
        };
        if length > 0 {
            // SAFETY: madvise(2) with either advice changes how memory is backed and when, never what it holds, so that
            // any range is sound; this one starts on a page and ends in `array`, which is borrowed for writing. That the
            // system may refuse does no harm. `skipped` is within `array`, as `start` is not after its end.
            unsafe {
                let start = bytes.start.cast::<u8>().add(skipped);
                libc::madvise(start.cast(), length, advice);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (array, pages);
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
