//! All conditions on a file before its rows are trusted.

use crate::container::{Container, Damage};
use crate::data::Rows;
use crate::data::csr::Starts;
use bytemuck::{AnyBitPattern, try_cast_slice};
use std::ops::Range;

/// Compares all checksums of `file`, and checks all of `rows`, the rows that lie in it. Parallel in
/// rayon's current pool.
///
/// # Errors
/// The first damage.
pub(super) fn check(container: &Container, file: &[u8], rows: Rows<'_>) -> Result<(), Damage> {
    let starts = rows.starts();
    let part = |name: &str, bytes: &Range<usize>| {
        let start = container.section(name).map_or(0, |section| section.start);
        &file[start + bytes.start..start + bytes.end]
    };
    container.check(file, &["labels", "offsets"], |name, bytes| match name {
        "offsets" => check_starts(starts, bytes),
        _ => check_finite::<f64>(name, part(name, &bytes)),
    })?;
    if starts.start(0) != 0 || starts.total() != rows.nonzeros() {
        return Err(Damage::new(
            "has offsets that do not delimit its entries",
            "offsets from 0 to the entries",
        ));
    }
    container.check(file, &["indices", "values"], |name, bytes| match name {
        "indices" => check_indices(rows, bytes.start / 4..bytes.end / 4),
        _ => check_finite::<f32>(name, part(name, &bytes)),
    })
}

/// Checks that all numbers in a part of a section are finite.
fn check_finite<T: AnyBitPattern + Into<f64>>(name: &str, part: &[u8]) -> Result<(), Damage> {
    let numbers: &[T] = try_cast_slice(part).unwrap_or_default();
    if numbers.iter().all(|&x| x.into().is_finite()) {
        return Ok(());
    }
    Err(Damage::new(format!("has {name} that are not finite"), "finite numbers"))
}

/// Checks that the offsets in `bytes` of their section, and the one after, ascend.
fn check_starts(starts: Starts<'_>, bytes: Range<usize>) -> Result<(), Damage> {
    let (ascend, size) = match starts {
        Starts::Narrow(offsets) => (ascend(offsets, bytes.start / 4..bytes.end / 4), 4),
        Starts::Wide(offsets) => (ascend(offsets, bytes.start / 8..bytes.end / 8), 8),
    };
    if ascend {
        return Ok(());
    }
    let (from, to) = (bytes.start / size, bytes.end / size);
    Err(Damage::new(
        format!("has offsets that do not ascend between row {from} and row {to}"),
        "ascending offsets",
    ))
}

fn ascend<T: PartialOrd>(offsets: &[T], range: Range<usize>) -> bool {
    offsets[range.start..offsets.len().min(range.end + 1)].is_sorted()
}

/// Checks the rows that start with an entry in `entries`. The offsets ascend up to the number of
/// entries.
fn check_indices(rows: Rows<'_>, entries: Range<usize>) -> Result<(), Damage> {
    let starts = rows.starts();
    for i in starts.row_from(entries.start)..starts.row_from(entries.end) {
        let indices = rows.row(i).indices();
        // Reads all of them, so that the compiler makes vector code of it.
        let ascend = indices.windows(2).fold(true, |ascend, pair| ascend & (pair[0] < pair[1]));
        if !ascend || indices.last().is_some_and(|&last| last as usize >= rows.width()) {
            return Err(Damage::new(
                format!("has a row {i} whose indices do not ascend below {}", rows.width()),
                "strictly ascending indices below the width",
            ));
        }
    }
    Ok(())
}
