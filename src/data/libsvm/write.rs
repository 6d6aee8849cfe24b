use crate::data::Dataset;
use std::fmt;
use std::io::{self, Write};

/// Writes `dataset` as libsvm text: 1-based indices, one line per example, each number in a
/// shortest decimal form that reads back as the same f32, or f64 for labels.
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
        // Whole labels are often dates or numbers of classes.
        number(label, 1e16, &mut line)?;
        for (index, value) in row.iter() {
            if index >= u32::MAX as usize {
                return Err(unwritable(format!("0-based index {index}")));
            }
            write!(line, " {}:", index + 1)?;
            number(value, 1e7, &mut line)?;
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

/// Appends the decimal form without an exponent for numbers below `most_plain`. All forms have the
/// fewest digits that identify `x`, an f32 or an f64.
fn number<T>(x: T, most_plain: f64, line: &mut Vec<u8>) -> io::Result<()>
where
    T: Copy + Into<f64> + fmt::Display + fmt::LowerExp,
{
    let size = x.into().abs();
    if !size.is_finite() {
        return Err(unwritable(x.to_string()));
    }
    if size == 0.0 || (1e-3..most_plain).contains(&size) {
        write!(line, "{x}")
    } else {
        write!(line, "{x:e}")
    }
}

fn unwritable(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} cannot be written as libsvm text"))
}
