//! Parses as [`parse`](super::parse) does, on many threads.
//!
//! A first pass counts the entries of each row, which fixes the place of each. A second pass reads
//! numbers. Both work on pieces of whole lines, and each piece knows its first line: the error is
//! the first one in the text, and reads as if one thread had read all of it.

use super::count::{self, Piece};
use super::{BYTE_ORDER_MARK, Kind, LOOKAHEAD, ParseError, ParseOptions};
use super::{check_rows, mark_length, read_lines, whole};
use crate::data::Dataset;
use crate::data::IndexBase;
use crate::data::csr::{Block, Layout, Stop};
use crate::data::source::Text;
use crate::memory::{Budget, Shortage};
use rayon::prelude::*;
use std::io;
use std::ops::Range;

/// Bytes of a piece: its rows stay in the cache of a core until they are in place.
///
/// Record: D024.
const PIECE: usize = 1 << 18;

/// Reads a whole libsvm text in rayon's current pool, and lays the rows out in the order of `seed`.
/// Also returns the number from which the text counts features. Deterministic.
///
/// # Errors
/// Those of [`parse`](super::parse), [`Kind::Changed`] if another process changes the file
/// meanwhile, and those of the system, and if the rows do not fit in memory.
pub(in crate::data) fn parse_parallel(
    text: &dyn Text,
    options: &ParseOptions,
    seed: Option<u64>,
) -> Result<(Dataset, IndexBase), Unread> {
    parse_pieces(text, options, seed, PIECE)
}

/// The reason why a text could not be read.
#[derive(Debug)]
pub(in crate::data) enum Unread {
    Text(ParseError),
    System(io::Error),
    Memory(Shortage),
}

impl From<ParseError> for Unread {
    fn from(error: ParseError) -> Self {
        Unread::Text(error)
    }
}

impl Unread {
    /// The reason for `error`, which says by its kind if the text is shorter than it was.
    fn of(error: io::Error, options: &ParseOptions) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Unread::Text(whole(Kind::Changed, options)),
            _ => Unread::System(error),
        }
    }
}

/// Reads a text like [`parse_parallel`], in pieces of about `size` bytes, at least 1.
pub(in crate::data) fn parse_pieces(
    text: &dyn Text,
    options: &ParseOptions,
    seed: Option<u64>,
    size: usize,
) -> Result<(Dataset, IndexBase), Unread> {
    let failed = |error| Unread::of(error, options);
    let (pieces, lengths) = count(text, size).map_err(failed)?;
    let read = |piece: &Piece, block: &mut Block| {
        block.clear(piece.rows, piece.entries);
        let Range { start, end } = piece.bytes;
        let mut read = Ok(0);
        text.with(start..end.saturating_add(LOOKAHEAD), &mut |bytes| {
            read = read_lines(bytes, 0..end - start, piece.first_line, options, block);
        })
        .map_err(failed)?;
        read.map(drop).map_err(Unread::Text)
    };
    // A text without rows may still hold an error to report.
    check_rows(lengths.len().max(1) as u64, options)?;
    let entries = pieces.iter().map(|piece| piece.entries).sum();
    Budget::now().check(Layout::memory(lengths.len(), entries)).map_err(Unread::Memory)?;
    let layout = Layout::new(lengths, seed);
    let parts = || pieces.iter().map(|piece| (piece.rows, piece));
    let mut values = starts_with_values(&pieces, read);
    loop {
        match layout.fill(values, parts(), read) {
            Ok(filled) => {
                check_rows(filled.rows() as u64, options)?;
                text.check().map_err(failed)?;
                return Ok(layout.finish(filled, options.index_base));
            }
            // The first rows had values of 1 only, so that no memory was taken for values.
            Err(Stop::Values) => values = true,
            Err(Stop::Changed) => return Err(whole(Kind::Changed, options).into()),
            Err(Stop::Unread(error)) => return Err(error),
        }
    }
}

/// Cuts `text` into pieces, and counts the entries of each row.
fn count(text: &dyn Text, size: usize) -> io::Result<(Vec<Piece>, Vec<u32>)> {
    let mut mark = 0;
    text.with(0..BYTE_ORDER_MARK.len(), &mut |bytes| mark = mark_length(bytes))?;
    let ranges = count::cut(text, mark, size)?;
    let lengths = |range: &Range<usize>| {
        let mut lengths = Default::default();
        text.with(range.clone(), &mut |bytes| lengths = count::row_lengths(bytes))?;
        Ok(lengths)
    };
    let counts: Vec<_> = ranges.par_iter().map(lengths).collect::<io::Result<_>>()?;
    let mut pieces = Vec::with_capacity(ranges.len());
    let mut lengths = Vec::with_capacity(counts.iter().map(|(_, own)| own.len()).sum());
    let mut first_line = 1;
    for (bytes, (lines, own)) in ranges.into_iter().zip(counts) {
        let entries = own.iter().map(|&length| length as usize).sum();
        pieces.push(Piece { bytes, first_line, rows: own.len(), entries });
        lengths.extend(own);
        first_line += lines;
    }
    Ok((pieces, lengths))
}

/// Returns true if the first piece that has entries has a value that is not 1.
fn starts_with_values(
    pieces: &[Piece],
    read: impl Fn(&Piece, &mut Block) -> Result<(), Unread>,
) -> bool {
    let mut block = Block::default();
    let first = pieces.iter().find(|piece| piece.entries > 0);
    first.is_some_and(|piece| read(piece, &mut block).is_ok()) && block.values().is_some()
}
