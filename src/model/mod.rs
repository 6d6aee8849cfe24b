//! What training leaves: weights that score examples, and the labels that scores stand for.
//!
//! Invariant, checked when a [`Model`] is made and kept by private fields: all numbers are finite, a classifier
//! has two different labels and a regression model none.

mod evaluation;
pub mod liblinear;
pub mod native;
mod number;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

pub use evaluation::{Evaluation, Judge, Quality};

use crate::kernel;
pub use crate::problem::LossKind;

use crate::data::{Dataset, Row, Rows};
use crate::error::{Error, Result};
use crate::save;

/// Rows that one task scores: enough of them to pay for the hand-over.
const ROWS_PER_TASK: usize = 256;

/// A constant feature that every example has, and its weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bias {
    /// Value of the constant feature, finite and at least 0; usually 1. It is LIBLINEAR's `-B`.
    pub value: f64,
    /// Weight of the constant feature: the bias adds `value * weight` to each score.
    pub weight: f64,
}

/// A linear model: a score is the sum of weight times value over an example's features, plus the bias.
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
/// # Ok::<(), wildsgd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    loss: LossKind,
    l1: bool,
    labels: Option<[i32; 2]>,
    weights: Vec<f64>,
    bias: Option<Bias>,
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
    /// A model with one weight per feature. `labels` are the classes of positive and of other scores, in this
    /// order; `None` for regression. It counts as trained without `l1`, see [`Model::with_l1`].
    ///
    /// # Errors
    /// [`Error::Input`] if a number is not finite, the bias feature is negative, the two labels are the same,
    /// labels are missing for a classification loss or given for a regression loss.
    pub fn new(
        loss: LossKind,
        labels: Option<[i32; 2]>,
        weights: Vec<f64>,
        bias: Option<Bias>,
    ) -> Result<Self> {
        let wrong =
            |what: String, expected: &str, hint: &str| Err(Error::input("model", what, expected, hint));
        match labels {
            Some(_) if loss.is_regression() => {
                return wrong(
                    format!("labels are given with the {loss} loss"),
                    "no labels, the score is the prediction",
                    "leave the labels out, or choose a loss for classification",
                );
            }
            None if !loss.is_regression() => {
                return wrong(
                    format!("labels are missing with the {loss} loss"),
                    "the labels of the two classes",
                    "give the labels, or choose a loss for regression",
                );
            }
            Some([first, second]) if first == second => {
                return wrong(
                    format!("both classes have the label {first}"),
                    "two different labels",
                    "check the labels of the training data",
                );
            }
            _ => {}
        }
        if let Some(j) = weights.iter().position(|weight| !weight.is_finite()) {
            return wrong(
                format!("the weight of feature {} is {}", j + 1, weights[j]),
                "finite weights",
                "train with a smaller step size",
            );
        }
        if let Some(Bias { value, weight }) = bias
            && !(value.is_finite() && value >= 0.0 && weight.is_finite())
        {
            return wrong(
                format!("the bias feature is {value} with weight {weight}"),
                "a finite value of at least 0 and a finite weight",
                "use 1 for the bias feature, or no bias",
            );
        }
        Ok(Model { loss, l1: false, labels, weights, bias })
    }

    /// The same model, with a note for the header of its file whether `l1` took part in its training (alone
    /// or beside `l2`). Predictions do not depend on it.
    pub fn with_l1(mut self, l1: bool) -> Self {
        self.l1 = l1;
        self
    }

    /// Reads a model file in [LIBLINEAR's text format](liblinear) or in the [native] one, which its first bytes
    /// tell.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read, [`Error::Text`] or [`Error::Input`] if it is no complete model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .map_err(|source| Error::io(path, "open", source))?
            .read_to_end(&mut bytes)
            .map_err(|source| Error::io(path, "read", source))?;
        let name = path.display().to_string();
        if native::is_native(&bytes) { native::read(&bytes, &name) } else { liblinear::read(&bytes, &name) }
    }

    /// Writes a model file in [LIBLINEAR's text format](liblinear), [at once or not at all](save::atomically).
    ///
    /// # Errors
    /// [`Error::Io`]; then a model that was there before is still there.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save::atomically(path, |out| liblinear::write(self, out))
    }

    /// Writes a model file in the given format, at once or not at all.
    ///
    /// # Errors
    /// [`Error::Io`]; then a model that was there before is still there. [`Error::Input`] if the format is the native one
    /// and `path` is no regular file.
    pub fn save_as(&self, path: impl AsRef<Path>, format: ModelFormat) -> Result<()> {
        match format {
            ModelFormat::Liblinear => self.save(path),
            ModelFormat::Native => native::write(self, path),
        }
    }

    /// The loss that the model was trained with.
    pub fn loss(&self) -> LossKind {
        self.loss
    }

    /// Whether `l1` took part in training.
    pub fn uses_l1(&self) -> bool {
        self.l1
    }

    /// The classes: the label of positive scores, then that of all others. Empty for regression.
    pub fn labels(&self) -> &[i32] {
        self.labels.as_ref().map_or(&[], |labels| labels)
    }

    /// One weight per feature, without the bias.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The constant feature, if there is one.
    pub fn bias(&self) -> Option<Bias> {
        self.bias
    }

    /// Number of features that the model knows.
    pub fn width(&self) -> usize {
        self.weights.len()
    }

    /// The score of an example: a sum in f64 over its features, and the bias. Features that the model does not
    /// know are left out, as in LIBLINEAR; [`Model::unseen`] counts them.
    pub fn decision(&self, row: Row<'_>) -> f64 {
        let sum = kernel::score(&self.weights, row.below(self.width()));
        sum + self.bias.map_or(0.0, |bias| bias.weight * bias.value)
    }

    /// The label of an example's class, or its value in regression. A score of exactly 0 has the second label.
    pub fn predict(&self, row: Row<'_>) -> f64 {
        self.prediction(self.decision(row))
    }

    /// The label or value that a score of this model stands for, see [`Model::predict`].
    pub fn prediction(&self, score: f64) -> f64 {
        match self.labels {
            None => score,
            Some([first, second]) => f64::from(if score > 0.0 { first } else { second }),
        }
    }

    /// The probability, from 0 to 1, that an example has the first label.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the loss is not the logistic one: other scores are no log-odds.
    pub fn probability(&self, row: Row<'_>) -> Result<f64> {
        self.check_probability()?;
        Ok(sigmoid(self.decision(row)))
    }

    /// The scores of all examples, in their order; see [`Model::decision`].
    pub fn decisions(&self, data: &Dataset) -> Vec<f64> {
        self.each(data.rows(), 0..data.len(), |score| score)
    }

    /// The labels or values of all examples, in their order; see [`Model::predict`].
    pub fn predictions(&self, data: &Dataset) -> Vec<f64> {
        self.each(data.rows(), 0..data.len(), |score| self.prediction(score))
    }

    /// The probabilities of the first label of all examples, in their order.
    ///
    /// # Errors
    /// As for [`Model::probability`].
    pub fn probabilities(&self, data: &Dataset) -> Result<Vec<f64>> {
        self.check_probability()?;
        Ok(self.each(data.rows(), 0..data.len(), sigmoid))
    }

    /// Number of entries in `data` whose feature the model does not know; they do not count in scores.
    pub fn unseen(&self, data: &Dataset) -> usize {
        if data.width() <= self.width() {
            return 0;
        }
        let unseen = |row: Row<'_>| row.len() - row.below(self.width()).len();
        let rows = data.rows();
        (0..rows.len()).into_par_iter().with_min_len(ROWS_PER_TASK).map(|i| unseen(rows.row(i))).sum()
    }

    fn each(&self, rows: Rows<'_>, range: Range<usize>, f: impl Fn(f64) -> f64 + Sync) -> Vec<f64> {
        range.into_par_iter().with_min_len(ROWS_PER_TASK).map(|i| f(self.decision(rows.row(i)))).collect()
    }

    fn check_probability(&self) -> Result<()> {
        if self.loss == LossKind::Logistic {
            return Ok(());
        }
        Err(Error::Parameter {
            name: "loss",
            value: format!("{}, whose scores are no probabilities", self.loss),
            expected: "logistic",
            hint: "train with the logistic loss, or use labels or scores instead of probabilities",
        })
    }
}

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}
