//! Report of a training.

use std::time::Duration;

use serde::Serialize;

use super::{Data, SCHEMA};
use crate::metrics::{Evaluation, label};
use crate::strategy::{StrategyKind, Update};
use crate::train::{self, Schedule, Solver, Trainer};

/// A training.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The training data.
    pub data: Data,
    /// The held-out data.
    pub test_data: Option<Data>,
    /// Time of shuffling, counting, and searching for a step size.
    pub prepare_seconds: f64,
    /// The settings, chosen by the user or by default.
    pub settings: Settings,
    /// The epochs in order, without those that were rolled back; empty with more than two classes.
    pub epochs: Vec<Epoch>,
    /// The classes, each against the rest, in the order of the model's labels; omitted unless there
    /// are more than two.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Class>,
    /// The results.
    #[serde(rename = "final")]
    pub outcome: Outcome,
}

/// Settings of a training.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// Name of the loss.
    pub loss: &'static str,
    /// Half-width of the tube in which the loss is 0, if the loss has one.
    pub epsilon: Option<f64>,
    /// Strength of the absolute values in the regularizer.
    pub l1: f64,
    /// Strength of the squares in the regularizer.
    pub l2: f64,
    /// Value of the constant feature, if there is one.
    pub bias: Option<f64>,
    /// True if the regularizer leaves the bias out.
    pub free_bias: bool,
    /// Weight of each class's examples, in the order of the model's labels; empty if all are 1.
    pub class_weights: Vec<f64>,
    /// True if each example has its own weight.
    pub example_weights: bool,
    /// Name of the strategy.
    pub strategy: &'static str,
    /// Reason for the choice, if `auto` made it.
    pub strategy_reason: Option<String>,
    /// Name of the solver.
    pub solver: &'static str,
    /// Precision of the weights during training: `f32` or `f64`.
    pub precision: &'static str,
    /// Kind of update: `wild`, `atomic`, `merged` or `split`; none with a sequential strategy.
    pub update: Option<&'static str>,
    /// Number of clusters that share a replica each; none without replicas.
    pub clusters: Option<usize>,
    /// Visits that a thread makes between taking the token and passing it on; none without
    /// replicas.
    pub update_delay: Option<usize>,
    /// True if each thread is pinned to one processor; none without replicas.
    pub pin: Option<bool>,
    /// Number of examples per batch, whose steps one thread plans on the same weights; none without
    /// batches.
    pub batch: Option<usize>,
    /// Number of threads that a round does not wait for; none without rounds.
    pub backup_workers: Option<usize>,
    /// Number of batches that a thread may be ahead of the slowest; none without such a bound.
    pub staleness_bound: Option<usize>,
    /// Access before reads: `blocking` if a thread waits for that bound, else `non-blocking`; none
    /// without such a bound.
    pub reads: Option<&'static str>,
    /// Access before writes, likewise.
    pub writes: Option<&'static str>,
    /// Number of epochs between averages of the threads' weights; none without averages.
    pub average_every: Option<usize>,
    /// Number of training threads.
    pub threads: usize,
    /// `ovr` if there are more than two classes, each trained against the rest.
    pub multiclass: Option<&'static str>,
    /// Step size of the first epoch; none with more than two classes, see [`Class::learning_rate`],
    /// and for a solver without step sizes.
    pub learning_rate: Option<f64>,
    /// True if that step size was searched for.
    pub learning_rate_searched: Option<bool>,
    /// Name of the schedule, with its parameter if it has one: `geometric:0.9`; none for a solver
    /// without step sizes.
    pub schedule: Option<String>,
    /// Seed of all random choices.
    pub seed: u64,
    /// Maximum number of epochs.
    pub epochs: usize,
    /// Relative gap that ends training; relative change of the objective for a solver without a
    /// gap.
    pub tolerance: f64,
    /// Maximum training time.
    pub time_limit_seconds: Option<f64>,
}

