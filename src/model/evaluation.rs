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
    /// Compares the model's scores with the labels of `data`. Takes 8 bytes an example, 12 in regression. Deterministic.
    pub fn evaluate(&self, data: &Dataset) -> Evaluation {
        let (rows, labels) = (data.rows(), data.labels());
        let mut judge = Judge::new(self);
        for start in (0..rows.len()).step_by(SCORED_TOGETHER) {
            let range = start..rows.len().min(start + SCORED_TOGETHER);
            judge.add(&self.each(rows, range.clone(), |score| score), &labels[range]);
        }
        judge.finish()
    }
}

/// Compares scores with labels that come in pieces; see [`Model::evaluate`].
#[derive(Debug)]
pub struct Judge<'m> {
    model: &'m Model,
    examples: usize,
    loss: f64,
    right: usize,
    /// Scores of the examples of each class.
    positives: Vec<f64>,
    negatives: Vec<f64>,
    /// Scores and labels in regression.
    targets: (Vec<f64>, Vec<f32>),
}

impl<'m> Judge<'m> {
    /// Of scores of `model`.
    pub fn new(model: &'m Model) -> Self {
        let targets = (Vec::new(), Vec::new());
        Judge { model, examples: 0, loss: 0.0, right: 0, positives: vec![], negatives: vec![], targets }
    }

    /// Adds examples: one score and one label each.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn add(&mut self, scores: &[f64], labels: &[f32]) {
        assert_eq!(scores.len(), labels.len(), "one label a score");
        self.examples += labels.len();
        let &[first, second] = self.model.labels() else {
            self.targets.0.extend_from_slice(scores);
            return self.targets.1.extend_from_slice(labels);
        };
        for (&score, &label) in scores.iter().zip(labels) {
            let sign = match f64::from(label) {
                label if label == f64::from(first) => 1.0,
                label if label == f64::from(second) => -1.0,
                _ => continue,
            };
            if sign > 0.0 { &mut self.positives } else { &mut self.negatives }.push(score);
            self.right += usize::from((score > 0.0) == (sign > 0.0));
            self.loss += self.model.loss().value(sign, score);
        }
    }

    /// Number of examples so far.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// The measures over all examples.
    pub fn finish(self) -> Evaluation {
        if self.model.labels().is_empty() {
            let (scores, labels) = &self.targets;
            return Evaluation {
                objective: None,
                loss: self.model.mean_loss(scores, labels),
                quality: Quality::Regression {
                    rmse: metrics::rmse(scores, labels),
                    mae: metrics::mae(scores, labels),
                    r2: metrics::r2(scores, labels),
                },
            };
        }
        let known = self.positives.len() + self.negatives.len();
        Evaluation {
            objective: None,
            loss: (known > 0).then(|| self.loss / known as f64),
            quality: Quality::Classes {
                accuracy: self.right as f64 / (self.examples as f64).max(1.0),
                auc: metrics::auc_of_classes(self.positives, self.negatives),
                unknown_labels: self.examples - known,
            },
        }
    }
}

impl Model {
    fn mean_loss(&self, scores: &[f64], targets: &[f32]) -> Option<f64> {
        let sum: f64 = scores.iter().zip(targets).map(|(&s, &y)| self.loss().value(f64::from(y), s)).sum();
        (!scores.is_empty()).then(|| sum / scores.len() as f64)
    }
}
