//! The events of a fit while it runs, and its result.

use std::sync::Arc;
use std::time::Duration;

use super::Solver;
use crate::metrics::Evaluation;
use crate::strategy::{Layout, Progress, StrategyKind};

/// Outcome of one epoch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Time of training since it began: workers and the objective for the stopping rule,
    /// rolled-back epochs included. The search for a step size and held-out evaluation are left
    /// out.
    pub train_time: Duration,
    /// The part of it that the workers spent visiting terms: the objective and the solver's own
    /// dense passes are left out. Where an epoch is evaluated while the next one is visited, the
    /// visits of the next one are included.
    pub visit_time: Duration,
    /// Mean loss plus regularizer over all terms, after the epoch.
    pub objective: f64,
    /// Bound on the distance to the optimum, as a fraction of the objective, if the solver has one:
    /// the objective is at most `gap * objective` above its minimum. Dual ascent leaves the
    /// weights' drift (what they have lost to races and rounding) out of it where an epoch has made
    /// good progress and is not the last; [`Fit::gap`] always includes the drift.
    pub gap: Option<f64>,
    /// The caller's evaluation of the weights.
    pub test: Option<Evaluation>,
}

/// Why training ended, in ascending order of how much it leaves undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The gap came down to the tolerance; for a solver without a gap, the objective settled within
    /// it.
    Tolerance,
    /// The gap has not fallen for 100 epochs: rounding or slow convergence keeps it up.
    Stalled,
    /// All epochs were run.
    Epochs,
    /// The time limit was reached.
    TimeLimit,
    /// The caller's interrupt flag was set.
    Interrupted,
}

impl StopReason {
    /// Returns the name in reports.
    pub fn name(self) -> &'static str {
        match self {
            StopReason::Tolerance => "tolerance",
            StopReason::Stalled => "stalled",
            StopReason::Epochs => "epochs",
            StopReason::TimeLimit => "time limit",
            StopReason::Interrupted => "interrupted",
        }
    }
}

/// The facts that are known when the first epoch starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Began {
    /// Number of workers.
    pub workers: usize,
    /// Strategy by which they share the weights; not [`StrategyKind::Auto`].
    pub strategy: StrategyKind,
    /// Why the strategy was chosen, if that was left to the program.
    pub reason: Option<String>,
    /// Layout of the workers, if the strategy has clusters.
    pub layout: Option<Layout>,
    /// First step size, if the solver has step sizes.
    pub learning_rate: Option<f64>,
    /// True if the first step size was found by a search.
    pub searched: bool,
    /// Number of terms, visited once per epoch.
    pub terms: usize,
    /// Counter of visits while the workers run.
    pub progress: Arc<Progress>,
}

/// An event that a caller may want to show while training goes on.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The first epoch starts.
    Began(&'a Began),
    /// An epoch has ended.
    Epoch(&'a Epoch),
    /// Training of more than two classes starts; only [`Event::Class`] follows.
    Classes {
        /// Number of classes.
        count: usize,
        /// Number of classes that are trained at the same time.
        at_once: usize,
        /// Number of threads for each of them.
        threads: usize,
    },
    /// A class has been trained against the rest.
    Class {
        /// The outcome.
        fit: &'a ClassFit,
        /// Number of classes trained so far.
        done: usize,
    },
    /// The epochs so far do not lead to the tolerance: another solver goes on.
    Continued {
        /// The solver of the epochs from here on.
        solver: Solver,
        /// The objective so far.
        objective: f64,
        /// Its gap, if the first solver has one.
        gap: Option<f64>,
    },
    /// An epoch made the objective explode: it was undone, and steps are half as long from here on.
    RolledBack {
        /// The objective that was undone; may be infinite or not a number.
        objective: f64,
        /// The step size at the start of the next epoch.
        learning_rate: f64,
    },
}

/// The result of a fit.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Fit<R> {
    /// The weights of the epoch with the lowest objective.
    pub weights: Vec<R>,
    /// Their objective.
    pub objective: f64,
    /// Their gap, as in [`Epoch::gap`], with the best bound of all epochs.
    pub gap: Option<f64>,
    /// All epochs that were kept, in order.
    pub epochs: Vec<Epoch>,
    /// Why training ended.
    pub stop: StopReason,
    /// The facts that were known when it began.
    pub began: Began,
    /// Time of preparation: counting degrees, and searching for a step size.
    pub prepare_time: Duration,
    /// Time of training, as in [`Epoch::train_time`].
    pub train_time: Duration,
    /// Visits to terms, including rolled-back epochs and visits that were made ahead in vain. A
    /// Newton epoch counts as one visit to each term.
    pub visits: u64,
    /// Dual variables that prove the gap, one per score of an example, if the solver has any.
    pub(crate) duals: Option<Vec<f64>>,
    /// The solver that went on where the first one did not lead to the tolerance.
    pub continued: Option<Solver>,
}

impl<R> Fit<R> {
    /// Splits the fit into its weights and the rest.
    pub(crate) fn take_weights(mut self) -> (Vec<R>, Self) {
        (std::mem::take(&mut self.weights), self)
    }

    /// Replaces the weights by `map` of them.
    pub(crate) fn map_weights<T>(mut self, map: impl FnOnce(Vec<R>) -> Vec<T>) -> Fit<T> {
        let weights = map(std::mem::take(&mut self.weights));
        Fit {
            weights,
            objective: self.objective,
            gap: self.gap,
            epochs: self.epochs,
            stop: self.stop,
            began: self.began,
            prepare_time: self.prepare_time,
            train_time: self.train_time,
            visits: self.visits,
            duals: self.duals,
            continued: self.continued,
        }
    }
}

/// Outcome of training one class against the rest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClassFit {
    /// The class's label.
    pub label: f64,
    /// Number of examples with this label.
    pub examples: usize,
    /// The objective of its weights: the lowest of all epochs.
    pub objective: f64,
    /// Number of epochs, without those that were rolled back.
    pub epochs: usize,
    /// Number of epochs that were rolled back.
    pub undone: usize,
    /// First step size, if the solver has step sizes.
    pub learning_rate: Option<f64>,
    /// Bound on the distance to the optimum as a fraction of the objective, if the solver has one.
    pub gap: Option<f64>,
    /// Time of training it, without preparation.
    pub train_time: Duration,
    /// Why its training ended.
    pub stop: StopReason,
}
