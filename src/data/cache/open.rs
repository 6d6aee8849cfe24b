//! Opens a file as a data set, without reading its rows.

use super::facts::{Notes, Shape, VERSION, check_byte_order};
use super::mapped::Cache;
use crate::container::{self, Container, Damage, Kind};
use crate::data::csr::{Array, Arrays, Offsets};
use crate::data::map::Map;
use crate::data::{Dataset, source};
use crate::error::{Error, Result};
use bytemuck::AnyBitPattern;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Opens the cache at `path`. One that takes at most half of the memory that is available is copied
/// into memory, in rayon's current pool; a larger one is mapped. [`Dataset::verify`] checks all but
/// the header and the checksums before it is used.
///
/// # Errors
/// [`Error::Input`] if there is no such file, it is no cache, or header, length or checksums are
/// damaged; [`Error::Io`] if the system cannot open it.
pub fn open(path: impl AsRef<Path>) -> Result<Dataset> {
    let path = path.as_ref();
    let name = source::display_name(path);
    let (file, metadata) = source::open_file(path, &name)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Err(no_cache(&name));
    }
    of_file(name, file, metadata.len())
}

/// Returns true if the file at `path` is a cache by its first bytes, which may be damaged, and
/// false if it cannot be read.
pub fn is_cache(path: impl AsRef<Path>) -> bool {
    let mut head = [0; container::MAGIC.len()];
    let path = path.as_ref();
    // Reading from a pipe or the like could consume its bytes.
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && container::claims(&head)
}

/// Facts of the cache that `data` lies in, beyond its rows. `None` if it lies in none.
pub fn notes(data: &Dataset) -> Option<&Notes> {
    data.cache().map(Cache::notes)
}

fn no_cache(name: &str) -> Error {
    Error::input(
        name,
        "is not a data cache",
        "a file from `wildsgd convert`",
        "make one from the text",
    )
}

/// Makes the data set in `file`, which holds `bytes` bytes.
pub(in crate::data) fn of_file(name: String, file: File, bytes: u64) -> Result<Dataset> {
    let map = Map::of(&file, bytes).map_err(|error| Error::io(&*name, "read", error))?;
    of_map(name, file, map)
}

/// Opens the cache at `path` like [`open`], and maps it whatever its size.
#[cfg(test)]
pub(super) fn open_mapped(path: &Path) -> Result<Dataset> {
    let file = File::open(path).expect("the test has made it");
    let map = Map::mapped(&file).expect("the file is not empty");
    of_map(source::display_name(path), file, map)
}

fn of_map(name: String, file: File, map: Map) -> Result<Dataset> {
    if !container::claims(&map) {
        return Err(no_cache(&name));
    }
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
    let cache = Cache::new(name, file, map, container, shape)?;
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

fn array<T: AnyBitPattern>(container: &Container, map: &Arc<Map>, name: &str) -> Option<Array<T>> {
    Array::mapped(map, container.section(name)?)
}
