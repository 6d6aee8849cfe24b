//! The epoch loop, for any method of training: train, measure, decide.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use super::{ClassFit, Classes, Settings, Sharing, dense};
use crate::error::Result;
use crate::model::Evaluation;
use crate::params::{Real, SharedParams};
use crate::problem::Problem;
use crate::rule::Visit;
use crate::strategy::{Control, Layout, Order, Pass, Progress, Strategy, Topology};
use crate::sync::plain::Ordering::Relaxed;

/// One epoch's outcome.
#[derive(Clone, Debug)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Time of training since it began: workers and the objective for the stopping rule, rolled-back epochs
    /// included; searching for a step size and held-out evaluation left out.
    pub train_time: Duration,
    /// The part of it in which the workers visited terms: the objective and the method's own dense passes left out. Where an
    /// epoch is judged while the next one is made, the visits of that one are in it.
    pub visit_time: Duration,
    /// Mean loss plus regularizer over all terms, after the epoch.
    pub objective: f64,
    /// A bound of the distance to the optimum, as a share of the objective, if the method has one: the objective is at
    /// most `gap * objective` above its least value.
    /// Dual ascent leaves what the weights have lost to races and rounding out of it where an epoch has made good progress
    /// and is not the last; [`Fit::gap`] has it in any case.
    pub gap: Option<f64>,
    /// What the caller's evaluation said of the weights.
    pub test: Option<Evaluation>,
}

/// Why training ended, in ascending order of how much it leaves undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The gap came below the tolerance; for a method without a gap, the objective settled within it.
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
    /// How they share the weights; not [`Sharing::Auto`].
    pub sharing: Sharing,
    /// Why they share them in this way, if that was left to the program; known when training has ended.
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
    /// Visits to terms, rolled-back epochs and those that were made ahead in vain included; an epoch of Newton's method counts as
    /// one to each.
    pub visits: u64,
}

impl<R> Fit<R> {
    /// The weights, and the fit without them.
    pub(super) fn take_weights(mut self) -> (Vec<R>, Self) {
        (std::mem::take(&mut self.weights), self)
    }

    /// The same fit with other weights.
    pub(super) fn map_weights<T>(self, map: impl FnOnce(Vec<R>) -> Vec<T>) -> Fit<T> {
        let Fit { weights, objective, gap, epochs, stop, began, prepare_time, train_time, visits } = self;
        let weights = map(weights);
        Fit { weights, objective, gap, epochs, stop, began, prepare_time, train_time, visits }
    }
}

/// Measures weights on held-out data, if that can be done; called on a thread of the fit.
pub type Evaluate<'a, R> = dyn Fn(&[R]) -> Option<Evaluation> + Sync + 'a;

/// What became of an epoch.
pub(super) enum Outcome {
    /// It was measured.
    Kept(Measured),
    /// It exploded and was undone.
    Undone { objective: f64, learning_rate: f64 },
}

/// The weights after an epoch, judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub objective: f64,
    pub gap: Option<f64>,
}

/// The best weights of a fit, judged.
pub(super) struct Best<R> {
    pub weights: Vec<R>,
    pub measured: Measured,
}

/// A way to train: what is done with the workers in an epoch, and what is made of the outcome.
pub(super) trait Method<R: Real>: Send {
    /// Runs one epoch and measures the weights that it leaves, on a thread of the course.
    fn epoch(&mut self, course: &mut Course<'_, R, impl Strategy<R>>) -> Result<Outcome>;
    /// The weights after the last epoch, which was kept.
    fn now<'w>(&'w self, course: &'w mut Course<'_, R, impl Strategy<R>>) -> &'w [R];
    /// Whether the tolerance is reached.
    fn arrived(&self) -> bool;
    /// The first step size, if there are step sizes.
    fn step_size(&self) -> Option<FirstStep> {
        None
    }
    /// The best weights of all epochs; on a thread of the course.
    fn finish(self) -> Best<R>;
}

