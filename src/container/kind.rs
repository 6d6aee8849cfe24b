//! The kinds of files of the family.

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows with labels: 1.
    Dataset,
    /// A trained model: 2.
    Model,
    /// A trained matrix completion: 3.
    Factors,
}

impl Kind {
    pub(super) fn number(self) -> u32 {
        match self {
            Kind::Dataset => 1,
            Kind::Model => 2,
            Kind::Factors => 3,
        }
    }

    pub(super) fn of_number(number: u32) -> Option<Self> {
        [Kind::Dataset, Kind::Model, Kind::Factors].into_iter().find(|kind| kind.number() == number)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Dataset => "a data cache",
            Kind::Model => "a native model",
            Kind::Factors => "a model of ratings",
        }
    }

    /// Advice for a damaged file of this kind.
    pub(super) fn remedy(self) -> &'static str {
        match self {
            Kind::Dataset => "make it again from the text with `wildsgd convert`",
            Kind::Model | Kind::Factors => "copy it again from where it was made, or train again",
        }
    }
}
