//! Converts text to a cache in bounded memory: rows reach their random places through temporary
//! files.
//!
//! The text is read once. Its entries go to a first temporary file, in order; the number of entries
//! and the label of each row stay in memory. Then all places are known. The entries go on to a
//! second file, which has one region per stretch of the cache that fits in memory. Each region is
//! sorted in memory and appended to the cache. The bytes are those that [`write`](super::write)
//! gives.
//!
//! The files lie beside the cache and have no name, so that they vanish however the process ends.

#[cfg(test)]
mod tests;

use super::facts::{Notes, Shape, VERSION, check_byte_order};
use crate::container::{Header, Kind, Writer};
use crate::data::csr::{Block, Offsets, Starts, places, shuffle};
use crate::data::load::stop_error;
use crate::data::source::{self, Format, Stream};
use crate::data::stream::{self, Reading};
use crate::data::{IndexBase, LoadOptions, libsvm};
use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::save;
use bytemuck::{bytes_of, bytes_of_mut, cast_slice, cast_slice_mut};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Least and most bytes of a region's buffer.
const BUFFER: (usize, usize) = (1 << 12, 1 << 20);
/// Numbers per read.
const NUMBERS: usize = 1 << 16;

/// Size of a converted data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// Number of examples.
    pub examples: usize,
    /// Number of features: all indices are below it.
    pub features: usize,
    /// Number of entries.
    pub nonzeros: usize,
    /// The number from which the text counts features.
    pub base: IndexBase,
}

/// Converts the libsvm text at `path` (`-`: standard input) to a cache at `out`, which appears at
/// once or not at all. `notes` gets the number from which the text counts features. The bytes are
/// those that [`load`](crate::data::load) and [`write`](super::write) give.
///
/// Takes about `memory` bytes, 1 MiB at least, and 16 bytes per example. On the disk of `out`,
/// takes 16 bytes per entry beside the cache.
///
/// # Errors
/// Those of [`load`](crate::data::load) and of [`write`](super::write).
pub fn convert(
    path: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: &LoadOptions,
    memory: usize,
    most: u32,
    notes: impl FnOnce(IndexBase) -> Notes,
) -> Result<Converted> {
    let (path, out) = (path.as_ref(), out.as_ref());
    check_byte_order(&source::display_name(out))?;
    save::check_file(out)?;
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let temporary =
        || tempfile::tempfile_in(folder).map_err(|error| Error::io(folder, "create", error));
    let in_order = Spool::of(path, options, temporary()?, folder)?;
    let base = match options.parse.index_base {
        IndexBase::Auto if in_order.zero => IndexBase::Zero,
        IndexBase::Auto => IndexBase::One,
        given => given,
    };
    let lowered = u32::from(options.parse.index_base == IndexBase::Auto && base == IndexBase::One);
    let failed = |error| Error::io(folder, "write", error);
    let sorted = Sorted::of(in_order, options.shuffle, memory, temporary()?).map_err(failed)?;
    let starts = sorted.offsets.starts();
    let (rows, entries) = (starts.rows(), starts.total());
    let width = sorted.width.saturating_sub(lowered as usize);
    let shape = Shape {
        rows: rows as u64,
        entries: entries as u64,
        width: width as u64,
        seed: options.shuffle,
        has_values: sorted.has_values,
        is_wide: matches!(starts, Starts::Wide(_)),
        first_label: sorted.first_label,
        notes: notes(base),
    };
    let header = Header::new(Kind::Dataset, VERSION, shape.to_facts(), &shape.sections());
    save::file_atomically(out, most, |file| {
        let mut writer = Writer::new(file, header)?;
        writer.write("labels", cast_slice(&sorted.labels))?;
        match starts {
            Starts::Narrow(offsets) => writer.write("offsets", cast_slice(offsets))?,
            Starts::Wide(offsets) => writer.write("offsets", cast_slice(offsets))?,
        }
        sorted.write(&mut writer, lowered)?;
        writer.finish()
    })?;
    Ok(Converted { examples: rows, features: width, nonzeros: entries, base })
}