/// The state after an epoch.
#[derive(Clone, Debug, Serialize)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Training time since the start: see [`train::Epoch::train_time`].
    pub train_seconds: f64,
    /// Mean loss plus regularizer on the training data.
    pub objective: f64,
    /// Bound on the distance to the optimum, as a fraction of the objective: see
    /// [`train::Epoch::gap`].
    pub gap: Option<f64>,
    /// Measures on the held-out data.
    pub test: Option<Evaluation>,
}

/// A class against the rest.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// The class's label.
    #[serde(serialize_with = "label::one")]
    pub label: f64,
    /// Number of training examples with this label.
    pub examples: usize,
    /// Mean loss plus regularizer of the class against the rest: the lowest of all epochs.
    pub objective: f64,
    /// Number of epochs, without those that were rolled back.
    pub epochs: usize,
    /// Number of epochs that were rolled back.
    pub undone: usize,
    /// Step size of the first epoch; none for a solver without step sizes.
    pub learning_rate: Option<f64>,
    /// Bound on the distance to the optimum, as a fraction of the objective; none for a solver
    /// without one.
    pub gap: Option<f64>,
    /// Training time of this class.
    pub train_seconds: f64,
    /// Reason why its training ended.
    pub stop_reason: &'static str,
}

/// Results of a training.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Mean loss plus regularizer of the model on the training data: the lowest of all epochs. With
    /// more than two classes, the mean over the classes.
    pub objective: f64,
    /// Bound on the model's distance to the optimum, as a fraction of the objective; none for a
    /// solver without one.
    pub gap: Option<f64>,
    /// True if the model is certified to be within the tolerance of the optimum; of several
    /// classes, each one's weights.
    pub certified: bool,
    /// Name of the solver that went on where the first one did not lead to the tolerance.
    pub continued_by: Option<&'static str>,
    /// Measures on the training data.
    pub train: Evaluation,
    /// Measures on the held-out data.
    pub test: Option<Evaluation>,
    /// Training time: workers, and each pass that the stopping rule needs. With more than two
    /// classes, the search for each one's step size as well.
    pub train_seconds: f64,
    /// Time from the start of the process to the model on disk.
    pub total_seconds: f64,
    /// Number of epochs, without those that were rolled back; with more than two classes, of all
    /// together.
    pub epochs: usize,
    /// Entries visited per second of `train_seconds`, including rolled-back epochs. The visited
    /// examples of an epoch that was cut short count with the mean number of entries.
    pub nonzeros_per_second: f64,
    /// Maximum staleness of a gradient: the batches, or with round-robin the visits, that it did
    /// not include; none if the strategy does not measure it.
    pub most_staleness: Option<usize>,
    /// Mean staleness of the gradients.
    pub mean_staleness: Option<f64>,
    /// Fraction of the gradients that came too late and were dropped, if the strategy counts them.
    pub dropped_gradients: Option<f64>,
    /// Reason why training ended: `tolerance`, `stalled`, `epochs`, `time limit` or `interrupted`;
    /// with more than two classes, the last of these that ended one.
    pub stop_reason: &'static str,
}

impl Trained {
    /// Creates the report of a training by `trainer`; `total` is the time from the start of the
    /// process to the model on disk.
    pub fn new(trainer: &Trainer, trained: &train::Trained, data: Data, total: Duration) -> Self {
        let epochs = trained.fit.epochs.iter().map(Epoch::of).collect();
        Trained {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            prepare_seconds: trained.prepare_time.as_secs_f64(),
            settings: Settings::of(trainer, trained),
            epochs,
            classes: trained.classes.iter().map(Class::of).collect(),
            outcome: Outcome::of(trained, trainer.settings.tolerance, &data, total),
            data,
            test_data: None,
        }
    }

    /// Returns the report with the held-out data.
    pub fn with_test_data(mut self, data: Option<Data>) -> Self {
        self.test_data = data;
        self
    }
}

