//! Results of one strategy with one number of threads.

use std::time::Duration;

use serde::Serialize;

use super::run::{Run, Task, accuracy};
use super::{Best, Floor, GAPS, Spread, Target, diverged};
use crate::error::Result;
use crate::strategy::{StrategyKind, Topology};

/// A strategy with a number of threads. Times are in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// The strategy's name.
    pub strategy: String,
    /// Requested number of threads.
    pub threads: usize,
    /// Number of threads with work.
    pub workers: usize,
    /// True if there are more threads than processors: such a point says nothing about a machine
    /// with more.
    pub oversubscribed: bool,
    /// True if each thread is pinned to one processor.
    pub pinned: bool,
    /// Number of training examples.
    pub examples: usize,
    /// Number of their entries.
    pub nonzeros: usize,
    /// Time of the visits of an epoch: per training, the median of all epochs except the first.
    pub epoch_seconds: Spread,
    /// Entries visited per second.
    pub nonzeros_per_second: Spread,
    /// Throughput as a multiple of that of the best single thread.
    pub speed_up: f64,
    /// Speed-up per thread.
    pub efficiency: f64,
    /// Throughput as a fraction of that of streaming with as many threads.
    pub share_of_streaming: Option<f64>,
    /// Time from checked rows to the first epoch: counting, and the search for a step size.
    pub prepare_seconds: Spread,
    /// Times to the optimum, for each of [`GAPS`].
    pub to_gaps: Vec<ToGap>,
    /// Time to the target, if there is one.
    pub to_target: Option<ToTarget>,
    /// Lowest objective of each training.
    pub objective: Spread,
    /// Fraction of held-out examples with the correct label, after the epoch with the lowest
    /// objective.
    pub test_accuracy: Option<Spread>,
    /// The epochs of the middle training: the one with the median time to the tightest gap that it
    /// reached.
    #[serde(rename = "course")]
    pub epochs: Vec<Step>,
    /// Prediction of the model; none for weak scaling, and if one thread was not measured.
    pub prediction: Option<Prediction>,
}

/// Time to a gap. Medians count a training that did not arrive as one that takes forever.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ToGap {
    /// Distance to the optimum, as a fraction of it.
    pub gap: f64,
    /// Number of trainings that arrived.
    pub arrived: usize,
    /// Number of epochs until then, the last one as a fraction; `None` if fewer than half arrived.
    pub epochs: Option<Spread>,
    /// Time from checked rows until then: the preparation, and training with the objectives that
    /// the step size needs.
    pub seconds: Option<Spread>,
    /// Best time of a single thread as a multiple of this one.
    pub speed_up: Option<f64>,
}

/// Time to the target, at the end of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ToTarget {
    /// Number of trainings that arrived.
    pub arrived: usize,
    /// Time to load the data, once.
    pub load_seconds: f64,
    /// Time from checked rows until then; `None` if fewer than half arrived.
    pub train_seconds: Option<Spread>,
    /// Sum of both times.
    pub total_seconds: Option<Spread>,
}

/// Prediction of the model for a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Seconds of an epoch.
    pub epoch_seconds: f64,
    /// Error relative to the measured median, as a fraction of it.
    pub error: f64,
    /// True if the point took part in making the prediction: one thread, and the points that were
    /// fitted.
    pub used: bool,
}

/// The state after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Time from checked rows.
    pub seconds: f64,
    /// The objective.
    pub objective: f64,
}

/// Values that all points share.
pub(super) struct Context<'a> {
    pub(super) target: Option<Target>,
    pub(super) load_time: Duration,
    pub(super) streaming: &'a [Floor],
}

/// Trainings with the same strategy and number of threads.
pub(super) struct Runs {
    name: &'static str,
    pub(super) strategy: StrategyKind,
    pub(super) threads: usize,
    pub(super) runs: Vec<Run>,
}

impl Runs {
    pub(super) fn new(strategy: StrategyKind, threads: usize) -> Self {
        Runs { name: strategy.label(), strategy, threads, runs: Vec::new() }
    }

    pub(super) fn plain() -> Self {
        Runs { name: "plain loop", ..Runs::new(StrategyKind::Sequential, 1) }
    }

