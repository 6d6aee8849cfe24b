//! A cache file and the outcome of its check.

use super::check::check;
use super::facts::{Notes, Shape};
use crate::container::{Container, Damage, Kind};
use crate::data::Rows;
use crate::data::map::Map;
use crate::data::source::Stamp;
use crate::error::{Error, Result};
use std::fs::File;
use std::sync::{Arc, OnceLock};

/// The bytes of a file, with its header and the outcome of its check.
#[derive(Debug)]
pub(in crate::data) struct Cache {
    name: String,
    file: File,
    map: Arc<Map>,
    opened: Stamp,
    container: Container,
    shape: Shape,
    /// Outcome of the check of all rows, once it was made.
    outcome: OnceLock<Result<(), Damage>>,
}

impl Cache {
    /// Stamps `file`, of which `map` is a map and whose header was read.
    pub(super) fn new(
        name: String,
        file: File,
        map: Arc<Map>,
        container: Container,
        shape: Shape,
    ) -> Result<Self> {
        let opened = Stamp::of(&file.metadata().map_err(|error| Error::io(&*name, "read", error))?);
        Ok(Cache { name, file, map, opened, container, shape, outcome: OnceLock::new() })
    }

    /// Facts of the file beyond its rows.
    pub(super) fn notes(&self) -> &Notes {
        &self.shape.notes
    }

    /// Checks `rows`, all rows of this file, unless that was done. Reports if the file is mapped
    /// and was written to.
    pub(in crate::data) fn verify(&self, rows: Rows<'_>) -> Result<()> {
        let metadata =
            self.file.metadata().map_err(|error| Error::io(&*self.name, "read", error))?;
        if !self.map.is_copy() && Stamp::of(&metadata) != self.opened {
            return Err(Error::input(
                &*self.name,
                "was written to while it was in use",
                "a cache that is replaced by renaming",
                "make it again from the text with `wildsgd convert`, and start again",
            ));
        }
        self.insist(rows)
    }

    /// Checks `rows`, all rows of this file, unless that was done.
    pub(in crate::data) fn insist(&self, rows: Rows<'_>) -> Result<()> {
        // Not within the lock: a thread that waits for the parts of the check may get a task that
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

    /// The label of the text's first row, which determines the order of labels.
    pub(in crate::data) fn first_label(&self) -> f64 {
        self.shape.first_label
    }
}
