//! Training linear models: from labeled rows to a [`Model`].

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::one_vs_rest::{Columns, fit_all};
use super::weights::of_held_out;
use super::{
    ClassFit, Classes, Evaluate, Event, ExampleWeights, Fit, Multiclass, Precision, Settings, Sharing,
    Solver, ascend, minimize, reduce_variance,
};
use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::model::{Evaluation, Model};
use crate::params::Real;
use crate::problem::{
    Curved, Hinge, Huber, Linear, Logistic, Loss, LossKind, Problem, Squared, SquaredHinge,
};
use crate::rule::{Penalty, Schedule};

/// Trains linear models.
///
/// # Examples
/// ```
/// use wildsgd::data::Builder;
/// use wildsgd::train::Trainer;
///
/// let mut examples = Builder::default();
/// for k in 0..200 {
///     examples.entry(k % 2, 1.0);
///     examples.end_row(if k % 2 == 0 { 1.0 } else { -1.0 });
/// }
/// let trained = Trainer::default().fit(&examples.finish(0))?;
/// assert!(trained.model.weights()[0] > 0.0 && trained.model.weights()[1] < 0.0);
/// # Ok::<(), wildsgd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trainer {
    /// The loss. Default logistic.
    pub loss: LossKind,
    /// How weights are found. Default [`Solver::Auto`].
    pub solver: Solver,
    /// Type of the weights while they are found. Default f32.
    pub precision: Precision,
    /// Strength of the squares in the regularizer. Default: 1/n for n examples.
    pub l2: Option<f64>,
    /// Value of the bias's constant feature, at least 0 (LIBLINEAR's `-B`); `None` for no bias. Default 1.
    pub bias: Option<f64>,
    /// Whether the regularizer leaves the bias out. Default: it does not, as in LIBLINEAR.
    pub free_bias: bool,
    /// How much examples count. Default: all the same.
    pub weights: ExampleWeights,
    /// What is done with more than two labels, if the loss is none for regression. Default: one-vs-rest.
    pub multiclass: Multiclass,
    /// What the data set is called in messages.
    pub data_name: String,
    /// Everything that is not about linear models. Its `l2` is set from the field above.
    pub settings: Settings,
}

impl Default for Trainer {
    fn default() -> Self {
        Trainer {
            loss: LossKind::default(),
            solver: Solver::default(),
            precision: Precision::default(),
            l2: None,
            bias: Some(1.0),
            free_bias: false,
            weights: ExampleWeights::default(),
            multiclass: Multiclass::default(),
            data_name: "data set".into(),
            settings: Settings::default(),
        }
    }
}

/// What training a linear model leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model of the epoch with the lowest objective.
    pub model: Model,
    /// The course of the training. With more than two classes, a digest of theirs: no weights and no epochs, the mean of
    /// the objectives, the gravest reason to stop, all visits (0 if a class had none: then the model is worthless), the
    /// preparation of the first class, and the time of all, with the preparation of each.
    pub fit: Fit<f64>,
    /// The courses of the classes one against the rest, in the order of the model's labels, if there are more than two.
    pub classes: Vec<ClassFit>,
    /// The factor of each class's examples, in the order of the model's labels; empty if all are 1.
    pub class_weights: Vec<f64>,
    /// The regularizer's strength that was used.
    pub l2: f64,
    /// The model on the training data.
    pub train: Evaluation,
    /// The model on the held-out data.
    pub test: Option<Evaluation>,
    /// Time of shuffling, counting and searching, from checked rows to the first epoch.
    pub prepare_time: Duration,
}

impl Trainer {
    /// Trains on `data`. Deterministic given the seed with one worker; racy by design with more.
    ///
    /// Takes a shuffled copy, unless the data set was loaded in the order of the same seed
    /// ([`LoadOptions::shuffle`](crate::data::LoadOptions::shuffle)): the model is the same. A data set in a cache file
    /// that is in some random order stays in that one ([`Dataset::in_random_order`]).
    ///
    /// # Errors
    /// [`Error::Input`] if the labels do not fit the loss, or `data` lies in a cache file that is damaged or was written
    /// to, and as for [`minimize`].
    pub fn fit(&self, data: &Dataset) -> Result<Trained> {
        self.fit_watched(data, None, &mut |_| ())
    }

