//! Bytes of files and of standard input, decompressed.
//!
//! gzip, bzip2 and zstd are recognized by their first bytes, never by the file's name. Invariant:
//! compressed data are decoded to their end or not at all. The rest of a truncated or damaged file
//! is never returned as a whole. Truncation exactly between two members of a file of several cannot
//! be detected, as such a file is complete in itself.

#[cfg(feature = "compression")]
mod compressed;
#[cfg(test)]
mod tests;
mod text;

use super::libsvm::mark_length;
use crate::container;
use crate::error::{Error, Result};
use std::fs::{File, Metadata};
use std::io::{self, BufRead, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
pub(super) use text::{Stamp, Text, TextFile};

/// Description of readable input, for messages.
const READABLE: &str = if cfg!(feature = "compression") {
    "libsvm text, plain or compressed with gzip, bzip2 or zstd"
} else {
    "libsvm text, not compressed"
};
/// Bytes that identify the format.
const HEAD: usize = 8;

/// Reads all bytes of the file at `path` (`-`: standard input), decompressed if they are gzip,
/// bzip2 or zstd.
///
/// Takes memory for the bytes once. For an uncompressed file it is reserved at its size.
///
/// # Errors
/// [`Error::Io`] if the system cannot open or read it; [`Error::Input`] if there is no such file,
/// or if it is a directory, empty, truncated, damaged, followed by other bytes, or compressed in a
/// format that is not supported.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let name = display_name(path);
    if path.as_os_str() == "-" {
        return decode(io::stdin().lock(), &name, 0);
    }
    let (file, metadata) = open_file(path, &name)?;
    decode(file, &name, metadata.len())
}

/// The bytes of an input, by how they can be read.
pub(super) enum Input {
    /// A file of plain bytes, at least one.
    Text(TextFile),
    /// A file that claims to be a data cache, and its size.
    Cache(File, u64),
    /// Bytes that come one after another: compressed, or not from a file.
    Stream(Stream<'static>),
}

/// Decompressed bytes of a stream, and its format.
pub(super) struct Stream<'a> {
    pub(super) reader: Box<dyn Read + 'a>,
    pub(super) format: Format,
}

/// Opens the file at `path` (`-`: standard input).
///
/// # Errors
/// Those of [`read`] that show at the start.
pub(super) fn open(path: &Path, name: &str) -> Result<Input> {
    if path.as_os_str() == "-" {
        return stream(path, name).map(Input::Stream);
    }
    let (file, metadata) = open_file(path, name)?;
    // Files that the system generates on reading have no size.
    if metadata.is_file() && metadata.len() > 0 {
        let mut head = [0; HEAD];
        let head = &mut head[..HEAD.min(metadata.len() as usize)];
        file.read_exact_at(head, 0).map_err(|error| Error::io(path, "read", error))?;
        if container::claims(head) {
            return Ok(Input::Cache(file, metadata.len()));
        }
        if Format::of(head) == Format::Plain {
            return Ok(Input::Text(TextFile::new(file, &metadata)));
        }
    }
    Stream::new(file, name).map(Input::Stream)
}

/// Returns true if the file at `path` is compressed by its first bytes, and false if it cannot be
/// read.
pub fn is_compressed(path: impl AsRef<Path>) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    read.is_ok() && Format::of(&head) != Format::Plain
}

/// Opens the file at `path` (`-`: standard input) to be read from start to end, whatever its
/// format.
///
/// # Errors
/// Those of [`open`].
pub(super) fn stream(path: &Path, name: &str) -> Result<Stream<'static>> {
    if path.as_os_str() == "-" {
        return Stream::new(io::stdin().lock(), name);
    }
    let (file, _) = open_file(path, name)?;
    Stream::new(file, name)
}

/// Longest line that [`lines`] accepts, in bytes.
const LONGEST: usize = 1 << 24;

