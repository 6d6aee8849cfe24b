//! How training scales with threads on this machine: measured beside a plain loop, the memory's speed, and a model.
//!
//! Every point is a number of whole trainings, each with another order of the examples, interleaved with those of all
//! other points, so that a neighbor on the machine disturbs all alike. A point says how fast its epochs are *and* when it
//! came near the certified optimum: throughput alone says nothing of what racing threads lose. The first point is not a
//! slow one: speed-ups are against the best single thread, of the plain loop ([`Scaling::plain`]) and all strategies.
//!
//! Linear models without a bias, by stochastic gradient descent with the default step sizes.

mod floor;
mod pieces;
mod plain;
mod point;
mod prediction;
mod run;
mod spread;
#[cfg(test)]
mod tests;
mod way;

use std::time::Duration;

use serde::Serialize;

pub use pieces::Pieces;
pub use point::{Point, Step, ToGap, ToTarget};
pub use prediction::Prediction;
pub use spread::Spread;
pub use way::Way;

use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::problem::{Curved, Hinge, Huber, Linear, Logistic, LossKind, Squared, SquaredHinge};
use crate::strategy::Topology;
use crate::train::{Solver, Trainer};
use point::Runs;
use prediction::Machine;
use run::{Run, Task, Test};

/// Shares of the optimum that trainings are timed down to.
pub const GAPS: [f64; 2] = [0.01, 0.001];

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The loss. Default logistic.
    pub loss: LossKind,
    /// Strength of the squares in the regularizer, above 0. Default 1/n.
    pub l2: Option<f64>,
    /// Numbers of threads, at least 1 each; 1 is always measured. Default 1, 2, 4 ... and one a core.
    pub threads: Vec<usize>,
    /// The strategies; [`Way::SEQUENTIAL`] is always measured. Default all.
    pub ways: Vec<Way>,
    /// Trainings a point, at least 1. Default 9.
    pub repeats: usize,
    /// Whether to measure weak scaling, too: data in proportion to the threads.
    pub weak: bool,
    /// Most epochs of a training, at least 1. Default 100.
    pub epochs: usize,
    /// Seed of the first training; the others take the next ones. Default 1.
    pub seed: u64,
    /// What to time trainings to, beside the optimum. Default nothing.
    pub target: Option<Target>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            loss: LossKind::default(),
            l2: None,
            threads: doubling(Topology::detect().processors()),
            ways: Way::all(),
            repeats: 9,
            weak: false,
            epochs: 100,
            seed: 1,
            target: None,
        }
    }
}

/// 1, 2, 4 ... and `most`.
fn doubling(most: usize) -> Vec<usize> {
    let mut threads: Vec<usize> = (0..).map(|k| 1 << k).take_while(|&threads| threads < most).collect();
    threads.push(most.max(1));
    threads
}

/// Something to train to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Share of held-out examples with the right label, from 0 to 1, after an epoch.
    Accuracy(f64),
    /// Objective on the training data.
    Objective(f64),
}

/// The whole comparison. All times are in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Scaling {
    /// Name of the loss.
    pub loss: &'static str,
    /// Strength of the squares in the regularizer.
    pub l2: f64,
    /// Trainings a point.
    pub repeats: usize,
    /// Most epochs of a training.
    pub most_epochs: usize,
    /// Seed of the first training.
    pub seed: u64,
    /// Processors that this process may use.
    pub processors: usize,
    /// What trainings were timed to, beside the optimum.
    pub target: Option<Target>,
    /// The certified optimum.
    pub optimum: Certified,
    /// The least time of an epoch at each number of threads.
    pub streaming: Vec<Floor>,
    /// The plain loop on one thread.
    pub plain: Point,
    /// The fastest single thread: what speed-ups are against.
    pub best_single: Best,
    /// How the time of the first point, sequential, compares with that of the plain loop: 1 is as fast, more is slower.
    /// The median of the ratios of each round, whose two trainings followed each other.
    pub first_against_plain: Spread,
    /// What single steps cost.
    pub pieces: Pieces,
    /// All points with all data, strategy by strategy, threads ascending.
    pub strong: Vec<Point>,
    /// All points with data in proportion to the threads; speed-up and efficiency are against the best single thread on
    /// its part.
    pub weak: Vec<Point>,
}

/// An optimum with its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Certified {
    /// The lowest objective found.
    pub objective: f64,
    /// A bound of its distance to the least, as a share of itself.
    pub gap: f64,
    /// Time of finding it, on all processors.
    pub seconds: f64,
}

/// The least time of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Number of threads.
    pub threads: usize,
    /// Time of reading the indices and values of all rows.
    pub seconds: Spread,
    /// Bytes read a second, from the median.
    pub bytes_per_second: f64,
    /// Non-zeros read a second, from the median.
    pub nonzeros_per_second: f64,
    /// Time of an epoch that has nothing to do.
    pub barrier_seconds: f64,
}