/// Bytes of memory that an example takes, besides its entries: its label and length while the lists
/// of them grow, later its place.
const EXAMPLE: u64 = 24;

/// Entries of all rows, in the order of the text.
struct Spool {
    /// The entries of each block: indices, then values, if it has any.
    file: File,
    blocks: Vec<Spooled>,
    lengths: Vec<u32>,
    labels: Vec<f64>,
    width: usize,
    zero: bool,
    has_values: bool,
}

/// A block in a [`Spool`].
struct Spooled {
    rows: usize,
    entries: usize,
    has_values: bool,
}

impl Spool {
    fn of(path: &Path, options: &LoadOptions, file: File, folder: &Path) -> Result<Self> {
        let name = source::display_name(path);
        let Stream { reader, format } = source::stream(path, &name)?;
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let read_on = format != Format::Plain;
        let reading = Reading { options: &options.parse, threads, block: stream::BLOCK, read_on };
        let mut spool = Spool {
            file,
            blocks: vec![],
            lengths: vec![],
            labels: vec![],
            width: 0,
            zero: false,
            has_values: false,
        };
        let failed = |error| Error::io(folder, "write", error);
        let budget = Budget::now();
        let add = |block: Block| {
            spool.add(&block).map_err(failed)?;
            budget.check(spool.labels.len() as u64 * EXAMPLE).map_err(|shortage| {
                let hint = "split the file: a cache takes memory for each of its examples";
                shortage.into_error(&name, "the list of labels", hint)
            })
        };
        reading
            .run(reader, std::mem::take, add)
            .map_err(|stop| stop_error(stop, format, &name, |error| error))?;
        libsvm::check_rows(spool.lengths.len() as u64, &options.parse)
            .map_err(|error| error.into_error(name))?;
        Ok(spool)
    }

    fn add(&mut self, block: &Block) -> io::Result<()> {
        self.file.write_all(cast_slice(block.indices()))?;
        self.file.write_all(cast_slice(block.values().unwrap_or(&[])))?;
        self.lengths.extend_from_slice(block.lengths());
        self.labels.extend_from_slice(block.labels());
        self.width = self.width.max(block.width());
        self.zero |= block.has_zero();
        self.has_values |= block.values().is_some();
        let (rows, entries, has_values) =
            (block.len(), block.indices().len(), block.values().is_some());
        self.blocks.push(Spooled { rows, entries, has_values });
        Ok(())
    }
}

/// Entries of all rows, sorted by stretches of the cache, and everything else that it holds.
struct Sorted {
    /// One region per stretch. It holds place, indices, and values if there are any, for each row
    /// in the order of the text.
    file: File,
    /// The first row of each stretch.
    stretches: Vec<usize>,
    offsets: Offsets,
    labels: Vec<f64>,
    first_label: f64,
    width: usize,
    has_values: bool,
}

impl Sorted {
    fn of(mut spool: Spool, seed: Option<u64>, memory: usize, file: File) -> io::Result<Self> {
        let (mut lengths, mut labels) =
            (std::mem::take(&mut spool.lengths), std::mem::take(&mut spool.labels));
        let first_label = labels[0];
        if let Some(seed) = seed {
            shuffle(&mut lengths, seed);
            shuffle(&mut labels, seed);
        }
        let offsets = Offsets::from_lengths(lengths);
        let places = places(offsets.starts().rows(), seed);
        let mut sorted = Sorted {
            file,
            stretches: vec![],
            offsets,
            labels,
            first_label,
            width: spool.width,
            has_values: spool.has_values,
        };
        let entry = if spool.has_values { 8 } else { 4 };
        // Half of it is for a sorted stretch and what is read of its region, the other half for
        // buffers.
        let most = (memory.max(1 << 20) / 2 / entry).max(NUMBERS);
        sorted.stretches = sorted.cut(most);
        sorted.distribute(spool, &places, memory)?;
        Ok(sorted)
    }

