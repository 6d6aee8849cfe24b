//! The file of a model of ratings: exact bits under checksums.
//!
//! # Layout
//!
//! A file of kind 3, version 1, of the format that `src/container` lays out byte by byte. All
//! numbers are little-endian. The header's facts, from byte 416 of the file on:
//!
//! | byte | size | holds |
//! |---|---|---|
//! | 416 | 8 | rank |
//! | 424 | 8 | number of users |
//! | 432 | 8 | number of items |
//! | 440 | 8 | mean, as f64 |
//! | 448 | 8 | spread, as f64 |
//!
//! Sections: `users` and `items` (names in UTF-8, a line feed after each) and `weights` (f32; a row
//! for each user, then for each item: the factors, then the bias).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::Factors;
use crate::container::{Container, Damage, Facts, Header, Kind, Writer, is_of};
use crate::data::Names;
use crate::error::{Error, Result};
use crate::save;

const VERSION: u32 = 1;
/// Byte offsets of facts.
const RANK: usize = 0;
const USERS: usize = 8;
const ITEMS: usize = 16;
const MEAN: usize = 24;
const SPREAD: usize = 32;
/// Number of weights in one write.
const WEIGHTS_PER_WRITE: usize = 1 << 14;

/// Returns true if the file at `path` claims to be a model of ratings, damaged or not. False if it
/// cannot be read.
pub fn is_factors(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let mut head = [0; 12];
    // Reading the head of a pipe would consume it.
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && is_of(&head, Kind::Factors)
}

impl Factors {
    /// Reads the model file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Input`] if it is damaged or holds something
    /// else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path.as_ref())
    }

    /// Writes a model file, [atomically](crate::save::file_atomically), under checksums; this
    /// method's source file documents its layout. Deterministic: equal models give equal bytes.
    ///
    /// # Errors
    /// [`Error::Io`]; a model that was there before is then still there. [`Error::Input`] if `path`
    /// is not a regular file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save(self, path.as_ref())
    }
}

fn save(model: &Factors, path: &Path) -> Result<()> {
    let names = [&model.users, &model.items].map(|names| {
        names.iter().fold(String::new(), |mut text, name| {
            text += name;
            text.push('\n');
            text
        })
    });
    let mut facts = Facts::default();
    facts.set(RANK, model.rank as u64);
    facts.set(USERS, model.users.len() as u64);
    facts.set(ITEMS, model.items.len() as u64);
    facts.set(MEAN, model.mean.to_bits());
    facts.set(SPREAD, model.spread.to_bits());
    let bytes = size_of_val(&*model.weights) as u64;
    let sections =
        [("users", names[0].len() as u64), ("items", names[1].len() as u64), ("weights", bytes)];
    let header = Header::new(Kind::Factors, VERSION, facts, &sections);
    save::file_atomically(path, save::USUAL, |file| {
        let mut writer = Writer::new(file, header)?;
        writer.write("users", names[0].as_bytes())?;
        writer.write("items", names[1].as_bytes())?;
        for weights in model.weights.chunks(WEIGHTS_PER_WRITE) {
            let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
            writer.write("weights", &bytes)?;
        }
        writer.finish()
    })
}

fn load(path: &Path) -> Result<Factors> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| Error::io(path, "read", source))?;
    let named = |error| match error {
        Error::Input { what, expected, hint, .. } => {
            Error::input(name.as_str(), what, expected, hint)
        }
        other => other,
    };
    let (rank, numbers, names, weights) =
        parts(&bytes).map_err(|damage| damage.into_error(name.as_str(), Kind::Factors))?;
    Factors::new(rank, numbers, names, weights).map_err(named)
}

type Parts = (usize, [f64; 2], [Names; 2], Vec<f32>);

fn parts(bytes: &[u8]) -> Result<Parts, Damage> {
    let container = Container::open(bytes, Kind::Factors, VERSION)?;
    container.check(bytes, &["users", "items", "weights"], |_, _| Ok(()))?;
    let facts = &container.header().facts;
    let section = |name: &str| container.section(name).map_or(&[][..], |range| &bytes[range]);
    let strange = |what: &str| Damage::new(what, "the documented layout");
    let names = |section_name: &str, count: u64| {
        let text = std::str::from_utf8(section(section_name)).ok()?;
        let mut names = Names::default();
        text.split_terminator('\n').try_for_each(|name| names.place(name).map(|_| ()))?;
        // A repeated name leaves fewer.
        (names.len() as u64 == count).then_some(names)
    };
    let users = names("users", facts.get(USERS));
    let items = names("items", facts.get(ITEMS));
    let (Some(users), Some(items)) = (users, items) else {
        return Err(strange("has other numbers of users or items than its facts (byte 424) say"));
    };
    let (weights, []) = section("weights").as_chunks::<4>() else {
        return Err(strange("ends within a weight"));
    };
    let weights = weights.iter().map(|&weight| f32::from_le_bytes(weight)).collect();
    let rank = usize::try_from(facts.get(RANK)).unwrap_or(0);
    Ok((rank, [MEAN, SPREAD].map(|at| f64::from_bits(facts.get(at))), [users, items], weights))
}
