//! Ratings as text: one `user item rating` per line. Users and items are numbers or names.
//!
//! A tab, `::`, a comma or blanks separate the fields, the first of these that the first line has:
//! then names may contain the others. Lines without a field and those that start with `#` are
//! skipped, and so is everything after the rating (a time stamp). Users and items are compared as
//! text: `7` and `07` are two.

mod low_rank;
mod text;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::source;
use crate::error::{Error, Result};
use crate::memory::Budget;
pub use low_rank::LowRank;
use text::{Fields, Line, Separator, lines};

/// One user's opinion of one item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// The user's index in [`Ratings::users`].
    pub user: u32,
    /// The item's index in [`Ratings::items`].
    pub item: u32,
    /// The rating, a finite number. NaN if the text lacks it: see [`load_pairs`].
    pub value: f32,
}

/// Ratings, and the names of their users and items.
///
/// # Examples
/// ```
/// use wildsgd::data::Ratings;
///
/// let ratings = Ratings::parse(b"ann,iced tea,5\nbob,iced tea,2\nann,coffee,1\n", "ratings")?;
/// assert_eq!((ratings.all().len(), ratings.users().len(), ratings.items().len()), (3, 2, 2));
/// assert_eq!(ratings.users().name(1), "bob");
/// # Ok::<(), wildsgd::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ratings {
    all: Vec<Rating>,
    users: Names,
    items: Names,
}

impl Ratings {
    /// Makes ratings of users and items that are numbers, each below its count.
    ///
    /// # Panics
    /// If a user or an item is not below its count.
    pub fn numbered(all: Vec<Rating>, users: usize, items: usize) -> Self {
        let fit = |r: &Rating| (r.user as usize) < users && (r.item as usize) < items;
        assert!(all.iter().all(fit), "a user or an item is out of range");
        Ratings { all, users: Names::numbers(users), items: Names::numbers(items) }
    }

    /// Parses the ratings in `text`. `name` names it in messages.
    ///
    /// # Errors
    /// [`Error::Text`] for the first line that is no rating; [`Error::Input`] if there is none.
    pub fn parse(text: &[u8], name: &str) -> Result<Self> {
        parse(text, name, true)
    }

    /// All ratings, in the order of the text.
    pub fn all(&self) -> &[Rating] {
        &self.all
    }

    /// The users, in the order of their first rating.
    pub fn users(&self) -> &Names {
        &self.users
    }

    /// The items, in the order of their first rating.
    pub fn items(&self) -> &Names {
        &self.items
    }
}

/// Reads the ratings in the file at `path` (`-`: standard input), plain or compressed with gzip,
/// bzip2 or zstd.
///
/// # Errors
/// Those of [`Ratings::parse`], and those of [`load`](super::load) for the file as a whole.
pub fn load_ratings(path: impl AsRef<Path>) -> Result<Ratings> {
    read(path.as_ref(), true)
}

/// Reads ratings like [`load_ratings`], but lines may end after the item: then the value is NaN.
///
/// # Errors
/// Those of [`load_ratings`].
pub fn load_pairs(path: impl AsRef<Path>) -> Result<Ratings> {
    read(path.as_ref(), false)
}

/// Distinct names, numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct Names {
    all: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The names `0`, `1` and so on.
    pub fn numbers(count: usize) -> Self {
        let mut names = Names::default();
        (0..count).for_each(|k| {
            names.place(&k.to_string());
        });
        names
    }

    /// Estimates the bytes that the names take.
    fn memory(&self) -> u64 {
        /// Two pointers with a length, a number, a hash, the counts of an `Arc`, and a short name.
        const NAME: u64 = 100;
        self.all.len() as u64 * NAME
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Returns true if there are no names.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The name with a number.
    ///
    /// # Panics
    /// If there is no such number.
    pub fn name(&self, number: usize) -> &str {
        &self.all[number]
    }

    /// The number of a name. `None` if it is not there.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }

    /// Iterates over all names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|name| &**name)
    }

    /// The number of a name, which is added at the end if it is not there. `None` if there is no
    /// number left.
    pub(crate) fn place(&mut self, name: &str) -> Option<u32> {
        if let Some(place) = self.find(name) {
            return Some(place);
        }
        let place = u32::try_from(self.all.len()).ok()?;
        let name: Arc<str> = name.into();
        self.places.insert(name.clone(), place);
        self.all.push(name);
        Some(place)
    }
}

fn parse(text: &[u8], name: &str, rated: bool) -> Result<Ratings> {
    let mut reading = Reading::new(name, rated);
    lines(text).try_for_each(|line| reading.add(line))?;
    reading.finish()
}

fn read(path: &Path, rated: bool) -> Result<Ratings> {
    let name = source::display_name(path);
    let mut reading = Reading::new(&name, rated);
    source::lines(path, &name, |line, number| reading.add(Line::new(line, number)))?;
    reading.finish()
}

/// The ratings of the lines so far.
struct Reading<'a> {
    name: &'a str,
    /// True if each line must have a rating.
    rated: bool,
    /// That of the first line with fields.
    separator: Option<Separator>,
    ratings: Ratings,
    budget: Budget,
}

impl<'a> Reading<'a> {
    fn new(name: &'a str, rated: bool) -> Self {
        let (ratings, budget) = (Ratings::default(), Budget::now());
        Reading { name, rated, separator: None, ratings, budget }
    }

    fn add(&mut self, line: Line<'_>) -> Result<()> {
        if line.is_empty() {
            return Ok(());
        }
        let separator = *self.separator.get_or_insert_with(|| Separator::of(&line));
        let Ratings { all, users, items } = &self.ratings;
        self.budget.check_push(all, users.memory() + items.memory()).map_err(|shortage| {
            let hint = "check that this is the file you meant, or use a larger machine";
            shortage.into_error(self.name, "the list of ratings", hint)
        })?;
        let fields = line.fields(separator);
        let added = fields.and_then(|fields| self.ratings.add(&line, fields, self.rated));
        added.map_err(|fault| fault.into_error(self.name))
    }

    fn finish(self) -> Result<Ratings> {
        if !self.ratings.all.is_empty() {
            return Ok(self.ratings);
        }
        let form = if self.rated { "lines of `user item rating`" } else { "lines of `user item`" };
        let hint = "check that this is the file you meant";
        Err(Error::input(self.name, "holds no rating", form, hint))
    }
}

impl Ratings {
    fn add(&mut self, line: &Line<'_>, fields: Fields<'_>, rated: bool) -> Result<(), text::Fault> {
        let [user, item, value] = fields;
        let value = match value {
            None if !rated => f32::NAN,
            value => line.value(value)?,
        };
        let user = line.name(user, "user")?;
        let item = line.name(item, "item")?;
        let places = self.users.place(user).zip(self.items.place(item));
        let (user, item) = places.ok_or_else(|| line.too_many())?;
        self.all.push(Rating { user, item, value });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
