//! The libsvm text format: `label index:value ...`, one example per line.
//!
//! [`parse`] is a pure function over bytes, on one thread; [`load`](super::load) gives the same
//! result on many. Invariant: accepted text gives a valid [`Dataset`], and every value is the f32,
//! and every label the f64, nearest to its decimal form. Spaces and tabs separate tokens. Lines end
//! in LF or CRLF, which the last one may lack. Blank lines, `#` comments, a byte order mark and
//! `qid:N` after the label are skipped. A line may have a label only, and explicit zeros are kept.

mod count;
mod error;
mod number;
mod options;
mod parallel;
#[cfg(test)]
mod tests;
mod write;

pub use error::ParseError;
pub(super) use error::excerpt;
pub use options::{IndexBase, ParseOptions};
pub(super) use parallel::{Unread, parse_parallel};
pub use write::write;

use super::Dataset;
use super::csr::{Block, LARGE};
use error::ParseErrorKind as Kind;
use memchr::{memchr, memchr_iter, memrchr};
use number::Line;
use std::ops::Range;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes from an offending token on in which a NUL byte makes the text a binary file. They include
/// all of a token that messages show.
pub(super) const LOOKAHEAD: usize = 1024;

/// Reads a whole libsvm text. Deterministic, on one thread.
///
/// # Errors
/// The first place that breaks the format: see [`ParseError`].
pub fn parse(bytes: &[u8], options: &ParseOptions) -> Result<Dataset, ParseError> {
    let text = without_mark(bytes);
    let mut block = Block::default();
    parse_lines(text, 0..text.len(), options, &mut block)?;
    check_rows(block.len() as u64, options)?;
    if options.index_base == IndexBase::Auto && !block.has_zero() {
        block.count_from_one();
    }
    Ok(block.into_dataset(0))
}

/// `bytes` after their byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    &bytes[mark_length(bytes)..]
}

