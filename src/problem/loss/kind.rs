//! The choice of a loss at run time.

use std::fmt;
use std::str::FromStr;

use super::{CustomLoss, Loss};
use crate::error::{Error, Result};

/// A loss chosen at run time: one of the crate's, or one defined by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum LossKind {
    /// [`Logistic`](super::Logistic)
    #[default]
    Logistic,
    /// [`Hinge`](super::Hinge)
    Hinge,
    /// [`SquaredHinge`](super::SquaredHinge)
    SquaredHinge,
    /// [`Squared`](super::Squared)
    Squared,
    /// [`Huber`](super::Huber)
    Huber,
    /// [`EpsilonInsensitive`](super::EpsilonInsensitive)
    EpsilonInsensitive {
        /// Half-width of the tube without a loss, in units of the labels, finite and at least 0.
        epsilon: f64,
    },
    /// [`Softmax`](crate::problem::Softmax), of all classes at once; of two classes,
    /// [`Logistic`](super::Logistic) of the difference of their scores.
    Softmax,
    /// A loss defined by the caller; the solver is sgd.
    Custom(&'static dyn CustomLoss),
}

/// Most bytes of a loss's name, as model files hold it.
const NAME: usize = 16;

impl LossKind {
    /// The epsilon-insensitive loss with the epsilon that LIBLINEAR takes by default (its `-p`):
    /// 0.1.
    pub const EPSILON_INSENSITIVE: LossKind = LossKind::EpsilonInsensitive { epsilon: 0.1 };

    /// The losses of the crate, with the usual epsilon.
    pub const ALL: [LossKind; 7] = [
        LossKind::Logistic,
        LossKind::Hinge,
        LossKind::SquaredHinge,
        LossKind::Squared,
        LossKind::Huber,
        LossKind::EPSILON_INSENSITIVE,
        LossKind::Softmax,
    ];

    /// Returns true if labels are numbers to predict, false if they are classes.
    pub fn is_regression(self) -> bool {
        match self {
            LossKind::Squared | LossKind::Huber | LossKind::EpsilonInsensitive { .. } => true,
            LossKind::Logistic | LossKind::Hinge | LossKind::SquaredHinge | LossKind::Softmax => {
                false
            }
            LossKind::Custom(loss) => loss.is_regression(),
        }
    }

    /// Returns true if the loss has a kink, which solvers for smooth losses refuse.
    pub fn has_kink(self) -> bool {
        matches!(self, LossKind::Hinge | LossKind::EpsilonInsensitive { .. })
    }

    /// Half-width of the tube without a loss, if there is one.
    pub fn epsilon(self) -> Option<f64> {
        match self {
            LossKind::EpsilonInsensitive { epsilon } => Some(epsilon),
            _ => None,
        }
    }

    /// Checks the range of epsilon and the name of a custom loss.
    ///
    /// # Errors
    /// [`Error::Parameter`] if epsilon is negative or above 3.4e38, or if a custom loss has a name
    /// that [`CustomLoss::name`](super::CustomLoss::name) rules out.
    pub fn check(self) -> Result<()> {
        if let LossKind::Custom(loss) = self {
            let name = loss.name();
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let is_taken = LossKind::ALL.iter().any(|kind| kind.name() == name);
            if name.is_empty() || name.len() > NAME || !is_plain || is_taken {
                return Err(Error::Parameter {
                    name: "loss",
                    value: format!("`{name}`"),
                    expected: "a name of 1 to 16 ASCII letters, digits or hyphens that no loss of the crate has",
                    hint: "give the loss another name",
                });
            }
        }
        let most = f64::from(f32::MAX);
        match self.epsilon().filter(|epsilon| !(0.0..=most).contains(epsilon)) {
            None => Ok(()),
            Some(epsilon) => Err(Error::Parameter {
                name: "epsilon",
                value: epsilon.to_string(),
                expected: "a number from 0 to 3.4e38",
                hint: "0.1 is usual; errors up to this size cost nothing",
            }),
        }
    }

    /// Returns the name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            LossKind::Logistic => "logistic",
            LossKind::Hinge => "hinge",
            LossKind::SquaredHinge => "squared-hinge",
            LossKind::Squared => "squared",
            LossKind::Huber => "huber",
            LossKind::EpsilonInsensitive { .. } => "epsilon-insensitive",
            LossKind::Softmax => "softmax",
            LossKind::Custom(loss) => loss.name(),
        }
    }

    /// Returns the loss of score `s` against target `y`, as [`Loss::value`]; for softmax, that of
    /// two classes.
    pub fn value(self, y: f64, s: f64) -> f64 {
        with_loss!(self, loss => loss.value(y, s))
    }
}

/// Evaluates an expression with the loss that a kind names; for softmax, with that of two classes.
macro_rules! with_loss {
    ($kind:expr, $loss:ident => $body:expr) => {
        $crate::problem::with_loss!($kind, $loss => $body, $loss => $body)
    };
    // A custom loss may need another expression: it has no conjugate and no curvature.
    ($kind:expr, $loss:ident => $body:expr, $custom:ident => $custom_body:expr) => {{
        use $crate::problem::{EpsilonInsensitive, Hinge, Huber, Logistic, LossKind, Squared, SquaredHinge};
        match $kind {
            LossKind::Logistic | LossKind::Softmax => {
                let $loss = Logistic;
                $body
            }
            LossKind::Hinge => {
                let $loss = Hinge;
                $body
            }
            LossKind::SquaredHinge => {
                let $loss = SquaredHinge;
                $body
            }
            LossKind::Squared => {
                let $loss = Squared;
                $body
            }
            LossKind::Huber => {
                let $loss = Huber;
                $body
            }
            LossKind::EpsilonInsensitive { epsilon } => {
                let $loss = EpsilonInsensitive { epsilon };
                $body
            }
            LossKind::Custom($custom) => $custom_body,
        }
    }};
}

pub(crate) use with_loss;

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for LossKind {
    type Err = Error;

    /// Returns the loss of this name, with the usual epsilon.
    ///
    /// # Errors
    /// [`Error::Parameter`] if no loss has this name.
    fn from_str(name: &str) -> Result<Self> {
        LossKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| Error::Parameter {
            name: "loss",
            value: format!("`{name}`"),
            expected: "logistic, hinge, squared-hinge, squared, huber, epsilon-insensitive or softmax",
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

    #[test]
    fn an_epsilon_is_in_the_range_of_f32_and_not_negative() {
        for epsilon in [0.0, 0.1, 1e30] {
            LossKind::EpsilonInsensitive { epsilon }.check().unwrap();
        }
        for epsilon in [-0.1, f64::NAN, f64::INFINITY, 1e39] {
            let message = LossKind::EpsilonInsensitive { epsilon }.check().unwrap_err().to_string();
            let expected = format!("epsilon is {epsilon} (expected a number from 0 to 3.4e38)");
            assert!(message.starts_with(&expected), "{message}");
        }
    }
}
