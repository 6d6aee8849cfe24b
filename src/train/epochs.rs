//! The epoch loop: train, measure, decide.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::search::search;
use super::{ClassFit, Classes, Settings, Sharing};
use crate::error::{Error, Result};
use crate::model::Evaluation;
use crate::params::{Real, SharedParams};
use crate::problem::Problem;
use crate::rule::{Clock, Sgd, StepSize, Visit};
use crate::strategy::{
    Control, Hogwild, HogwildPlusPlus, Layout, Order, Pass, Progress, Sequential, Strategy, Topology,
};
use crate::sync::plain::Ordering::Relaxed;

/// One epoch's outcome.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Time of training since it began: workers and the objective for the stopping rule, rolled-back epochs
    /// included; searching for a step size and held-out evaluation left out.
    pub train_time: Duration,
    /// Mean loss plus regularizer over all terms, after the epoch.
    pub objective: f64,
    /// What the caller's evaluation said of the weights.
    pub test: Option<Evaluation>,
}

/// Why training ended, in ascending order of how much it leaves undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The objective settled within the tolerance.
    Tolerance,
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
    /// How they are laid out, if the strategy has clusters.
    pub layout: Option<Layout>,
    /// First step size.
    pub learning_rate: f64,
    /// Whether it was searched for.
    pub searched: bool,
    /// Number of terms, visited once an epoch.
    pub terms: usize,
    /// Counts visits while the workers run.
    pub progress: Arc<Progress>,
}