/// The means of a fit, and how far it has come.
pub(super) struct Course<'a, R: Real, S> {
    pub settings: &'a Settings,
    pub strategy: S,
    pub params: SharedParams<R>,
    /// The weights that the last pass left, if others may look on.
    seen: Vec<R>,
    pub control: Control,
    /// The strategy's threads: they do all there is to do.
    pool: Arc<ThreadPool>,
    /// Whether each of them reads all weights in order before they are measured.
    fetches: bool,
    /// Visits made, those of undone epochs included.
    pub visits: u64,
    /// Time in which the workers visited terms.
    visit_time: Duration,
    began: Instant,
    order: Order,
    /// Epochs begun, undone ones included: each has its own order of terms.
    begun: u64,
}

impl<'a, R: Real, S: Strategy<R>> Course<'a, R, S> {
    /// The means to train the weights of `problem`. The clock of the preparation starts.
    pub fn new(settings: &'a Settings, problem: &impl Problem, mut strategy: S) -> Result<Self> {
        let began = Instant::now();
        let (terms, width) = (problem.terms(), problem.width());
        let workers = strategy.crew().workers();
        if settings.pin {
            strategy.crew_mut().keep(&Topology::detect());
        }
        strategy.crew_mut().reinforce(settings.dense_threads(workers));
        let pool = strategy.crew().pool()?;
        let threads = pool.current_num_threads();
        Ok(Course {
            settings,
            params: match &settings.params {
                None => SharedParams::anonymous(width)?,
                Some(path) => SharedParams::file(path, width)?,
            },
            seen: Vec::new(),
            control: Control {
                interrupted: settings.interrupt.clone(),
                deadline: settings.time_limit.map(|limit| began + limit),
                delays: settings.delays.clone(),
                ..Control::new(workers)
            },
            pool,
            fetches: threads > 1 && dense::is_worth_fetching::<R>(width, problem.touches(), threads),
            strategy,
            visits: 0,
            visit_time: Duration::ZERO,
            began,
            order: Order::new(terms),
            begun: 0,
        })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Does something on a thread of the course, with the others for its parts.
    pub fn install<T: Send>(&self, pass: impl FnOnce() -> T + Send) -> T {
        install(&self.pool, pass)
    }

    /// The weights that the last pass left.
    pub fn weights(&mut self) -> &[R] {
        plain(&mut self.params, &self.seen)
    }

    /// Does a dense pass over the weights that the last pass left. They are read where they lie: the data that go through the
    /// caches meanwhile would drive out a vector of which a copy is read, and the next pass begin by fetching it.
    pub fn measure<T>(&mut self, measure: impl FnOnce(&[R]) -> T) -> T {
        let weights = plain(&mut self.params, &self.seen);
        if self.fetches {
            dense::fetch(weights);
        }
        measure(weights)
    }

    /// Counts an epoch of Newton's method.
    pub fn count_newton(&mut self) {
        self.visits += self.order.terms() as u64;
    }

    /// Lets the workers visit all terms once, in a new order.
    pub fn pass(&mut self, rule: &impl Visit<Real = R>) -> Result<()> {
        self.order.shuffle(self.settings.seed, self.begun);
        let pass = Pass {
            order: &self.order,
            epoch: self.begun,
            visits_before: self.visits,
            seed: self.settings.seed,
            control: &self.control,
        };
        let started = Instant::now();
        self.visits += self.strategy.epoch(rule, &mut self.params, pass)?;
        self.visit_time += started.elapsed();
        self.begun += 1;
        if self.params.alone().is_none() {
            self.seen.resize(self.params.len(), R::ZERO);
            self.params.copy_to(&mut self.seen);
        }
        Ok(())
    }

    /// Trains by `method` until one of the reasons to stop holds.
    pub fn run<M: Method<R>>(
        mut self,
        mut method: M,
        evaluate: Option<&Evaluate<'_, R>>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fit<R>> {
        let began = Began {
            workers: self.strategy.crew().workers(),
            sharing: self.settings.sharing,
            reason: None,
            layout: self.strategy.layout(),
            step_size: method.step_size(),
            terms: self.order.terms(),
            progress: self.control.progress.clone(),
        };
        let prepare_time = self.began.elapsed();
        watch(Event::Began(&began));

        let pool = self.pool.clone();
        let mut epochs = Vec::new();
        let mut train_time = Duration::ZERO;
        let mut course_of_gap = Falling::default();
        let stop = loop {
            let started = Instant::now();
            let outcome = install(&pool, || method.epoch(&mut self))?;
            train_time += started.elapsed();
            match outcome {
                Outcome::Kept(Measured { objective, gap }) => {
                    gap.iter().for_each(|&gap| course_of_gap.see(gap));
                    let test = evaluate.and_then(|evaluate| {
                        let weights = method.now(&mut self);
                        install(&pool, || evaluate(weights))
                    });
                    let (epoch, visit_time) = (epochs.len() + 1, self.visit_time);
                    let epoch = Epoch { epoch, train_time, visit_time, objective, gap, test };
                    watch(Event::Epoch(&epoch));
                    epochs.push(epoch);
                }
                Outcome::Undone { objective, learning_rate } => {
                    watch(Event::RolledBack { objective, learning_rate });
                }
            }
            if let Some(stop) = self.stop(epochs.len(), method.arrived()) {
                break stop;
            }
            if course_of_gap.has_stalled() && self.settings.tolerance > 0.0 {
                break StopReason::Stalled;
            }
        };
        let Best { weights, measured } = install(&pool, || method.finish());
        self.params.copy_from(&weights);
        Ok(Fit {
            weights,
            objective: measured.objective,
            gap: measured.gap,
            epochs,
            stop,
            began,
            prepare_time,
            train_time,
            visits: self.visits,
        })
    }

    fn stop(&self, kept: usize, arrived: bool) -> Option<StopReason> {
        if self.control.interrupted.load(Relaxed) {
            Some(StopReason::Interrupted)
        } else if self.control.must_stop() {
            Some(StopReason::TimeLimit)
        } else if arrived && self.settings.tolerance > 0.0 {
            Some(StopReason::Tolerance)
        } else if kept >= self.settings.epochs {
            Some(StopReason::Epochs)
        } else {
            None
        }
    }
}

/// Whether the gap still becomes smaller.
#[derive(Default)]
struct Falling {
    /// The least gap, when it had last fallen by [`NOTABLE`] of itself.
    least: Option<f64>,
    /// Epochs since then.
    since: usize,
}

/// The fall of the gap, as a share of itself, that counts as progress.
const NOTABLE: f64 = 0.02;
/// Epochs without progress that end training.
const PATIENCE: usize = 100;

impl Falling {
    fn see(&mut self, gap: f64) {
        self.since += 1;
        if self.least.is_none_or(|least| gap < least * (1.0 - NOTABLE)) {
            *self = Falling { least: Some(gap), since: 0 };
        }
    }

    fn has_stalled(&self) -> bool {
        self.since >= PATIENCE
    }
}

/// The weights as plain memory; the copy `seen`, if others may look on.
fn plain<'a, R: Real>(params: &'a mut SharedParams<R>, seen: &'a [R]) -> &'a [R] {
    params.alone().map_or(seen, |weights| weights)
}

fn install<T: Send>(pool: &ThreadPool, pass: impl FnOnce() -> T + Send) -> T {
    let (mut pass, mut result) = (Some(pass), None);
    install_once(pool, &mut || result = pass.take().map(|pass| pass()));
    result.expect("the pass was made")
}

/// Compiled once, not for each method, problem and strategy.
fn install_once(pool: &ThreadPool, pass: &mut (dyn FnMut() + Send)) {
    pool.install(pass);
}
