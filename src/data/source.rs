//! Bytes of files and of standard input, decompressed.
//!
//! gzip, bzip2 and zstd are recognized by their first bytes, never by the file's name. Invariant: compressed data are
//! decoded to their end or not at all; what is left of a truncated or damaged file is never returned as a whole.
//! Truncation exactly between two members of a file of several cannot be seen, as such a file is complete in itself.

#[cfg(test)]
mod tests;

use super::{Dataset, ParseOptions, libsvm};
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Bytes that tell the formats apart.
const HEAD: usize = 6;
/// Bytes of compressed data that are read at once.
const BUFFER: usize = 1 << 16;
/// The largest zstd window, as `zstd --long` makes it.
const ZSTD_WINDOW_LOG: u32 = if cfg!(target_pointer_width = "64") { 31 } else { 30 };

/// Reads the libsvm data set at `path` (`-`: standard input), decompressing as [`read`] does.
///
/// # Errors
/// Those of [`read`], and what [`libsvm::parse`] finds wrong, with the file's name.
pub fn load(path: impl AsRef<Path>, options: &ParseOptions) -> Result<Dataset> {
    let path = path.as_ref();
    libsvm::parse(&read(path)?, options).map_err(|error| error.into_error(display_name(path)))
}

/// All bytes of the file at `path` (`-`: standard input), decompressed if they are gzip, bzip2 or zstd.
///
/// Takes memory for the bytes once; for an uncompressed file it is reserved at its size.
///
/// # Errors
/// [`Error::Io`] if the system does not let it be opened or read; [`Error::Input`] if there is no such file, it is a
/// directory, empty, truncated, damaged, followed by other bytes, or compressed in a way that is not supported.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let name = display_name(path);
    if path.as_os_str() == "-" {
        return decode(io::stdin().lock(), &name, 0);
    }
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::input(
            name.as_str(),
            "there is no such file",
            "a file, or `-` for standard input",
            "check the name and the folder it is relative to",
        ),
        _ => Error::io(path, "open", error),
    })?;
    let metadata = file.metadata().map_err(|error| Error::io(path, "read", error))?;
    if metadata.is_dir() {
        return Err(Error::input(
            name,
            "is a directory",
            "a file, or `-` for standard input",
            "name one file in it",
        ));
    }
    decode(file, &name, metadata.len())
}

/// What messages call the input at `path`: the path itself, or `<stdin>` for `-`.
pub fn display_name(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    if path.as_os_str() == "-" { "<stdin>".into() } else { path.display().to_string() }
}

/// What the first bytes of a file say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Plain,
    Gzip,
    Bzip2,
    Zstd,
    Unsupported(&'static str),
}

impl Format {
    fn of(head: &[u8]) -> Format {
        match head {
            [0x1f, 0x8b, ..] => Format::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Format::Bzip2,
            // The second one is a skippable frame, which parallel compressors put first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Format::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Format::Unsupported("xz"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Format::Unsupported("lz4"),
            [b'P', b'K', 3, 4, ..] => Format::Unsupported("zip"),
            _ => Format::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Format::Plain => "plain",
            Format::Gzip => "gzip",
            Format::Bzip2 => "bzip2",
            Format::Zstd => "zstd",
            Format::Unsupported(name) => name,
        }
    }
}

/// All bytes of `input`, decompressed; `size` is how many bytes it has, as far as is known.
fn decode(mut input: impl Read, name: &str, size: u64) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    input
        .by_ref()
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|error| Error::io(name, "read", error))?;
    let format = Format::of(&head);
    let mut bytes = Vec::new();
    if format == Format::Plain {
        reserve(&mut bytes, size, name)?;
    }
    let whole = head.as_slice().chain(input);
    fill(&mut bytes, whole, format).map_err(|error| fault(error, format, name))?;
    if bytes.is_empty() {
        return Err(Error::input(
            name,
            "is empty",
            "text, plain or compressed",
            "check that what wrote it ended well",
        ));
    }
    Ok(bytes)
}

fn reserve(bytes: &mut Vec<u8>, size: u64, name: &str) -> Result<()> {
    let reserved = usize::try_from(size).is_ok_and(|size| bytes.try_reserve_exact(size).is_ok());
    if reserved {
        return Ok(());
    }
    Err(Error::input(
        name,
        format!("has {size} bytes"),
        "a file that fits in memory",
        "train on a part of it, or on a larger machine",
    ))
}

fn fill(bytes: &mut Vec<u8>, mut whole: impl Read, format: Format) -> io::Result<()> {
    match format {
        Format::Plain => whole.read_to_end(bytes)?,
        Format::Gzip => flate2::bufread::MultiGzDecoder::new(buffered(whole)).read_to_end(bytes)?,
        Format::Bzip2 => bzip2::bufread::MultiBzDecoder::new(buffered(whole)).read_to_end(bytes)?,
        Format::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered(whole))?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            decoder.read_to_end(bytes)?
        }
        Format::Unsupported(_) => return Err(io::ErrorKind::Unsupported.into()),
    };
    Ok(())
}

fn buffered<R: Read>(reader: R) -> BufReader<R> {
    BufReader::with_capacity(BUFFER, reader)
}

/// The error for `error`, which came from the system if it has a system's code, else from the decoder.
fn fault(error: io::Error, format: Format, name: &str) -> Error {
    let compression = format.name();
    match (format, error.kind()) {
        (Format::Unsupported(_), _) => Error::input(
            name,
            format!("is compressed with {compression}"),
            "libsvm text, plain or compressed with gzip, bzip2 or zstd",
            "decompress it first",
        ),
        (Format::Plain, _) => Error::io(name, "read", error),
        _ if error.raw_os_error().is_some() => Error::io(name, "read", error),
        (_, io::ErrorKind::UnexpectedEof) => Error::input(
            name,
            format!("the {compression} data are truncated"),
            format!("a complete {compression} file"),
            "copy or compress it again",
        ),
        _ => Error::input(
            name,
            format!("the {compression} data are damaged: {error}"),
            format!("a {compression} file with nothing after its end"),
            "copy or compress it again",
        ),
    }
}