/// The best of all single threads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// Its strategy.
    pub strategy: String,
    /// Non-zeros visited a second.
    pub nonzeros_per_second: f64,
    /// The least time from checked rows to each gap of [`GAPS`], of any single thread.
    pub seconds_to_gaps: Vec<Option<f64>>,
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// The optimum is being found.
    Optimum,
    /// The memory and single steps are being timed.
    Pieces,
    /// A training begins.
    Training {
        /// How many have ended.
        done: usize,
        /// How many there are.
        of: usize,
        /// The strategy's name.
        strategy: &'static str,
        /// Its threads.
        threads: usize,
    },
}

/// What is compared on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Training examples, in random order.
    pub data: &'a Dataset,
    /// What they are called in messages.
    pub name: &'a str,
    /// Held-out examples.
    pub test: Option<&'a Dataset>,
    /// Time of loading the training examples, which [`Plan::target`] counts.
    pub load_time: Duration,
}

impl Plan {
    /// Measures everything, and tells `watch` what is going on.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a plan out of range, [`Error::Input`] for labels that do not fit the loss (of classes,
    /// there must be two), and as for [`minimize`](crate::train::minimize).
    pub fn run(&self, input: Input<'_>, watch: &mut dyn FnMut(Stage)) -> Result<Scaling> {
        self.check(input)?;
        match self.loss {
            LossKind::Logistic => self.run_loss(Logistic, input, watch),
            LossKind::Hinge => self.run_loss(Hinge, input, watch),
            LossKind::SquaredHinge => self.run_loss(SquaredHinge, input, watch),
            LossKind::Squared => self.run_loss(Squared, input, watch),
            LossKind::Huber => self.run_loss(Huber, input, watch),
        }
    }

