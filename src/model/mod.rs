//! Trained models: weights that score examples, and the labels that scores stand for.
//!
//! Invariant, checked when a [`Model`] is made and kept by private fields: all numbers are finite,
//! a classifier has two or more labels, all different, and a regression model none.

mod evaluation;
pub(crate) mod evaluator;
mod factors;
mod file;
pub mod liblinear;
pub mod native;
mod number;
mod predict;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use crate::metrics::{ClassQuality, Evaluation, Quality};
pub use crate::problem::LossKind;
pub use factors::{Factors, is_factors};
pub(crate) use factors::{KnownIndices, View};
pub use file::ModelFormat;

use crate::error::{Error, Result};

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
    /// One a score for each feature, then for the constant feature if there is one.
    weights: Vec<f64>,
    /// Value of the constant feature.
    constant: Option<f64>,
}

impl Model {
    /// Creates a model with one weight per feature. `labels` are the classes of positive and of
    /// other scores, in this order; `None` for regression. The model counts as trained without
    /// `l1`, see [`Model::with_l1`].
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

    /// Creates a model with one weight per score and feature: those of one feature are adjacent.
    /// The weights of a `constant` feature come last. There is one score with two labels or with
    /// none, as in regression, else one for each label. Of two labels, the first is that of
    /// positive scores.
    ///
    /// # Errors
    /// As for [`Model::new`], and if the number of weights is not a multiple of the number of
    /// scores.
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

    /// Sets whether `l1` took part in training (alone or beside `l2`), a note for the header of the
    /// model's file. Predictions do not depend on it.
    #[must_use]
    pub fn with_l1(mut self, l1: bool) -> Self {
        self.l1 = l1;
        self
    }

    /// Returns the loss that the model was trained with.
    pub fn loss(&self) -> LossKind {
        self.loss
    }

    /// Returns true if `l1` took part in training.
    pub fn uses_l1(&self) -> bool {
        self.l1
    }

    /// Returns the labels of the classes: of two, that of positive scores, then the other one; of
    /// more, in the order of the scores. Empty for regression.
    pub fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// Returns the number of scores an example: 1 for regression and for two classes, else one a
    /// class.
    pub fn outputs(&self) -> usize {
        match self.labels.len() {
            0..=2 => 1,
            classes => classes,
        }
    }

    /// Returns the features' weights, without the bias: those of one feature are adjacent, one a
    /// score.
    pub fn weights(&self) -> &[f64] {
        &self.weights[..self.width() * self.outputs()]
    }

    /// Returns the constant feature, if there is one, with its weight for the first score.
    pub fn bias(&self) -> Option<Bias> {
        self.constant.map(|value| Bias { value, weight: self.bias_weights()[0] })
    }

    /// Returns the constant feature's weights, one a score; empty if there is no such feature.
    pub fn bias_weights(&self) -> &[f64] {
        &self.weights[self.width() * self.outputs()..]
    }

    /// Returns the number of features that the model knows.
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
