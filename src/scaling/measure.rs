//! Measurement of everything that a plan contains.

use std::time::Instant;

use super::pieces::{self, Pieces};
use super::plan::{Input, Plan, Stage, Target};
use super::point::{Context, Point};
use super::prediction::Machine;
use super::run::{Task, Test};
use super::series::Series;
use super::{Certified, Floor, GAPS, Scaling, Spread, diverged, floor};
use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::problem::{Examples, LossKind};
use crate::solver::linear;
use crate::strategy::{StrategyKind, Topology};
use crate::train::{Solver, Trainer};

impl Plan {
    /// Measures everything, and reports the progress to `watch`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a plan out of range, [`Error::Input`] for labels that do not fit
    /// the loss (of classes, there must be two), and as for [`minimize`](crate::train::minimize).
    pub fn run(&self, input: Input<'_>, watch: &mut dyn FnMut(Stage)) -> Result<Scaling> {
        self.check(input)?;
        match self.loss {
            LossKind::Softmax | LossKind::Custom(_) => Err(Error::Parameter {
                name: "loss",
                value: self.loss.to_string(),
                expected: "a loss whose optimum dual ascent certifies, to measure distances from",
                hint: "choose logistic",
            }),
            _ => measure(self, input, watch),
        }
    }
}

/// Measures everything in `plan`, which was checked.
fn measure(plan: &Plan, input: Input<'_>, watch: &mut dyn FnMut(Stage)) -> Result<Scaling> {
    let Input { data, test, name, load_time } = input;
    data.verify()?;
    test.map_or(Ok(()), Dataset::verify)?;
    let labels = match plan.loss.is_regression() {
        true => None,
        false => Some(two_classes(name, data)?),
    };
    let test = test.map(|data| Test { data, kind: plan.loss, labels: labels.as_ref() });
    let threads = plan.thread_counts();

    watch(Stage::Optimum);
    let whole_targets = targets(data, labels.as_ref());
    let started = Instant::now();
    let whole = task(plan, data, &whole_targets, name)?;
    let optimum_time = started.elapsed();
    refuse_below(plan.target, &whole)?;
    let parts = if plan.weak { parts(data, &threads) } else { Vec::new() };
    let part_targets: Vec<Vec<f64>> =
        parts.iter().map(|part| targets(part, labels.as_ref())).collect();
    let of_parts =
        parts.iter().zip(&part_targets).map(|(part, targets)| task(plan, part, targets, name));
    let of_parts = of_parts.collect::<Result<Vec<_>>>()?;

    let mut strong = Series::new(plan, &threads, vec![(0, &whole)]);
    let by_threads = threads.iter().copied().zip(&of_parts).collect();
    let mut weak = plan.weak.then(|| Series::new(plan, &threads, by_threads));
    let mut streams: Vec<Vec<f64>> = threads.iter().map(|_| Vec::new()).collect();
    let of_round = strong.len() + weak.as_ref().map_or(0, Series::len);
    let (mut done, mut repeats, began) = (0, 0, Instant::now());
    let mut pieces = Vec::new();
    while !plan.is_done(repeats, began.elapsed()) {
        let (round, of) = (repeats, of_round * plan.at_least(repeats));
        repeats += 1;
        watch(Stage::Pieces);
        let seed = plan.seed.wrapping_add(round as u64);
        for (&threads, streams) in threads.iter().zip(&mut streams) {
            streams.push(floor::stream(data, threads));
        }
        let mut begin = |strategy, threads| {
            watch(Stage::Training { done, of, strategy, threads });
            done += 1;
        };
        strong.round(round, seed, test, &mut begin)?;
        if let Some(weak) = &mut weak {
            weak.round(round, seed, test, &mut begin)?;
        }
        if let Some(plain) = strong.last_plain() {
            pieces.push(Pieces::measure(&whole, plain)?);
        }
    }

    let streaming = floors(data, &threads, &streams)?;
    let context = Context { target: plan.target, load_time, streaming: &streaming };
    let pieces = Pieces::medians(&pieces);
    let (plain, mut points, best_single) = strong.points(&context)?;
    predict(&mut points, pieces, &streaming, data);
    Ok(Scaling {
        loss: plan.loss.name(),
        epsilon: plan.loss.epsilon(),
        l2: whole.l2,
        repeats,
        most_epochs: plan.epochs,
        most_seconds: plan.time_limit.as_secs_f64(),
        seed: plan.seed,
        processors: Topology::detect().processors(),
        target: plan.target,
        optimum: Certified {
            objective: whole.optimum.objective,
            gap: whole.optimum.gap,
            seconds: optimum_time.as_secs_f64(),
        },
        first_against_plain: Spread::of(strong.first_against_plain()).ok_or_else(diverged)?,
        weak: weak.map_or(Ok(Vec::new()), |weak| Ok(weak.points(&context)?.1))?,
        strong: points,
        streaming,
        plain,
        best_single,
        pieces,
    })
}

