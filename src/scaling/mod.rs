//! Scaling of training with threads on this machine, measured beside a plain loop, the memory's
//! speed, and a model.
//!
//! Every point is a number of whole trainings, each with another order of the examples. They are
//! interleaved with those of all other points, so that a disturbance of the machine affects all of
//! them. A point contains the speed of its epochs *and* the time to the certified optimum:
//! throughput alone does not show what racing threads lose. The baseline is not a slow one:
//! speed-ups are relative to the best single thread, of the plain loop ([`Scaling::plain`]) and all
//! strategies.
//!
//! The models are linear without a bias, trained by stochastic gradient descent with the default
//! step sizes.

mod floor;
mod measure;
mod pieces;
mod plain;
mod plan;
mod point;
mod prediction;
mod rehearsal;
mod run;
mod series;
mod sharing_cost;
mod spread;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use pieces::Pieces;
pub use plan::{Input, Plan, Stage, Target};
pub use point::{Point, Prediction, Step, ToGap, ToTarget};
pub use spread::Spread;

use crate::error::Error;

/// Distances to the optimum that are timed, as fractions of it.
pub const GAPS: [f64; 2] = [0.01, 0.001];

/// The whole comparison. All times are in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Scaling {
    /// Name of the loss.
    pub loss: &'static str,
    /// Half-width of the tube in which the loss is 0, if the loss has one.
    pub epsilon: Option<f64>,
    /// Strength of the squares in the regularizer.
    pub l2: f64,
    /// Number of trainings per point.
    pub repeats: usize,
    /// Maximum number of epochs per training.
    pub most_epochs: usize,
    /// Time after which the running epoch is the last one of a training.
    pub most_seconds: f64,
    /// Seed of the first training.
    pub seed: u64,
    /// Number of processors that this process may use.
    pub processors: usize,
    /// Target to which trainings were timed, besides the optimum.
    pub target: Option<Target>,
    /// The certified optimum.
    pub optimum: Certified,
    /// Lower bound on the time of an epoch for each number of threads.
    pub streaming: Vec<Floor>,
    /// The plain loop on one thread.
    pub plain: Point,
    /// Fastest single thread, to which speed-ups are relative.
    pub best_single: Best,
    /// Epoch time of the first point, sequential, as a multiple of that of the plain loop: 1 is as
    /// fast, more is slower. The median of the ratios of all rounds, whose two trainings followed
    /// each other.
    pub first_against_plain: Spread,
    /// Measured times of single operations.
    pub pieces: Pieces,
    /// All points with all data, ordered by strategy, then by number of threads.
    pub strong: Vec<Point>,
    /// All points with data in proportion to the threads; speed-up and efficiency are relative to
    /// the best single thread on its part.
    pub weak: Vec<Point>,
}

/// An optimum with its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// The lowest objective found.
    pub objective: f64,
    /// Bound on its distance to the optimum, as a fraction of itself.
    pub gap: f64,
    /// Time to find it, on all processors.
    pub seconds: f64,
}

/// Lower bound on the time of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Number of threads.
    pub threads: usize,
    /// Time to read the indices and values of all rows.
    pub seconds: Spread,
    /// Bytes read per second, from the median.
    pub bytes_per_second: f64,
    /// Non-zeros read per second, from the median.
    pub nonzeros_per_second: f64,
    /// Time of an epoch without work.
    pub barrier_seconds: f64,
}

/// The best single thread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Its strategy.
    pub strategy: String,
    /// Non-zeros visited per second.
    pub nonzeros_per_second: f64,
    /// Shortest time from checked rows to each gap of [`GAPS`], of any single thread.
    pub seconds_to_gaps: Vec<Option<f64>>,
}

fn diverged() -> Error {
    Error::Diverged {
        what: "no epoch could be timed".into(),
        hint: "scale the features down, for example to rows of length 1",
    }
}
