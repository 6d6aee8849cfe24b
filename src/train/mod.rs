//! From data to a model: facades over the solvers.

mod factorize;
mod linear;
mod one_vs_rest;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod weights;

pub use self::factorize::{Factorized, Factorizer};
pub use self::linear::{Trained, Trainer};
pub use self::one_vs_rest::Multiclass;
pub(crate) use self::target::Optimum;
pub use self::weights::ExampleWeights;
pub use crate::solver::{
    Began, ClassFit, Epoch, Evaluate, Event, Fit, Penalty, Precision, Schedule, Settings, Solver,
    StopReason, fit_dual, fit_saga, minimize,
};
