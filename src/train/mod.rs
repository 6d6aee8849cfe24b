//! From a problem to a model: settings, step size search, epoch loop, stopping.

mod certificate;
mod choice;
mod clustering;
mod dense;
mod descent;
mod dual;
mod epochs;
mod factorize;
mod linear;
mod newton;
mod one_vs_rest;
mod outlook;
mod saga;
mod search;
mod settings;
mod sharing;
mod target;
#[cfg(test)]
mod tests;
mod weights;

pub use clustering::{Clustering, Clusters};
pub use descent::minimize;
pub use dual::ascend;
pub use epochs::{Began, Epoch, Evaluate, Event, FirstStep, Fit, StopReason};
pub use factorize::{Factorized, Factorizer};
pub use linear::{Trained, Trainer};
pub use one_vs_rest::{ClassFit, Classes, Multiclass};
pub use saga::reduce_variance;
pub use settings::{Precision, Settings, Solver};
pub(crate) use sharing::BATCH;
pub use sharing::Sharing;
pub use target::{Optimum, Reached};
pub use weights::ExampleWeights;