/// Reads the file at `path` (`-`: standard input) line by line, and calls `take` with each line and
/// its number, from 1. Lines have no end, neither `\n` nor `\r\n`, and the first one no byte order
/// mark. Takes memory for one line.
///
/// # Errors
/// Those of [`read`], those of `take`, and [`Error::Text`] for a line of over 16 MiB.
pub(super) fn lines(
    path: &Path,
    name: &str,
    mut take: impl FnMut(&[u8], u64) -> Result<()>,
) -> Result<()> {
    let Stream { reader, format } = stream(path, name)?;
    let mut reader = io::BufReader::with_capacity(1 << 16, reader);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut part = reader.by_ref().take(LONGEST as u64 + 1);
        part.read_until(b'\n', &mut line).map_err(|error| fault(error, format, name))?;
        if line.is_empty() {
            return if number == 1 { Err(empty(name)) } else { Ok(()) };
        }
        if line.len() > LONGEST {
            return Err(Error::Text {
                path: name.into(),
                line: number,
                column: 1,
                what: format!("the line is longer than {LONGEST} bytes"),
                expected: "lines of text".into(),
                hint: "check that this is the file you meant".into(),
            });
        }
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let mark = if number == 1 { mark_length(bytes) } else { 0 };
        take(&bytes[mark..], number)?;
    }
    Ok(())
}

/// Opens the file at `path`, which is no directory.
///
/// # Errors
/// If there is none, or the system cannot open it.
pub(super) fn open_file(path: &Path, name: &str) -> Result<(File, Metadata)> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::input(
            name,
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
    Ok((file, metadata))
}

/// Name of the input at `path` in messages: the path itself, or `<stdin>` for `-`.
pub fn display_name(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    if path.as_os_str() == "-" { "<stdin>".into() } else { path.display().to_string() }
}

/// Format of a file by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
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
            // The second pattern is a skippable frame, which parallel compressors put first.
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

impl<'a> Stream<'a> {
    /// Starts a stream of `input`, and reads its first bytes.
    fn new(mut input: impl Read + 'a, name: &str) -> Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        input
            .by_ref()
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(|error| Error::io(name, "read", error))?;
        if container::claims(&head) {
            return Err(Error::input(
                name,
                "is a data cache, or a native model",
                "a data cache as a file that can be mapped, or text",
                "give the file's name as DATA",
            ));
        }
        let format = Format::of(&head);
        let whole = io::Cursor::new(head).chain(input);
        let reader = decoder(whole, format).map_err(|error| fault(error, format, name))?;
        Ok(Stream { reader, format })
    }
}

/// Reads all bytes of `input`, decompressed. `size` is their number, as far as known.
fn decode<'a>(input: impl Read + 'a, name: &str, size: u64) -> Result<Vec<u8>> {
    let mut stream = Stream::new(input, name)?;
    let mut bytes = Vec::new();
    if stream.format == Format::Plain {
        reserve(&mut bytes, size, name)?;
    }
    stream.reader.read_to_end(&mut bytes).map_err(|error| fault(error, stream.format, name))?;
    if bytes.is_empty() { Err(empty(name)) } else { Ok(bytes) }
}

/// The error for an empty input.
pub(super) fn empty(name: &str) -> Error {
    Error::input(
        name,
        "is empty",
        "text, plain or compressed",
        "check that the program that wrote it finished",
    )
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

fn decoder<'a>(whole: impl Read + 'a, format: Format) -> io::Result<Box<dyn Read + 'a>> {
    match format {
        Format::Plain => Ok(Box::new(whole)),
        #[cfg(feature = "compression")]
        Format::Gzip => Ok(compressed::gzip(whole)),
        #[cfg(feature = "compression")]
        Format::Bzip2 => Ok(compressed::bzip2(whole)),
        #[cfg(feature = "compression")]
        Format::Zstd => compressed::zstd(whole),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Converts `error`, which is the system's if it has a system's code, else the decoder's.
pub(super) fn fault(error: io::Error, format: Format, name: &str) -> Error {
    let compression = format.name();
    match (format, error.kind()) {
        (Format::Unsupported(_), _) => Error::input(
            name,
            format!("is compressed with {compression}"),
            READABLE,
            "decompress it first",
        ),
        (Format::Plain, _) => Error::io(name, "read", error),
        _ if !cfg!(feature = "compression") => Error::input(
            name,
            format!("is compressed with {compression}, and wildsgd was built without decoders"),
            "plain text",
            "build it with the feature `compression`, or decompress the file first",
        ),
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
