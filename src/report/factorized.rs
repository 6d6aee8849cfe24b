//! Reports of a matrix completion, and of its model on other ratings.

use std::time::Duration;

use serde::Serialize;

use super::trained::schedule_name;
use super::{Epoch, SCHEMA};
use crate::data::Ratings;
use crate::model::{Evaluation, Factors};
use crate::strategy::Update;
use crate::train::{self, Factorizer};

/// A training on ratings. Keys have the same meaning as in [`Trained`](super::Trained).
#[derive(Clone, Debug, Serialize)]
pub struct Factorized {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The training data.
    pub data: RatingsData,
    /// The held-out data.
    pub test_data: Option<RatingsData>,
    /// Time of shuffling, counting, and searching for a step size.
    pub prepare_seconds: f64,
    /// The settings, chosen by the user or by default.
    pub settings: FactorSettings,
    /// The epochs in order, without those that were rolled back.
    pub epochs: Vec<Epoch>,
    /// The results.
    #[serde(rename = "final")]
    pub outcome: FactorOutcome,
}

/// Ratings in a file.
#[derive(Clone, Debug, Serialize)]
pub struct RatingsData {
    /// The file's name, or `<stdin>`.
    pub path: String,
    /// Number of ratings.
    pub ratings: usize,
    /// Number of users with a rating.
    pub users: usize,
    /// Number of items with a rating.
    pub items: usize,
    /// Time from opening the file to checked ratings.
    pub load_seconds: f64,
}

impl RatingsData {
    /// Describes `ratings`, read from `path` in `load_time`.
    pub fn of(path: &str, ratings: &Ratings, load_time: Duration) -> Self {
        RatingsData {
            path: path.into(),
            ratings: ratings.all().len(),
            users: ratings.users().len(),
            items: ratings.items().len(),
            load_seconds: load_time.as_secs_f64(),
        }
    }
}

/// Settings of a matrix completion.
#[derive(Clone, Debug, Serialize)]
pub struct FactorSettings {
    /// Number of factors.
    pub rank: usize,
    /// Strength of the squares in the regularizer.
    pub l2: f64,
    /// Name of the strategy.
    pub strategy: &'static str,
    /// Reason for the choice, if `auto` made it.
    pub strategy_reason: Option<String>,
    /// Kind of update: `wild`, `atomic` or `merged`; none with a sequential strategy.
    pub update: Option<&'static str>,
    /// Number of clusters that share a replica each; none without replicas.
    pub clusters: Option<usize>,
    /// Visits that a thread makes between taking the token and passing it on; none without
    /// replicas.
    pub update_delay: Option<usize>,
    /// True if each thread is pinned to one processor; none without replicas.
    pub pin: Option<bool>,
    /// Number of training threads.
    pub threads: usize,
    /// Step size of the first epoch.
    pub learning_rate: Option<f64>,
    /// True if that step size was searched for.
    pub learning_rate_searched: Option<bool>,
    /// Name of the schedule, with its parameter if it has one.
    pub schedule: String,
    /// Seed of all random choices.
    pub seed: u64,
    /// Maximum number of epochs.
    pub epochs: usize,
    /// Relative change of the objective that ends training.
    pub tolerance: f64,
    /// Maximum training time.
    pub time_limit_seconds: Option<f64>,
}

/// Results of a matrix completion.
#[derive(Clone, Debug, Serialize)]
pub struct FactorOutcome {
    /// Mean loss plus regularizer on the training data, in squared standard deviations of the
    /// ratings: the lowest of all epochs.
    pub objective: f64,
    /// Measures on the training data.
    pub train: Evaluation,
    /// Measures on the held-out data.
    pub test: Option<Evaluation>,
    /// Training time: workers, and the pass that the stopping rule needs.
    pub train_seconds: f64,
    /// Time from the start of the process to the model on disk.
    pub total_seconds: f64,
    /// Number of epochs, without those that were rolled back.
    pub epochs: usize,
    /// Ratings visited per second of `train_seconds`, including rolled-back epochs.
    pub ratings_per_second: f64,
    /// Reason why training ended: `tolerance`, `epochs`, `time limit` or `interrupted`.
    pub stop_reason: &'static str,
}

impl Factorized {
    /// Creates the report of a training by `trainer`; `total` is the time from the start of the
    /// process to the model on disk.
    pub fn new(
        trainer: &Factorizer,
        trained: &train::Factorized,
        data: RatingsData,
        test_data: Option<RatingsData>,
        total: Duration,
    ) -> Self {
        let (settings, fit) = (&trainer.settings, &trained.fit);
        let began = &fit.began;
        let train_seconds = fit.train_time.as_secs_f64();
        Factorized {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            data,
            test_data,
            prepare_seconds: trained.prepare_time.as_secs_f64(),
            settings: FactorSettings {
                rank: trainer.rank,
                l2: trained.l2,
                strategy: began.strategy.name(),
                strategy_reason: began.reason.clone(),
                update: began.strategy.update().map(Update::name),
                clusters: began.layout.map(|layout| layout.clusters),
                update_delay: began.layout.map(|layout| layout.update_delay),
                pin: began.layout.map(|layout| layout.pin),
                threads: began.workers,
                learning_rate: began.learning_rate,
                learning_rate_searched: began.learning_rate.map(|_| began.searched),
                schedule: schedule_name(settings.schedule),
                seed: settings.seed,
                epochs: settings.epochs,
                tolerance: settings.tolerance,
                time_limit_seconds: settings.time_limit.map(|limit| limit.as_secs_f64()),
            },
            epochs: fit.epochs.iter().map(Epoch::of).collect(),
            outcome: FactorOutcome {
                objective: fit.objective,
                train: trained.train,
                test: trained.test,
                train_seconds,
                total_seconds: total.as_secs_f64(),
                epochs: fit.epochs.len(),
                ratings_per_second: fit.visits as f64 / train_seconds,
                stop_reason: fit.stop.name(),
            },
        }
    }
}

/// Evaluation of a model of ratings on other ratings.
#[derive(Clone, Debug, Serialize)]
pub struct EvaluatedFactors {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The model.
    pub model: FactorsFile,
    /// The ratings.
    pub data: RatingsData,
    /// Number of ratings with a user or an item that the model does not know.
    pub unseen: usize,
    /// The measures.
    pub test: Evaluation,
}

/// A model file.
#[derive(Clone, Debug, Serialize)]
pub struct FactorsFile {
    /// The file's name.
    pub path: String,
    /// Number of factors.
    pub rank: usize,
    /// Number of users.
    pub users: usize,
    /// Number of items.
    pub items: usize,
}

impl EvaluatedFactors {
    /// Creates the report of the model read from `path`, with its evaluation on `data`. The model
    /// does not know a user or an item of `unseen` ratings.
    pub fn new(
        path: &str,
        model: &Factors,
        data: RatingsData,
        unseen: usize,
        evaluation: Evaluation,
    ) -> Self {
        let (users, items) = (model.users().len(), model.items().len());
        EvaluatedFactors {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            model: FactorsFile { path: path.into(), rank: model.rank(), users, items },
            data,
            unseen,
            test: evaluation,
        }
    }
}
