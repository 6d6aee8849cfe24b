//! A cache that `train --cache` keeps beside a text, and never uses if it is of another text, or
//! damaged.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wildsgd::data::cache::{self, Notes, Source};
use wildsgd::data::{IndexBase, LoadOptions, ParseOptions, source};
use wildsgd::{Dataset, Result};

use crate::convert::SEED;
use crate::input::Input;

/// Where the cache of the text at `path` is: beside it, with `.wsgd` after its name.
pub fn path_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".wsgd");
    name.into()
}

/// Which text the file at `path` is, if it is a file.
pub fn source(path: &Path, base: IndexBase) -> Option<Source> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(Source::of(&metadata, &ParseOptions { index_base: base, ..ParseOptions::default() }))
}

/// The data set at `path`, from its cache if there is a good one. Otherwise from the text, and the
/// cache is written. Tells `warn` whatever keeps it from using or writing the cache.
///
/// Rows lie in the order of one seed, whatever the training's: a cache serves all seeds, and a
/// training gives the same with a cache that was there as with one that it had to write.
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
    let kept = path_of(path);
    match find(&kept, &key) {
        Found::Good(data) => return Ok(input(path, data, started)),
        Found::Nothing => (),
        Found::Unusable(why) => {
            warn(format!("{why}: reading the text, and writing the cache again"))
        }
        Found::Foreign => {
            warn(format!(
                "{} is there and is no cache: it is left alone, and no cache is kept",
                kept.display()
            ));
            return Input::load_with(path, base, layout);
        }
    }
    let mut read = Input::load_with(path, base, layout)?;
    if source(path, base).as_ref() != Some(&key) {
        warn(format!("{} changed while it was read: no cache is kept", path.display()));
        return Ok(read);
    }
    let notes = Notes { base: Some(read.base), source: Some(key) };
    let written =
        cache::write(&read.data.shuffled(SEED), &kept, &notes).and_then(|()| cache::open(&kept));
    match written {
        Ok(data) => return Ok(input(path, data, started)),
        Err(error) => warn(format!("no cache is kept: {error}")),
    }
    read.time = started.elapsed();
    Ok(read)
}

/// What is there instead of a cache.
enum Found {
    Good(Dataset),
    Nothing,
    /// A cache that must not be used, for this reason.
    Unusable(String),
    /// Somebody's file.
    Foreign,
}

fn find(kept: &Path, key: &Source) -> Found {
    match fs::metadata(kept) {
        Err(_) => return Found::Nothing,
        Ok(_) if !cache::is_cache(kept) => return Found::Foreign,
        Ok(_) => (),
    }
    let data = match cache::open(kept) {
        Ok(data) => data,
        Err(error) => return Found::Unusable(error.to_string()),
    };
    let fits = cache::notes(&data).is_some_and(|notes| notes.source.as_ref() == Some(key));
    if !fits || data.seed() != Some(SEED) {
        let name = kept.display();
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
