//! Weights of examples as text: one number per line, in the order of the data file.

use std::path::Path;

use super::source;
use crate::error::{Error, Result};

/// Reads the weights in the file at `path` (`-`: standard input), plain or compressed. They are
/// finite numbers, at least 0. Blanks around them and Unix or Windows line ends are allowed.
///
/// # Errors
/// [`Error::Text`] for the first line that is no such number, and those of [`load`](super::load)
/// for the file as a whole.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Vec<f32>> {
    let path = path.as_ref();
    parse(&source::read(path)?, &source::display_name(path))
}

fn parse(bytes: &[u8], path: &str) -> Result<Vec<f32>> {
    let lines = bytes.trim_ascii_end().split(|&byte| byte == b'\n').zip(1..);
    lines
        .map(|(line, number)| weight(line).map_err(|what| wrong(path, number, line, what)))
        .collect()
}

fn weight(line: &[u8]) -> Result<f32, String> {
    let word = line.trim_ascii();
    let quoted = || format!("`{}`", word[..word.len().min(32)].escape_ascii());
    let Ok(weight) = fast_float2::parse::<f32, _>(word) else {
        return Err(if word.is_empty() { "an empty line".into() } else { quoted() });
    };
    if weight.is_finite() && weight >= 0.0 { Ok(weight) } else { Err(quoted()) }
}

fn wrong(path: &str, line: u64, bytes: &[u8], what: String) -> Error {
    let column = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0) as u64 + 1;
    Error::Text {
        path: path.into(),
        line,
        column,
        what,
        expected: "one weight per line, a finite number, 0 or larger".into(),
        hint: "give one weight per example, in the order of the data file".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_a_line() {
        assert_eq!(parse(b"1\n0.5\r\n  2e1\t\n0\n\n", "w").unwrap(), [1.0, 0.5, 20.0, 0.0]);
        assert_eq!(parse(b"1\n2", "w").unwrap(), [1.0, 2.0]);
    }

    #[test]
    fn anything_else_is_named_with_its_place() {
        let rest = " (expected one weight per line, a finite number, 0 or larger); give one weight per example, in the order of \
                    the data file";
        for (text, what) in [
            ("1\n -2\n", "w:2:2: `-2`"),
            ("1\n\n2\n", "w:2:1: an empty line"),
            ("1 2\n", "w:1:1: `1 2`"),
            ("1e60\n", "w:1:1: `1e60`"),
            ("nan\n", "w:1:1: `nan`"),
            ("+1 1:1\n", "w:1:1: `+1 1:1`"),
            ("\n", "w:1:1: an empty line"),
        ] {
            assert_eq!(
                parse(text.as_bytes(), "w").unwrap_err().to_string(),
                format!("{what}{rest}")
            );
        }
    }
}
