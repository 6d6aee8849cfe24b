//! What training leaves: weights that score examples, and the labels that scores stand for.
//!
//! Invariant, checked when a [`Model`] is made and kept by private fields: all numbers are finite,
//! a classifier has two or more labels, all different, and a regression model none.

mod evaluation;
mod evaluator;
mod factors;
pub mod liblinear;
pub mod native;
mod number;
mod predict;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

pub use crate::metrics::{ClassQuality, Evaluation, Quality};
pub use evaluator::Evaluator;
pub use factors::{Factors, is_factors};
pub(crate) use factors::{Places, View};

use crate::problem::CustomLoss;
pub use crate::problem::LossKind;

use crate::error::{Error, Result};
use crate::save;

/// A constant feature that every example has, and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bias {
    /// Value of the constant feature, finite and at least 0; usually 1. It is LIBLINEAR's `-B`.
    pub value: f64,
    /// Weight of the constant feature: the bias adds `value * weight` to each score.
    pub weight: f64,
}

/// A linear model: a score is the sum of weight times value over an example's features, plus the
/// bias.
///
/// A regression model and a classifier of two classes have one score an example; a classifier of
/// more has one for each class, against all others (one-vs-rest).
///
/// All methods are deterministic; the batched ones give the same bits for any number of threads.
///
/// # Examples
/// ```
/// use wildsgd::data::Row;
/// use wildsgd::model::{LossKind, Model};
///
/// let model = Model::new(LossKind::Logistic, Some([1, -1]), vec![0.5, -2.0], None)?;
/// let row = Row::new(&[0, 1], Some(&[2.0, 1.0]), 2);
/// assert_eq!(model.decision(row), -1.0);
/// assert_eq!(model.predict(row), -1.0);
/// assert!(model.probability(row)? < 0.27);
///
/// // Two features, each with the weights of three classes.
/// let weights = vec![1.0, -1.0, 0.0, -2.0, 3.0, 0.5];
/// let model = Model::with_classes(LossKind::Hinge, vec![7.0, 8.0, 9.0], weights, None)?;
/// assert_eq!(model.predict(row), 8.0);
/// # Ok::<(), wildsgd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    loss: LossKind,
    l1: bool,
    /// Empty for regression.
    labels: Vec<f64>,
    /// One a score for each feature, then for the constant feature, if there is one.
    weights: Vec<f64>,
    /// Value of the constant feature.
    constant: Option<f64>,
}

/// Formats of model files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModelFormat {
    /// [LIBLINEAR's text](liblinear).
    #[default]
    Liblinear,
    /// [Exact bits under checksums](native).
    Native,
}

impl Model {
    /// A model with one weight per feature. `labels` are the classes of positive and of other
    /// scores, in this order; `None` for regression. It counts as trained without `l1`, see
    /// [`Model::with_l1`].
    ///
    /// # Errors
    /// [`Error::Input`] if a number is not finite, the bias feature is negative, the two labels are
    /// the same, labels are missing for a classification loss or given for a regression loss;
    /// [`Error::Parameter`] if the loss's epsilon is out of its range.
    pub fn new(
        loss: LossKind,
        labels: Option<[i32; 2]>,
        mut weights: Vec<f64>,
        bias: Option<Bias>,
    ) -> Result<Self> {
        let labels = labels.map_or(Vec::new(), |labels| labels.map(f64::from).to_vec());
        weights.extend(bias.map(|bias| bias.weight));
        Self::with_classes(loss, labels, weights, bias.map(|bias| bias.value))
    }

    /// A model with one weight per score and feature: those of one feature stand side by side. With
    /// a `constant` feature, its weights come last. There is one score if there are two labels, or
    /// none, as in regression, else one for each label. Of two labels, the first is that of
    /// positive scores.
    ///
    /// # Errors
    /// As for [`Model::new`], and if the number of weights is no multiple of that of scores.
    pub fn with_classes(
        loss: LossKind,
        labels: Vec<f64>,
        weights: Vec<f64>,
        constant: Option<f64>,
    ) -> Result<Self> {
        loss.check()?;
        check_labels(loss, &labels)?;
        let model = Model { loss, l1: false, labels, weights, constant };
        model.check_weights()?;
        Ok(model)
    }

    fn check_weights(&self) -> Result<()> {
        let wrong = |what: String, expected: &str, hint: &str| {
            Err(Error::input("model", what, expected, hint))
        };
        let (scores, count) = (self.outputs(), self.weights.len());
        if !count.is_multiple_of(scores) || self.constant.is_some() && count == 0 {
            return wrong(
                format!("{count} weights for {scores} scores an example"),
                "as many weights for each feature as there are scores",
                "check the number of weights, and of labels",
            );
        }
        if let Some(i) = self.weights.iter().position(|weight| !weight.is_finite()) {
            let (weight, feature) = (self.weights[i], i / scores);
            if let (Some(value), true) = (self.constant, feature == self.width()) {
                return wrong_bias(value, weight);
            }
            return wrong(
                format!("the weight of feature {} is {weight}", feature + 1),
                "finite weights",
                "train with a smaller step size",
            );
        }
        match self.constant.filter(|value| !(value.is_finite() && *value >= 0.0)) {
            Some(value) => wrong_bias(value, self.bias_weights()[0]),
            None => Ok(()),
        }
    }

    /// The same model, with a note for the header of its file whether `l1` took part in its
    /// training (alone or beside `l2`). Predictions do not depend on it.
    pub fn with_l1(mut self, l1: bool) -> Self {
        self.l1 = l1;
        self
    }

