//! The fit driver: the epoch loop of every solver. It trains, measures and decides.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use super::plan::Plan;
use super::{Began, Epoch, Event, FirstStep, Fit, Settings, StopReason};
use crate::error::Result;
use crate::metrics::Evaluation;
use crate::parallel;
use crate::params::{Real, SharedParams};
use crate::strategy::{
    Control, Order, Pass, Profile, Shape, Strategy, Topology, Visit, WorkerPool,
};
use crate::sync::plain::Ordering::Relaxed;

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

/// A solver: what is done with the workers in an epoch, and what is made of the outcome.
pub(super) trait Method<R: Real>: Send {
    /// Runs one epoch and measures the weights that it leaves, on a thread of the driver.
    fn epoch(&mut self, driver: &mut FitDriver<'_, R>) -> Result<Outcome>;
    /// The weights after the last epoch, which was kept.
    fn now<'w>(&'w self, driver: &'w mut FitDriver<'_, R>) -> &'w [R];
    /// Whether the tolerance is reached.
    fn arrived(&self) -> bool;
    /// The first step size, if there are step sizes.
    fn step_size(&mut self) -> Option<FirstStep> {
        None
    }
    /// The best weights of all epochs; on a thread of the driver.
    fn finish(self: Box<Self>) -> Best<R>;
}

/// What a fit works with, and how far it has come.
pub(super) struct FitDriver<'a, R: Real> {
    pub settings: &'a Settings,
    pub strategy: Box<dyn Strategy<R> + 'a>,
    pub profile: Profile,
    pub params: SharedParams<R>,
    plan: Plan,
    /// The weights that the last pass left, if other processes may look on.
    seen: Vec<R>,
    pub control: Control,
    /// The workers' threads and others: they do all there is to do.
    workers: WorkerPool,
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

impl<'a, R: Real> FitDriver<'a, R> {
    /// A driver for weights and terms of this shape, which touch coordinates `touches` times. The
    /// clock of the preparation starts.
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
            seen: Vec::new(),
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
            begun: 0,
        })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Does something on a thread of the driver, with the others for its parts.
    pub fn install<T: Send>(&self, pass: impl FnOnce() -> T + Send) -> T {
        install(&self.pool, pass)
    }

    /// The weights that the last pass left.
    pub fn weights(&mut self) -> &[R] {
        plain(&mut self.params, &self.seen)
    }

    /// Does a dense pass over the weights that the last pass left. They are read where they lie:
    /// the data that go through the caches meanwhile would drive out a vector of which a copy is
    /// read, and the next pass begin by fetching it.
    pub fn measure<T>(&mut self, measure: impl FnOnce(&[R]) -> T) -> T {
        let weights = plain(&mut self.params, &self.seen);
        if self.fetches {
            parallel::fetch(weights);
        }
        measure(weights)
    }

    /// Counts an epoch of Newton's method.
    pub fn count_newton(&mut self) {
        self.visits += self.order.terms() as u64;
    }

    /// Lets the workers visit all terms once, in a new order.
    pub fn pass(&mut self, rule: &dyn Visit<R>) -> Result<()> {
        self.order.shuffle(self.settings.seed, self.begun);
        let pass = Pass {
            order: &self.order,
            epoch: self.begun,
            visits_before: self.visits,
            seed: self.settings.seed,
            control: &self.control,
            pool: &self.workers,
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

    /// Trains by `method` until one of the reasons to stop holds, or `watch` breaks off.
    pub fn run(
        mut self,
        mut method: Box<dyn Method<R> + '_>,
        evaluate: Option<&Evaluate<'_, R>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<R>> {
        let began = Began {
            workers: self.profile.workers,
            strategy: self.plan.strategy,
            reason: self.plan.reason.take(),
            layout: self.profile.layout,
            step_size: method.step_size(),
            terms: self.order.terms(),
            progress: self.control.progress.clone(),
        };
        let prepare_time = self.began.elapsed();
        let mut is_broken_off = watch(Event::Began(&began)).is_break();

        let pool = self.pool.clone();
        let mut epochs = Vec::new();
        let mut train_time = Duration::ZERO;
        let mut gaps = Falling::default();
        let stop = loop {
            // Who breaks off before the first epoch gets one all the same: there must be weights to
            // return.
            let started = Instant::now();
            let outcome = install(&pool, || method.epoch(&mut self))?;
            train_time += started.elapsed();
            match outcome {
                Outcome::Kept(Measured { objective, gap }) => {
                    gap.iter().for_each(|&gap| gaps.see(gap));
                    let test = evaluate.and_then(|evaluate| {
                        let weights = method.now(&mut self);
                        install(&pool, || evaluate(weights))
                    });
                    let (epoch, visit_time) = (epochs.len() + 1, self.visit_time);
                    let epoch = Epoch { epoch, train_time, visit_time, objective, gap, test };
                    is_broken_off |= watch(Event::Epoch(&epoch)).is_break();
                    epochs.push(epoch);
                }
                Outcome::Undone { objective, learning_rate } => {
                    is_broken_off |=
                        watch(Event::RolledBack { objective, learning_rate }).is_break();
                }
            }
            // An epoch that was undone leaves nothing to return.
            if is_broken_off && !epochs.is_empty() {
                break StopReason::Interrupted;
            }
            if let Some(stop) = self.stop(epochs.len(), method.arrived()) {
                break stop;
            }
            if gaps.has_stalled() && self.settings.tolerance > 0.0 {
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

/// What rayon compiles, once.
fn install_once(pool: &ThreadPool, pass: &mut (dyn FnMut() + Send)) {
    pool.install(pass);
}
