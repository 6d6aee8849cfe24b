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

/// The lines of `text`, without their ends and without a byte order mark.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.split(|&byte| byte == b'\n')
        .zip(1..)
        .map(|(bytes, number)| Line { number, bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes) })
}

impl<'a> Line<'a> {
    /// The first three fields. `None` if there is none, or the line is a comment.
    pub(super) fn fields(&self) -> Option<Result<Fields<'a>, Fault>> {
        let mut at = self.skip_blanks(0);
        if matches!(self.bytes.get(at), None | Some(b'#')) {
            return None;
        }
        let mut fields = [None; 3];
        for field in &mut fields {
            let end = self.bytes[at..].iter().position(|&b| is_blank(b) || b == b',');
            let end = end.map_or(self.bytes.len(), |length| at + length);
            if end == at {
                return Some(Err(self.empty_field(at)));
            }
            *field = Some((at, &self.bytes[at..end]));
            at = self.skip_blanks(end);
            if self.bytes.get(at) == Some(&b',') {
                at = self.skip_blanks(at + 1);
            } else if at == self.bytes.len() {
                break;
            }
        }
        Some(Ok(fields))
    }

    fn skip_blanks(&self, at: usize) -> usize {
        at + self.bytes[at..].iter().take_while(|&&byte| is_blank(byte)).count()
    }

    /// The number in the field of the rating.
    pub(super) fn value(&self, field: Option<(usize, &[u8])>) -> Result<f32, Fault> {
        let Some((at, token)) = field else {
            return Err(self.fault(
                self.bytes.len(),
                "the line ends before the rating".into(),
                "`user item rating`",
                "give each line three fields, separated by blanks, tabs or a comma",
            ));
        };
        let finite = fast_float2::parse::<f32, _>(token).ok().filter(|value| value.is_finite());
        finite.ok_or_else(|| {
            let what = format!("the rating `{}` is not a number", excerpt(token));
            let hint = if self.number == 1 {
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

    fn empty_field(&self, at: usize) -> Fault {
        self.fault(
            at,
            "a field is empty".into(),
            "`user item rating`, separated by blanks, tabs or one comma",
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
