//! Training linear models: from labeled rows to a [`Model`].

use std::time::{Duration, Instant};

use super::{Event, Fit, Settings, Solver, ascend, minimize};
use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::model::{Bias, Evaluation, Model};
use crate::problem::{Conjugate, Hinge, Huber, Linear, Logistic, LossKind, Squared, SquaredHinge};

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
    /// Strength of the squares in the regularizer. Default: 1/n for n examples.
    pub l2: Option<f64>,
    /// Value of the bias's constant feature, at least 0 (LIBLINEAR's `-B`); `None` for no bias. Default 1.
    pub bias: Option<f64>,
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
            l2: None,
            bias: Some(1.0),
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
    /// The course of the training.
    pub fit: Fit<f32>,
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

    fn fit_loss<L: Conjugate>(
        &self,
        loss: L,
        data: &Dataset,
        test: Option<&Dataset>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trained> {
        let preparing = Instant::now();
        data.verify()?;
        test.map_or(Ok(()), Dataset::verify)?;
        let labels = match self.loss.is_regression() {
            true => None,
            false => Some(ClassLabels::of_dataset(&self.data_name, data)?),
        };
        let mut settings = self.settings.clone();
        let l2 = self.l2.unwrap_or(1.0 / data.len().max(1) as f64);
        settings.penalty.l2 = l2;
        let shuffled = data.in_random_order(settings.seed);
        let targets = targets(&shuffled, labels);
        let problem = Linear::new(&shuffled, &targets, loss, self.bias.map(|bias| bias as f32))?;
        let shuffle_time = preparing.elapsed();

        let model = |weights: &[f32]| self.model(data.width(), labels, weights);
        let evaluate = |weights: &[f32], data: &Dataset| {
            let mut evaluation = model(weights)?.evaluate(data);
            evaluation.objective = evaluation.loss.map(|loss| loss + settings.penalty.value(weights));
            Ok::<_, Error>(evaluation)
        };
        let on_test = test.map(|test| move |weights: &[f32]| evaluate(weights, test).ok());
        let on_test = on_test.as_ref().map(|f| f as _);
        let fit = match self.solver.choose(settings.penalty) {
            Solver::Dual => ascend(&problem, &settings, on_test, watch),
            Solver::Sgd | Solver::Auto => minimize(&problem, &settings, on_test, watch),
        }?;
        // A cache that was written to meanwhile has trained a model of no data set.
        data.verify()?;
        // Evaluation takes memory of its own.
        drop(problem);
        drop(targets);
        Ok(Trained {
            model: model(&fit.weights)?,
            train: evaluate(&fit.weights, &shuffled)?,
            test: test.map(|test| evaluate(&fit.weights, test)).transpose()?,
            prepare_time: shuffle_time + fit.prepare_time,
            l2,
            fit,
        })
    }

    fn model(&self, width: usize, labels: Option<ClassLabels>, weights: &[f32]) -> Result<Model> {
        let bias =
            self.bias.map(|value| Bias { value: f64::from(value as f32), weight: weights[width].into() });
        let weights = weights[..width].iter().map(|&w| w.into()).collect();
        let labels = labels.map(|labels| [labels.first(), labels.second()]);
        Ok(Model::new(self.loss, labels, weights, bias)?.with_l1(self.settings.penalty.l1 > 0.0))
    }
}

/// What scores are compared with: the sign of the class, or the label itself.
fn targets(data: &Dataset, labels: Option<ClassLabels>) -> Vec<f32> {
    match labels {
        None => data.labels().to_vec(),
        Some(labels) => data.labels().iter().map(|&label| labels.sign(label).unwrap_or(-1.0)).collect(),
    }
}
