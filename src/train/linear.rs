//! Training linear models: from labeled rows to a [`Model`].

mod certified;
mod classes;
mod fit;
mod free_bias;
mod softmax;
mod task;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use self::task::{Task, Weighted, targets};
use super::weights::of_held_out;
use super::{ExampleWeights, Multiclass};
use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::metrics::Evaluation;
use crate::model::Model;
use crate::problem::LossKind;
use crate::solver::{
    ClassFit, Event, Fit, Penalty, Precision, Schedule, Settings, Solver, StopReason,
};
use crate::strategy::StrategyKind;
use crate::sync::plain::Ordering::Relaxed;

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
    /// The solver. Default [`Solver::Auto`].
    pub solver: Solver,
    /// Type of the weights during training. Default f32.
    pub precision: Precision,
    /// Strength of the squares in the regularizer. Default: 1/n for n examples.
    pub l2: Option<f64>,
    /// Value of the bias's constant feature, at least 0 (LIBLINEAR's `-B`); `None` for no bias.
    /// Default 1.
    pub bias: Option<f64>,
    /// If set, the regularizer leaves the bias out. Default false, as in LIBLINEAR.
    pub free_bias: bool,
    /// Factors of the examples' losses. Default: all 1.
    pub weights: ExampleWeights,
    /// Treatment of more than two labels, unless the loss is for regression. Default: one-vs-rest.
    pub multiclass: Multiclass,
    /// Name of the data set in messages. Default "data set".
    pub data_name: String,
    /// All settings that are not specific to linear models. Their `l2` is set from the field above.
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

/// A trained linear model, and the record of its training.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Trained {
    /// The model of the epoch with the lowest objective.
    pub model: Model,
    /// The fit. Its weights went into the model. With more than two classes, a digest of theirs: no
    /// epochs, the mean of the objectives, the gravest reason to stop, all visits (0 if a class had
    /// none: then the model is worthless), the preparation of the first class, and the time of all,
    /// with the preparation of each.
    pub fit: Fit<f64>,
    /// The fits of the classes, each against the rest, in the order of the model's labels; empty
    /// unless there are more than two. Classes that an interrupt has left without a turn are
    /// missing.
    pub classes: Vec<ClassFit>,
    /// The factor of each class's examples, in the order of the model's labels; empty if all are 1.
    pub class_weights: Vec<f64>,
    /// The solver that training began with; not [`Solver::Auto`].
    /// [`Fit::continued`] names the one that went on.
    pub solver: Solver,
    /// Type of the weights during training with that solver.
    pub precision: Precision,
    /// Strength of l2 that was used.
    pub l2: f64,
    /// Measures of the model on the training data.
    pub train: Evaluation,
    /// Measures of the model on the held-out data.
    pub test: Option<Evaluation>,
    /// Time of shuffling, counting and searching, from checked rows to the first epoch.
    pub prepare_time: Duration,
}

impl Trained {
    /// Returns true if the model is certified to be within this fraction of the optimum; of several
    /// classes, each one's weights.
    pub fn is_certified(&self, tolerance: f64) -> bool {
        let is_within = |gap: Option<f64>| gap.is_some_and(|gap| gap <= tolerance);
        match self.classes.is_empty() {
            true => is_within(self.fit.gap),
            false => self.classes.iter().all(|class| is_within(class.gap)),
        }
    }
}

impl Trainer {
    /// Trains on `data`. Deterministic given the seed with one worker; racy by design with more.
    ///
    /// Makes a shuffled copy, unless the data set was loaded in the order of this seed
    /// ([`LoadOptions::shuffle`](crate::data::LoadOptions::shuffle)); the model is the same. A
    /// cache file that is in some random order keeps it ([`Dataset::in_random_order`]).
    ///
    /// # Errors
    /// [`Error::Input`] if the labels do not fit the loss, or `data` lies in a cache file that is
    /// damaged or was written to, and as for [`minimize`](super::minimize).
    pub fn fit(&self, data: &Dataset) -> Result<Trained> {
        self.fit_watched(data, None, &mut |_| ControlFlow::Continue(()))
    }

