//! From a problem to a model: settings, step size search, epoch loop, stopping.

mod choice;
mod clustering;
mod descent;
mod dual;
mod epochs;
mod linear;
mod search;
mod settings;
#[cfg(test)]
mod tests;

pub use clustering::{Clustering, Clusters};
pub use descent::minimize;
pub use dual::ascend;
pub use epochs::{Began, Epoch, Evaluate, Event, FirstStep, Fit, StopReason};
pub use linear::{Trained, Trainer};
pub use settings::{Settings, Sharing, Solver};
