//! How well a model does on labeled examples.

use rayon::prelude::*;
use serde::Serialize;

use super::judge::{Judge, Truths};
use super::predict::ROWS_PER_TASK;
use super::{LossKind, Model, label};
use crate::data::Dataset;

/// Measures of a model on labeled examples. Which of them are there depends on the kind of the model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean loss plus the regularizer; `None` where the regularizer's strengths are not known (a model file does not
    /// tell).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// Mean loss over the examples whose label the model knows; `None` if there is none. With more than two classes,
    /// the mean of what it is for each class against the rest.
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
    /// More than two classes.
    ManyClasses {
        /// Share of examples with the right label, from 0 to 1. One whose label the model does not know is wrong.
        accuracy: f64,
        /// Mean of the [F1 scores](ClassQuality::f1) of the classes that occur, as a label or as a prediction.
        macro_f1: Option<f64>,
        /// Mean of -ln(probability of the right label), over the examples whose label the model knows; `None` if there
        /// is none, or if scores are no log-odds (another loss than the logistic one).
        log_loss: Option<f64>,
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

/// How well a model tells one class from the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassQuality {
    /// The class's label.
    #[serde(serialize_with = "label::one")]
    pub label: f64,
    /// Number of examples with this label.
    pub examples: usize,
    /// Number of examples that the model gives this label.
    pub predicted: usize,
    /// Share of the predicted ones that are right, from 0 to 1; `None` if there are none.
    pub precision: Option<f64>,
    /// Share of the class's examples that the model finds, from 0 to 1; `None` if there are none.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall; `None` if the class does not occur at all.
    pub f1: Option<f64>,
}

impl ClassQuality {
    pub(super) fn new(label: f64, Counts { examples, predicted, right }: Counts) -> Self {
        let share = |of: usize| (of > 0).then(|| right as f64 / of as f64);
        let both = examples + predicted;
        ClassQuality {
            label,
            examples,
            predicted,
            precision: share(predicted),
            recall: share(examples),
            f1: (both > 0).then(|| 2.0 * right as f64 / both as f64),
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Examples of a class.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) examples: usize,
    pub(super) predicted: usize,
    pub(super) right: usize,
}

/// Scores that are in memory at a time.
const SCORED_TOGETHER: usize = 1 << 18;

impl Model {
    /// Compares the model's scores with the labels of `data`. Takes 8 bytes an example of two classes, 12 in
    /// regression. Deterministic.
    pub fn evaluate(&self, data: &Dataset) -> Evaluation {
        self.evaluate_classes(data).0
    }

    /// Compares as [`Model::evaluate`] does, and each class with the others, in the order of the labels. Classes are
    /// empty in regression. Deterministic.
    pub fn evaluate_classes(&self, data: &Dataset) -> (Evaluation, Vec<ClassQuality>) {
        let mut judge = Judge::new(self);
        let together = (SCORED_TOGETHER / self.outputs()).max(1);
        for start in (0..data.len()).step_by(together) {
            let rows = start..data.len().min(start + together);
            judge.add(&self.decisions_of(data, rows.clone()), &data.labels()[rows]);
        }
        judge.finish()
    }

    /// Mean over the examples whose label the model knows of their loss times their weight; with more than two classes,
    /// the loss is the mean of those of the classes. `None` if there is no such example. Deterministic.
    ///
    /// # Panics
    /// If there is not one weight an example.
    pub fn weighted_loss(&self, data: &Dataset, weights: &[f32]) -> Option<f64> {
        assert_eq!(weights.len(), data.len(), "one weight an example");
        let (truths, rows, labels) = (Truths::new(self), data.rows(), data.labels());
        let starts: Vec<usize> = (0..data.len()).step_by(ROWS_PER_TASK).collect();
        let sum = |start: usize| {
            let mut scores = vec![0.0; self.outputs()];
            let (mut sum, mut known) = (0.0, 0_usize);
            let end = data.len().min(start + ROWS_PER_TASK);
            for (i, &weight) in (start..end).zip(&weights[start..end]) {
                self.score_into(rows.row(i), &mut scores);
                let loss = match (truths.of(labels[i]), &scores[..]) {
                    (_, &[score]) if self.labels().is_empty() => self.loss().value(labels[i].into(), score),
                    (None, _) => continue,
                    (Some(truth), &[score]) => self.loss().value(if truth == 0 { 1.0 } else { -1.0 }, score),
                    (Some(truth), scores) => self.loss_of_classes(truth, scores) / self.losses() as f64,
                };
                sum += f64::from(weight) * loss;
                known += 1;
            }
            (sum, known)
        };
        let parts: Vec<(f64, usize)> = starts.into_par_iter().map(sum).collect();
        let known: usize = parts.iter().map(|(_, known)| known).sum();
        (known > 0).then(|| parts.iter().map(|(sum, _)| sum).sum::<f64>() / known as f64)
    }

    /// How many losses an example has: one for each score, but softmax has one for all.
    pub(super) fn losses(&self) -> usize {
        if self.loss() == LossKind::Softmax { 1 } else { self.outputs() }
    }

    /// The sum of all losses of an example of class `truth`, of more than two classes.
    pub(super) fn loss_of_classes(&self, truth: usize, scores: &[f64]) -> f64 {
        if self.loss() == LossKind::Softmax {
            return self.log_loss(truth, scores);
        }
        let sign = |class| if class == truth { 1.0 } else { -1.0 };
        scores.iter().enumerate().map(|(k, &score)| self.loss().value(sign(k), score)).sum()
    }
}