    /// Trains on `data`, evaluates on `test` after each epoch (off the clock), and reports each
    /// event to `watch`.
    ///
    /// # Errors
    /// As for [`Trainer::fit`].
    pub fn fit_watched(
        &self,
        data: &Dataset,
        test: Option<&Dataset>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Trained> {
        self.check()?;
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
        let class_of =
            labels.as_ref().map_or(Vec::new(), |labels| labels.classes(shuffled.labels()));
        let of_classes = match &labels {
            None => Vec::new(),
            Some(labels) => {
                self.weights.of_classes(&self.data_name, &shuffled, labels, &class_of)?
            }
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
            None => self.fit_one(task, None, shuffled.labels().into(), watch),
            Some(labels) if labels.labels().len() == 2 => {
                let targets = targets(&class_of, 0);
                drop(class_of);
                self.fit_one(task, Some(labels), targets.into(), watch)
            }
            Some(labels) if self.loss == LossKind::Softmax => {
                self.fit_softmax(task, labels, &class_of, watch)
            }
            Some(labels) => self.fit_classes(task, labels, &class_of, watch),
        };
        let trained = Trained { class_weights: of_classes, ..trained? };
        if trained.fit.stop == StopReason::Interrupted {
            // The next fit is not to end by an old interrupt.
            self.settings.interrupt.store(false, Relaxed);
        }
        Ok(trained)
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first one that is out of its range.
    pub fn check(&self) -> Result<()> {
        let mut settings = self.settings.clone();
        settings.penalty.l2 = self.l2.unwrap_or(0.0);
        settings.check()?;
        self.loss.check()?;
        self.weights.check(self.loss.is_regression())?;
        self.check_solver()?;
        if let Some(bias) = self.bias.filter(|&bias| !((bias as f32).is_finite() && bias >= 0.0)) {
            return Err(Error::Parameter {
                name: "bias",
                value: bias.to_string(),
                expected: "a number from 0 to 3.4e38",
                hint: "1 is usual; switch the bias off for none",
            });
        }
        Ok(())
    }

    /// Returns the solver for a regularizer, never [`Solver::Auto`]: one that certifies its
    /// distance from the optimum, where there is one.
    pub fn choose(&self, penalty: Penalty) -> Solver {
        let settings = &self.settings;
        let needs_sgd = match settings.strategy {
            StrategyKind::Auto | StrategyKind::Hogwild(_) | StrategyKind::Locked => false,
            StrategyKind::Sequential => settings.batch() > 1,
            _ => true,
        };
        let weighted = self.weights != ExampleWeights::default();
        match self.solver {
            Solver::Auto if self.sets_steps() || needs_sgd => Solver::Sgd,
            Solver::Auto if matches!(self.loss, LossKind::Custom(_)) => Solver::Sgd,
            Solver::Auto
                if penalty.l1 == 0.0
                    && penalty.l2 > 0.0
                    && (!self.has_free_bias() || self.may_substitute()) =>
            {
                Solver::Dual
            }
            Solver::Auto
                if !self.has_free_bias()
                    && penalty.l1 > 0.0
                    && !self.loss.has_kink()
                    && !weighted =>
            {
                Solver::Saga
            }
            // Its weights are not mapped.
            Solver::Auto if settings.params.is_some() => Solver::Sgd,
            Solver::Auto => Solver::Interior,
            chosen => chosen,
        }
    }

    /// Returns true if the user chose how long steps are, which only sgd can follow.
    fn sets_steps(&self) -> bool {
        let settings = &self.settings;
        settings.learning_rate.is_some() || settings.schedule != Schedule::default()
    }

    /// Returns the precision, never [`Precision::Auto`]. Weights in a file are f32 unless f64 is
    /// asked for.
    fn chosen_precision(&self) -> Precision {
        /// Smallest tolerance that f32 mostly reaches.
        const LEAST: f64 = 1e-6;
        let settings = &self.settings;
        let is_tight = (f64::MIN_POSITIVE..LEAST).contains(&settings.tolerance);
        match self.precision {
            Precision::Auto if is_tight && settings.params.is_none() => Precision::F64,
            Precision::Auto => Precision::F32,
            given => given,
        }
    }

    /// Returns the type of the weights during training with `solver`.
    fn precision_of(&self, solver: Solver) -> Precision {
        if solver == Solver::Interior { Precision::F64 } else { self.chosen_precision() }
    }

    fn has_free_bias(&self) -> bool {
        // A bias that moves no score needs no care.
        self.free_bias && self.bias.is_some_and(|bias| bias as f32 != 0.0)
    }

    /// Returns true if a problem with a regularized bias may lead to that of a free one. Weights in
    /// a file would show the other bias.
    fn may_substitute(&self) -> bool {
        self.loss != LossKind::Softmax && self.settings.params.is_none()
    }

    /// Refuses combinations that the chosen solver does not support.
    fn check_solver(&self) -> Result<()> {
        let weighted = self.weights != ExampleWeights::default();
        let lacks = match self.solver {
            Solver::Dual | Solver::Saga if self.loss == LossKind::Softmax => "the softmax loss",
            Solver::Dual | Solver::Saga if matches!(self.loss, LossKind::Custom(_)) => {
                "a custom loss"
            }
            Solver::Saga if self.has_free_bias() => "a bias that is not regularized",
            Solver::Dual if self.has_free_bias() && !self.may_substitute() => {
                "a bias that is not regularized and weights in a file"
            }
            Solver::Saga if weighted => "weights of examples or classes",
            Solver::Interior if matches!(self.loss, LossKind::Custom(_)) => "a custom loss",
            Solver::Interior if self.settings.params.is_some() => "weights in a file",
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
            _ if self.loss == LossKind::Softmax => ClassLabels::of_any,
            Multiclass::Auto => ClassLabels::of,
            Multiclass::OneVsRest => ClassLabels::of_any,
        };
        ClassLabels::of_dataset(&self.data_name, data, find)
    }
}
