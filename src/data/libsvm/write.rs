use crate::data::Dataset;
use std::io::{self, Write};

/// Writes `dataset` as libsvm text: 1-based indices, one line per example, each number in a
/// shortest decimal form that reads back as the same f32.
///
/// Text does not keep the width: features above the last index in use are lost. An empty data set
/// gives empty text, which [`parse`](super::parse) refuses. `out` gets one write per line, so
/// buffer it. Deterministic.
///
/// # Errors
/// Those of `out`, and `InvalidData` if a label or value is not finite or an index is `u32::MAX`
/// (0-based), which the format cannot express.
pub fn write(dataset: &Dataset, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    for (row, label) in dataset.iter() {
        line.clear();
        number(label, &mut line)?;
        for (index, value) in row.iter() {
            if index >= u32::MAX as usize {
                return Err(unwritable(format!("0-based index {index}")));
            }
            write!(line, " {}:", index + 1)?;
            number(value, &mut line)?;
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

/// Appends the shorter of the two decimal forms. Both have the fewest digits that identify `x`.
fn number(x: f32, line: &mut Vec<u8>) -> io::Result<()> {
    if !x.is_finite() {
        return Err(unwritable(x.to_string()));
    }
    if x == 0.0 || (1e-3..1e7).contains(&x.abs()) {
        write!(line, "{x}")
    } else {
        write!(line, "{x:e}")
    }
}

fn unwritable(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} cannot be written as libsvm text"))
}
