//! How a problem is minimized: the solvers, each with its rule and its stopping test, and the
//! driver of their epochs.

mod convergence;
mod driver;
pub(crate) mod dual;
mod fit;
mod linear;
pub(crate) mod newton;
mod penalty;
mod plan;
pub(crate) mod saga;
mod settings;
pub(crate) mod sgd;

pub use self::driver::Evaluate;
pub use self::dual::fit_dual;
pub use self::fit::{Began, ClassFit, Classes, Epoch, Event, FirstStep, Fit, StopReason};
pub(crate) use self::linear::{AnyLinear, RulesOf, linear};
pub use self::saga::fit_saga;
pub use self::settings::{Precision, Settings, Solver};
pub use self::sgd::{Penalty, Schedule, StepSize, minimize};