    fn check(&self, input: Input<'_>) -> Result<()> {
        let wrong =
            |name, value: String, expected, hint| Err(Error::Parameter { name, value, expected, hint });
        if let Some(l2) = self.l2.filter(|&l2| !(l2.is_finite() && l2 > 0.0)) {
            let hint = "the optimum is certified by dual ascent, which needs it; leave it out for 1/n";
            return wrong("l2", l2.to_string(), "a finite number above 0", hint);
        }
        let counts = [("repeats", self.repeats), ("epochs", self.epochs)];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return wrong(name, "0".into(), "1 or more", "leave it out for the default");
        }
        if let Some(threads) = self.threads.iter().find(|threads| !(1..=MOST_THREADS).contains(*threads)) {
            let hint = "1, 2, 4 ... up to one a core is the default";
            return wrong("threads", threads.to_string(), "numbers from 1 to 4096", hint);
        }
        match self.target {
            Some(Target::Accuracy(share)) if !(share > 0.0 && share <= 1.0) => wrong(
                "target",
                share.to_string(),
                "a share of right labels above 0 and at most 1",
                "0.9 is 90 %",
            ),
            Some(Target::Accuracy(share)) if input.test.is_none() || self.loss.is_regression() => {
                let expected = "an accuracy only with held-out examples of classes";
                wrong("target", format!("accuracy {share}"), expected, "name a file of them, or an objective")
            }
            Some(Target::Objective(objective)) if !objective.is_finite() => wrong(
                "target",
                objective.to_string(),
                "a finite objective",
                "look at one that training prints",
            ),
            _ => Ok(()),
        }
    }

    fn run_loss<L: Curved>(
        &self,
        loss: L,
        input: Input<'_>,
        watch: &mut dyn FnMut(Stage),
    ) -> Result<Scaling> {
        let Input { data, test, name, load_time } = input;
        data.verify()?;
        test.map_or(Ok(()), Dataset::verify)?;
        let labels = match self.loss.is_regression() {
            true => None,
            false => Some(two_classes(name, data)?),
        };
        let targets = signs(data, labels.as_ref());
        let test = test.map(|data| Test { data, kind: self.loss, labels: labels.as_ref() });
        let threads = self.counts();

        watch(Stage::Optimum);
        let started = std::time::Instant::now();
        let task = self.task(loss, data, &targets, name)?;
        let found = started.elapsed();
        if let Some(Target::Objective(objective)) = self.target
            && objective < task.optimum.objective * (1.0 - task.optimum.gap)
        {
            return Err(Error::Parameter {
                name: "target",
                value: format!("objective {objective}"),
                expected: "one that some weights have",
                hint: "the optimum is larger: see what this prints without a target",
            });
        }

        watch(Stage::Pieces);
        let pieces = Pieces::measure(data)?;
        let parts = if self.weak { self.parts(data, &threads) } else { Vec::new() };
        let part_targets: Vec<Vec<f32>> =
            parts.iter().map(|(_, part)| signs(part, labels.as_ref())).collect();
        let weak_tasks = parts
            .iter()
            .zip(&part_targets)
            .map(|((threads, part), targets)| Ok((*threads, self.task(loss, part, targets, name)?)))
            .collect::<Result<Vec<_>>>()?;

        let mut strong = self.jobs(&threads);
        let mut weak = if self.weak { self.jobs(&threads) } else { Vec::new() };
        let mut plain = [Runs::plain(), Runs::plain()];
        let mut streams: Vec<Vec<f64>> = threads.iter().map(|_| Vec::new()).collect();
        let (mut done, of) = (0, self.repeats * (strong.len() + weak.len() + 1 + usize::from(self.weak)));
        for repeat in 0..self.repeats {
            let seed = self.seed.wrapping_add(repeat as u64);
            for (&threads, streams) in threads.iter().zip(&mut streams) {
                streams.push(floor::stream(data, threads));
            }
            let mut begin = |strategy, threads| {
                watch(Stage::Training { done, of, strategy, threads });
                done += 1;
            };
            let smallest = weak_tasks.first().map(|(_, task)| task);
            let kinds = [(Some(&task), &mut strong, true), (smallest, &mut weak, false)];
            for (k, (single, jobs, is_strong)) in kinds.into_iter().enumerate() {
                let Some(single) = single else { continue };
                let count = jobs.len();
                for at in 0..count {
                    // Another neighbor in each round; the first job and the plain loop stay side by side.
                    let at = if at == 0 { 0 } else { 1 + (at - 1 + repeat) % (count - 1) };
                    let job = &mut jobs[at];
                    begin(job.way.name(), job.threads);
                    let of_size = weak_tasks.iter().find(|(threads, _)| *threads == job.threads);
                    let task = match of_size {
                        Some((_, task)) if !is_strong => task,
                        _ => &task,
                    };
                    let run = task.train(job.way, job.threads, seed, test)?;
                    if at == 0 {
                        begin("plain", 1);
                        plain[k].runs.push(single.train_plain(&run, seed, test)?);
                    }
                    job.runs.push(run);
                }
            }
        }

        let streaming = floors(data, &threads, &streams)?;
        let context = point::Context { target: self.target, load_time, streaming: &streaming };
        let ratio = |(first, plain): (&Run, &Run)| first.epoch_seconds() / plain.epoch_seconds();
        let ratios = strong[0].runs.iter().zip(&plain[0].runs).map(ratio);
        let first_against_plain = Spread::of(ratios).ok_or_else(diverged)?;
        let [plain_strong, plain_weak] = plain;
        let (plain, strong, best_single) = points(strong, plain_strong, |_| &task, &context)?;
        let weak = match weak_tasks.first() {
            None => Vec::new(),
            Some((_, smallest)) => {
                let of = |threads| {
                    weak_tasks.iter().find(|(count, _)| *count == threads).map_or(smallest, |(_, task)| task)
                };
                points(weak, plain_weak, of, &context)?.1
            }
        };
        let mut scaling = Scaling {
            loss: self.loss.name(),
            l2: task.l2,
            repeats: self.repeats,
            most_epochs: self.epochs,
            seed: self.seed,
            processors: Topology::detect().processors(),
            target: self.target,
            optimum: Certified {
                objective: task.optimum.objective,
                gap: task.optimum.gap,
                seconds: found.as_secs_f64(),
            },
            streaming,
            plain,
            best_single,
            first_against_plain,
            pieces,
            strong,
            weak,
        };
        self.predict(&mut scaling, data);
        Ok(scaling)
    }

    fn predict(&self, scaling: &mut Scaling, data: &Dataset) {
        let machine = Machine {
            pieces: scaling.pieces,
            streaming: &scaling.streaming,
            frequencies: pieces::frequencies(data),
            examples: data.len(),
            nonzeros: data.nonzeros(),
            topology: Topology::detect(),
        };
        for points in scaling.strong.chunk_by_mut(|a, b| a.strategy == b.strategy) {
            let way = self.ways.iter().find(|way| way.name() == points[0].strategy);
            machine.predict(way.copied().unwrap_or(Way::SEQUENTIAL), points);
        }
    }

    /// The numbers of threads, ascending, 1 among them.
    fn counts(&self) -> Vec<usize> {
        let mut threads = self.threads.clone();
        threads.push(1);
        threads.sort_unstable();
        threads.dedup();
        threads
    }

    /// All points that are to be measured, sequential first, then strategy by strategy.
    fn jobs(&self, threads: &[usize]) -> Vec<Runs> {
        let mut jobs = vec![Runs::new(Way::SEQUENTIAL, 1)];
        for &way in self.ways.iter().filter(|way| way.is_parallel()) {
            if jobs.iter().all(|job| job.way != way) {
                jobs.extend(threads.iter().map(|&threads| Runs::new(way, threads)));
            }
        }
        jobs
    }

    /// Data in proportion to the threads: all of them for the largest number.
    fn parts(&self, data: &Dataset, threads: &[usize]) -> Vec<(usize, Dataset)> {
        let most = threads.last().copied().unwrap_or(1);
        let part = |&threads: &usize| {
            let rows: Vec<u32> = (0..(data.len() * threads / most).max(1) as u32).collect();
            (threads, data.reordered(&rows))
        };
        threads.iter().map(part).collect()
    }

    fn task<'a, L: Curved>(
        &self,
        loss: L,
        data: &'a Dataset,
        targets: &'a [f32],
        name: &str,
    ) -> Result<Task<'a, L>> {
        let problem = Linear::new(data, targets, loss, None)?;
        let l2 = self.l2.unwrap_or(1.0 / data.len() as f64);
        let trainer = Trainer {
            loss: self.loss,
            solver: Solver::Sgd,
            l2: Some(l2),
            bias: None,
            data_name: name.into(),
            ..Trainer::default()
        };
        let optimum = trainer.optimum(data)?;
        let nearest = optimum.objective * (1.0 + GAPS.into_iter().fold(f64::INFINITY, f64::min));
        let (goal, goal_accuracy) = match self.target {
            Some(Target::Objective(objective)) => (nearest.min(objective), None),
            Some(Target::Accuracy(share)) => (nearest, Some(share)),
            None => (nearest, None),
        };
        Ok(Task { data, targets, problem, loss, l2, optimum, goal, goal_accuracy, most_epochs: self.epochs })
    }
}

