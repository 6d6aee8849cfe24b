//! The solvers: how a problem is minimized. Each has a rule and a stopping test of its own; one fit
//! driver runs their epochs.

mod bounds;
mod convergence;
mod convex;
mod driver;
pub(crate) mod dual;
mod fit;
pub(crate) mod interior;
mod linear;
pub(crate) mod newton;
mod penalty;
mod plan;
mod ranges;
pub(crate) mod saga;
mod settings;
pub(crate) mod sgd;
pub(crate) mod softmax;
#[cfg(test)]
mod strategy_tests;

pub(crate) use self::bounds::{
    Bounds, Duals, bounds, objective_at_zero, relative_gap, rounding, upper,
};
pub(crate) use self::convex::{Convex, ConvexLoss};
pub use self::driver::Evaluate;
pub use self::dual::fit_dual;
pub use self::fit::{Began, ClassFit, Epoch, Event, Fit, StopReason};
pub(crate) use self::interior::Known;
pub(crate) use self::linear::{AnyLinear, RulesOf, linear};
pub use self::saga::fit_saga;
pub use self::settings::{Precision, Settings, Solver};
pub(crate) use self::sgd::StepSize;
pub use self::sgd::{Penalty, Schedule, minimize};
