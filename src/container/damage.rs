//! Why a file is not what it should be.

use super::header::Kind;
use crate::error::Error;

/// What is wrong with a file, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) what: String,
    pub(crate) expected: String,
}

impl Damage {
    pub(crate) fn new(what: impl Into<String>, expected: impl Into<String>) -> Self {
        Damage { what: what.into(), expected: expected.into() }
    }

    /// The error for the file `name`, of which a whole `kind` was expected.
    pub(crate) fn into_error(self, name: impl Into<String>, kind: Kind) -> Error {
        Error::input(name, self.what, self.expected, kind.remedy())
    }
}