    /// Reads a model file in [LIBLINEAR's text format](liblinear) or in the [native] one, which its
    /// first bytes tell.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Text`] or [`Error::Input`] if it is no
    /// complete model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Model::load_with(path, &[])
    }

    /// Reads a model as [`Model::load`] does; one in the native format may have one of the given
    /// `losses` of the caller's own.
    ///
    /// # Errors
    /// As for [`Model::load`].
    pub fn load_with(path: impl AsRef<Path>, losses: &[&'static dyn CustomLoss]) -> Result<Self> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .map_err(|source| Error::io(path, "open", source))?
            .read_to_end(&mut bytes)
            .map_err(|source| Error::io(path, "read", source))?;
        let name = path.display().to_string();
        match native::is_native(&bytes) {
            true => native::read_with(&bytes, &name, losses),
            false => liblinear::read(&bytes, &name),
        }
    }

    /// Writes a model file in [LIBLINEAR's text format](liblinear),
    /// [at once or not at all](save::atomically).
    ///
    /// # Errors
    /// [`Error::Io`]; then a model that was there before is still there. [`Error::Parameter`] for
    /// the softmax loss with more than two classes, which the format does not know.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.check_liblinear()?;
        save::atomically(path, |out| liblinear::write(self, out))
    }

    /// Writes a model file in the given format, at once or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; then a model that was there before is still there. [`Error::Input`] if the
    /// format is the native one and `path` is no regular file.
    pub fn save_as(&self, path: impl AsRef<Path>, format: ModelFormat) -> Result<()> {
        match format {
            ModelFormat::Liblinear => self.save(path),
            ModelFormat::Native => native::write(self, path),
        }
    }

    /// LIBLINEAR has no softmax: it would take each class's score for one against the rest.
    fn check_liblinear(&self) -> Result<()> {
        if let LossKind::Custom(_) = self.loss {
            return Err(Error::Parameter {
                name: "model format",
                value: format!("liblinear with the loss `{}`", self.loss),
                expected: "native, as LIBLINEAR has no losses of your own",
                hint: "save with `ModelFormat::Native`",
            });
        }
        if self.loss != LossKind::Softmax || self.outputs() == 1 {
            return Ok(());
        }
        Err(Error::Parameter {
            name: "model format",
            value: "liblinear with the softmax loss".into(),
            expected: "native, as LIBLINEAR has no such model and would give other probabilities",
            hint: "use the native format, or train with the logistic loss",
        })
    }

    /// The loss that the model was trained with.
    pub fn loss(&self) -> LossKind {
        self.loss
    }

    /// Whether `l1` took part in training.
    pub fn uses_l1(&self) -> bool {
        self.l1
    }

    /// The labels of the classes: of two, that of positive scores, then that of all others; of
    /// more, in the order of the scores. Empty for regression.
    pub fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// Number of scores that an example gets: 1 for regression and for two classes, else one a
    /// class.
    pub fn outputs(&self) -> usize {
        match self.labels.len() {
            0..=2 => 1,
            classes => classes,
        }
    }

    /// The features' weights, without the bias: those of one feature side by side, one a score.
    pub fn weights(&self) -> &[f64] {
        &self.weights[..self.width() * self.outputs()]
    }

    /// The constant feature, if there is one, with its weight for the first score.
    pub fn bias(&self) -> Option<Bias> {
        self.constant.map(|value| Bias { value, weight: self.bias_weights()[0] })
    }

    /// The constant feature's weights, one a score; empty if there is no such feature.
    pub fn bias_weights(&self) -> &[f64] {
        &self.weights[self.width() * self.outputs()..]
    }

    /// Number of features that the model knows.
    pub fn width(&self) -> usize {
        self.weights.len() / self.outputs() - usize::from(self.constant.is_some())
    }
}

fn wrong_bias(value: f64, weight: f64) -> Result<()> {
    Err(Error::input(
        "model",
        format!("the bias feature is {value} with weight {weight}"),
        "a finite value of at least 0 and a finite weight",
        "use 1 for the bias feature, or no bias",
    ))
}

fn check_labels(loss: LossKind, labels: &[f64]) -> Result<()> {
    let wrong =
        |what: String, expected: &str, hint: &str| Err(Error::input("model", what, expected, hint));
    let mut seen = HashSet::new();
    // Adding 0 makes -0 the same label as 0.
    let odd =
        labels.iter().find(|&&label| !label.is_finite() || !seen.insert((label + 0.0).to_bits()));
    match (labels, odd) {
        ([], _) if loss.is_regression() => Ok(()),
        _ if loss.is_regression() => wrong(
            format!("labels are given with the {loss} loss"),
            "no labels, the score is the prediction",
            "leave the labels out, or choose a loss for classification",
        ),
        ([] | [_], _) => wrong(
            format!("labels are missing with the {loss} loss"),
            "the labels of two classes or more",
            "give the labels, or choose a loss for regression",
        ),
        (_, Some(label)) if !label.is_finite() => wrong(
            format!("a label is {label}"),
            "finite labels",
            "check the labels of the training data",
        ),
        ([_, _], Some(label)) => wrong(
            format!("both classes have the label {label}"),
            "two different labels",
            "check the labels of the training data",
        ),
        (_, Some(label)) => wrong(
            format!("two classes have the label {label}"),
            "different labels",
            "check the labels of the training data",
        ),
        _ => Ok(()),
    }
}