/// Creates a problem and certifies its optimum.
fn task<'a>(plan: &Plan, data: &'a Dataset, targets: &'a [f64], name: &str) -> Result<Task<'a>> {
    let problem = linear(plan.loss, Examples::new(data, targets, None)?);
    let l2 = plan.l2.unwrap_or(1.0 / data.len() as f64);
    let trainer = Trainer {
        loss: plan.loss,
        solver: Solver::Sgd,
        l2: Some(l2),
        bias: None,
        data_name: name.into(),
        ..Trainer::default()
    };
    let optimum = trainer.optimum(data)?;
    let nearest = optimum.objective * (1.0 + GAPS.into_iter().fold(f64::INFINITY, f64::min));
    let (goal, goal_accuracy) = match plan.target {
        Some(Target::Objective(objective)) => (nearest.min(objective), None),
        Some(Target::Accuracy(share)) => (nearest, Some(share)),
        None => (nearest, None),
    };
    Ok(Task {
        data,
        targets,
        problem,
        loss: plan.loss,
        l2,
        optimum,
        goal,
        goal_accuracy,
        most_epochs: plan.epochs,
        most_time: plan.time_limit,
    })
}

/// Refuses an objective below the optimum, which no weights reach.
fn refuse_below(target: Option<Target>, task: &Task<'_>) -> Result<()> {
    match target {
        Some(Target::Objective(objective))
            if objective < task.optimum.objective * (1.0 - task.optimum.gap) =>
        {
            Err(Error::Parameter {
                name: "target",
                value: format!("objective {objective}"),
                expected: "an objective that some weights reach",
                hint: "the optimum is larger: run without a target to print it",
            })
        }
        _ => Ok(()),
    }
}

/// Returns data in proportion to each number of threads: all of them for the largest.
fn parts(data: &Dataset, threads: &[usize]) -> Vec<Dataset> {
    let most = threads.last().copied().unwrap_or(1);
    let part = |threads: &usize| {
        let rows: Vec<u32> = (0..(data.len() * threads / most).max(1) as u32).collect();
        data.reordered(&rows)
    };
    threads.iter().map(part).collect()
}

/// Adds the predictions of the model to the points.
fn predict(points: &mut [Point], pieces: Pieces, streaming: &[Floor], data: &Dataset) {
    let machine = Machine {
        pieces,
        streaming,
        frequencies: pieces::frequencies(data),
        examples: data.len(),
        nonzeros: data.nonzeros(),
        topology: Topology::detect(),
    };
    for points in points.chunk_by_mut(|a, b| a.strategy == b.strategy) {
        let strategy =
            StrategyKind::of_label(&points[0].strategy).unwrap_or(StrategyKind::Sequential);
        machine.predict(strategy, points);
    }
}

/// Returns the two classes of a data set.
fn two_classes(name: &str, data: &Dataset) -> Result<ClassLabels> {
    let labels = ClassLabels::of_dataset(name, data, ClassLabels::of)?;
    match labels.labels().len() {
        2 => Ok(labels),
        count => Err(Error::input(
            name,
            format!("there are {count} labels"),
            "two, as one weight vector is trained",
            "merge some of the labels into one class, or choose a loss for regression",
        )),
    }
}

/// Returns the targets: classes as signs, or the labels of a regression.
fn targets(data: &Dataset, labels: Option<&ClassLabels>) -> Vec<f64> {
    let sign = |&label: &f64| match labels {
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