    /// Trains on `data`, evaluates on `test` after each epoch (off the clock), and tells `watch` what happens.
    ///
    /// # Errors
    /// As for [`Trainer::fit`].
    pub fn fit_watched(
        &self,
        data: &Dataset,
        test: Option<&Dataset>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trained> {
        self.check()?;
        match self.loss {
            LossKind::Logistic => self.fit_loss(Logistic, data, test, watch),
            LossKind::Hinge => self.fit_loss(Hinge, data, test, watch),
            LossKind::SquaredHinge => self.fit_loss(SquaredHinge, data, test, watch),
            LossKind::Squared => self.fit_loss(Squared, data, test, watch),
            LossKind::Huber => self.fit_loss(Huber, data, test, watch),
        }
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first one that is out of its range.
    pub fn check(&self) -> Result<()> {
        let mut settings = self.settings.clone();
        settings.penalty.l2 = self.l2.unwrap_or(0.0);
        settings.check()?;
        self.weights.check(self.loss.is_regression())?;
        self.check_solver()?;
        if let Some(bias) = self.bias.filter(|bias| !(bias.is_finite() && *bias >= 0.0)) {
            return Err(Error::Parameter {
                name: "bias",
                value: bias.to_string(),
                expected: "a finite number, 0 or larger",
                hint: "1 is usual; switch the bias off for none",
            });
        }
        Ok(())
    }

    fn fit_loss<L: Curved>(
        &self,
        loss: L,
        data: &Dataset,
        test: Option<&Dataset>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trained> {
        let started = Instant::now();
        data.verify()?;
        test.map_or(Ok(()), Dataset::verify)?;
        let labels = match self.loss.is_regression() {
            true => None,
            false => Some(self.labels(data)?),
        };
        let mut settings = self.settings.clone();
        settings.penalty.l2 = self.l2.unwrap_or(1.0 / data.len().max(1) as f64);
        let shuffled = data.in_random_order(settings.seed);
        let class_of = labels.as_ref().map_or(Vec::new(), |labels| labels.classes(shuffled.labels()));
        let of_classes = match &labels {
            None => Vec::new(),
            Some(labels) => self.weights.of_classes(&self.data_name, labels, &class_of)?,
        };
        let weights = self.weights.of_rows(&self.data_name, &shuffled, &of_classes, &class_of)?;
        let test_weights = match (&labels, test) {
            (Some(labels), Some(test)) => of_held_out(test, labels, &of_classes),
            _ => None,
        };
        let task = Task {
            data: Weighted { data: &shuffled, weights: weights.as_deref() },
            test: test.map(|data| Weighted { data, weights: test_weights.as_deref() }),
            settings,
            started,
        };
        let trained = match &labels {
            None => self.fit_one(loss, task, None, shuffled.labels().into(), watch),
            Some(labels) if labels.labels().len() == 2 => {
                let targets = targets(&class_of, 0);
                drop(class_of);
                self.fit_one(loss, task, Some(labels), targets.into(), watch)
            }
            Some(labels) => self.fit_classes(loss, task, labels, &class_of, watch),
        };
        Ok(Trained { class_weights: of_classes, ..trained? })
    }

    /// The solver that is used with a regularizer, which is not [`Solver::Auto`]: one that knows how far it is from the
    /// optimum where there is one.
    pub fn choose(&self, penalty: Penalty) -> Solver {
        let settings = &self.settings;
        let stepped = settings.learning_rate.is_some() || settings.schedule != Schedule::default();
        let ring = matches!(settings.sharing, Sharing::HogwildPlusPlus(_));
        let weighted = self.weights != ExampleWeights::default();
        match self.solver {
            Solver::Auto if stepped || ring || self.has_free_bias() => Solver::Sgd,
            Solver::Auto if penalty.l1 == 0.0 && penalty.l2 > 0.0 => Solver::Dual,
            Solver::Auto if penalty.l1 > 0.0 && self.loss != LossKind::Hinge && !weighted => Solver::Saga,
            Solver::Auto => Solver::Sgd,
            chosen => chosen,
        }
    }

    fn has_free_bias(&self) -> bool {
        self.free_bias && self.bias.is_some()
    }

    /// What the chosen solver cannot do.
    fn check_solver(&self) -> Result<()> {
        let weighted = self.weights != ExampleWeights::default();
        let lacks = match self.solver {
            Solver::Dual | Solver::Saga if self.has_free_bias() => "a bias that is not regularized",
            Solver::Saga if weighted => "weights of examples or classes",
            _ => return Ok(()),
        };
        Err(Error::Parameter {
            name: "solver",
            value: format!("{} with {lacks}", self.solver.name()),
            expected: "a solver that can do both",
            hint: "leave the solver out, or choose sgd",
        })
    }

    fn labels(&self, data: &Dataset) -> Result<ClassLabels> {
        let find = match self.multiclass {
            Multiclass::Auto => ClassLabels::of,
            Multiclass::OneVsRest => ClassLabels::of_any,
        };
        ClassLabels::of_dataset(&self.data_name, data, find)
    }

    /// One vector: two classes, or regression.
    fn fit_one<L: Curved>(
        &self,
        loss: L,
        task: Task<'_>,
        labels: Option<&ClassLabels>,
        targets: Cow<'_, [f32]>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trained> {
        let problem = self.problem(loss, task.data, &targets)?;
        let shuffle_time = task.started.elapsed();
        let model = |weights: &[f64]| self.model(labels, weights.to_vec());
        let penalized = problem.penalized();
        let evaluate = |weights: &[f64], data: Weighted<'_>| {
            Ok::<_, Error>(
                data.evaluate(&model(weights)?, task.settings.penalty.value(&weights[..penalized])),
            )
        };
        let on_test = task.test.map(|test| move |weights: &[f64]| evaluate(weights, test).ok());
        let fit = self.solve(&problem, &task.settings, on_test.as_ref().map(|f| f as _), watch)?;
        task.data.data.verify()?;
        // Evaluation takes memory of its own.
        drop(problem);
        drop(targets);
        Ok(Trained {
            model: model(&fit.weights)?,
            train: evaluate(&fit.weights, task.data)?,
            test: task.test.map(|test| evaluate(&fit.weights, test)).transpose()?,
            prepare_time: shuffle_time + fit.prepare_time,
            l2: task.settings.penalty.l2,
            classes: Vec::new(),
            class_weights: Vec::new(),
            fit,
        })
    }

    /// One vector a class, against the rest.
    fn fit_classes<L: Curved>(
        &self,
        loss: L,
        task: Task<'_>,
        labels: &ClassLabels,
        class_of: &[u32],
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trained> {
        let Task { data, test, settings, started } = task;
        let names = labels.labels();
        refuse_one_file(&settings, names.len())?;
        let mut examples = vec![0; names.len()];
        class_of.iter().for_each(|&class| examples[class as usize] += 1);
        let first = targets(class_of, 0);
        let rows = self.problem(loss, data, &first)?;
        let count = NonZeroUsize::new(names.len()).expect("a data set with labels has classes");
        let mut columns = Columns::new(&self.data_name, rows.width(), count)?;
        let prepare_time = started.elapsed();

        let training = Instant::now();
        let plan = Classes::new(names.len(), &settings);
        watch(Event::Classes(plan));
        let mut fits = vec![None; names.len()];
        let mut digest: Option<Fit<f64>> = None;
        let mut untouched = false;
        fit_all(
            plan,
            &settings,
            |class, settings, watch| {
                let targets = targets(class_of, class as u32);
                self.solve(&rows.with_targets(&targets)?, settings, None, watch)
                    .map_err(|error| of_class(error, names[class]))
            },
            |class, fit, undone| {
                columns.set(class, &fit.weights);
                let class_fit = ClassFit {
                    label: names[class].into(),
                    examples: examples[class],
                    objective: fit.objective,
                    epochs: fit.epochs.len(),
                    undone,
                    learning_rate: fit.began.step_size.map(|step| step.learning_rate),
                    gap: fit.gap,
                    train_time: fit.train_time,
                    stop: fit.stop,
                };
                untouched |= fit.visits == 0;
                digest = Some(match digest.take() {
                    None => Fit { weights: Vec::new(), epochs: Vec::new(), ..fit },
                    Some(all) => Fit {
                        gap: all.gap.zip(fit.gap).map(|(all_gap, gap)| {
                            (all_gap * all.objective + gap * fit.objective) / (all.objective + fit.objective)
                        }),
                        objective: all.objective + fit.objective,
                        stop: all.stop.max(fit.stop),
                        visits: all.visits + fit.visits,
                        ..all
                    },
                });
                fits[class] = Some(class_fit);
                let done = fits.iter().flatten().count();
                fits[class].iter().for_each(|fit| watch(Event::Class { fit, done }));
            },
        )?;
        data.data.verify()?;
        let mut fit = digest.expect("each class has sent its fit");
        fit.objective /= names.len() as f64;
        fit.train_time = training.elapsed();
        fit.began.workers = plan.at_once * plan.threads;
        if plan.at_once > 1 && settings.sharing == Sharing::Auto {
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
            l2: settings.penalty.l2,
            classes: fits.into_iter().flatten().collect(),
            model,
            fit,
        })
    }

    /// What is minimized, with the bias and the weights of examples.
    fn problem<'a, L: Loss>(
        &self,
        loss: L,
        Weighted { data, weights }: Weighted<'a>,
        targets: &'a [f32],
    ) -> Result<Linear<'a, L>> {
        let problem = Linear::new(data, targets, loss, self.bias.map(|bias| bias as f32))?;
        let problem = if self.free_bias { problem.with_free_bias() } else { problem };
        match weights {
            None => Ok(problem),
            Some(weights) => problem.with_weights(weights),
        }
    }

