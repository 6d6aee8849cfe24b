//! The choice of a loss at run time.

use std::fmt;
use std::str::FromStr;

use super::{Hinge, Huber, Logistic, Loss, Squared, SquaredHinge};
use crate::error::Error;

/// The losses that come with the crate, as a choice made at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LossKind {
    /// [`Logistic`]
    #[default]
    Logistic,
    /// [`Hinge`]
    Hinge,
    /// [`SquaredHinge`]
    SquaredHinge,
    /// [`Squared`]
    Squared,
    /// [`Huber`]
    Huber,
    /// [`Softmax`](crate::problem::Softmax), of all classes at once; of two classes, [`Logistic`] of the difference of their scores.
    Softmax,
}

impl LossKind {
    /// All of them.
    pub const ALL: [LossKind; 6] = [
        LossKind::Logistic,
        LossKind::Hinge,
        LossKind::SquaredHinge,
        LossKind::Squared,
        LossKind::Huber,
        LossKind::Softmax,
    ];

    /// Whether labels are numbers to be met rather than two classes to be told apart.
    pub fn is_regression(self) -> bool {
        matches!(self, LossKind::Squared | LossKind::Huber)
    }

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            LossKind::Logistic => "logistic",
            LossKind::Hinge => "hinge",
            LossKind::SquaredHinge => "squared-hinge",
            LossKind::Squared => "squared",
            LossKind::Huber => "huber",
            LossKind::Softmax => "softmax",
        }
    }

    /// The loss of score `s` against target `y`, as [`Loss::value`]; of softmax, that of two classes.
    pub fn value(self, y: f64, s: f64) -> f64 {
        match self {
            LossKind::Logistic | LossKind::Softmax => Logistic.value(y, s),
            LossKind::Hinge => Hinge.value(y, s),
            LossKind::SquaredHinge => SquaredHinge.value(y, s),
            LossKind::Squared => Squared.value(y, s),
            LossKind::Huber => Huber.value(y, s),
        }
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LossKind {
    type Err = Error;

    /// # Errors
    /// [`Error::Parameter`] if no loss has this name.
    fn from_str(name: &str) -> Result<Self, Error> {
        LossKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| Error::Parameter {
            name: "loss",
            value: format!("`{name}`"),
            expected: "logistic, hinge, squared-hinge, squared, huber or softmax",
            hint: "choose one of the losses",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in LossKind::ALL {
            assert_eq!(kind.name().parse::<LossKind>().unwrap(), kind);
        }
        assert!("log".parse::<LossKind>().is_err());
    }
}
