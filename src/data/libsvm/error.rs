//! Errors of libsvm text, and their messages.

use super::options::IndexBase;
use crate::error::Error;
use std::fmt;

/// Characters of an offending token that a message shows.
const EXCERPT: usize = 40;

/// An error at a place in libsvm text.
///
/// Its `Display` is `what is wrong (what was expected); hint`, without the place:
/// [`ParseError::into_error`] adds that and the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// 1-based line.
    pub line: u64,
    /// 1-based byte position of the offending token in the line; a byte order mark is not counted.
    pub column: u64,
    /// The fault.
    pub(crate) kind: ParseErrorKind,
    pub(super) found: String,
    pub(super) base: IndexBase,
}

/// The fault at the place of a [`ParseError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A line starts with an entry or a query id instead of a label.
    LabelMissing,
    /// The label is not a number.
    LabelNotANumber,
    /// The label is NaN or infinite.
    LabelNotFinite,
    /// The label is beyond the range of f64.
    LabelOverflow,
    /// Several labels, separated by commas.
    SeveralLabels,
    /// `qid:` is not followed by a whole number.
    QueryId,
    /// An entry does not start with a whole number.
    IndexNotANumber,
    /// An index is below 0.
    IndexNegative,
    /// Index 0 although indices are counted from 1.
    IndexZero,
    /// An index is above the largest legal one.
    IndexTooLarge,
    /// An index occurs twice in a line.
    IndexRepeated {
        /// The index, as it stands in the text.
        index: u32,
    },
    /// An index is smaller than the one before it.
    IndexNotAscending {
        /// The index before it, as it stands in the text.
        previous: u32,
    },
    /// An index without a value.
    ValueMissing,
    /// A value is not a number.
    ValueNotANumber,
    /// A value is NaN or infinite.
    ValueNotFinite,
    /// A value is beyond the range of f32.
    ValueOverflow,
    /// A NUL byte here or shortly after: this is no text.
    Binary,
    /// A line is longer than [`max_line`](super::ParseOptions::max_line).
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The whole text has no example. Line and column are 1.
    NoExample,
    /// The text has more than 4294967295 examples. Line and column are 1.
    TooManyExamples,
    /// The text changed while it was read: another process writes to the file. Line and column are
    /// 1.
    Changed,
}

use ParseErrorKind as Kind;

impl ParseError {
    /// The fault as text, with the offending token shortened and its unprintable bytes escaped.
    pub fn what(&self) -> String {
        let found = &self.found;
        match self.kind {
            Kind::LabelMissing => format!("`{found}` stands where the label should be"),
            Kind::LabelNotANumber => format!("label `{found}` is not a number"),
            Kind::LabelNotFinite => format!("label `{found}` is not finite"),
            Kind::LabelOverflow => format!("label `{found}` is too large"),
            Kind::SeveralLabels => format!("`{found}` is more than one label"),
            Kind::QueryId => format!("`{found}` is not a query id"),
            Kind::IndexNotANumber => format!("`{found}` does not start with an index"),
            Kind::IndexNegative => format!("`{found}` has a negative index"),
            Kind::IndexZero => format!("`{found}` has index 0"),
            Kind::IndexTooLarge => format!("`{found}` has an index that is too large"),
            Kind::IndexRepeated { index } => format!("`{found}` repeats index {index}"),
            Kind::IndexNotAscending { previous } => {
                format!("`{found}` comes after index {previous}")
            }
            Kind::ValueMissing => format!("`{found}` has no value"),
            Kind::ValueNotANumber => format!("value `{found}` is not a number"),
            Kind::ValueNotFinite => format!("value `{found}` is not finite"),
            Kind::ValueOverflow => format!("value `{found}` is too large"),
            Kind::Binary => format!("`{found}` is not text"),
            Kind::LineTooLong { limit } => format!("the line is longer than {limit} bytes"),
            Kind::NoExample => "holds no example".into(),
            Kind::TooManyExamples => format!("holds more than {} examples", u32::MAX),
            Kind::Changed => "changed while it was read".into(),
        }
    }

