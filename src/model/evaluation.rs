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

/// Examples whose scores are in memory at a time.
const SCORED_TOGETHER: usize = 1 << 18;

impl Model {
    /// Compares the model's scores with the labels of `data`. Takes 8 bytes an example. Deterministic.
    pub fn evaluate(&self, data: &Dataset) -> Evaluation {
        match *self.labels() {
            [first, second] => self.evaluate_classes(data, first.into(), second.into()),
            _ => {
                let scores = self.decisions(data);
                Evaluation {
                    objective: None,
                    loss: self.mean_loss(&scores, data.labels()),
                    quality: Quality::Regression {
                        rmse: metrics::rmse(&scores, data.labels()),
                        mae: metrics::mae(&scores, data.labels()),
                        r2: metrics::r2(&scores, data.labels()),
                    },
                }
            }
        }
    }

    fn evaluate_classes(&self, data: &Dataset, first: f64, second: f64) -> Evaluation {
        let (rows, labels) = (data.rows(), data.labels());
        let (mut positives, mut negatives) = (Vec::new(), Vec::new());
        let (mut loss, mut right) = (0.0, 0);
        for start in (0..rows.len()).step_by(SCORED_TOGETHER) {
            let range = start..rows.len().min(start + SCORED_TOGETHER);
            let scores = self.each(rows, range.clone(), |score| score);
            for (score, &label) in scores.into_iter().zip(&labels[range]) {
                let sign = match f64::from(label) {
                    label if label == first => 1.0,
                    label if label == second => -1.0,
                    _ => continue,
                };
                if sign > 0.0 { &mut positives } else { &mut negatives }.push(score);
                right += usize::from((score > 0.0) == (sign > 0.0));
                loss += self.loss().value(sign, score);
            }
        }
        let known = positives.len() + negatives.len();
        Evaluation {
            objective: None,
            loss: (known > 0).then(|| loss / known as f64),
            quality: Quality::Classes {
                accuracy: right as f64 / (data.len() as f64).max(1.0),
                auc: metrics::auc_of_classes(positives, negatives),
                unknown_labels: data.len() - known,
            },
        }
    }

    fn mean_loss(&self, scores: &[f64], targets: &[f32]) -> Option<f64> {
        let sum: f64 = scores.iter().zip(targets).map(|(&s, &y)| self.loss().value(f64::from(y), s)).sum();
        (!scores.is_empty()).then(|| sum / scores.len() as f64)
    }
}
