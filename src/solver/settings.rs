//! The settings of a fit, and their legal ranges.

use crate::sync::plain::AtomicBool;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Penalty, Schedule, ranges};
use crate::error::{Error, Result};
use crate::strategy::{Delay, StrategyKind};

/// The solver of a linear model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Solver {
    /// Dual ascent with l2 and no l1, variance reduction with l1 and a smooth loss, and the
    /// interior-point method where neither applies or reaches the tolerance. Stochastic gradient
    /// descent for custom losses, and where a step size, a schedule or a strategy of its own is
    /// given ([`Trainer::choose`](crate::train::Trainer::choose)).
    #[default]
    Auto,
    /// Stochastic gradient descent: [`minimize`](super::minimize).
    Sgd,
    /// Dual coordinate ascent: [`fit_dual`](super::fit_dual).
    Dual,
    /// Variance reduction, for smooth losses: [`fit_saga`](super::fit_saga).
    Saga,
    /// A primal-dual interior-point method, for all losses of the crate and any regularizer, on
    /// data of any scale. Its steps are few and slow where there are many features.
    Interior,
}

impl Solver {
    /// Returns the name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Solver::Auto => "auto",
            Solver::Sgd => "sgd",
            Solver::Dual => "dual",
            Solver::Saga => "saga",
            Solver::Interior => "interior",
        }
    }
}

/// Floating-point type of the weights during training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32, but f64 for a tolerance below 1e-6. Where f32 does not lead to the tolerance, the
    /// solver that goes on uses f64.
    #[default]
    Auto,
    /// Half the memory and time. Gaps below about 1e-6 of the objective are out of reach; with a
    /// small l2 that limit is higher.
    F32,
    /// Gaps down to 1e-9 of the objective are within reach.
    F64,
}

impl Precision {
    /// Returns the name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Auto => "auto",
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        }
    }
}

/// Settings of a fit. All have defaults; [`minimize`](super::minimize) checks them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Strengths of the regularizer, finite and at least 0. Default 0.
    pub penalty: Penalty,
    /// Strategy by which workers share the weights. Default auto.
    pub strategy: StrategyKind,
    /// Number of workers; 0, the default, means one per core. Sequential training always has one
    /// worker; this many threads, or one if this is 0, then make the dense passes between epochs.
    pub threads: usize,
    /// If set, each worker stays on one processor, where the system supports that. Default no.
    pub pin: bool,
    /// Terms whose visits each worker plans on the same weights, at least 1. Their steps add up, so
    /// a larger batch needs a smaller step size where terms have coordinates in common. A larger
    /// batch synchronizes less often, and takes more visits to the same objective. Default 16 for
    /// strategies that exchange batches, 1 for sequential training; others have no batches.
    pub batch: Option<usize>,
    /// Delays to inject into workers, for experiments. Default none.
    pub delays: Vec<Delay>,
    /// First step size, above 0. With `None`, the default, it is found by a search.
    pub learning_rate: Option<f64>,
    /// Schedule of the step size. A plateau lasts while epochs gain more than the tolerance, if
    /// that is less than its `gain`.
    pub schedule: Schedule,
    /// Maximum number of epochs, at least 1. Default 1000.
    pub epochs: usize,
    /// Training ends when the gap, as a fraction of the objective, is at most this. Stochastic
    /// gradient descent has no gap; it ends when each of three consecutive epochs changed the
    /// objective by less than this fraction. At least 0; 0 never stops. Default 1e-3.
    pub tolerance: f64,
    /// Time limit of training. Default none.
    pub time_limit: Option<Duration>,
    /// Seed of all random choices. Default 1.
    pub seed: u64,
    /// File to map the weights to, so that other processes can read them. Default none: anonymous
    /// memory.
    pub params: Option<PathBuf>,
    /// Interrupt flag: once any thread sets it to true, training ends after the current blocks. A
    /// [`Trainer`](crate::train::Trainer) that has ended so sets it back to false.
    pub interrupt: Arc<AtomicBool>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            penalty: Penalty::default(),
            strategy: StrategyKind::Auto,
            threads: 0,
            pin: false,
            batch: None,
            delays: Vec::new(),
            learning_rate: None,
            schedule: Schedule::default(),
            epochs: 1000,
            tolerance: 1e-3,
            time_limit: None,
            seed: 1,
            params: None,
            interrupt: Arc::default(),
        }
    }
}

impl Settings {
    /// Returns the number of workers, with the default resolved.
    pub fn workers(&self) -> usize {
        match (self.strategy, self.threads) {
            (StrategyKind::Sequential, _) => 1,
            (_, 0) => thread::available_parallelism().map_or(1, usize::from),
            (_, threads) => threads,
        }
    }

    /// Returns the size of a batch, with the default resolved.
    pub fn batch(&self) -> usize {
        self.batch.unwrap_or(self.strategy.usual_batch())
    }

    /// Checks all ranges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first setting that is out of its range.
    pub fn check(&self) -> Result<()> {
        let finite = "a finite number, 0 or larger";
        let rules = [
            ("l1", self.penalty.l1, self.penalty.l1 >= 0.0, finite, "0 switches it off"),
            ("l2", self.penalty.l2, self.penalty.l2 >= 0.0, finite, "0 switches it off"),
            ("tolerance", self.tolerance, self.tolerance >= 0.0, finite, "0 runs all epochs"),
            (
                "learning rate",
                self.learning_rate.unwrap_or(1.0),
                self.learning_rate.is_none_or(|rate| rate > 0.0),
                "a finite number above 0",
                "leave it out to search for one",
            ),
        ];
        for (name, value, legal, expected, hint) in rules {
            if !(legal && value.is_finite()) {
                return Err(Error::Parameter { name, value: value.to_string(), expected, hint });
            }
        }
        if self.epochs == 0 {
            return Err(Error::Parameter {
                name: "epochs",
                value: "0".into(),
                expected: "1 or more",
                hint: "leave it out, and training ends when the objective settles",
            });
        }
        if self.threads > MOST_THREADS {
            return Err(Error::Parameter {
                name: "threads",
                value: self.threads.to_string(),
                expected: "at most 4096",
                hint: "one thread per core is the default",
            });
        }
        let workers = self.workers();
        ranges::check_strategy(self.strategy, workers, self.batch, self.penalty.l1)?;
        ranges::check_delays(&self.delays, workers)?;
        self.check_schedule()
    }

    fn check_schedule(&self) -> Result<()> {
        let (name, value, legal) = match self.schedule {
            Schedule::Geometric { decay } => ("decay", decay, decay > 0.0 && decay <= 1.0),
            Schedule::Plateau { factor, .. } => ("factor", factor, factor > 0.0 && factor < 1.0),
            Schedule::Constant | Schedule::Inverse => return Ok(()),
        };
        if legal {
            return Ok(());
        }
        Err(Error::Parameter {
            name,
            value: value.to_string(),
            expected: "a number between 0 and 1",
            hint: "0.8 to 0.9 per epoch is usual",
        })
    }
}

/// Limit on threads: far above any machine, and far below what makes thread creation fail.
const MOST_THREADS: usize = 4096;
