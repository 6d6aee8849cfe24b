//! Fits of a [`Trainer`] to more than two classes: one vector of weights a class, against the rest.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Instant;

use super::task::{Task, targets};
use super::{Trained, Trainer, certified};
use crate::data::ClassLabels;
use crate::error::{Error, Result};
use crate::solver::{ClassFit, Event, Fit, Settings, Solver, StopReason, linear};
use crate::strategy::StrategyKind;
use crate::sync::plain::Ordering::Relaxed;
use crate::train::one_vs_rest::{self, Columns, fit_all};

impl Trainer {
    /// Fits one vector of weights for each class, against the rest.
    pub(super) fn fit_classes(
        &self,
        task: Task<'_>,
        labels: &ClassLabels,
        class_of: &[u32],
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Trained> {
        let Task { data, test, settings, started } = task;
        let names = labels.labels();
        refuse_one_file(&settings, names.len())?;
        let mut examples = vec![0; names.len()];
        class_of.iter().for_each(|&class| examples[class as usize] += 1);
        let first = targets(class_of, 0);
        let rows = self.examples(data, &first)?;
        let solver = {
            let problem = linear(self.loss, rows.clone());
            let convex = certified::convex(&*problem, &settings);
            convex.map_or(Solver::Sgd, |convex| self.first(convex))
        };
        let count = NonZeroUsize::new(names.len()).expect("a data set with labels has classes");
        let mut columns = Columns::new(&self.data_name, rows.width(), count)?;
        let prepare_time = started.elapsed();

        let training = Instant::now();
        let plan = one_vs_rest::plan(names.len(), &settings);
        let mut is_stopped = watch(Event::Classes {
            count: plan.count,
            at_once: plan.at_once,
            threads: plan.threads,
        })
        .is_break();
        let mut fits = vec![None; names.len()];
        let mut digest: Option<Fit<f64>> = None;
        let mut untouched = false;
        fit_all(
            plan,
            &settings,
            |class, settings, watch| {
                let targets = targets(class_of, class as u32);
                let problem = linear(self.loss, rows.with_targets(&targets)?);
                self.solve(&*problem, settings, None, watch)
                    .map_err(|error| of_class(error, names[class]))
            },
            |class, fit, undone| {
                columns.set(class, &fit.weights);
                let class_fit = ClassFit {
                    label: names[class],
                    examples: examples[class],
                    objective: fit.objective,
                    epochs: fit.epochs.len(),
                    undone,
                    learning_rate: fit.began.learning_rate,
                    gap: fit.gap,
                    train_time: fit.train_time,
                    stop: fit.stop,
                };
                untouched |= fit.visits == 0;
                digest = Some(match digest.take() {
                    None => Fit { weights: Vec::new(), epochs: Vec::new(), ..fit },
                    Some(all) => Fit {
                        gap: all.gap.zip(fit.gap).map(|(all_gap, gap)| {
                            (all_gap * all.objective + gap * fit.objective)
                                / (all.objective + fit.objective)
                        }),
                        objective: all.objective + fit.objective,
                        stop: all.stop.max(fit.stop),
                        visits: all.visits + fit.visits,
                        ..all
                    },
                });
                fits[class] = Some(class_fit);
                let done = fits.iter().flatten().count();
                if let Some(fit) = &fits[class] {
                    is_stopped |= watch(Event::Class { fit, done }).is_break();
                }
                if is_stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        )?;
        data.data.verify()?;
        let mut fit = digest.expect("the first class has sent its fit");
        if fits.iter().any(Option::is_none) {
            if !settings.interrupt.load(Relaxed) {
                return Err(too_little_time(&settings));
            }
            untouched = true;
            fit.stop = StopReason::Interrupted;
        }
        fit.objective /= names.len() as f64;
        fit.train_time = training.elapsed();
        fit.began.workers = plan.at_once * plan.threads;
        if plan.at_once > 1 && settings.strategy == StrategyKind::Auto {
            fit.began.reason = Some("each thread trains classes of its own".into());
        }
        if untouched {
            fit.visits = 0;
        }
        let weights = columns.into_weights();
        let penalized = rows.penalized() * names.len();
        let penalty = settings.penalty.value(&weights[..penalized]) / names.len() as f64;
        drop(rows);
        drop(first);
        let model = self.model(Some(labels), weights)?;
        Ok(Trained {
            train: data.evaluate(&model, penalty),
            test: test.map(|test| test.evaluate(&model, penalty)),
            class_weights: Vec::new(),
            prepare_time,
            solver,
            precision: self.precision_of(solver),
            l2: settings.penalty.l2,
            classes: fits.into_iter().flatten().collect(),
            model,
            fit,
        })
    }
}

/// Refuses a named file of weights, which holds only one vector.
fn refuse_one_file(settings: &Settings, classes: usize) -> Result<()> {
    match &settings.params {
        None => Ok(()),
        Some(path) => Err(Error::Parameter {
            name: "params",
            value: format!("{} with {classes} classes", path.display()),
            expected: "no file where there is a vector of weights for each class",
            hint: "leave it out, or train on two classes",
        }),
    }
}

/// The error for a time limit that has left classes without a turn.
fn too_little_time(settings: &Settings) -> Error {
    Error::Parameter {
        name: "time limit",
        value: settings.time_limit.unwrap_or_default().as_secs_f64().to_string(),
        expected: "enough seconds to train a block of each class",
        hint: "raise it, or join classes",
    }
}

/// Returns the error of one class's fit, with the class's name.
fn of_class(error: Error, label: f64) -> Error {
    match error {
        Error::Diverged { what, hint } => {
            Error::Diverged { what: format!("class {label}: {what}"), hint }
        }
        other => other,
    }
}
