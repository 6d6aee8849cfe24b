//! The reason why a file is not what it should be.

use super::Kind;
use crate::error::Error;

/// A fault of a file, and what was expected instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) what: String,
    pub(crate) expected: String,
}

impl Damage {
    pub(crate) fn new(what: impl Into<String>, expected: impl Into<String>) -> Self {
        Damage { what: what.into(), expected: expected.into() }
    }

    /// The error for the file `name`, which should be a whole `kind`.
    pub(crate) fn into_error(self, name: impl Into<String>, kind: Kind) -> Error {
        Error::input(name, self.what, self.expected, kind.remedy())
    }
}
