//! From a file to a data set, without a look at its rows.

use super::check::check;
use super::facts::Shape;
use super::{Notes, VERSION, check_byte_order};
use crate::container::{self, Container, Damage, Kind};
use crate::data::csr::{Array, Arrays, Offsets};
use crate::data::map::Map;
use crate::data::{Dataset, Rows, source};
use crate::error::{Error, Result};
use bytemuck::AnyBitPattern;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A mapped file, and what is known of it.
#[derive(Debug)]
pub(in crate::data) struct Cache {
    name: String,
    file: File,
    map: Arc<Map>,
    opened: Stamp,
    container: Container,
    shape: Shape,
    /// What the check of all rows found, when it was made.
    outcome: OnceLock<Result<(), Damage>>,
}

/// What changes with a file's bytes.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Stamp { bytes: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// Opens the cache at `path`. Takes microseconds whatever its size: reads the header and the
/// checksums, and maps the rest, which [`Dataset::verify`] checks before it is used.
///
/// # Errors
/// [`Error::Input`] if there is no such file, it is no cache, or header, length or checksums are
/// damaged; [`Error::Io`] if the system does not let it be opened.
pub fn open(path: impl AsRef<Path>) -> Result<Dataset> {
    let path = path.as_ref();
    let name = source::display_name(path);
    let (file, metadata) = source::open_file(path, &name)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Err(no_cache(&name));
    }
    let map = Map::of(&file).map_err(|error| Error::io(path, "map", error))?;
    if !container::claims(&map) {
        return Err(no_cache(&name));
    }
    of_map(name, file, map)
}

/// Whether the file at `path` is a cache by its first bytes, which may be damaged. What cannot be
/// read is none.
pub fn is_cache(path: impl AsRef<Path>) -> bool {
    let mut head = [0; container::MAGIC.len()];
    let path = path.as_ref();
    // Looking at what is no regular file could take bytes from it.
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && container::claims(&head)
}

/// What the cache that `data` lies in says beside the rows; `None` if it lies in none.
pub fn notes(data: &Dataset) -> Option<&Notes> {
    data.cache().map(|cache| &cache.shape.notes)
}

fn no_cache(name: &str) -> Error {
    Error::input(
        name,
        "is no data cache",
        "a file from `wildsgd convert`",
        "make one from the text",
    )
}

/// The data set in `map`, which is all of `file`.
pub(in crate::data) fn of_map(name: String, file: File, map: Map) -> Result<Dataset> {
    check_byte_order(&name)?;
    let damaged = |damage: Damage| damage.into_error(&*name, Kind::Dataset);
    let container = Container::open(&map, Kind::Dataset, VERSION).map_err(damaged)?;
    let shape = Shape::of_facts(&container.header().facts).map_err(damaged)?;
    let map = Arc::new(map);
    let arrays = arrays(&container, &shape, &map)
        .ok_or_else(|| {
            Damage::new("has sections of a length that its facts (byte 416) do not give", "rows")
        })
        .map_err(damaged)?;
    let opened = Stamp::of(&file.metadata().map_err(|error| Error::io(&*name, "read", error))?);
    let cache = Cache { name, file, map, opened, container, shape, outcome: OnceLock::new() };
    Ok(Dataset::in_cache(arrays, Arc::new(cache)))
}

fn arrays(container: &Container, shape: &Shape, map: &Arc<Map>) -> Option<Arrays> {
    for (name, bytes) in shape.sections() {
        if container.section(name)?.len() as u64 != bytes {
            return None;
        }
    }
    let offsets = match shape.is_wide {
        true => Offsets::Wide(array(container, map, "offsets")?),
        false => Offsets::Narrow(array(container, map, "offsets")?),
    };
    Some(Arrays {
        offsets,
        indices: array(container, map, "indices")?,
        values: match shape.has_values {
            true => Some(array(container, map, "values")?),
            false => None,
        },
        labels: array(container, map, "labels")?,
        width: usize::try_from(shape.width).ok()?,
        seed: shape.seed,
    })
}

fn array<T: AnyBitPattern>(
    container: &Container,
    map: &Arc<Map>,
    name: &str,
) -> Option<Array<T>> {
    Array::mapped(map, container.section(name)?)
}

impl Cache {
    /// Checks `rows`, all of this file's, unless that was done; looks whether the file was written
    /// to.
    pub(in crate::data) fn verify(&self, rows: Rows<'_>) -> Result<()> {
        let metadata =
            self.file.metadata().map_err(|error| Error::io(&*self.name, "read", error))?;
        if Stamp::of(&metadata) != self.opened {
            return Err(Error::input(
                &*self.name,
                "was written to while it was in use",
                "a cache that is replaced by renaming",
                "make it again from the text with `wildsgd convert`, and start again",
            ));
        }
        self.insist(rows)
    }

    /// Checks `rows`, all of this file's, unless that was done.
    pub(in crate::data) fn insist(&self, rows: Rows<'_>) -> Result<()> {
        // Not within the lock: a thread that waits for the check's parts may be given a task that
        // needs the outcome.
        let outcome = match self.outcome.get() {
            Some(outcome) => outcome,
            None => {
                let outcome = check(&self.container, &self.map, rows);
                self.outcome.get_or_init(|| outcome)
            }
        };
        outcome.clone().map_err(|damage| damage.into_error(&*self.name, Kind::Dataset))
    }

    /// The label of the text's first row; the order of labels follows from it.
    pub(in crate::data) fn first_label(&self) -> f32 {
        self.shape.first_label
    }
}