    /// The form or range that was expected.
    pub fn expected(&self) -> String {
        let indices = || {
            let (lowest, largest) = (self.base.lowest(), self.base.largest());
            format!("`index:value` with a whole index from {lowest} to {largest}")
        };
        match self.kind {
            Kind::LabelMissing | Kind::NoExample => "lines of `label index:value ...`".into(),
            Kind::LabelNotANumber => "a number such as 1, -1 or 0.5".into(),
            Kind::LabelNotFinite | Kind::ValueNotFinite => "a finite number".into(),
            Kind::LabelOverflow => "at most 1.7e308 in magnitude".into(),
            Kind::ValueOverflow => "at most 3.4e38 in magnitude".into(),
            Kind::SeveralLabels => "one label per example".into(),
            Kind::QueryId => "`qid:` and a whole number".into(),
            Kind::IndexNotANumber | Kind::IndexNegative | Kind::IndexTooLarge => indices(),
            Kind::IndexZero => "indices that count from 1".into(),
            Kind::IndexRepeated { .. } => "each index once per line".into(),
            Kind::IndexNotAscending { .. } => "ascending indices in each line".into(),
            Kind::ValueMissing => "`index:value`".into(),
            Kind::ValueNotANumber => "a decimal number such as 0.5 or 1e-3".into(),
            Kind::Binary => "libsvm text".into(),
            Kind::LineTooLong { .. } => "one example per line".into(),
            Kind::TooManyExamples => format!("at most {} examples", u32::MAX),
            Kind::Changed => "a file that stays as it is".into(),
        }
    }

    /// Advice.
    pub fn hint(&self) -> &'static str {
        match self.kind {
            Kind::LabelMissing => "put the example's label first",
            Kind::LabelNotANumber => "number the classes, and start comments with `#`",
            Kind::LabelNotFinite => "remove the example, or give it a label",
            Kind::LabelOverflow => "scale the labels",
            Kind::SeveralLabels => {
                "keep one label per example, or make one file a label; convert CSV first"
            }
            Kind::QueryId => "correct it or leave it out: query ids are ignored",
            Kind::IndexNotANumber => "number the features, and start comments with `#`",
            Kind::IndexNegative => "renumber the features",
            Kind::IndexZero => "if the file counts features from 0, give `--index-base 0`",
            Kind::IndexTooLarge => "renumber or hash the features",
            Kind::IndexRepeated { .. } => "add up the values, or remove one",
            Kind::IndexNotAscending { .. } => "sort the entries of each line by index",
            Kind::ValueMissing => "write the value after the colon, or leave the entry out",
            Kind::ValueNotANumber => "correct the value, or leave the entry out",
            Kind::ValueNotFinite => "replace the value, or leave the entry out",
            Kind::ValueOverflow => "scale the feature",
            Kind::Binary => "this looks like a binary file: convert it, and UTF-16 text to UTF-8",
            Kind::LineTooLong { .. } => "check that this is libsvm text with line feeds",
            Kind::NoExample => {
                "check that this is the file you meant, and that the program that wrote it finished"
            }
            Kind::TooManyExamples => "split the file, and train on a part of it",
            Kind::Changed => "load it again when the other process has finished",
        }
    }

    /// Adds the file's name: [`Error::Text`], or [`Error::Input`] if the whole text is at fault.
    pub fn into_error(self, path: impl Into<String>) -> Error {
        let (what, expected, hint) = (self.what(), self.expected(), self.hint());
        if matches!(self.kind, Kind::NoExample | Kind::TooManyExamples | Kind::Changed) {
            return Error::input(path, what, expected, hint);
        }
        let (line, column) = (self.line, self.column);
        Error::Text { path: path.into(), line, column, what, expected, hint: hint.into() }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (expected {}); {}", self.what(), self.expected(), self.hint())
    }
}

impl std::error::Error for ParseError {}

/// Shortens a token for a message: its first characters, the unprintable ones escaped.
pub(in crate::data) fn excerpt(token: &[u8]) -> String {
    let token = &token[..token.len().min(4 * (EXCERPT + 1))];
    let mut text = String::new();
    let mut left = EXCERPT;
    for chunk in token.utf8_chunks() {
        let valid = chunk.valid().chars().map(|c| match c {
            '\'' | '"' => c.to_string(),
            _ => c.escape_debug().to_string(),
        });
        for piece in valid.chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"))) {
            if left == 0 {
                text.push_str("...");
                return text;
            }
            text.push_str(&piece);
            left -= 1;
        }
    }
    text
}
