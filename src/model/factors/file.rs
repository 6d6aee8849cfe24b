//! The file of a model of ratings: exact and checked.
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
/// Places of facts.
const RANK: usize = 0;
const USERS: usize = 8;
const ITEMS: usize = 16;
const MEAN: usize = 24;
const SPREAD: usize = 32;
/// Weights that are written at once.
const TOGETHER: usize = 1 << 14;

/// Whether the file at `path` says that it is a model of ratings, damaged or not. What cannot be
/// read is not.
pub fn is_factors(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let mut head = [0; 12];
    // Looking at what is no regular file could take bytes from it.
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && is_of(&head, Kind::Factors)
}

pub(super) fn save(model: &Factors, path: &Path) -> Result<()> {
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
    save::file_atomically(path, |file| {
        let mut writer = Writer::new(file, header)?;
        writer.write("users", names[0].as_bytes())?;
        writer.write("items", names[1].as_bytes())?;
        for weights in model.weights.chunks(TOGETHER) {
            let bytes: Vec<u8> = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
            writer.write("weights", &bytes)?;
        }
        writer.finish()
    })
}

pub(super) fn load(path: &Path) -> Result<Factors> {
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
        // A name that is there twice leaves fewer.
        (names.len() as u64 == count).then_some(names)
    };
    let users = names("users", facts.get(USERS));
    let items = names("items", facts.get(ITEMS));
    let (Some(users), Some(items)) = (users, items) else {
        return Err(strange(
            "has names of users or items that are not as many as its facts (byte 424) say",
        ));
    };
    let (weights, []) = section("weights").as_chunks::<4>() else {
        return Err(strange("has a part of a weight at its end"));
    };
    let weights = weights.iter().map(|&weight| f32::from_le_bytes(weight)).collect();
    let rank = usize::try_from(facts.get(RANK)).unwrap_or(0);
    Ok((rank, [MEAN, SPREAD].map(|at| f64::from_bits(facts.get(at))), [users, items], weights))
}
