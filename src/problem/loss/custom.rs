//! A loss of the caller's own, as a choice made at run time.

use std::fmt;

use super::Loss;
use crate::params::Real;

/// A convex loss of the caller's own that a [`Trainer`](crate::train::Trainer) trains with, and
/// that a [`Model`](crate::model::Model) keeps, predicts and is evaluated by.
///
/// It is called once a visit, not inlined into the loop; whoever wants that implements [`Loss`] and
/// hands [`Linear`](crate::problem::Linear) to [`minimize`](crate::train::minimize).
pub trait CustomLoss: Sync {
    /// The name in model files and reports: 1 to 16 ASCII letters, digits or hyphens, and none of
    /// the crate's own.
    fn name(&self) -> &'static str;
    /// Whether labels are numbers to be met rather than two classes to be told apart.
    fn is_regression(&self) -> bool;
    /// The loss of score `s` against target `y` (+1 or -1 in classification, any number in
    /// regression).
    fn value(&self, y: f64, s: f64) -> f64;
    /// The derivative of the loss by the score; a subgradient where there is a kink.
    fn slope(&self, y: f64, s: f64) -> f64;
}

/// A reference to a [`CustomLoss`]. Two are equal if they have the same name.
#[derive(Clone, Copy)]
pub struct Custom(pub &'static dyn CustomLoss);

impl Loss for Custom {
    fn value(&self, y: f64, s: f64) -> f64 {
        self.0.value(y, s)
    }

    fn slope<R: Real>(&self, y: R, s: R) -> R {
        R::of(self.0.slope(y.to_f64(), s.to_f64()))
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Custom").field(&self.0.name()).finish()
    }
}

impl PartialEq for Custom {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}
