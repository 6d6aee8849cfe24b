//! From a problem to a model: settings, step size search, epoch loop, stopping.

mod clustering;
mod epochs;
mod linear;
mod one_vs_rest;
mod search;
mod settings;
#[cfg(test)]
mod tests;
mod weights;

pub use clustering::{Clustering, Clusters};
pub use epochs::{Began, Epoch, Evaluate, Event, Fit, StopReason, minimize};
pub use linear::{Trained, Trainer};
pub use one_vs_rest::{ClassFit, Classes, Multiclass};
pub use settings::{Settings, Sharing};
pub use weights::ExampleWeights;
