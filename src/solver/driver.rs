//! The fit driver: the epoch loop of every solver. It trains, measures and decides when to stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use super::plan::Plan;
use super::{Began, Epoch, Event, Fit, Settings, StopReason};
use crate::error::Result;
use crate::metrics::Evaluation;
use crate::parallel;
use crate::params::{Real, SharedParams};
use crate::strategy::{
    Control, Order, Pass, Profile, Shape, Strategy, Topology, Visit, WorkerPool,
};
use crate::sync::plain::Ordering::Relaxed;

/// Evaluates weights on held-out data, if there is any; called on a thread of the fit.
pub type Evaluate<'a, R> = dyn Fn(&[R]) -> Option<Evaluation> + Sync + 'a;

/// The outcome of an epoch.
pub(super) enum Outcome {
    /// The epoch was measured and counts.
    Kept(Measured),
    /// The epoch made the objective explode and was undone.
    Undone { objective: f64, learning_rate: f64 },
}

/// Objective and gap of the weights after an epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub objective: f64,
    pub gap: Option<f64>,
}

/// The best weights of a fit, with their objective and gap.
pub(super) struct Best<R> {
    pub weights: Vec<R>,
    pub measured: Measured,
    /// Dual variables that prove the gap, one per score of an example; `None` if the solver has
    /// none.
    pub duals: Option<Vec<f64>>,
}

/// A solver as the driver calls it: runs an epoch on the workers, and interprets the outcome.
pub(super) trait Method<R: Real>: Send {
    /// Runs one epoch and measures the resulting weights, on a thread of the driver.
    fn epoch(&mut self, driver: &mut FitDriver<'_, R>) -> Result<Outcome>;
    /// Returns the weights after the last epoch, which was kept.
    fn current<'w>(&'w self, driver: &'w mut FitDriver<'_, R>) -> &'w [R];
    /// Returns true if the tolerance is reached.
    fn has_converged(&self) -> bool;
    /// Returns the number of epochs without progress that end training.
    fn patience(&self) -> usize {
        PATIENCE
    }
    /// Returns the first step size, if the solver has step sizes.
    fn learning_rate(&mut self) -> Option<f64> {
        None
    }
    /// Returns the best weights of all epochs; called on a thread of the driver.
    fn finish(self: Box<Self>) -> Best<R>;
}

/// The resources of a fit, and its progress.
pub(super) struct FitDriver<'a, R: Real> {
    pub settings: &'a Settings,
    pub strategy: Box<dyn Strategy<R> + 'a>,
    pub profile: Profile,
    pub params: SharedParams<R>,
    plan: Plan,
    /// Copy of the weights after the last pass, if other processes may read along.
    snapshot: Vec<R>,
    pub control: Control,
    /// The threads of the workers, and further ones for dense passes: all phases run on them.
    workers: WorkerPool,
    pool: Arc<ThreadPool>,
    /// If set, each thread reads all weights in order before they are measured.
    fetches: bool,
    /// Visits so far, those of undone epochs included.
    pub visits: u64,
    /// Time that the workers spent visiting terms.
    visit_time: Duration,
    began: Instant,
    order: Order,
    /// Passes so far, those of undone epochs included: each has its own order of terms.
    passes: u64,
}

