//! Lines and fields of ratings, and the messages about their faults.

use crate::data::libsvm::excerpt;
use crate::error::{Error, Result};

/// A line of a text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Number of the line, from 1.
    number: u64,
    bytes: &'a [u8],
}

/// User, item and rating, with the position in the line of each.
pub(super) type Fields<'a> = [Option<(usize, &'a [u8])>; 3];

/// The fault of a line.
pub(super) struct Fault {
    line: u64,
    column: u64,
    what: String,
    expected: &'static str,
    hint: &'static str,
}

impl Fault {
    pub(super) fn into_error(self, path: &str) -> Error {
        let Fault { line, column, what, expected, hint } = self;
        Error::Text {
            path: path.into(),
            line,
            column,
            what,
            expected: expected.into(),
            hint: hint.into(),
        }
    }
}

/// What separates the fields of all lines of a text: that of the first line with fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// One tab.
    Tab,
    /// Two colons, as in the files of MovieLens.
    Colons,
    /// One comma.
    Comma,
    /// Any number of blanks.
    Blanks,
}

impl Separator {
    /// Returns the separator of a text whose first line with fields is `line`.
    pub(super) fn of(line: &Line<'_>) -> Self {
        let has = |separator: Separator| line.find(0, separator.bytes()).is_some();
        let named = [Separator::Tab, Separator::Colons, Separator::Comma];
        named.into_iter().find(|&separator| has(separator)).unwrap_or(Separator::Blanks)
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Separator::Tab => b"\t",
            Separator::Colons => b"::",
            Separator::Comma => b",",
            Separator::Blanks => b" ",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Separator::Tab => "tabs",
            Separator::Colons => "`::`",
            Separator::Comma => "commas",
            Separator::Blanks => "blanks",
        }
    }
}

/// The lines of `text`, without their ends and without a byte order mark.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.split(|&byte| byte == b'\n')
        .zip(1..)
        .map(|(bytes, number)| Line::new(bytes.strip_suffix(b"\r").unwrap_or(bytes), number))
}

impl<'a> Line<'a> {
    /// Makes a line of its bytes, without its end.
    pub(super) fn new(bytes: &'a [u8], number: u64) -> Self {
        Line { number, bytes }
    }

    /// Returns true if there is no field, or the line is a comment.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.bytes.get(self.skip_blanks(0)), None | Some(b'#'))
    }

    /// Returns the position of the first `separator` from `at` on.
    fn find(&self, at: usize, separator: &[u8]) -> Option<usize> {
        memchr::memmem::find(&self.bytes[at..], separator).map(|length| at + length)
    }

    /// The first three fields of a line that is not empty, without the blanks around them.
    pub(super) fn fields(&self, separator: Separator) -> Result<Fields<'a>, Fault> {
        let mut fields = [None; 3];
        let mut at = 0;
        for field in &mut fields {
            let start = self.skip_blanks_of(at, separator);
            let end = match separator {
                Separator::Blanks => {
                    self.bytes[start..].iter().position(|&b| is_blank(b)).map(|n| start + n)
                }
                _ => self.find(at, separator.bytes()),
            };
            let stop = end.unwrap_or(self.bytes.len());
            let token = self.bytes[start.min(stop)..stop].trim_ascii_end();
            if token.is_empty() {
                let is_over = separator == Separator::Blanks && start == self.bytes.len();
                if is_over {
                    break;
                }
                return Err(self.empty_field(start, separator));
            }
            *field = Some((start, token));
            match end {
                Some(end) => at = end + separator.bytes().len(),
                None => break,
            }
        }
        Ok(fields)
    }

    fn skip_blanks(&self, at: usize) -> usize {
        at + self.bytes[at..].iter().take_while(|&&byte| is_blank(byte)).count()
    }

    /// Skips blanks that are no separators.
    fn skip_blanks_of(&self, at: usize, separator: Separator) -> usize {
        match separator {
            Separator::Tab => {
                at + self.bytes[at..].iter().take_while(|&&byte| byte == b' ').count()
            }
            _ => self.skip_blanks(at),
        }
    }

    /// The number in the field of the rating.
    pub(super) fn value(&self, field: Option<(usize, &[u8])>) -> Result<f32, Fault> {
        let Some((at, token)) = field else {
            return Err(self.fault(
                self.bytes.len(),
                "the line ends before the rating".into(),
                "`user item rating`",
                "give each line three fields, separated as in the first line",
            ));
        };
        let finite = fast_float2::parse::<f32, _>(token).ok().filter(|value| value.is_finite());
        finite.ok_or_else(|| {
            let what = format!("the rating `{}` is not a number", excerpt(token));
            let hint = if token.contains(&b',') {
                "write numbers with a decimal point, or separate all fields by commas"
            } else if self.number == 1 {
                "if this line names the columns, start it with `#`"
            } else {
                "correct the rating, or leave the line out"
            };
            self.fault(at, what, "a finite number such as 4 or 3.5", hint)
        })
    }

    /// The text of the field of a user or an item.
    pub(super) fn name(
        &self,
        field: Option<(usize, &'a [u8])>,
        role: &str,
    ) -> Result<&'a str, Fault> {
        let Some((at, token)) = field else {
            return Err(self.fault(
                self.bytes.len(),
                format!("the line ends before the {role}"),
                "`user item` at least",
                "name a user and an item in each line",
            ));
        };
        match std::str::from_utf8(token) {
            Ok(name) if !name.contains('\0') => Ok(name),
            _ => Err(self.fault(
                at,
                format!("the {role} `{}` is not text", excerpt(token)),
                "UTF-8 text",
                "if the file is text, convert it to UTF-8",
            )),
        }
    }

    pub(super) fn too_many(&self) -> Fault {
        let what = format!("there are more than {} users or items before this line", u32::MAX);
        self.fault(0, what, "fewer users and items", "split the file, and train on a part of it")
    }

    fn empty_field(&self, at: usize, separator: Separator) -> Fault {
        self.fault(
            at,
            format!(
                "a field is empty (fields are separated by {}, as in the first line)",
                separator.name()
            ),
            "user, item and rating",
            "fill the field, or leave the line out",
        )
    }

    fn fault(&self, at: usize, what: String, expected: &'static str, hint: &'static str) -> Fault {
        Fault { line: self.number, column: at as u64 + 1, what, expected, hint }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