    /// Finds one vector of weights, by the solver that was chosen.
    fn solve<L: Curved>(
        &self,
        problem: &Linear<'_, L>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fit<f64>> {
        match self.precision {
            Precision::F64 => self.solve_in(problem, settings, evaluate, watch),
            Precision::F32 => {
                let widened = evaluate.map(|evaluate| move |weights: &[f32]| evaluate(&wide(weights)));
                let fit = self.solve_in(problem, settings, widened.as_ref().map(|f| f as _), watch)?;
                Ok(fit.map_weights(|weights| wide(&weights)))
            }
        }
    }

    fn solve_in<L: Curved, R: Real>(
        &self,
        problem: &Linear<'_, L>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, R>>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fit<R>> {
        match self.choose(settings.penalty) {
            Solver::Dual => ascend(problem, settings, evaluate, watch),
            Solver::Saga => reduce_variance(problem, settings, evaluate, watch),
            Solver::Sgd | Solver::Auto => minimize(problem, settings, evaluate, watch),
        }
    }

    fn model(&self, labels: Option<&ClassLabels>, weights: Vec<f64>) -> Result<Model> {
        let constant = self.bias.map(|value| f64::from(value as f32));
        let labels = labels.map_or(&[][..], ClassLabels::labels).iter().map(|&label| label.into()).collect();
        Ok(Model::with_classes(self.loss, labels, weights, constant)?.with_l1(self.settings.penalty.l1 > 0.0))
    }
}

