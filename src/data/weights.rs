//! Weights of examples as text: one number per line, in the order of the data file.

use std::path::Path;

use super::source;
use crate::error::{Error, Result};
use crate::memory::Budget;

/// Reads the weights in the file at `path` (`-`: standard input), plain or compressed. They are
/// finite numbers, at least 0. Blanks around them and Unix or Windows line ends are allowed.
///
/// # Errors
/// [`Error::Text`] for the first line that is no such number, and those of [`load`](super::load)
/// for the file as a whole.
pub fn load_weights(path: impl AsRef<Path>) -> Result<Vec<f32>> {
    let path = path.as_ref();
    let name = source::display_name(path);
    let mut reading = Reading::new(&name);
    source::lines(path, &name, |line, number| reading.add(line, number))?;
    reading.finish()
}

/// The weights of the lines so far.
struct Reading<'a> {
    name: &'a str,
    weights: Vec<f32>,
    budget: Budget,
    /// Number of the first of the empty lines at the end.
    first_empty: Option<u64>,
}

impl<'a> Reading<'a> {
    fn new(name: &'a str) -> Self {
        Reading { name, weights: Vec::new(), budget: Budget::now(), first_empty: None }
    }

    fn add(&mut self, line: &[u8], number: u64) -> Result<()> {
        if line.trim_ascii().is_empty() {
            self.first_empty.get_or_insert(number);
            return Ok(());
        }
        self.refuse_empty()?;
        let weight = weight(line).map_err(|what| wrong(self.name, number, line, what))?;
        self.budget.check_push(&self.weights, 0).map_err(|shortage| {
            let hint = "check that this is the file you meant, or use a larger machine";
            shortage.into_error(self.name, "the list of weights", hint)
        })?;
        self.weights.push(weight);
        Ok(())
    }

    /// Refuses an empty line that another one follows.
    fn refuse_empty(&self) -> Result<()> {
        let empty = |number| wrong(self.name, number, b"", "an empty line".into());
        self.first_empty.map_or(Ok(()), |number| Err(empty(number)))
    }

    fn finish(self) -> Result<Vec<f32>> {
        if self.weights.is_empty() {
            self.refuse_empty()?;
        }
        Ok(self.weights)
    }
}

fn weight(line: &[u8]) -> Result<f32, String> {
    let word = line.trim_ascii();
    let quoted = || format!("`{}`", word[..word.len().min(32)].escape_ascii());
    let Ok(weight) = fast_float2::parse::<f32, _>(word) else {
        return Err(quoted());
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

    fn parse(bytes: &[u8], name: &str) -> Result<Vec<f32>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut reading = Reading::new(name);
        source::lines(file.path(), name, |line, number| reading.add(line, number))?;
        reading.finish()
    }

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