impl Settings {
    fn of(trainer: &Trainer, trained: &train::Trained) -> Self {
        let (settings, began) = (&trainer.settings, &trained.fit.began);
        let many = !trained.classes.is_empty();
        let bounds = match began.strategy {
            StrategyKind::BoundedStaleness(bounds) => Some(bounds),
            _ => None,
        };
        Settings {
            loss: trainer.loss.name(),
            epsilon: trainer.loss.epsilon(),
            l1: settings.penalty.l1,
            l2: trained.l2,
            bias: trainer.bias,
            free_bias: trainer.free_bias && trainer.bias.is_some(),
            class_weights: trained.class_weights.clone(),
            example_weights: trainer.weights.examples.is_some(),
            strategy: began.strategy.name(),
            strategy_reason: began.reason.clone(),
            solver: trained.solver.name(),
            precision: trained.precision.name(),
            update: began.strategy.update().map(Update::name),
            clusters: began.layout.map(|layout| layout.clusters),
            update_delay: began.layout.map(|layout| layout.update_delay),
            pin: began.layout.map(|layout| layout.pin),
            batch: began.strategy.takes_batches().then(|| settings.batch()),
            backup_workers: match began.strategy {
                StrategyKind::Synchronous { backups } => Some(backups),
                _ => None,
            },
            staleness_bound: bounds.and_then(|bounds| bounds.staleness),
            reads: bounds.map(|bounds| bounds.reads.name()),
            writes: bounds.map(|bounds| bounds.writes.name()),
            average_every: match began.strategy {
                StrategyKind::Averaging { every } => Some(every),
                _ => None,
            },
            threads: began.workers,
            multiclass: many.then_some("ovr"),
            learning_rate: began.learning_rate.filter(|_| !many),
            learning_rate_searched: began.learning_rate.map(|_| began.searched),
            schedule: began.learning_rate.map(|_| schedule_name(settings.schedule)),
            seed: settings.seed,
            epochs: settings.epochs,
            tolerance: settings.tolerance,
            time_limit_seconds: settings.time_limit.map(|limit| limit.as_secs_f64()),
        }
    }
}

/// Returns the name of a schedule, with its parameter if it has one.
pub(super) fn schedule_name(schedule: Schedule) -> String {
    match schedule {
        Schedule::Geometric { decay } => format!("{}:{decay}", schedule.name()),
        schedule => schedule.name().into(),
    }
}

impl Epoch {
    pub(super) fn of(epoch: &train::Epoch) -> Self {
        Epoch {
            epoch: epoch.epoch,
            train_seconds: epoch.train_time.as_secs_f64(),
            objective: epoch.objective,
            gap: epoch.gap,
            test: epoch.test,
        }
    }
}

impl Class {
    fn of(class: &train::ClassFit) -> Self {
        Class {
            label: class.label,
            examples: class.examples,
            objective: class.objective,
            epochs: class.epochs,
            undone: class.undone,
            learning_rate: class.learning_rate,
            gap: class.gap,
            train_seconds: class.train_time.as_secs_f64(),
            stop_reason: class.stop.name(),
        }
    }
}

impl Outcome {
    fn of(trained: &train::Trained, tolerance: f64, data: &Data, total: Duration) -> Self {
        let fit = &trained.fit;
        let train_seconds = fit.train_time.as_secs_f64();
        let per_visit = data.nonzeros as f64 / data.examples as f64;
        let staleness = fit.began.progress.staleness();
        Outcome {
            objective: fit.objective,
            gap: fit.gap,
            certified: trained.is_certified(tolerance),
            continued_by: fit.continued.map(Solver::name),
            train: trained.train,
            test: trained.test,
            train_seconds,
            total_seconds: total.as_secs_f64(),
            epochs: fit.epochs.len()
                + trained.classes.iter().map(|class| class.epochs).sum::<usize>(),
            nonzeros_per_second: fit.visits as f64 * per_visit / train_seconds,
            most_staleness: staleness.map(|staleness| staleness.most),
            mean_staleness: staleness.map(|staleness| staleness.mean),
            dropped_gradients: fit.began.progress.dropped(),
            stop_reason: fit.stop.name(),
        }
    }
}
