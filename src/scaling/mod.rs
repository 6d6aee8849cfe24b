//! How training scales with threads on this machine: measured beside a plain loop, the memory's
//! speed, and a model.
//!
//! Every point is a number of whole trainings, each with another order of the examples, interleaved
//! with those of all other points, so that a neighbor on the machine disturbs all alike. A point
//! says how fast its epochs are *and* when it came near the certified optimum: throughput alone
//! says nothing of what racing threads lose. The first point is not a slow one: speed-ups are
//! against the best single thread, of the plain loop ([`Scaling::plain`]) and all strategies.
//!
//! Linear models without a bias, by stochastic gradient descent with the default step sizes.

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
pub use point::{Point, Step, ToGap, ToTarget};
pub use prediction::Prediction;
pub use spread::Spread;

use crate::error::Error;

/// Shares of the optimum that trainings are timed down to.
pub const GAPS: [f64; 2] = [0.01, 0.001];

/// The whole comparison. All times are in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Scaling {
    /// Name of the loss.
    pub loss: &'static str,
    /// Half-width of the tube without a loss, if the loss has one.
    pub epsilon: Option<f32>,
    /// Strength of the squares in the regularizer.
    pub l2: f64,
    /// Trainings a point.
    pub repeats: usize,
    /// Most epochs of a training.
    pub most_epochs: usize,
    /// Time after which the epoch that is running is the last one of a training.
    pub most_seconds: f64,
    /// Seed of the first training.
    pub seed: u64,
    /// Processors that this process may use.
    pub processors: usize,
    /// What trainings were timed to, beside the optimum.
    pub target: Option<Target>,
    /// The certified optimum.
    pub optimum: Certified,
    /// The least time of an epoch at each number of threads.
    pub streaming: Vec<Floor>,
    /// The plain loop on one thread.
    pub plain: Point,
    /// The fastest single thread: what speed-ups are against.
    pub best_single: Best,
    /// How the time of the first point, sequential, compares with that of the plain loop: 1 is as
    /// fast, more is slower. The median of the ratios of each round, whose two trainings followed
    /// each other.
    pub first_against_plain: Spread,
    /// What single steps cost.
    pub pieces: Pieces,
    /// All points with all data, strategy by strategy, threads ascending.
    pub strong: Vec<Point>,
    /// All points with data in proportion to the threads; speed-up and efficiency are against the
    /// best single thread on its part.
    pub weak: Vec<Point>,
}

/// An optimum with its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// The lowest objective found.
    pub objective: f64,
    /// A bound of its distance to the least, as a share of itself.
    pub gap: f64,
    /// Time of finding it, on all processors.
    pub seconds: f64,
}

/// The least time of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Number of threads.
    pub threads: usize,
    /// Time of reading the indices and values of all rows.
    pub seconds: Spread,
    /// Bytes read a second, from the median.
    pub bytes_per_second: f64,
    /// Non-zeros read a second, from the median.
    pub nonzeros_per_second: f64,
    /// Time of an epoch that has nothing to do.
    pub barrier_seconds: f64,
}

/// The best of all single threads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Its strategy.
    pub strategy: String,
    /// Non-zeros visited a second.
    pub nonzeros_per_second: f64,
    /// The least time from checked rows to each gap of [`GAPS`], of any single thread.
    pub seconds_to_gaps: Vec<Option<f64>>,
}

fn diverged() -> Error {
    Error::Diverged {
        what: "no epoch could be timed".into(),
        hint: "scale the features down, for example to rows of length 1",
    }
}
