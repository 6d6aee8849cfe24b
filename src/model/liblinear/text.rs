//! Lines, words and numbers with their positions, for messages that point at the mistake.

use std::fmt::Display;
use std::str::FromStr;

use crate::error::{Error, Result};

pub(super) const CUT_OFF: &str = "the file was cut off; save the model again";
pub(super) const DAMAGED: &str = "the file may be damaged; save the model again";

/// 1-based line and column.
#[derive(Clone, Copy)]
pub(super) struct Position {
    pub line: u64,
    pub column: u64,
}

/// A run of bytes without blanks.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub position: Position,
    pub bytes: &'a [u8],
}

impl<'a> Word<'a> {
    /// Returns the word for a message: in backquotes, printable, and shortened to 32 bytes.
    pub fn quoted(&self) -> String {
        const MOST: usize = 32;
        let dots = if self.bytes.len() > MOST { "..." } else { "" };
        format!("`{}{dots}`", self.bytes[..self.bytes.len().min(MOST)].escape_ascii())
    }

    pub fn parse<T: FromStr>(&self) -> Option<T> {
        std::str::from_utf8(self.bytes).ok()?.parse().ok()
    }
}

/// A line without its line end.
pub(super) struct Line<'a> {
    number: u64,
    bytes: &'a [u8],
}

impl<'a> Line<'a> {
    pub fn words(&self) -> impl Iterator<Item = Word<'a>> + use<'a> {
        let Line { number: line, bytes } = *self;
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = at + bytes[at..].iter().position(|b| !b.is_ascii_whitespace())?;
            let length = bytes[start..].iter().position(u8::is_ascii_whitespace);
            at = length.map_or(bytes.len(), |length| start + length);
            Some(Word {
                position: Position { line, column: start as u64 + 1 },
                bytes: &bytes[start..at],
            })
        })
    }

    /// Returns the position just behind the last word.
    pub fn end(&self) -> Position {
        Position { line: self.number, column: self.bytes.trim_ascii_end().len() as u64 + 1 }
    }
}

/// The lines of a file; messages name it `path`.
pub(super) struct Text<'a> {
    path: &'a str,
    rest: &'a [u8],
    line: u64,
}

impl<'a> Text<'a> {
    pub fn new(bytes: &'a [u8], path: &'a str) -> Self {
        Text { path, rest: bytes, line: 0 }
    }

    /// Returns the bytes that are not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the next line. A line without a line end counts as cut off, since its last number
    /// may be cut off, too.
    pub fn line(&mut self, expected: impl Display) -> Result<Line<'a>> {
        let Some(end) = memchr::memchr(b'\n', self.rest) else {
            let what = match self.rest {
                [] => "the file ends here",
                _ => "the file ends within a line",
            };
            let end = Position { line: self.line + 1, column: self.rest.len() as u64 + 1 };
            return Err(self.error(end, what, expected, CUT_OFF));
        };
        let bytes = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        self.line += 1;
        Ok(Line { number: self.line, bytes })
    }

    /// Returns the words of a line that has exactly `N`.
    pub fn words<const N: usize>(
        &self,
        line: &Line<'a>,
        expected: impl Display,
    ) -> Result<[Word<'a>; N]> {
        let mut found = [Word { position: line.end(), bytes: &[] }; N];
        let mut words = line.words();
        for slot in &mut found {
            match words.next() {
                Some(word) => *slot = word,
                None => {
                    return Err(self.error(line.end(), "the line ends here", expected, DAMAGED));
                }
            }
        }
        match words.next() {
            None => Ok(found),
            Some(extra) => Err(self.error(
                extra.position,
                format!("{} too much", extra.quoted()),
                expected,
                DAMAGED,
            )),
        }
    }

    /// Parses a finite number.
    pub fn number(&self, word: Word<'_>) -> Result<f64> {
        let expected = "a finite number";
        match fast_float2::parse::<f64, _>(word.bytes) {
            Ok(x) if x.is_finite() => Ok(x),
            Ok(_) => Err(self.error(
                word.position,
                word.quoted(),
                expected,
                "train with a smaller step size, and save again",
            )),
            Err(_) => Err(self.error(word.position, word.quoted(), expected, DAMAGED)),
        }
    }

    /// Parses a whole number that `T` holds.
    pub fn whole<T: FromStr>(&self, word: Word<'_>, expected: impl Display) -> Result<T> {
        word.parse().ok_or_else(|| self.error(word.position, word.quoted(), expected, DAMAGED))
    }

    pub fn error(
        &self,
        position: Position,
        what: impl Display,
        expected: impl Display,
        hint: &str,
    ) -> Error {
        Error::Text {
            path: self.path.to_owned(),
            line: position.line,
            column: position.column,
            what: what.to_string(),
            expected: expected.to_string(),
            hint: hint.to_owned(),
        }
    }
}
