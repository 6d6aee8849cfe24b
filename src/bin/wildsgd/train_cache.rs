//! The cache that `train --cache` keeps beside a text. It is never used if it is damaged or was
//! made from another text.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wildsgd::data::{IndexBase, LoadOptions, ParseOptions, source};
use wildsgd::internal::cache::{self, Notes, Source};
use wildsgd::internal::save;
use wildsgd::{Dataset, Result};

use crate::input::Input;
use crate::terminal::warnings;

/// Permissions of other users, and of the group, to write.
const OTHERS_WRITE: u32 = 0o022;

/// Seed of the row order of a cache, if none is given: the default of training.
pub const SEED: u64 = 1;

/// Returns the path of the cache of the text at `path`: beside it, with `.wsgd` appended.
pub fn path_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".wsgd");
    name.into()
}

/// Identifies the text at `path`, if it is a file.
pub fn source(path: &Path, base: IndexBase) -> Option<Source> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let parse = ParseOptions { index_base: base, ..ParseOptions::default() };
    Source::of(&File::open(path).ok()?, &parse).ok()
}

/// The permissions that a copy of the data at `path` may have at most: those of the data, where
/// they are a file.
pub fn permissions(path: &Path) -> u32 {
    let file = fs::metadata(path).ok().filter(fs::Metadata::is_file);
    file.map_or(save::USUAL, |file| file.mode())
}

/// Loads the data set at `path` from its cache if that is usable. Otherwise reads the text and
/// writes the cache. Reports to `warn` whatever prevents using or writing the cache.
///
/// Rows are stored in the order of one seed, whatever the training's seed: a cache serves all
/// seeds, and training gives the same result with an existing cache as with one that it had to
/// write.
pub fn load(
    path: &Path,
    base: IndexBase,
    threads: usize,
    warn: &mut dyn FnMut(String),
) -> Result<Input> {
    let started = Instant::now();
    let layout = LoadOptions { shuffle: Some(SEED), threads, ..LoadOptions::default() };
    let Some(key) = source(path, base).filter(|_| !cache::is_cache(path)) else {
        return Input::load_with(path, base, layout);
    };
    let cache_path = path_of(path);
    match find(path, &cache_path, &key) {
        Found::Good(data) => return Ok(input(path, data, started)),
        Found::Nothing => (),
        Found::Unusable(why) => {
            warn(format!("{why}: reading the text and writing the cache again"))
        }
        Found::Foreign(why) => {
            let name = cache_path.display();
            warn(format!("{name} {why}: it is left alone, and no cache is kept"));
            return Input::load_with(path, base, layout);
        }
    }
    let mut read = Input::load_with(path, base, layout)?;
    if source(path, base).as_ref() != Some(&key) {
        warn(format!("{} changed while it was read: no cache is kept", path.display()));
        return Ok(read);
    }
    let notes = Notes { base: Some(read.base), source: Some(key) };
    warnings::merged_values(&read.name, &read.data).into_iter().for_each(&mut *warn);
    // Whoever may write to a cache decides what is learned.
    let most = permissions(path) & !OTHERS_WRITE;
    let written = cache::write_with(&read.data.shuffled(SEED), &cache_path, most, &notes)
        .and_then(|()| cache::open(&cache_path));
    match written {
        Ok(data) => return Ok(input(path, data, started)),
        Err(error) => warn(format!("no cache is kept: {error}")),
    }
    read.time = started.elapsed();
    Ok(read)
}

/// Result of looking for the cache.
enum Found {
    Good(Dataset),
    Nothing,
    /// A cache that must not be used, with the reason.
    Unusable(String),
    /// A file that must be neither used nor overwritten, with the reason.
    Foreign(&'static str),
}

fn find(path: &Path, cache_path: &Path, key: &Source) -> Found {
    let Ok(found) = fs::metadata(cache_path) else { return Found::Nothing };
    if !cache::is_cache(cache_path) {
        return Found::Foreign("exists and is no cache");
    }
    // What can be had in a folder like /tmp by being there first is not trusted, unless it comes
    // from whom the data come from.
    let owner_of_data = fs::metadata(path).map_or(0, |data| data.uid());
    if ![0, rustix::process::geteuid().as_raw(), owner_of_data].contains(&found.uid()) {
        return Found::Foreign("is a cache of another user");
    }
    if found.mode() & OTHERS_WRITE != 0 {
        return Found::Foreign("is a cache that other users may write to");
    }
    let data = match cache::open(cache_path) {
        Ok(data) => data,
        Err(error) => return Found::Unusable(error.to_string()),
    };
    let fits = cache::notes(&data).is_some_and(|notes| notes.source.as_ref() == Some(key));
    if !fits || data.seed() != Some(SEED) {
        let name = cache_path.display();
        return Found::Unusable(format!(
            "{name} was made from a text of another size or time, or with other options"
        ));
    }
    match data.verify() {
        Ok(()) => Found::Good(data),
        Err(error) => Found::Unusable(error.to_string()),
    }
}

fn input(path: &Path, data: Dataset, started: Instant) -> Input {
    let base = cache::notes(&data).and_then(|notes| notes.base).unwrap_or_default();
    Input { name: source::display_name(path), data, base, time: started.elapsed() }
}
