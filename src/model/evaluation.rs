//! Evaluation of a model on labeled examples.

use super::evaluator::{Evaluator, Truths};
use super::predict::ROWS_PER_TASK;
use super::{LossKind, Model};
use crate::data::Dataset;
use crate::metrics::{ClassQuality, Evaluation};
use crate::parallel;

/// Number of scores that are in memory at a time.
const SCORES_AT_ONCE: usize = 1 << 18;

impl Model {
    /// Compares the model's scores with the labels of `data`. Takes 8 bytes an example of two
    /// classes, 12 in regression. Deterministic.
    pub fn evaluate(&self, data: &Dataset) -> Evaluation {
        self.evaluate_classes(data).0
    }

    /// Evaluates as [`Model::evaluate`] does, and each class against the others, in the order of
    /// the labels. There are no classes in regression. Deterministic.
    pub fn evaluate_classes(&self, data: &Dataset) -> (Evaluation, Vec<ClassQuality>) {
        let mut evaluator = Evaluator::new(self);
        let examples = (SCORES_AT_ONCE / self.outputs()).max(1);
        for start in (0..data.len()).step_by(examples) {
            let rows = start..data.len().min(start + examples);
            evaluator.add(&self.decisions_of(data, rows.clone()), &data.labels()[rows]);
        }
        evaluator.finish()
    }

    /// Returns the mean of loss times weight over the examples whose label the model knows; with
    /// more than two classes, an example's loss is the mean over the classes. `None` if there is no
    /// such example. Deterministic.
    ///
    /// # Panics
    /// If there is not one weight an example.
    pub fn weighted_loss(&self, data: &Dataset, weights: &[f32]) -> Option<f64> {
        assert_eq!(weights.len(), data.len(), "one weight an example");
        let (truths, rows, labels) = (Truths::new(self), data.rows(), data.labels());
        let parts = parallel::collect(data.len(), ROWS_PER_TASK, &|_, range| {
            let mut scores = vec![0.0; self.outputs()];
            let (mut sum, mut known) = (0.0, 0_usize);
            for (i, &weight) in range.clone().zip(&weights[range]) {
                self.score_into(rows.row(i), &mut scores);
                let loss = match (truths.of(labels[i]), &scores[..]) {
                    (_, &[score]) if self.labels().is_empty() => {
                        self.loss().value(labels[i], score)
                    }
                    (None, _) => continue,
                    (Some(truth), &[score]) => {
                        self.loss().value(if truth == 0 { 1.0 } else { -1.0 }, score)
                    }
                    (Some(truth), scores) => {
                        self.loss_of_classes(truth, scores) / self.losses() as f64
                    }
                };
                sum += f64::from(weight) * loss;
                known += 1;
            }
            (sum, known)
        });
        let known: usize = parts.iter().map(|(_, known)| known).sum();
        (known > 0).then(|| parts.iter().map(|(sum, _)| sum).sum::<f64>() / known as f64)
    }

    /// Returns the number of losses of an example: one for each score, but softmax has one for all.
    pub(super) fn losses(&self) -> usize {
        if self.loss() == LossKind::Softmax { 1 } else { self.outputs() }
    }

    /// Returns the sum of all losses of an example of class `truth`, of more than two classes.
    pub(super) fn loss_of_classes(&self, truth: usize, scores: &[f64]) -> f64 {
        if self.loss() == LossKind::Softmax {
            return self.log_loss(truth, scores);
        }
        let sign = |class| if class == truth { 1.0 } else { -1.0 };
        scores.iter().enumerate().map(|(k, &score)| self.loss().value(sign(k), score)).sum()
    }
}
