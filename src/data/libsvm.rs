//! The libsvm text format: `label index:value ...`, one example a line.
//!
//! [`parse`] is a pure function over bytes. Invariant: what it accepts keeps the rules of [`Dataset`], and every number
//! is the f32 nearest to its decimal form. Between tokens stand spaces and tabs; lines end in LF or CRLF, the last
//! one may lack it; blank lines, `#` comments, a byte order mark and `qid:N` after the label are skipped. A line may
//! have a label only, and explicit zeros are kept.

mod error;
mod number;
#[cfg(test)]
mod tests;
mod write;

pub use error::{ParseError, ParseErrorKind};
pub use write::write;

use super::Dataset;
use ParseErrorKind as Kind;
use memchr::{memchr, memchr_iter};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Bytes after an offending token in which a NUL byte makes the text a binary file.
const BINARY_WINDOW: usize = 1024;

/// From which number a text counts its features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexBase {
    /// 0 if index 0 occurs anywhere in the text, else 1. Then the largest index is 4294967294.
    Auto,
    /// Index 0 is the first feature. The largest index is 4294967294.
    Zero,
    /// Index 1 is the first feature, and 0 an error. The largest index is 4294967295.
    #[default]
    One,
}

impl IndexBase {
    fn lowest(self) -> u32 {
        u32::from(self == IndexBase::One)
    }

    /// Keeps the number of features within u32. [`IndexBase::Auto`] cannot allow more, as 0 may still come.
    fn largest(self) -> u32 {
        u32::MAX - 1 + self.lowest()
    }
}

/// How [`parse`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    /// From which number features are counted. Default: [`IndexBase::One`].
    pub index_base: IndexBase,
    /// Longest legal line in bytes, without its line feed. Default: 256 MiB.
    pub max_line: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        ParseOptions { index_base: IndexBase::default(), max_line: 256 << 20 }
    }
}

/// Reads a whole libsvm text. Deterministic, on one thread.
///
/// # Errors
/// The first place that breaks the format; see [`ParseErrorKind`].
pub fn parse(bytes: &[u8], options: &ParseOptions) -> Result<Dataset, ParseError> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let chunk = Chunk::parse(text, 1, options)?;
    if chunk.labels.is_empty() {
        let (line, column, base) = (1, 1, options.index_base);
        return Err(ParseError { line, column, kind: Kind::NoExample, found: String::new(), base });
    }
    Ok(chunk.into_dataset(options.index_base))
}

/// The rows of some whole lines. Indices count from 0, but under [`IndexBase::Auto`] as in the text: whether 0
/// occurs is known only when all chunks are read.
struct Chunk {
    offsets: Vec<usize>,
    indices: Vec<u32>,
    /// `None` while all values are 1.
    values: Option<Vec<f32>>,
    labels: Vec<f32>,
    has_zero: bool,
}

/// What is wrong with a line, and the position of the offending token in it.
struct Fault(usize, Kind);

impl Chunk {
    /// Reads `text`, which starts at the start of line number `first_line` and ends at the end of a line or of
    /// the file.
    fn parse(text: &[u8], first_line: u64, options: &ParseOptions) -> Result<Chunk, ParseError> {
        let mut chunk = Chunk::with_room_for(text);
        let mut line_number = first_line;
        let mut start = 0;
        while start < text.len() {
            let within =
                &text[start..text.len().min(start.saturating_add(options.max_line).saturating_add(1))];
            let line = match memchr(b'\n', within) {
                Some(length) => &within[..length],
                None if within.len() <= options.max_line => within,
                None => {
                    let fault = Fault(0, Kind::LineTooLong { limit: options.max_line });
                    return Err(fault.at(text, start, line_number, options.index_base));
                }
            };
            let content = line.strip_suffix(b"\r").unwrap_or(line);
            chunk
                .line(content, options.index_base)
                .map_err(|fault| fault.at(text, start, line_number, options.index_base))?;
            start += line.len() + 1;
            line_number += 1;
        }
        Ok(chunk)
    }

    /// An empty chunk with room for all rows and entries of `text`: a colon an entry, a line feed a row.
    fn with_room_for(text: &[u8]) -> Chunk {
        let rows = memchr_iter(b'\n', text).count() + 1;
        let entries = memchr_iter(b':', text).count();
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Chunk {
            offsets,
            indices: Vec::with_capacity(entries),
            values: None,
            labels: Vec::with_capacity(rows),
            has_zero: false,
        }
    }