/// Far above any machine.
const MOST_THREADS: usize = 4096;

/// The two classes of a data set.
fn two_classes(name: &str, data: &Dataset) -> Result<ClassLabels> {
    let labels = ClassLabels::of_dataset(name, data, ClassLabels::of)?;
    match labels.labels().len() {
        2 => Ok(labels),
        count => Err(Error::input(
            name,
            format!("there are {count} labels"),
            "two, as one vector of weights is trained",
            "make one class of some of the labels, or take a loss for regression",
        )),
    }
}

/// What scores are compared with.
fn signs(data: &Dataset, labels: Option<&ClassLabels>) -> Vec<f32> {
    let sign = |&label: &f32| match labels {
        None => label,
        Some(labels) if labels.class(label) == Some(0) => 1.0,
        Some(_) => -1.0,
    };
    data.labels().iter().map(sign).collect()
}

fn floors(data: &Dataset, threads: &[usize], streams: &[Vec<f64>]) -> Result<Vec<Floor>> {
    let entry = if data.rows().values().is_some() { 8.0 } else { 4.0 };
    let floor = |(&threads, seconds): (&usize, &Vec<f64>)| {
        let seconds = Spread::of(seconds.iter().copied()).ok_or_else(diverged)?;
        let nonzeros_per_second = data.nonzeros() as f64 / seconds.median;
        let bytes_per_second = entry * nonzeros_per_second;
        let barrier_seconds = pieces::barrier(threads)?;
        Ok(Floor { threads, seconds, bytes_per_second, nonzeros_per_second, barrier_seconds })
    };
    threads.iter().zip(streams).map(floor).collect()
}

/// The plain loop's point, all others, and the best of the single threads.
fn points<'t, L: Curved + 't>(
    jobs: Vec<Runs>,
    plain: Runs,
    task: impl Fn(usize) -> &'t Task<'t, L>,
    context: &point::Context<'_>,
) -> Result<(Point, Vec<Point>, Best)> {
    let mut plain = plain.point(task(1), context)?;
    let mut points =
        jobs.iter().map(|job| job.point(task(job.threads), context)).collect::<Result<Vec<_>>>()?;
    let singles = || points.iter().chain([&plain]).filter(|point| point.threads == 1);
    let best = singles()
        .max_by(|a, b| a.nonzeros_per_second.median.total_cmp(&b.nonzeros_per_second.median))
        .expect("the plain loop has one thread");
    let seconds = |k: usize| {
        let seconds = singles().filter_map(|point| Some(point.to_gaps[k].seconds?.median));
        seconds.min_by(f64::total_cmp)
    };
    let best = Best {
        strategy: best.strategy.clone(),
        nonzeros_per_second: best.nonzeros_per_second.median,
        seconds_to_gaps: (0..GAPS.len()).map(seconds).collect(),
    };
    points.iter_mut().chain([&mut plain]).for_each(|point| point.compare(&best));
    Ok((plain, points, best))
}

fn diverged() -> Error {
    Error::Diverged {
        what: "no epoch could be timed".into(),
        hint: "scale the features down, for example to rows of length 1",
    }
}
