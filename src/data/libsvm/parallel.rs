//! Parses as [`parse`](super::parse) does, on many threads.
//!
//! A first pass counts the entries of each row, which fixes the place of each. A second pass reads
//! numbers. Both work on pieces of whole lines, and each piece knows its first line: the error is
//! the first one in the text, and reads as if one thread had read all of it.

use super::count::{self, Piece};
use super::{Kind, ParseError, ParseOptions, check_rows, read_lines, whole, without_mark};
use crate::data::Dataset;
use crate::data::IndexBase;
use crate::data::csr::{Block, Layout, Stop};
use rayon::prelude::*;

/// Bytes of a piece: its rows stay in the cache of a core until they are in place.
///
/// Record: D024.
const PIECE: usize = 1 << 18;

/// Reads a whole libsvm text in rayon's current pool, and lays the rows out in the order of `seed`.
/// Also returns the number from which the text counts features. Deterministic.
///
/// # Errors
/// Those of [`parse`](super::parse), and [`Kind::Changed`] if another process changes the mapped
/// bytes meanwhile.
pub(in crate::data) fn parse_parallel(
    bytes: &[u8],
    options: &ParseOptions,
    seed: Option<u64>,
) -> Result<(Dataset, IndexBase), ParseError> {
    parse_pieces(bytes, options, seed, PIECE)
}

/// Reads a text like [`parse_parallel`], in pieces of about `size` bytes, at least 1.
pub(in crate::data) fn parse_pieces(
    bytes: &[u8],
    options: &ParseOptions,
    seed: Option<u64>,
    size: usize,
) -> Result<(Dataset, IndexBase), ParseError> {
    let text = without_mark(bytes);
    let (pieces, lengths) = count(text, size);
    let read = |piece: &Piece, block: &mut Block| {
        block.clear(piece.rows, piece.entries);
        read_lines(text, piece.bytes.clone(), piece.first_line, options, block).map(drop)
    };
    // A text without rows may still hold an error to report.
    check_rows(lengths.len().max(1) as u64, options)?;
    let layout = Layout::new(lengths, seed);
    let parts = || pieces.iter().map(|piece| (piece.rows, piece));
    let mut values = starts_with_values(&pieces, read);
    loop {
        match layout.fill(values, parts(), read) {
            Ok(filled) => {
                check_rows(filled.rows() as u64, options)?;
                return Ok(layout.finish(filled, options.index_base));
            }
            // The first rows had values of 1 only, so that no memory was taken for values.
            Err(Stop::Values) => values = true,
            Err(Stop::Changed) => return Err(whole(Kind::Changed, options)),
            Err(Stop::Unread(error)) => return Err(error),
        }
    }
}

/// Cuts `text` into pieces, and counts the entries of each row.
fn count(text: &[u8], size: usize) -> (Vec<Piece>, Vec<u32>) {
    let ranges = count::cut(text, size);
    let counts: Vec<_> =
        ranges.par_iter().map(|bytes| count::row_lengths(&text[bytes.clone()])).collect();
    let mut pieces = Vec::with_capacity(ranges.len());
    let mut lengths = Vec::with_capacity(counts.iter().map(|(_, own)| own.len()).sum());
    let mut first_line = 1;
    for (bytes, (lines, own)) in ranges.into_iter().zip(counts) {
        let entries = own.iter().map(|&length| length as usize).sum();
        pieces.push(Piece { bytes, first_line, rows: own.len(), entries });
        lengths.extend(own);
        first_line += lines;
    }
    (pieces, lengths)
}

/// Returns true if the first piece that has entries has a value that is not 1.
fn starts_with_values(
    pieces: &[Piece],
    read: impl Fn(&Piece, &mut Block) -> Result<(), ParseError>,
) -> bool {
    let mut block = Block::default();
    let first = pieces.iter().find(|piece| piece.entries > 0);
    first.is_some_and(|piece| read(piece, &mut block).is_ok()) && block.values().is_some()
}
