//! The name of a loss, as settings and files spell it.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// Which loss a model was trained with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LossKind {
    /// `ln(1 + exp(-m))`, the only one whose scores become probabilities.
    Logistic,
    /// `max(0, 1 - m)`.
    Hinge,
    /// `max(0, 1 - m)^2`.
    SquaredHinge,
    /// `(y - s)^2 / 2`, for regression.
    Squared,
    /// Squared near the label and linear far from it, for regression.
    Huber,
}

impl LossKind {
    /// All kinds, in the order in which they are documented.
    pub const ALL: [LossKind; 5] =
        [LossKind::Logistic, LossKind::Hinge, LossKind::SquaredHinge, LossKind::Squared, LossKind::Huber];

    /// Whether labels are numbers to come close to, rather than one of two classes.
    pub fn is_regression(self) -> bool {
        matches!(self, LossKind::Squared | LossKind::Huber)
    }

    /// The name in settings and reports; [`LossKind::from_str`] reads it back.
    pub fn name(self) -> &'static str {
        match self {
            LossKind::Logistic => "logistic",
            LossKind::Hinge => "hinge",
            LossKind::SquaredHinge => "squared-hinge",
            LossKind::Squared => "squared",
            LossKind::Huber => "huber",
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
            expected: "logistic, hinge, squared-hinge, squared or huber",
            hint: "logistic suits most classification, squared most regression",
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
        let message = "log".parse::<LossKind>().unwrap_err().to_string();
        assert!(message.starts_with("loss is `log` (expected logistic, hinge,"), "{message}");
    }
}