fn wide(weights: &[f32]) -> Vec<f64> {
    weights.iter().map(|&w| w.into()).collect()
}

/// What a fit starts from.
struct Task<'a> {
    /// The rows in the seed's order.
    data: Weighted<'a>,
    test: Option<Weighted<'a>>,
    settings: Settings,
    started: Instant,
}

/// Examples, and how much each of them counts.
#[derive(Clone, Copy)]
struct Weighted<'a> {
    data: &'a Dataset,
    /// `None`: all the same.
    weights: Option<&'a [f32]>,
}

impl Weighted<'_> {
    /// Measures that count each example once, and the objective.
    fn evaluate(&self, model: &Model, penalty: f64) -> Evaluation {
        let mut evaluation = model.evaluate(self.data);
        let loss = match self.weights {
            None => evaluation.loss,
            Some(weights) => model.weighted_loss(self.data, weights),
        };
        evaluation.objective = loss.map(|loss| loss + penalty);
        evaluation
    }
}

/// What scores are compared with: +1 for the examples of `class`, -1 for all others.
fn targets(classes: &[u32], class: u32) -> Vec<f32> {
    classes.iter().map(|&other| if other == class { 1.0 } else { -1.0 }).collect()
}

/// A file of weights can be watched where there is one vector.
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

/// The error of one class's training, with its name.
fn of_class(error: Error, label: f32) -> Error {
    match error {
        Error::Diverged { what, hint } => Error::Diverged { what: format!("class {label}: {what}"), hint },
        other => other,
    }
}