/// Length of the byte order mark at the start of `bytes`, 0 if there is none.
pub(super) fn mark_length(bytes: &[u8]) -> usize {
    if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

/// Reads the rows of the lines `bytes` of `text` into `block`, in place of those before, as
/// [`read_lines`] does. The first line is line 1. Returns the number of these lines.
pub(super) fn parse_lines(
    text: &[u8],
    bytes: Range<usize>,
    options: &ParseOptions,
    block: &mut Block,
) -> Result<u64, ParseError> {
    let lines = &text[bytes.clone()];
    // One line feed per row, one colon per entry.
    block.clear(memchr_iter(b'\n', lines).count() + 1, memchr_iter(b':', lines).count());
    read_lines(text, bytes, 1, options, block)
}

/// Checks the number of rows of a whole text.
pub(super) fn check_rows(rows: u64, options: &ParseOptions) -> Result<(), ParseError> {
    match rows {
        0 => Err(whole(Kind::NoExample, options)),
        // Places of rows are u32.
        rows if rows > u64::from(u32::MAX) => Err(whole(Kind::TooManyExamples, options)),
        _ => Ok(()),
    }
}

/// An error of the whole text.
fn whole(kind: Kind, options: &ParseOptions) -> ParseError {
    ParseError { line: 1, column: 1, kind, found: String::new(), base: options.index_base }
}

/// A fault of a line, and the position of the offending token in it.
struct Fault(usize, Kind);

/// Adds the rows of the lines `bytes` of `text` to `block`, and returns the number of these lines.
/// `bytes` start at the start of line number `first_line`, and end at the end of a line or of the
/// text. The text after them may affect error messages. Indices count from 0. Under
/// [`IndexBase::Auto`] they stay as in the text: only all of it shows if 0 occurs.
fn read_lines(
    text: &[u8],
    bytes: Range<usize>,
    first_line: u64,
    options: &ParseOptions,
    block: &mut Block,
) -> Result<u64, ParseError> {
    let mut number = first_line;
    let mut start = bytes.start;
    while start < bytes.end {
        let most = start.saturating_add(options.max_line).saturating_add(1);
        let within = &text[start..bytes.end.min(most)];
        let line = match memchr(b'\n', within) {
            Some(length) => &within[..length],
            None if within.len() <= options.max_line => within,
            None => {
                let fault = Fault(0, Kind::LineTooLong { limit: options.max_line });
                return Err(fault.at(text, start, number, options.index_base));
            }
        };
        let content = line.strip_suffix(b"\r").unwrap_or(line);
        read_line(Line::new(&text[start..], content.len()), options.index_base, block)
            .map_err(|fault| fault.at(text, start, number, options.index_base))?;
        start += line.len() + 1;
        number += 1;
    }
    Ok(number - first_line)
}

/// Adds the row of `line`, if it has one.
#[inline(always)]
fn read_line(line: Line<'_>, base: IndexBase, block: &mut Block) -> Result<(), Fault> {
    let Some(start) = next_token(line, 0)? else { return Ok(()) };
    let (label, end) =
        number::read_double(line, start).map_err(|fault| label_fault(line, start, fault))?;
    let mut at = next_token(line, end)?;
    if let Some(start) = at
        && line.bytes()[start..].starts_with(b"qid:")
    {
        at = next_token(line, query_id(line, start)?)?;
    }
    let mut lowest = u64::from(base.lowest());
    while let Some(start) = at {
        let (index, value, end) = entry(line, start, lowest, base)?;
        lowest = u64::from(index) + 1;
        if value.abs() >= LARGE {
            note_large(line, end, index, value, block);
        }
        block.entry(index - base.lowest(), value);
        at = next_token(line, end)?;
    }
    block.end_row(label);
    Ok(())
}

/// Notes the value that ends at `end`, which f32 may have rounded to that of another one.
#[cold]
fn note_large(line: Line<'_>, end: usize, index: u32, value: f32, block: &mut Block) {
    if !block.looks_for_merged() {
        return;
    }
    let start = memrchr(b':', &line.bytes()[..end]).map_or(0, |colon| colon + 1);
    if let Ok((exact, _)) = number::read_double(line, start) {
        block.note_large(index, value, exact);
    }
}

/// The start of the next token. `None` at the end of the line or before a comment.
#[inline(always)]
fn next_token(line: Line<'_>, mut at: usize) -> Result<Option<usize>, Fault> {
    loop {
        match line.get(at) {
            None => return Ok(None),
            Some(b' ' | b'\t') => at += 1,
            Some(b'#') => return comment(line, at),
            Some(_) => return Ok(Some(at)),
        }
    }
}

#[cold]
fn comment(line: Line<'_>, start: usize) -> Result<Option<usize>, Fault> {
    match memchr(0, &line.bytes()[start..]) {
        None => Ok(None),
        Some(length) => Err(Fault(start + length, Kind::Binary)),
    }
}

/// The end of the query id that starts at `start`.
#[cold]
fn query_id(line: Line<'_>, start: usize) -> Result<usize, Fault> {
    match number::whole(line, start + b"qid:".len()) {
        Some((_, end)) if end == number::token_end(line, start) => Ok(end),
        _ => Err(Fault(start, Kind::QueryId)),
    }
}

/// Index, value and end of the entry that starts at `start`; the index is at least `lowest`.
#[inline(always)]
fn entry(
    line: Line<'_>,
    start: usize,
    lowest: u64,
    base: IndexBase,
) -> Result<(u32, f32, usize), Fault> {
    let (index, colon) = match number::whole(line, start) {
        Some((index, end)) if line.get(end) == Some(&b':') => (index, end),
        _ => return Err(index_fault(line, start)),
    };
    if index < lowest || index > u64::from(base.largest()) {
        return Err(order_fault(start, index, lowest, base));
    }
    let (value, end) = number::read(line, colon + 1)
        .map_err(|fault| value_fault(line, start, colon + 1, fault))?;
    Ok((index as u32, value, end))
}

#[cold]
fn label_fault(line: Line<'_>, start: usize, fault: number::Fault) -> Fault {
    let token = &line.bytes()[start..number::token_end(line, start)];
    let numeric = |piece: &[u8]| fast_float2::parse::<f64, _>(piece).is_ok();
    let kind = match fault {
        number::Fault::NotFinite => Kind::LabelNotFinite,
        number::Fault::Overflow => Kind::LabelOverflow,
        number::Fault::NotANumber if memchr(b':', token).is_some() => Kind::LabelMissing,
        number::Fault::NotANumber if token.split(|&byte| byte == b',').all(numeric) => {
            Kind::SeveralLabels
        }
        number::Fault::NotANumber => Kind::LabelNotANumber,
    };
    Fault(start, kind)
}

/// The fault of a token that does not start with digits and a colon.
#[cold]
fn index_fault(line: Line<'_>, start: usize) -> Fault {
    let token = &line.bytes()[start..number::token_end(line, start)];
    let after_digits = |from: usize| number::whole(line, start + from).map(|(_, end)| end - start);
    let kind = match after_digits(0) {
        Some(end) if end == token.len() => Kind::ValueMissing,
        None if token[0] == b'-'
            && after_digits(1).is_some_and(|end| token.get(end) == Some(&b':')) =>
        {
            Kind::IndexNegative
        }
        _ => Kind::IndexNotANumber,
    };
    Fault(start, kind)
}

/// The fault of an index that is above the largest one, or below `lowest`: the previous index plus
/// 1.
#[cold]
fn order_fault(start: usize, index: u64, lowest: u64, base: IndexBase) -> Fault {
    let kind = match u32::try_from(index) {
        Ok(0) if base == IndexBase::One => Kind::IndexZero,
        Ok(index) if index <= base.largest() => {
            let previous = lowest.saturating_sub(1) as u32;
            if index == previous {
                Kind::IndexRepeated { index }
            } else {
                Kind::IndexNotAscending { previous }
            }
        }
        _ => Kind::IndexTooLarge,
    };
    Fault(start, kind)
}

/// The fault of the value at `value` of the entry at `start`.
#[cold]
fn value_fault(line: Line<'_>, start: usize, value: usize, fault: number::Fault) -> Fault {
    match fault {
        _ if number::token_end(line, value) == value => Fault(start, Kind::ValueMissing),
        number::Fault::NotANumber => Fault(value, Kind::ValueNotANumber),
        number::Fault::NotFinite => Fault(value, Kind::ValueNotFinite),
        number::Fault::Overflow => Fault(value, Kind::ValueOverflow),
    }
}

impl Fault {
    /// The error for a fault in the line that starts at byte `start` of `text`.
    #[cold]
    fn at(self, text: &[u8], start: usize, line: u64, base: IndexBase) -> ParseError {
        let Fault(position, kind) = self;
        let rest = &text[start + position..];
        let window = &rest[..rest.len().min(LOOKAHEAD)];
        let kind = if memchr(0, window).is_some() { Kind::Binary } else { kind };
        let end = window.iter().position(|&byte| number::delimits(byte) || byte == b'\n');
        let token = &window[..end.unwrap_or(window.len())];
        let token = token.strip_suffix(b"\r").unwrap_or(token);
        ParseError { line, column: position as u64 + 1, kind, found: error::excerpt(token), base }
    }
}
