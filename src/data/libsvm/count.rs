//! Counts rows and their entries without reading numbers.
//!
//! For valid text the counts are exact. For other text they may be anything, as reading it fails.

use memchr::{memchr, memchr_iter, memchr3_iter};
use std::io;
use std::ops::Range;

use crate::data::source::Text;

/// Whole lines of a text.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct Piece {
    /// Their bytes.
    pub(super) bytes: Range<usize>,
    /// Number of their first line, from 1.
    pub(super) first_line: u64,
    /// Number of their rows.
    pub(super) rows: usize,
    /// Number of the entries of all rows.
    pub(super) entries: usize,
}

/// Bytes that are read at a time to find the end of a line.
const WINDOW: usize = 1 << 12;

/// Cuts `text`, from byte `start` on, at the first line feed after each `size` bytes.
pub(super) fn cut(text: &dyn Text, mut start: usize, size: usize) -> io::Result<Vec<Range<usize>>> {
    let mut pieces = Vec::with_capacity(text.len() / size + 1);
    while start < text.len() {
        let mut at = text.len().min(start.saturating_add(size)) - 1;
        let mut found = None;
        while found.is_none() && at < text.len() {
            text.with(at..at.saturating_add(WINDOW), &mut |bytes| {
                found = memchr(b'\n', bytes).map(|length| at + length + 1);
            })?;
            at = at.saturating_add(WINDOW);
        }
        let end = found.unwrap_or(text.len());
        pieces.push(start..end);
        start = end;
    }
    Ok(pieces)
}

/// Number of lines of `text`, and the number of entries of each row in it.
pub(super) fn row_lengths(text: &[u8]) -> (u64, Vec<u32>) {
    let mut lengths = Vec::new();
    let mut lines = 0;
    let mut start = 0;
    // A line without these has no comment and no query id: if it has colons, each is an entry.
    let mut bare = true;
    let mut end_line = |line: &[u8], bare: bool| {
        let colons = memchr_iter(b':', line).count();
        if bare && colons > 0 {
            lengths.push(u32::try_from(colons).unwrap_or(u32::MAX));
        } else {
            lengths.extend(row_length(line));
        }
        lines += 1;
    };
    for at in memchr3_iter(b'\n', b'#', b'q', text) {
        if text[at] == b'\n' {
            end_line(&text[start..at], bare);
            (start, bare) = (at + 1, true);
        } else {
            bare = false;
        }
    }
    if start < text.len() {
        end_line(&text[start..], bare);
    }
    (lines, lengths)
}

/// Number of entries of a line. `None` if it is no row.
fn row_length(line: &[u8]) -> Option<u32> {
    let content = line.strip_suffix(b"\r").unwrap_or(line);
    let content = &content[..memchr(b'#', content).unwrap_or(content.len())];
    let mut tokens =
        content.split(|byte| matches!(byte, b' ' | b'\t')).filter(|token| !token.is_empty());
    tokens.next()?;
    let query = tokens.next().is_some_and(|token| token.starts_with(b"qid:"));
    let entries = memchr_iter(b':', content).count() - usize::from(query);
    Some(u32::try_from(entries).unwrap_or(u32::MAX))
}
