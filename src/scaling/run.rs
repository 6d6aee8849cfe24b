//! One training, with its epochs.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::plain::PlainLoop;
use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::model::{Model, Quality};
use crate::params::SharedParams;
use crate::problem::LossKind;
use crate::solver::{AnyLinear, Epoch, Evaluate, Event, Penalty, RulesOf, Settings, StepSize, sgd};
use crate::strategy::{StrategyKind, Topology, pin};
use crate::train::Optimum;

/// A problem with its optimum.
pub(super) struct Task<'a> {
    pub(super) data: &'a Dataset,
    pub(super) targets: &'a [f64],
    pub(super) problem: Box<dyn AnyLinear + 'a>,
    pub(super) loss: LossKind,
    pub(super) l2: f64,
    pub(super) optimum: Optimum,
    /// Objective at which a training may end.
    pub(super) goal: f64,
    /// Accuracy that it must also have reached.
    pub(super) goal_accuracy: Option<f64>,
    pub(super) most_epochs: usize,
    /// Time limit: a training ends after the epoch that exceeds it.
    pub(super) most_time: Duration,
}

/// Held-out data with what evaluating weights on them needs.
#[derive(Clone, Copy)]
pub(super) struct Test<'a> {
    pub(super) data: &'a Dataset,
    pub(super) kind: LossKind,
    pub(super) labels: Option<&'a ClassLabels>,
}

/// Result of one training.
pub(super) struct Run {
    pub(super) epochs: Vec<Epoch>,
    /// Time from checked rows to the first epoch.
    pub(super) prepare: Duration,
    pub(super) workers: usize,
    pub(super) rate: f64,
    /// Final weights, kept only for the last training of the plain loop.
    pub(super) weights: Vec<f32>,
}

/// Minimum number of epochs: the first one starts threads on cold memory.
const LEAST_EPOCHS: usize = 4;
/// Relative change of the objective below which an epoch counts as settled.
const SETTLED: f64 = 1e-5;
/// Consecutive settled epochs that end a training.
const SETTLED_EPOCHS: usize = 3;

/// Counts consecutive epochs in which the objective hardly changed.
struct SettledCounter {
    last: f64,
    epochs: usize,
}

impl SettledCounter {
    fn after(start: f64) -> Self {
        SettledCounter { last: start, epochs: 0 }
    }

    /// Counts the next epoch's objective; returns true if the training has ended.
    fn is_settled_at(&mut self, objective: f64) -> bool {
        let settled = (objective - self.last).abs() < SETTLED * objective.abs();
        self.epochs = if settled { self.epochs + 1 } else { 0 };
        self.last = objective;
        self.epochs >= SETTLED_EPOCHS
    }
}