    /// Adds the row that stands in `line`, if one does.
    #[inline(always)]
    fn line(&mut self, line: &[u8], base: IndexBase) -> Result<(), Fault> {
        let Some(start) = next_token(line, 0)? else { return Ok(()) };
        let (label, end) = number::read(line, start).map_err(|fault| label_fault(line, start, fault))?;
        let mut at = next_token(line, end)?;
        if let Some(start) = at
            && line[start..].starts_with(b"qid:")
        {
            at = next_token(line, query_id(line, start)?)?;
        }
        let mut lowest = u64::from(base.lowest());
        while let Some(start) = at {
            let (index, value, end) = entry(line, start, lowest, base)?;
            lowest = u64::from(index) + 1;
            self.push(index - base.lowest(), value);
            at = next_token(line, end)?;
        }
        // Only the first index of a row can be 0.
        self.has_zero |= self.offsets.last().and_then(|&first| self.indices.get(first)) == Some(&0);
        self.offsets.push(self.indices.len());
        self.labels.push(label);
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, index: u32, value: f32) {
        if let Some(values) = &mut self.values {
            values.push(value);
        } else if value != 1.0 {
            let mut values = Vec::with_capacity(self.indices.capacity());
            values.resize(self.indices.len(), 1.0);
            values.push(value);
            self.values = Some(values);
        }
        self.indices.push(index);
    }

    fn into_dataset(mut self, base: IndexBase) -> Dataset {
        if base == IndexBase::Auto && !self.has_zero {
            self.indices.iter_mut().for_each(|index| *index -= 1);
        }
        let width = self.indices.iter().max().map_or(0, |&last| last as usize + 1);
        Dataset::from_parts(self.offsets, self.indices, self.values, self.labels, width)
            .expect("the parser keeps the rules of rows")
    }
}

/// The start of the next token, or `None` at the end of the line or before a comment.
#[inline(always)]
fn next_token(line: &[u8], mut at: usize) -> Result<Option<usize>, Fault> {
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
fn comment(line: &[u8], start: usize) -> Result<Option<usize>, Fault> {
    match memchr(0, &line[start..]) {
        None => Ok(None),
        Some(length) => Err(Fault(start + length, Kind::Binary)),
    }
}

/// The end of the query id that starts at `start`.
#[cold]
fn query_id(line: &[u8], start: usize) -> Result<usize, Fault> {
    match number::whole(line, start + b"qid:".len()) {
        Some((_, end)) if end == number::token_end(line, start) => Ok(end),
        _ => Err(Fault(start, Kind::QueryId)),
    }
}

/// Index, value and end of the entry that starts at `start`; the index is at least `lowest`.
#[inline(always)]
fn entry(line: &[u8], start: usize, lowest: u64, base: IndexBase) -> Result<(u32, f32, usize), Fault> {
    let (index, colon) = match number::whole(line, start) {
        Some((index, end)) if line.get(end) == Some(&b':') => (index, end),
        _ => return Err(index_fault(line, start)),
    };
    if index < lowest || index > u64::from(base.largest()) {
        return Err(order_fault(start, index, lowest, base));
    }
    let (value, end) =
        number::read(line, colon + 1).map_err(|fault| value_fault(line, start, colon + 1, fault))?;
    Ok((index as u32, value, end))
}

#[cold]
fn label_fault(line: &[u8], start: usize, fault: number::Fault) -> Fault {
    let token = &line[start..number::token_end(line, start)];
    let numeric = |piece: &[u8]| fast_float2::parse::<f32, _>(piece).is_ok();
    let kind = match fault {
        number::Fault::NotFinite => Kind::LabelNotFinite,
        number::Fault::Overflow => Kind::LabelOverflow,
        number::Fault::NotANumber if memchr(b':', token).is_some() => Kind::LabelMissing,
        number::Fault::NotANumber if token.split(|&byte| byte == b',').all(numeric) => Kind::SeveralLabels,
        number::Fault::NotANumber => Kind::LabelNotANumber,
    };
    Fault(start, kind)
}

/// What is wrong with a token that does not start with digits and a colon.
#[cold]
fn index_fault(line: &[u8], start: usize) -> Fault {
    let token = &line[start..number::token_end(line, start)];
    let after_digits = |from: usize| number::whole(line, start + from).map(|(_, end)| end - start);
    let kind = match after_digits(0) {
        Some(end) if end == token.len() => Kind::ValueMissing,
        None if token[0] == b'-' && after_digits(1).is_some_and(|end| token.get(end) == Some(&b':')) => {
            Kind::IndexNegative
        }
        _ => Kind::IndexNotANumber,
    };
    Fault(start, kind)
}

/// What is wrong with an index that is below `lowest`, the one before plus 1, or above the largest of all.
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

/// What is wrong with the value at `value` of the entry at `start`.
#[cold]
fn value_fault(line: &[u8], start: usize, value: usize, fault: number::Fault) -> Fault {
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
        let window = &rest[..rest.len().min(BINARY_WINDOW)];
        let kind = if memchr(0, window).is_some() { Kind::Binary } else { kind };
        let end = window.iter().position(|&byte| number::delimits(byte) || byte == b'\n');
        let token = &window[..end.unwrap_or(window.len())];
        let token = token.strip_suffix(b"\r").unwrap_or(token);
        ParseError { line, column: position as u64 + 1, kind, found: error::shown(token), base }
    }
}