    /// Cuts the rows into stretches of about `most` entries. Returns the first row of each.
    fn cut(&self, most: usize) -> Vec<usize> {
        let starts = self.offsets.starts();
        let mut stretches = vec![0];
        loop {
            let first = stretches[stretches.len() - 1];
            // At least one row each. Rows without entries go with those before.
            let next = starts.row_from(starts.start(first) + most).max(first + 1);
            if next >= starts.rows() {
                return stretches;
            }
            stretches.push(next);
        }
    }

    /// The rows of stretch `k`.
    fn rows(&self, k: usize) -> std::ops::Range<usize> {
        let end = self.stretches.get(k + 1).copied().unwrap_or(self.offsets.starts().rows());
        self.stretches[k]..end
    }

    /// Start in the file of the region of the stretch that starts with `row`.
    fn region(&self, row: usize) -> u64 {
        let entry = if self.has_values { 8 } else { 4 };
        entry * self.offsets.starts().start(row) as u64 + 4 * row as u64
    }

    fn distribute(&mut self, spool: Spool, places: &[u32], memory: usize) -> io::Result<()> {
        let buffer = (memory / 2 / self.stretches.len()).clamp(BUFFER.0, BUFFER.1);
        let mut regions: Vec<_> = self
            .stretches
            .iter()
            .map(|&row| {
                BufWriter::with_capacity(buffer, Region { file: &self.file, at: self.region(row) })
            })
            .collect();
        let starts = self.offsets.starts();
        let mut input = spool.file;
        input.rewind()?;
        let mut places = places.iter();
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        for block in spool.blocks {
            read_numbers(&mut input, &mut indices, block.entries)?;
            read_numbers(
                &mut input,
                &mut values,
                if block.has_values { block.entries } else { 0 },
            )?;
            let mut at = 0;
            for &place in places.by_ref().take(block.rows) {
                let stretch = self.stretches.partition_point(|&row| row <= place as usize) - 1;
                let own = at..at + starts.range(place as usize).len();
                at = own.end;
                let out = &mut regions[stretch];
                out.write_all(bytes_of(&place))?;
                out.write_all(cast_slice(&indices[own.clone()]))?;
                match block.has_values {
                    true => out.write_all(cast_slice(&values[own]))?,
                    false if self.has_values => {
                        own.into_iter().try_for_each(|_| out.write_all(bytes_of(&1.0_f32)))?
                    }
                    false => (),
                }
            }
        }
        regions.iter_mut().try_for_each(BufWriter::flush)
    }

    /// Appends the indices of all rows, less `lowered`, and the values.
    fn write(&self, writer: &mut Writer<'_>, lowered: u32) -> io::Result<()> {
        let starts = self.offsets.starts();
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        for k in 0..self.stretches.len() {
            let rows = self.rows(k);
            let first = starts.start(rows.start);
            let entries = starts.start(rows.end) - first;
            indices.resize(entries, 0_u32);
            values.resize(if self.has_values { entries } else { 0 }, 0_u32);
            let region = Region { file: &self.file, at: self.region(rows.start) };
            let mut input = io::BufReader::with_capacity(4 * NUMBERS, region);
            for _ in rows {
                let mut place = 0_u32;
                input.read_exact(bytes_of_mut(&mut place))?;
                let row = starts.range(place as usize);
                let own = row.start - first..row.end - first;
                input.read_exact(cast_slice_mut(&mut indices[own.clone()]))?;
                if self.has_values {
                    input.read_exact(cast_slice_mut(&mut values[own]))?;
                }
            }
            indices.iter_mut().for_each(|index| *index -= lowered);
            writer.write("indices", cast_slice(&indices))?;
            if self.has_values {
                writer.write("values", cast_slice(&values))?;
            }
        }
        Ok(())
    }
}

/// A position in a file, which moves on.
struct Region<'f> {
    file: &'f File,
    at: u64,
}

impl Write for Region<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Region<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn read_numbers(input: &mut impl Read, numbers: &mut Vec<u32>, count: usize) -> io::Result<()> {
    numbers.resize(count, 0);
    input.read_exact(cast_slice_mut(numbers))
}