impl<'a, R: Real> FitDriver<'a, R> {
    /// Creates a driver for weights and terms of this shape, with `touches` entries in all terms
    /// together. Starts the clock of the preparation.
    pub fn new(
        settings: &'a Settings,
        plan: Plan,
        shape: Shape,
        touches: usize,
        strategy: Box<dyn Strategy<R> + 'a>,
    ) -> Result<Self> {
        let began = Instant::now();
        let profile = strategy.profile();
        let places = match (profile.places.is_empty(), settings.pin) {
            (true, true) => Topology::detect().places(&[profile.workers]),
            _ => profile.places.clone(),
        };
        let workers = WorkerPool::new(profile.workers, plan.helpers, places);
        let pool = workers.threads()?;
        let threads = pool.current_num_threads();
        let is_worth = parallel::is_worth_fetching(shape.width, size_of::<R>(), touches, threads);
        Ok(FitDriver {
            settings,
            params: match &settings.params {
                None => SharedParams::anonymous(shape.width)?,
                Some(path) => SharedParams::file(path, shape.width)?,
            },
            plan,
            snapshot: Vec::new(),
            control: Control {
                interrupted: settings.interrupt.clone(),
                deadline: settings.time_limit.map(|limit| began + limit),
                delays: settings.delays.clone(),
                ..Control::new(profile.workers)
            },
            workers,
            pool,
            fetches: threads > 1 && is_worth,
            strategy,
            profile,
            visits: 0,
            visit_time: Duration::ZERO,
            began,
            order: Order::new(shape.terms),
            passes: 0,
        })
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `pass` on a thread of the driver; its parallel parts use the other threads.
    pub fn install<T: Send>(&self, pass: impl FnOnce() -> T + Send) -> T {
        install(&self.pool, pass)
    }

    /// Returns the weights after the last pass.
    pub fn weights(&mut self) -> &[R] {
        plain(&mut self.params, &self.snapshot)
    }

    /// Makes a dense pass over the weights after the last pass. They are read in place: if a copy
    /// were read, the data that go through the caches meanwhile would evict the weights, and the
    /// next pass would have to fetch them again.
    pub fn measure<T>(&mut self, measure: impl FnOnce(&[R]) -> T) -> T {
        let weights = plain(&mut self.params, &self.snapshot);
        if self.fetches {
            parallel::fetch(weights);
        }
        measure(weights)
    }

    /// Counts a Newton epoch as one visit per term.
    pub fn count_newton(&mut self) {
        self.visits += self.order.terms() as u64;
    }

    /// Runs the workers over all terms once, in a new order.
    pub fn pass(&mut self, rule: &dyn Visit<R>) -> Result<()> {
        self.order.shuffle(self.settings.seed, self.passes);
        let pass = Pass {
            order: &self.order,
            epoch: self.passes,
            visits_before: self.visits,
            seed: self.settings.seed,
            control: &self.control,
            pool: &self.workers,
        };
        let started = Instant::now();
        self.visits += self.strategy.epoch(rule, &mut self.params, pass)?;
        self.visit_time += started.elapsed();
        self.passes += 1;
        if self.params.alone().is_none() {
            self.snapshot.resize(self.params.len(), R::ZERO);
            self.params.copy_to(&mut self.snapshot);
        }
        Ok(())
    }

    /// Runs `method` until a reason to stop holds, or `watch` breaks off.
    pub fn run(
        mut self,
        mut method: Box<dyn Method<R> + '_>,
        evaluate: Option<&Evaluate<'_, R>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<R>> {
        let learning_rate = method.learning_rate();
        let began = Began {
            workers: self.profile.workers,
            strategy: self.plan.strategy,
            reason: self.plan.reason.take(),
            layout: self.profile.layout,
            learning_rate,
            searched: learning_rate.is_some() && self.settings.learning_rate.is_none(),
            terms: self.order.terms(),
            progress: self.control.progress.clone(),
        };
        let prepare_time = self.began.elapsed();
        let mut is_canceled = watch(Event::Began(&began)).is_break();

        let pool = self.pool.clone();
        let mut epochs = Vec::new();
        let mut train_time = Duration::ZERO;
        let mut gaps = GapTracker::default();
        let stop = loop {
            // A fit that is broken off before the first epoch still runs one: there must be weights
            // to return.
            let started = Instant::now();
            let outcome = install(&pool, || method.epoch(&mut self))?;
            train_time += started.elapsed();
            match outcome {
                Outcome::Kept(Measured { objective, gap }) => {
                    gap.iter().for_each(|&gap| gaps.record(gap));
                    let test = evaluate.and_then(|evaluate| {
                        let weights = method.current(&mut self);
                        install(&pool, || evaluate(weights))
                    });
                    let (epoch, visit_time) = (epochs.len() + 1, self.visit_time);
                    let epoch = Epoch { epoch, train_time, visit_time, objective, gap, test };
                    is_canceled |= watch(Event::Epoch(&epoch)).is_break();
                    epochs.push(epoch);
                }
                Outcome::Undone { objective, learning_rate } => {
                    is_canceled |= watch(Event::RolledBack { objective, learning_rate }).is_break();
                }
            }
            // If all epochs so far were undone, there is nothing to return.
            if is_canceled && !epochs.is_empty() {
                break StopReason::Interrupted;
            }
            if let Some(stop) = self.stop(epochs.len(), method.has_converged()) {
                break stop;
            }
            if gaps.has_stalled(method.patience()) && self.settings.tolerance > 0.0 {
                break StopReason::Stalled;
            }
        };
        let Best { weights, measured, duals } = install(&pool, || method.finish());
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
            duals,
            continued: None,
        })
    }

    fn stop(&self, kept: usize, has_converged: bool) -> Option<StopReason> {
        if self.control.interrupted.load(Relaxed) {
            Some(StopReason::Interrupted)
        } else if self.control.must_stop() {
            Some(StopReason::TimeLimit)
        } else if has_converged && self.settings.tolerance > 0.0 {
            Some(StopReason::Tolerance)
        } else if kept >= self.settings.epochs {
            Some(StopReason::Epochs)
        } else {
            None
        }
    }
}

/// Detects a gap that no longer falls.
#[derive(Default)]
struct GapTracker {
    /// The smallest gap, as of the last time that it fell by the fraction [`NOTABLE`].
    least: Option<f64>,
    /// Epochs since then.
    since: usize,
}

/// Relative fall of the gap that counts as progress.
const NOTABLE: f64 = 0.02;
/// Usual number of epochs without progress that end training.
const PATIENCE: usize = 100;

impl GapTracker {
    fn record(&mut self, gap: f64) {
        self.since += 1;
        if self.least.is_none_or(|least| gap < least * (1.0 - NOTABLE)) {
            *self = GapTracker { least: Some(gap), since: 0 };
        }
    }

    fn has_stalled(&self, patience: usize) -> bool {
        self.since >= patience
    }
}

/// Returns the weights as plain memory; the copy `snapshot`, if other processes may read along.
fn plain<'a, R: Real>(params: &'a mut SharedParams<R>, snapshot: &'a [R]) -> &'a [R] {
    params.alone().map_or(snapshot, |weights| weights)
}

fn install<T: Send>(pool: &ThreadPool, pass: impl FnOnce() -> T + Send) -> T {
    let (mut pass, mut result) = (Some(pass), None);
    install_once(pool, &mut || result = pass.take().map(|pass| pass()));
    result.expect("the pass has run")
}

/// Calls rayon through one instance: `ThreadPool::install` is compiled once, not for each caller.
fn install_once(pool: &ThreadPool, pass: &mut (dyn FnMut() + Send)) {
    pool.install(pass);
}
