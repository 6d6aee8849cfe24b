//! Lines, words and numbers with their places, for messages that point at what is wrong.

use std::fmt::Display;
use std::str::FromStr;

use crate::error::{Error, Result};

pub(super) const CUT_OFF: &str = "the file was cut off; save the model again";
pub(super) const DAMAGED: &str = "the file may be damaged; save the model again";

/// 1-based line and column.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub line: u64,
    pub column: u64,
}

/// A run of bytes without blanks.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub place: Place,
    pub bytes: &'a [u8],
}

impl<'a> Word<'a> {
    /// The word for a message: in backquotes, printable, and not longer than a message bears.
    pub fn quoted(&self) -> String {
        const MOST: usize = 32;
        let dots = if self.bytes.len() > MOST { "..." } else { "" };
        format!("`{}{dots}`", self.bytes[..self.bytes.len().min(MOST)].escape_ascii())
    }

    pub fn parse<T: FromStr>(&self) -> Option<T> {
        std::str::from_utf8(self.bytes).ok()?.parse().ok()
    }
}

/// What stands before a line end.
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
            Some(Word { place: Place { line, column: start as u64 + 1 }, bytes: &bytes[start..at] })
        })
    }

    /// Just behind the last word.
    pub fn end(&self) -> Place {
        Place { line: self.number, column: self.bytes.trim_ascii_end().len() as u64 + 1 }
    }
}

/// The lines of a file that is called `path` in messages.
pub(super) struct Text<'a> {
    path: &'a str,
    rest: &'a [u8],
    line: u64,
}

impl<'a> Text<'a> {
    pub fn new(bytes: &'a [u8], path: &'a str) -> Self {
        Text { path, rest: bytes, line: 0 }
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next line. One that no line end closes counts as cut off, as its last number may be,
    /// too.
    pub fn line(&mut self, expected: impl Display) -> Result<Line<'a>> {
        let Some(end) = memchr::memchr(b'\n', self.rest) else {
            let what = match self.rest {
                [] => "the file ends here",
                _ => "the file ends within a line",
            };
            let end = Place { line: self.line + 1, column: self.rest.len() as u64 + 1 };
            return Err(self.error(end, what, expected, CUT_OFF));
        };
        let bytes = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        self.line += 1;
        Ok(Line { number: self.line, bytes })
    }

    /// All `N` words of a line, no less and no more.
    pub fn words<const N: usize>(
        &self,
        line: &Line<'a>,
        expected: impl Display,
    ) -> Result<[Word<'a>; N]> {
        let mut found = [Word { place: line.end(), bytes: &[] }; N];
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
                extra.place,
                format!("{} too much", extra.quoted()),
                expected,
                DAMAGED,
            )),
        }
    }

    /// A finite number.
    pub fn number(&self, word: Word<'_>) -> Result<f64> {
        let expected = "a finite number";
        match fast_float2::parse::<f64, _>(word.bytes) {
            Ok(x) if x.is_finite() => Ok(x),
            Ok(_) => Err(self.error(
                word.place,
                word.quoted(),
                expected,
                "train with a smaller step size, and save again",
            )),
            Err(_) => Err(self.error(word.place, word.quoted(), expected, DAMAGED)),
        }
    }

    /// A whole number that `T` holds.
    pub fn whole<T: FromStr>(&self, word: Word<'_>, expected: impl Display) -> Result<T> {
        word.parse().ok_or_else(|| self.error(word.place, word.quoted(), expected, DAMAGED))
    }

    pub fn error(
        &self,
        place: Place,
        what: impl Display,
        expected: impl Display,
        hint: &str,
    ) -> Error {
        Error::Text {
            path: self.path.to_owned(),
            line: place.line,
            column: place.column,
            what: what.to_string(),
            expected: expected.to_string(),
            hint: hint.to_owned(),
        }
    }
}