impl<'a> Task<'a> {
    pub(super) fn train(
        &self,
        strategy: StrategyKind,
        threads: usize,
        seed: u64,
        test: Option<Test<'_>>,
    ) -> Result<Run> {
        let settings = Settings {
            penalty: Penalty { l1: 0.0, l2: self.l2 },
            strategy,
            threads,
            pin: true,
            seed,
            epochs: self.most_epochs,
            // Without a tolerance, all strategies and the plain loop have the same schedule.
            tolerance: 0.0,
            ..Settings::default()
        };
        let mut settled = SettledCounter::after(self.optimum.start);
        let evaluate = test.map(|test| move |weights: &[f32]| test.evaluate(weights));
        let evaluate: Option<&Evaluate<'_, f32>> = evaluate.as_ref().map(|evaluate| evaluate as _);
        let problem: &dyn RulesOf<f32> = &*self.problem;
        let fit = sgd::minimize_linear(problem, &settings, evaluate, &mut |event| match event {
            Event::Epoch(epoch)
                if settled.is_settled_at(epoch.objective) | self.is_enough(epoch) =>
            {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })?;
        Ok(Run {
            prepare: fit.prepare_time,
            workers: fit.began.workers,
            rate: fit.began.learning_rate.unwrap_or(1.0),
            epochs: fit.epochs,
            weights: Vec::new(),
        })
    }

    /// Trains by the plain loop, with the first step size that `first` searched for, hence with its
    /// preparation time.
    pub(super) fn train_plain(
        &self,
        first: &Run,
        seed: u64,
        test: Option<Test<'_>>,
    ) -> Result<Run> {
        let cpu = Topology::detect().places(&[1])[0];
        let pool = pool(1)?;
        let (rate, prepare) = (first.rate, first.prepare);
        let mut weights = SharedParams::anonymous(self.data.width())?;
        let weights = weights.alone().expect("anonymous memory is not shared with other processes");
        let mut plain =
            PlainLoop::new(self.data, self.targets, self.loss, self.l2, (rate, seed), weights);
        let penalty = Penalty { l1: 0.0, l2: self.l2 };
        let problem: &dyn RulesOf<f32> = &*self.problem;
        let rule = problem.sgd(penalty, StepSize::new(rate, <_>::default()), false);
        let (mut epochs, mut last): (Vec<Epoch>, f64) = (Vec::new(), self.optimum.start);
        let (mut train_time, mut visit_time) = (Duration::ZERO, Duration::ZERO);
        let mut settled = SettledCounter::after(last);
        while epochs.len() < self.most_epochs {
            let started = Instant::now();
            let (visits, objective) = pool.install(|| {
                let pinned = pin(cpu);
                let visits = plain.epoch();
                drop(pinned);
                (visits, rule.objective(self.data.len(), plain.weights))
            });
            train_time += started.elapsed();
            visit_time += visits;
            plain.after_epoch(last, objective);
            last = objective;
            let test = test.and_then(|test| test.evaluate(plain.weights));
            let epoch = Epoch {
                epoch: epochs.len() + 1,
                train_time,
                visit_time,
                objective,
                gap: None,
                test,
            };
            let enough = settled.is_settled_at(objective) | self.is_enough(&epoch);
            epochs.push(epoch);
            if enough || !objective.is_finite() {
                break;
            }
        }
        Ok(Run { epochs, prepare, workers: 1, rate, weights: plain.weights.to_vec() })
    }

    /// Returns true if a training has reached all goals, or takes too long.
    fn is_enough(&self, epoch: &Epoch) -> bool {
        let accurate = match (self.goal_accuracy, epoch.test.as_ref().and_then(accuracy)) {
            (Some(goal), Some(accuracy)) => accuracy >= goal,
            _ => true,
        };
        epoch.train_time >= self.most_time
            || epoch.epoch >= LEAST_EPOCHS && epoch.objective <= self.goal && accurate
    }
}

/// Returns the fraction of correct labels, if there are classes.
pub(super) fn accuracy(evaluation: &crate::model::Evaluation) -> Option<f64> {
    match evaluation.quality {
        Quality::Classes { accuracy, .. } | Quality::ManyClasses { accuracy, .. } => Some(accuracy),
        Quality::Regression { .. } => None,
    }
}

impl Test<'_> {
    fn evaluate(&self, weights: &[f32]) -> Option<crate::model::Evaluation> {
        let labels = self.labels.map_or(&[][..], ClassLabels::labels);
        let labels = labels.to_vec();
        let weights = weights.iter().map(|&w| w.into()).collect();
        // Weights that are not finite make no model: such an epoch is rolled back, or ends the run.
        Some(Model::with_classes(self.kind, labels, weights, None).ok()?.evaluate(self.data))
    }
}

fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
        Error::io(format!("<{threads} threads>"), "start", std::io::Error::other(error))
    })
}

impl Run {
    /// Returns the seconds in which the workers visited terms, by epoch.
    pub(super) fn visit_seconds(&self) -> Vec<f64> {
        let ends: Vec<f64> =
            self.epochs.iter().map(|epoch| epoch.visit_time.as_secs_f64()).collect();
        let starts = std::iter::once(0.0).chain(ends.iter().copied());
        ends.iter().zip(starts).map(|(end, start)| end - start).collect()
    }

    /// Returns the seconds of a typical epoch: the median of all except the first, which starts
    /// threads on cold memory.
    pub(super) fn epoch_seconds(&self) -> f64 {
        let all = self.visit_seconds();
        let usual = if all.len() > 1 { &all[1..] } else { &all };
        super::Spread::of(usual.iter().copied()).map_or(f64::INFINITY, |spread| spread.median)
    }

    /// Returns the lowest objective of all epochs.
    pub(super) fn objective(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.objective).fold(f64::INFINITY, f64::min)
    }

    /// Returns the accuracy on held-out data after the epoch with the lowest objective.
    pub(super) fn accuracy(&self) -> Option<f64> {
        let best = self.epochs.iter().min_by(|a, b| a.objective.total_cmp(&b.objective))?;
        accuracy(best.test.as_ref()?)
    }
}
