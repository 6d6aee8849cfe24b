//! How well a model does on labeled examples.

use serde::Serialize;

use super::Model;
use crate::data::Dataset;
use crate::metrics;

/// Measures of a model on labeled examples. Which of them are there depends on the kind of the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean loss plus the regularizer; `None` where the regularizer's strengths are not known (a model file does not
    /// tell).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// Mean loss over the examples whose label the model knows; `None` if there is none.
    pub loss: Option<f64>,
    /// The measures of the model's kind.
    #[serde(flatten)]
    pub quality: Quality,
}

/// Measures by kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Quality {
    /// Two classes.
    Classes {
        /// Share of examples with the right label, from 0 to 1. One whose label the model does not know is wrong.
        accuracy: f64,
        /// Area under the ROC curve, over the examples whose label the model knows; `None` if a class is missing.
        auc: Option<f64>,
        /// Number of examples whose label the model does not know.
        #[serde(skip_serializing_if = "is_zero")]
        unknown_labels: usize,
    },
    /// Regression.
    Regression {
        /// Root of the mean squared error.
        rmse: Option<f64>,
        /// Mean absolute error.
        mae: Option<f64>,
        /// Coefficient of determination; `None` if all labels are the same.
        r2: Option<f64>,
    },
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Model {
    /// Compares the model's scores with the labels of `data`. Deterministic.
    pub fn evaluate(&self, data: &Dataset) -> Evaluation {
        self.evaluate_scores(&self.decisions(data), data.labels())
    }

    /// Compares scores of this model with the labels of the examples that they belong to. Deterministic.
    ///
    /// # Panics
    /// If the slices do not fit each other.
    pub fn evaluate_scores(&self, scores: &[f64], labels: &[f32]) -> Evaluation {
        match *self.labels() {
            [first, second] => {
                let sign = |label: f32| match f64::from(label) {
                    label if label == f64::from(first) => Some(1.0),
                    label if label == f64::from(second) => Some(-1.0),
                    _ => None,
                };
                let (known, signs): (Vec<f64>, Vec<f32>) = scores
                    .iter()
                    .zip(labels)
                    .filter_map(|(&score, &label)| sign(label).map(|sign| (score, sign)))
                    .unzip();
                let right = metrics::accuracy(&known, &signs).unwrap_or(0.0) * known.len() as f64;
                Evaluation {
                    objective: None,
                    loss: self.mean_loss(&known, &signs),
                    quality: Quality::Classes {
                        accuracy: right / (labels.len() as f64).max(1.0),
                        auc: metrics::auc(&known, &signs),
                        unknown_labels: labels.len() - known.len(),
                    },
                }
            }
            _ => Evaluation {
                objective: None,
                loss: self.mean_loss(scores, labels),
                quality: Quality::Regression {
                    rmse: metrics::rmse(scores, labels),
                    mae: metrics::mae(scores, labels),
                    r2: metrics::r2(scores, labels),
                },
            },
        }
    }

    fn mean_loss(&self, scores: &[f64], targets: &[f32]) -> Option<f64> {
        let sum: f64 = scores.iter().zip(targets).map(|(&s, &y)| self.loss().value(f64::from(y), s)).sum();
        (!scores.is_empty()).then(|| sum / scores.len() as f64)
    }
}