/// What a caller may want to show while training goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The first epoch starts.
    Began(&'a Began),
    /// An epoch has ended.
    Epoch(&'a Epoch),
    /// With more than two classes, their training starts; no other event comes but [`Event::Class`].
    Classes(Classes),
    /// A class against the rest is trained.
    Class {
        /// What came of it.
        fit: &'a ClassFit,
        /// Number of classes that are trained by now.
        done: usize,
    },
    /// An epoch made the objective explode: its change was undone, and steps are half as long from here on.
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
    /// Visits to terms, rolled-back epochs included.
    pub visits: u64,
}

/// Measures weights on held-out data, if that can be done.
pub type Evaluate<'a, R> = dyn Fn(&[R]) -> Option<Evaluation> + 'a;

/// Minimizes a problem plus regularizer from zero weights. `evaluate` is called with the weights after each epoch, off the
/// clock; `watch` is told what happens. Deterministic given the seed with one worker; racy by design with more.
///
/// # Errors
/// [`Error::Parameter`] for settings out of range, [`Error::Diverged`] if no step size keeps the objective finite,
/// [`Error::Worker`] if a worker panicked, [`Error::Io`] or [`Error::Input`] if the weights cannot be mapped.
pub fn minimize<P: Problem, R: Real>(
    problem: &P,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fit<R>> {
    settings.check()?;
    // A worker that never gets a block would only cost its thread.
    let workers = settings.workers().min(Order::new(problem.terms()).blocks());
    match settings.sharing {
        Sharing::Sequential => run(problem, settings, Sequential::default(), evaluate, watch),
        Sharing::Hogwild(update) => run(problem, settings, Hogwild::new(workers, update), evaluate, watch),
        Sharing::HogwildPlusPlus(clustering) => {
            let topology = Topology::detect();
            let strategy = HogwildPlusPlus::new(clustering.layout(workers, &topology, problem), &topology)?;
            run(problem, settings, strategy, evaluate, watch)
        }
    }
}

fn run<P: Problem, R: Real, S: Strategy<R>>(
    problem: &P,
    settings: &Settings,
    mut strategy: S,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fit<R>> {
    let preparing = Instant::now();
    let workers = strategy.workers();
    let pool = pool(workers.min(thread::available_parallelism().map_or(1, usize::from)))?;
    let params = match &settings.params {
        None => SharedParams::anonymous(problem.width())?,
        Some(path) => SharedParams::file(path, problem.width())?,
    };
    let control = Control {
        interrupted: settings.interrupt.clone(),
        deadline: settings.time_limit.map(|limit| preparing + limit),
        progress: Arc::new(Progress::new(workers)),
    };
    let step = StepSize::new(settings.learning_rate.unwrap_or(1.0), settings.schedule);
    // Whoever watches the weights wants to see w, not a vector that a scale is missing from.
    let folds = strategy.folds() && settings.params.is_none();
    let mut rule = Sgd::new(problem, settings.penalty, step, folds);
    if settings.learning_rate.is_none() {
        let eta0 = pool.install(|| search(&mut rule, settings, control.deadline))?;
        rule.step = StepSize::new(eta0, settings.schedule);
    }
    let began = Began {
        workers,
        layout: strategy.layout(),
        learning_rate: rule.step.first(),
        searched: settings.learning_rate.is_none(),
        terms: problem.terms(),
        progress: control.progress.clone(),
    };
    let prepare_time = preparing.elapsed();
    watch(Event::Began(&began));

    let mut training = Training::new(settings, rule, params, control, pool);
    let mut epochs = Vec::new();
    let stop = loop {
        match training.epoch(&mut strategy)? {
            Outcome::Kept { objective } => {
                let test = evaluate.and_then(|evaluate| evaluate(&training.now));
                let epoch = Epoch { epoch: epochs.len() + 1, train_time: training.time, objective, test };
                watch(Event::Epoch(&epoch));
                epochs.push(epoch);
            }
            Outcome::Undone { objective, learning_rate } => {
                watch(Event::RolledBack { objective, learning_rate });
            }
        }
        if let Some(stop) = training.stop(epochs.len()) {
            break stop;
        }
    };
    training.params.copy_from(&training.best);
    Ok(Fit {
        weights: training.best,
        objective: training.best_objective,
        epochs,
        stop,
        began,
        prepare_time,
        train_time: training.time,
        visits: training.visits,
    })
}

fn pool(workers: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(workers).build().map_err(|error| {
        let source = std::io::Error::other(error);
        Error::io(format!("<{workers} threads>"), "start", source)
    })
}

/// What became of an epoch.
enum Outcome {
    Kept { objective: f64 },
    Undone { objective: f64, learning_rate: f64 },
}

/// Everything that changes from epoch to epoch.
struct Training<'a, 'p, P, R: Real> {
    settings: &'a Settings,
    rule: Sgd<'p, P, R>,
    params: SharedParams<R>,
    control: Control,
    pool: ThreadPool,
    order: Order,
    /// Epochs begun, undone ones included: each has its own order of terms.
    begun: u64,
    visits: u64,
    time: Duration,
    /// The weights after the last epoch.
    now: Vec<R>,
    /// The weights of the lowest objective so far: what a fit leaves, and where it goes back to.
    best: Vec<R>,
    best_objective: f64,
    /// The objective after the last epoch; of the start, before the first.
    last: f64,
    /// The objective of zero weights.
    start: f64,
    /// Consecutive epochs that changed the objective by less than the tolerance.
    calm: usize,
    halvings: usize,
}

/// How far the objective may rise above its value for zero weights before an epoch is undone.
const EXPLODED: f64 = 4.0;
/// Halvings after which a fit is given up: together a factor of 10^12.
const MOST_HALVINGS: usize = 40;
/// Consecutive calm epochs that end training. One can be the chance of a noisy objective; over three, the default
/// schedule has shortened the step to an eighth, which would have shown any noise that was left to remove.
const CALM: usize = 3;

impl<'a, 'p, P: Problem, R: Real> Training<'a, 'p, P, R> {
    fn new(
        settings: &'a Settings,
        rule: Sgd<'p, P, R>,
        params: SharedParams<R>,
        control: Control,
        pool: ThreadPool,
    ) -> Self {
        let started = Instant::now();
        let zero = vec![R::ZERO; params.len()];
        let start = pool.install(|| rule.objective(0..rule.terms(), &zero));
        Training {
            settings,
            order: Order::new(rule.terms()),
            rule,
            params,
            control,
            pool,
            begun: 0,
            visits: 0,
            time: started.elapsed(),
            now: zero.clone(),
            best: zero,
            best_objective: f64::INFINITY,
            last: start,
            start,
            calm: 0,
            halvings: 0,
        }
    }

    /// Runs one epoch and measures the objective, both on the clock.
    fn epoch(&mut self, strategy: &mut impl Strategy<R>) -> Result<Outcome> {
        let started = Instant::now();
        self.order.shuffle(self.settings.seed, self.begun);
        let pass = Pass {
            order: &self.order,
            epoch: self.begun,
            visits_before: self.visits,
            seed: self.settings.seed,
            control: &self.control,
        };
        self.visits += strategy.epoch(&self.rule, &self.params, pass)?;
        self.begun += 1;
        self.params.copy_to(&mut self.now);
        let objective = self.pool.install(|| self.rule.objective(0..self.rule.terms(), &self.now));
        let outcome = if objective <= EXPLODED * self.start {
            self.keep(objective);
            Ok(Outcome::Kept { objective })
        } else {
            strategy.restart();
            self.undo(objective)
        };
        self.time += started.elapsed();
        outcome
    }

    fn keep(&mut self, objective: f64) {
        let change = (objective - self.last).abs();
        self.calm = if change < self.settings.tolerance * objective.abs() { self.calm + 1 } else { 0 };
        self.rule.step.after_epoch(self.last, objective);
        self.last = objective;
        if objective < self.best_objective {
            self.best_objective = objective;
            self.best.copy_from_slice(&self.now);
        }
    }

    /// Goes back to the best weights so far, with steps half as long.
    fn undo(&mut self, objective: f64) -> Result<Outcome> {
        self.halvings += 1;
        if self.halvings > MOST_HALVINGS {
            return Err(Error::Diverged {
                what: format!(
                    "the objective was {objective} after {MOST_HALVINGS} halvings of the step size"
                ),
                hint: "scale the features down, for example to rows of length 1",
            });
        }
        self.rule.step.halve();
        self.params.copy_from(&self.best);
        self.last = self.best_objective.min(self.start);
        Ok(Outcome::Undone {
            objective,
            learning_rate: self.rule.rate(Clock { before: self.visits, within: 0 }),
        })
    }

    fn stop(&self, kept: usize) -> Option<StopReason> {
        if self.control.interrupted.load(Relaxed) {
            Some(StopReason::Interrupted)
        } else if self.control.must_stop() {
            Some(StopReason::TimeLimit)
        } else if self.calm >= CALM {
            Some(StopReason::Tolerance)
        } else if kept >= self.settings.epochs {
            Some(StopReason::Epochs)
        } else {
            None
        }
    }
}