    /// Aggregates all trainings; comparisons with others are added later.
    pub(super) fn point(&self, task: &Task<'_>, context: &Context<'_>) -> Result<Point> {
        let epoch_seconds =
            Spread::of(self.runs.iter().map(Run::epoch_seconds)).ok_or_else(diverged)?;
        let nonzeros = task.data.nonzeros();
        let nonzeros_per_second = epoch_seconds.map(|seconds| nonzeros as f64 / seconds);
        let floor = context.streaming.iter().find(|floor| floor.threads == self.threads);
        let seconds = |run: &Run| run.prepare.as_secs_f64();
        let accuracies: Option<Vec<f64>> = self.runs.iter().map(Run::accuracy).collect();
        Ok(Point {
            strategy: self.name.into(),
            threads: self.threads,
            workers: self.runs.iter().map(|run| run.workers).max().unwrap_or(0),
            oversubscribed: self.threads > Topology::detect().processors(),
            pinned: cfg!(target_os = "linux"),
            examples: task.data.len(),
            nonzeros,
            epoch_seconds,
            nonzeros_per_second,
            speed_up: f64::NAN,
            efficiency: f64::NAN,
            share_of_streaming: floor
                .map(|floor| nonzeros_per_second.median / floor.nonzeros_per_second),
            prepare_seconds: Spread::of(self.runs.iter().map(seconds)).ok_or_else(diverged)?,
            to_gaps: GAPS.iter().map(|&gap| self.to_gap(task, gap)).collect(),
            to_target: context.target.map(|target| self.to_target(target, context.load_time)),
            objective: Spread::of(self.runs.iter().map(Run::objective)).ok_or_else(diverged)?,
            test_accuracy: accuracies.and_then(Spread::of),
            epochs: self.middle_training(task),
            prediction: None,
        })
    }

    fn to_gap(&self, task: &Task<'_>, gap: f64) -> ToGap {
        let found: Vec<_> = self.runs.iter().map(|run| arrival(run, task, gap)).collect();
        ToGap {
            gap,
            arrived: found.iter().flatten().count(),
            epochs: arrivals(found.iter().map(|found| found.map(|found| found.0))),
            seconds: arrivals(found.iter().map(|found| found.map(|found| found.1))),
            speed_up: None,
        }
    }

    fn to_target(&self, target: Target, load: Duration) -> ToTarget {
        let is_there = |epoch: &&crate::train::Epoch| match target {
            Target::Objective(objective) => epoch.objective <= objective,
            Target::Accuracy(share) => {
                epoch.test.as_ref().and_then(accuracy).is_some_and(|found| found >= share)
            }
        };
        let found: Vec<Option<f64>> = self
            .runs
            .iter()
            .map(|run| {
                let epoch = run.epochs.iter().find(is_there)?;
                Some((run.prepare + epoch.train_time).as_secs_f64())
            })
            .collect();
        let train_seconds = arrivals(found.iter().copied());
        ToTarget {
            arrived: found.iter().flatten().count(),
            load_seconds: load.as_secs_f64(),
            train_seconds,
            total_seconds: train_seconds
                .map(|spread| spread.map(|seconds| seconds + load.as_secs_f64())),
        }
    }

    fn middle_training(&self, task: &Task<'_>) -> Vec<Step> {
        let time = |run: &Run| {
            let at = |&gap: &f64| arrival(run, task, gap).map_or(f64::INFINITY, |found| found.1);
            GAPS.iter().map(at).fold(0.0, |all, at| if at.is_finite() { at } else { all })
        };
        let mut runs: Vec<&Run> = self.runs.iter().collect();
        runs.sort_by(|a, b| time(a).total_cmp(&time(b)));
        let Some(run) = runs.get((runs.len().saturating_sub(1)) / 2) else { return Vec::new() };
        let step = |epoch: &crate::train::Epoch| Step {
            epoch: epoch.epoch,
            seconds: (run.prepare + epoch.train_time).as_secs_f64(),
            objective: epoch.objective,
        };
        run.epochs.iter().map(step).collect()
    }
}

/// Returns the epochs and seconds from checked rows to a gap.
fn arrival(run: &Run, task: &Task<'_>, gap: f64) -> Option<(f64, f64)> {
    let found = task.optimum.reached(&run.epochs, gap)?;
    Some((found.epochs, run.prepare.as_secs_f64() + found.seconds))
}

/// Returns the spread of the arrivals, if most trainings arrived.
fn arrivals(found: impl Iterator<Item = Option<f64>>) -> Option<Spread> {
    Spread::of(found.map(|found| found.unwrap_or(f64::INFINITY)))
}

impl Point {
    /// Creates a point of which only the epochs are known.
    #[cfg(test)]
    pub(super) fn of_epoch(threads: usize, nonzeros: usize, epoch_seconds: Spread) -> Self {
        Point {
            strategy: "made up".into(),
            threads,
            workers: threads,
            oversubscribed: false,
            pinned: false,
            examples: 1,
            nonzeros,
            epoch_seconds,
            nonzeros_per_second: epoch_seconds.map(|seconds| nonzeros as f64 / seconds),
            speed_up: f64::NAN,
            efficiency: f64::NAN,
            share_of_streaming: None,
            prepare_seconds: epoch_seconds,
            to_gaps: Vec::new(),
            to_target: None,
            objective: epoch_seconds,
            test_accuracy: None,
            epochs: Vec::new(),
            prediction: None,
        }
    }

    /// Adds the comparison with the best single threads.
    pub(super) fn compare(&mut self, best: &Best) {
        self.speed_up = self.nonzeros_per_second.median / best.nonzeros_per_second;
        self.efficiency = self.speed_up / self.threads as f64;
        for (to_gap, best) in self.to_gaps.iter_mut().zip(&best.seconds_to_gaps) {
            to_gap.speed_up = best.zip(to_gap.seconds).map(|(best, seconds)| best / seconds.median);
        }
    }
}
