//! Losses defined by the caller, chosen at run time.

use std::fmt;

use super::Loss;
use crate::params::Real;

/// A convex loss that the caller defines. A [`Trainer`](crate::train::Trainer) trains with it, and
/// a [`Model`](crate::model::Model) with it can be saved, predict and be evaluated.
///
/// It is called once a visit, not inlined into the loop. For a loss that is inlined, implement
/// [`Loss`] and pass a [`Linear`](crate::problem::Linear) to [`minimize`](crate::train::minimize).
pub trait CustomLoss: Sync {
    /// Returns the name for model files and reports: 1 to 16 ASCII letters, digits or hyphens, and
    /// not the name of a loss of the crate.
    fn name(&self) -> &'static str;
    /// Returns true if labels are numbers to predict, false if they are two classes.
    fn is_regression(&self) -> bool;
    /// Returns the loss of score `s` against target `y` (+1 or -1 in classification, any number in
    /// regression).
    fn value(&self, y: f64, s: f64) -> f64;
    /// Returns the derivative of the loss by the score; a subgradient where there is a kink.
    fn slope(&self, y: f64, s: f64) -> f64;
}

impl Loss for &'static dyn CustomLoss {
    fn value(&self, y: f64, s: f64) -> f64 {
        (**self).value(y, s)
    }

    fn slope<R: Real>(&self, y: R, s: R) -> R {
        R::of((**self).slope(y.to_f64(), s.to_f64()))
    }
}

impl fmt::Debug for dyn CustomLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomLoss").field(&self.name()).finish()
    }
}

/// Two are equal if they have the same name.
impl PartialEq for dyn CustomLoss {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}
