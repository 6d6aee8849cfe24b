//! A series of trainings: each strategy with each number of threads, on data that stay the same or
//! grow with the threads.

use super::plan::Plan;
use super::point::{Context, Point, Runs};
use super::run::{Run, Task, Test};
use super::{Best, GAPS};
use crate::error::Result;
use crate::strategy::StrategyKind;

/// Trainings that are compared with each other.
pub(super) struct Series<'t> {
    /// Problems by the number of threads; the last one is for the largest number, and for any that
    /// is missing.
    tasks: Vec<(usize, &'t Task<'t>)>,
    jobs: Vec<Runs>,
    plain: Runs,
}

impl<'t> Series<'t> {
    /// Creates all points of `plan`, sequential first, then strategy by strategy. `tasks` are in
    /// ascending order of threads.
    pub(super) fn new(plan: &Plan, threads: &[usize], tasks: Vec<(usize, &'t Task<'t>)>) -> Self {
        let mut jobs = vec![Runs::new(StrategyKind::Sequential, 1)];
        for &strategy in
            plan.strategies.iter().filter(|&&strategy| strategy != StrategyKind::Sequential)
        {
            if jobs.iter().all(|job| job.strategy != strategy) {
                jobs.extend(threads.iter().map(|&threads| Runs::new(strategy, threads)));
            }
        }
        Series { tasks, jobs, plain: Runs::plain() }
    }

    /// Returns the number of trainings per round.
    pub(super) fn len(&self) -> usize {
        self.jobs.len() + 1
    }

    /// Runs one training per point. Points have other neighbors in each round; the first and the
    /// plain loop stay side by side.
    pub(super) fn round(
        &mut self,
        round: usize,
        seed: u64,
        test: Option<Test<'_>>,
        begin: &mut dyn FnMut(&'static str, usize),
    ) -> Result<()> {
        let others = self.jobs.len() - 1;
        let rotated = (0..others).map(|k| 1 + (k + round) % others);
        for at in std::iter::once(0).chain(rotated) {
            let (strategy, threads) = (self.jobs[at].strategy, self.jobs[at].threads);
            let task = task(&self.tasks, threads);
            begin(strategy.label(), threads);
            let run = task.train(strategy, threads, seed, test)?;
            if at == 0 {
                begin("plain loop", 1);
                // Only the last weights are used.
                self.plain.runs.iter_mut().for_each(|run| run.weights = Vec::new());
                self.plain.runs.push(task.train_plain(&run, seed, test)?);
            }
            self.jobs[at].runs.push(run);
        }
        Ok(())
    }

    /// Returns the last training of the plain loop.
    pub(super) fn last_plain(&self) -> Option<&Run> {
        self.plain.runs.last()
    }

    /// Returns the epoch time of the first point as a multiple of that of the plain loop, round by
    /// round.
    pub(super) fn first_against_plain(&self) -> impl Iterator<Item = f64> {
        let ratio = |(first, plain): (&Run, &Run)| first.epoch_seconds() / plain.epoch_seconds();
        self.jobs[0].runs.iter().zip(&self.plain.runs).map(ratio)
    }

    /// Returns the plain loop's point, all others, and the best of the single threads.
    pub(super) fn points(&self, context: &Context<'_>) -> Result<(Point, Vec<Point>, Best)> {
        let point = |runs: &Runs| runs.point(task(&self.tasks, runs.threads), context);
        let mut plain = point(&self.plain)?;
        let mut points = self.jobs.iter().map(point).collect::<Result<Vec<_>>>()?;
        let best = best(points.iter().chain([&plain]));
        points.iter_mut().chain([&mut plain]).for_each(|point| point.compare(&best));
        Ok((plain, points, best))
    }
}

fn task<'t>(tasks: &[(usize, &'t Task<'t>)], threads: usize) -> &'t Task<'t> {
    let found = tasks.iter().find(|(count, _)| *count == threads).or(tasks.last());
    found.expect("a series has a task").1
}

fn best<'p>(points: impl Iterator<Item = &'p Point>) -> Best {
    let singles: Vec<&Point> = points.filter(|point| point.threads == 1).collect();
    let speed = |point: &&Point| point.nonzeros_per_second.median;
    let fastest =
        singles.iter().max_by(|a, b| speed(a).total_cmp(&speed(b))).expect("the plain loop");
    let seconds = |k: usize| {
        let seconds = singles.iter().filter_map(|point| Some(point.to_gaps[k].seconds?.median));
        seconds.min_by(f64::total_cmp)
    };
    Best {
        strategy: fastest.strategy.clone(),
        nonzeros_per_second: fastest.nonzeros_per_second.median,
        seconds_to_gaps: (0..GAPS.len()).map(seconds).collect(),
    }
}
