//! What a fit tells while it runs, and what it leaves.

use std::sync::Arc;
use std::time::Duration;

use crate::metrics::Evaluation;
use crate::strategy::{Layout, Progress, StrategyKind};

/// One epoch's outcome.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Time of training since it began: workers and the objective for the stopping rule,
    /// rolled-back epochs included; searching for a step size and held-out evaluation left out.
    pub train_time: Duration,
    /// The part of it in which the workers visited terms: the objective and the method's own dense
    /// passes left out. Where an epoch is judged while the next one is made, the visits of that one
    /// are in it.
    pub visit_time: Duration,
    /// Mean loss plus regularizer over all terms, after the epoch.
    pub objective: f64,
    /// A bound of the distance to the optimum, as a share of the objective, if the method has one:
    /// the objective is at most `gap * objective` above its least value. Dual ascent leaves what
    /// the weights have lost to races and rounding out of it where an epoch has made good progress
    /// and is not the last; [`Fit::gap`] has it in any case.
    pub gap: Option<f64>,
    /// What the caller's evaluation said of the weights.
    pub test: Option<Evaluation>,
}

/// Why training ended, in ascending order of how much it leaves undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The gap came below the tolerance; for a method without a gap, the objective settled within
    /// it.
    Tolerance,
    /// The gap had not become smaller for many epochs: rounding, or a slow course, keeps it up.
    Stalled,
    /// All epochs were run.
    Epochs,
    /// The time was up.
    TimeLimit,
    /// The caller's interrupt flag was set.
    Interrupted,
}

impl StopReason {
    /// The name in reports.
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

/// What is known when the first epoch starts.
#[derive(Clone, Debug)]
pub struct Began {
    /// Number of workers.
    pub workers: usize,
    /// How they share the weights; not [`StrategyKind::Auto`].
    pub strategy: StrategyKind,
    /// Why they share them in this way, if that was left to the program; known when training has
    /// ended.
    pub reason: Option<String>,
    /// How they are laid out, if the strategy has clusters.
    pub layout: Option<Layout>,
    /// First step size, if the method has such.
    pub step_size: Option<FirstStep>,
    /// Number of terms, visited once an epoch.
    pub terms: usize,
    /// Counts visits while the workers run.
    pub progress: Arc<Progress>,
}

/// The first step size of a method that has step sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstStep {
    /// The step size.
    pub learning_rate: f64,
    /// Whether it was searched for.
    pub searched: bool,
}

/// What a caller may want to show while training goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The first epoch starts.
    Began(&'a Began),
    /// An epoch has ended.
    Epoch(&'a Epoch),
    /// With more than two classes, their training starts; no other event comes but
    /// [`Event::Class`].
    Classes(Classes),
    /// A class against the rest is trained.
    Class {
        /// What came of it.
        fit: &'a ClassFit,
        /// Number of classes that are trained by now.
        done: usize,
    },
    /// An epoch made the objective explode: its change was undone, and steps are half as long from
    /// here on.
    RolledBack {
        /// The objective that was undone; may be infinite or not a number.
        objective: f64,
        /// The step size that the next epoch starts with.
        learning_rate: f64,
    },
}

/// What a fit leaves.
#[derive(Clone, Debug)]
pub struct Fit<R> {
    /// The weights of the epoch with the lowest objective.
    pub weights: Vec<R>,
    /// Their objective.
    pub objective: f64,
    /// Their gap, as in [`Epoch::gap`]; with the best bound of all epochs.
    pub gap: Option<f64>,
    /// All epochs that were kept, in order.
    pub epochs: Vec<Epoch>,
    /// Why training ended.
    pub stop: StopReason,
    /// What was known when it began.
    pub began: Began,
    /// Time of counting degrees and searching for a step size.
    pub prepare_time: Duration,
    /// Time of training, as in [`Epoch::train_time`].
    pub train_time: Duration,
    /// Visits to terms, rolled-back epochs and those that were made ahead in vain included; an
    /// epoch of Newton's method counts as one to each.
    pub visits: u64,
}

impl<R> Fit<R> {
    /// The weights, and the fit without them.
    pub(crate) fn take_weights(mut self) -> (Vec<R>, Self) {
        (std::mem::take(&mut self.weights), self)
    }

    /// The same fit with other weights.
    pub(crate) fn map_weights<T>(self, map: impl FnOnce(Vec<R>) -> Vec<T>) -> Fit<T> {
        let Fit { weights, objective, gap, epochs, stop, began, prepare_time, train_time, visits } =
            self;
        let weights = map(weights);
        Fit { weights, objective, gap, epochs, stop, began, prepare_time, train_time, visits }
    }
}

/// Classes that are trained one against the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Number of classes.
    pub count: usize,
    /// How many are trained at the same time.
    pub at_once: usize,
    /// Threads that each of them has.
    pub threads: usize,
}

/// The training of one class against the rest.
#[derive(Clone, Debug)]
pub struct ClassFit {
    /// The class's label.
    pub label: f64,
    /// Number of examples with this label.
    pub examples: usize,
    /// The objective of its weights: that of the epoch where it was lowest.
    pub objective: f64,
    /// Number of epochs, without those that were rolled back.
    pub epochs: usize,
    /// Number of epochs that were rolled back.
    pub undone: usize,
    /// First step size, if the solver has any.
    pub learning_rate: Option<f64>,
    /// Bound of the distance to the optimum as a share of the objective, if the solver has one.
    pub gap: Option<f64>,
    /// Time of training it, preparation left out.
    pub train_time: Duration,
    /// Why its training ended.
    pub stop: StopReason,
}
