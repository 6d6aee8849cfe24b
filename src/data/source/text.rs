//! Plain text that many threads read at any place: in memory, or in a file.

use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};

/// The bytes of a text.
pub(in crate::data) trait Text: Sync {
    /// Number of bytes.
    fn len(&self) -> usize;

    /// Calls `f` with the bytes in `range`, cut at the end of the text.
    ///
    /// # Errors
    /// If the bytes cannot be read; `f` is then not called.
    fn with(&self, range: Range<usize>, f: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// Checks after the last byte was read that all are of one moment.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the text changed meanwhile.
    fn check(&self) -> io::Result<()>;
}

impl Text for &[u8] {
    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn with(&self, range: Range<usize>, f: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        f(&self[range.start..range.end.min(self.len())]);
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A file of text. It is read, not mapped: if another process writes to it meanwhile, that is an
/// error and not the end of this process.
pub(in crate::data) struct TextFile {
    file: File,
    len: usize,
    opened: Stamp,
}

/// Size and modification time, which change with a file's bytes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::data) struct Stamp {
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    pub(in crate::data) fn of(metadata: &Metadata) -> Self {
        Stamp { bytes: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

thread_local! {
    /// The bytes that a thread has read last. Kept for its memory.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl TextFile {
    pub(super) fn new(file: File, metadata: &Metadata) -> Self {
        TextFile { file, len: metadata.len() as usize, opened: Stamp::of(metadata) }
    }
}

impl Text for TextFile {
    fn len(&self) -> usize {
        self.len
    }

    fn with(&self, range: Range<usize>, f: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let range = range.start..range.end.min(self.len);
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.len() < range.len() {
                buffer.reserve_exact(range.len() - buffer.len());
                buffer.resize(range.len(), 0);
            }
            let bytes = &mut buffer[..range.len()];
            self.file.read_exact_at(bytes, range.start as u64)?;
            f(bytes);
            Ok(())
        })
    }

    fn check(&self) -> io::Result<()> {
        match Stamp::of(&self.file.metadata()?) == self.opened {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write};

    use super::*;

    #[test]
    fn a_file_that_changes_is_an_error() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, b"1 1:1\n").unwrap();
        let open = || {
            let file = File::open(&path).unwrap();
            let metadata = file.metadata().unwrap();
            TextFile::new(file, &metadata)
        };
        let bytes = |text: &TextFile, range: Range<usize>| {
            let mut found = Vec::new();
            text.with(range, &mut |bytes| found = bytes.to_vec()).map(|()| found)
        };
        let text = open();
        assert_eq!(bytes(&text, 2..usize::MAX).unwrap(), b"1:1\n");
        assert_eq!(bytes(&text, 0..3).unwrap(), b"1 1");
        text.check().unwrap();
        let mut other = File::options().append(true).open(&path).unwrap();
        other.write_all(b"2 1:1\n").unwrap();
        assert_eq!(text.check().unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let text = open();
        other.set_len(3).unwrap();
        assert_eq!(bytes(&text, 2..9).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
