//! Writes a data set to a file.

use super::facts::{Notes, Shape, VERSION, check_byte_order};
use crate::container::{Header, Kind, Writer};
use crate::data::csr::Starts;
use crate::data::{Dataset, source};
use crate::error::Result;
use crate::save;
use bytemuck::cast_slice;
use std::path::Path;

/// Writes `data` as a cache to `path`, [at once or not at all](save::file_atomically). Takes memory
/// for one checksum per 256 KiB. Deterministic: the same data set gives the same bytes.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the system fails, for example because the disk is full;
/// [`Error::Input`](crate::Error::Input) if `path` is no regular file, or `data` lies in a damaged
/// file.
pub fn write(data: &Dataset, path: impl AsRef<Path>) -> Result<()> {
    write_with(data, path, save::USUAL, &Notes::default())
}

/// Writes a cache as [`write`](fn@write) does, with `notes` on the data's source. A new file gets at
/// most the permissions `most`.
///
/// # Errors
/// As for [`write`](fn@write).
pub fn write_with(data: &Dataset, path: impl AsRef<Path>, most: u32, notes: &Notes) -> Result<()> {
    let path = path.as_ref();
    check_byte_order(&source::display_name(path))?;
    data.verify()?;
    let rows = data.rows();
    let shape = Shape {
        rows: rows.len() as u64,
        entries: rows.nonzeros() as u64,
        width: rows.width() as u64,
        seed: data.seed(),
        has_values: rows.values().is_some(),
        is_wide: matches!(rows.starts(), Starts::Wide(_)),
        first_label: data.first_label().unwrap_or(0.0),
        notes: notes.clone(),
    };
    let header = Header::new(Kind::Dataset, VERSION, shape.to_facts(), &shape.sections());
    save::file_atomically(path, most, |file| {
        let mut writer = Writer::new(file, header)?;
        writer.write("labels", cast_slice(data.labels()))?;
        match rows.starts() {
            Starts::Narrow(offsets) => writer.write("offsets", cast_slice(offsets))?,
            Starts::Wide(offsets) => writer.write("offsets", cast_slice(offsets))?,
        }
        writer.write("indices", cast_slice(rows.indices()))?;
        if let Some(values) = rows.values() {
            writer.write("values", cast_slice(values))?;
        }
        writer.finish()
    })
}
