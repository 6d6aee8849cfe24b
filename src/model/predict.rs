//! Prediction: from rows to scores, and from scores to labels and probabilities.

use std::ops::Range;

use rayon::prelude::*;

use super::{LossKind, Model};
use crate::data::{Dataset, Row};
use crate::error::{Error, Result};
use crate::problem::log_sum_exp;
use crate::row::kernel;

/// Number of rows that one task scores: enough to pay for the hand-over.
pub(super) const ROWS_PER_TASK: usize = 256;

impl Model {
    /// Returns the score of an example: a sum in f64 over its features, plus the bias. With more
    /// than two classes, the highest of its scores. Features that the model does not know are left
    /// out, as in LIBLINEAR; [`Model::unseen`] counts them.
    pub fn decision(&self, row: Row<'_>) -> f64 {
        if self.outputs() == 1 {
            return self.only_score(row);
        }
        let scores = self.scores(row);
        scores[highest(&scores)]
    }

    /// Returns all scores of an example, [`Model::outputs`] of them.
    pub fn scores(&self, row: Row<'_>) -> Vec<f64> {
        let mut scores = vec![0.0; self.outputs()];
        self.score_into(row, &mut scores);
        scores
    }

    /// Writes the scores of an example to `scores`, in one pass over its features.
    ///
    /// # Panics
    /// If the length of `scores` is not [`Model::outputs`].
    pub fn score_into(&self, row: Row<'_>, scores: &mut [f64]) {
        assert_eq!(scores.len(), self.outputs(), "one place a score");
        if let [score] = scores {
            *score = self.only_score(row);
            return;
        }
        scores.fill(0.0);
        kernel::scores(&self.weights, row.below(self.width()), scores);
        if let Some(value) = self.constant {
            scores
                .iter_mut()
                .zip(self.bias_weights())
                .for_each(|(score, weight)| *score += weight * value);
        }
    }

    /// Returns the score of an example that has only one.
    fn only_score(&self, row: Row<'_>) -> f64 {
        let sum = kernel::score(&self.weights, row.below(self.width()));
        sum + self.bias().map_or(0.0, |bias| bias.weight * bias.value)
    }

    /// Returns the label of an example's class, or its value in regression. Of two classes, a score
    /// of exactly 0 has the second label; of more, the first of equal highest scores wins, as in
    /// LIBLINEAR.
    pub fn predict(&self, row: Row<'_>) -> f64 {
        if self.outputs() == 1 {
            return self.prediction(&[self.only_score(row)]);
        }
        self.prediction(&self.scores(row))
    }

    /// Returns the label or value that the scores of an example stand for, see [`Model::predict`].
    ///
    /// # Panics
    /// If there are not [`Model::outputs`] scores.
    pub fn prediction(&self, scores: &[f64]) -> f64 {
        assert_eq!(scores.len(), self.outputs(), "one value a score");
        match self.labels[..] {
            [] => scores[0],
            _ => self.labels[self.class(scores)],
        }
    }

    /// Returns the index of the label that the scores of an example stand for.
    pub(super) fn class(&self, scores: &[f64]) -> usize {
        match *scores {
            [score] if score > 0.0 => 0,
            [_] => 1,
            _ => highest(scores),
        }
    }

    /// Returns the probability, from 0 to 1, that an example has the first label.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the loss is neither the logistic one nor softmax: other scores are
    /// no log-odds.
    pub fn probability(&self, row: Row<'_>) -> Result<f64> {
        self.check_probability()?;
        let mut probabilities = vec![0.0; self.labels.len()];
        self.probabilities_into(&self.scores(row), &mut probabilities);
        Ok(probabilities[0])
    }

    /// Returns the scores of all examples, in order: [`Model::outputs`] for each.
    pub fn decisions(&self, data: &Dataset) -> Vec<f64> {
        self.decisions_of(data, 0..data.len())
    }

    /// Returns the scores of the examples in `rows`, like [`Model::decisions`].
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn decisions_of(&self, data: &Dataset, rows: Range<usize>) -> Vec<f64> {
        let all = data.rows();
        self.scores_of(rows.len(), |i| all.row(rows.start + i))
    }

    /// Returns the scores of the rows with the given numbers, in this order, like
    /// [`Model::decisions`].
    ///
    /// # Panics
    /// If there is no such row.
    pub fn decisions_at(&self, data: &Dataset, rows: &[u32]) -> Vec<f64> {
        let all = data.rows();
        self.scores_of(rows.len(), |i| all.row(rows[i] as usize))
    }

    fn scores_of<'d>(&self, examples: usize, row: impl Fn(usize) -> Row<'d> + Sync) -> Vec<f64> {
        let mut scores = vec![0.0; examples * self.outputs()];
        let each = scores.par_chunks_mut(self.outputs()).with_min_len(ROWS_PER_TASK).enumerate();
        each.for_each(|(i, scores)| self.score_into(row(i), scores));
        scores
    }

    /// Returns the labels or values of all examples, in order; see [`Model::predict`].
    pub fn predictions(&self, data: &Dataset) -> Vec<f64> {
        let rows = data.rows();
        let buffer = || vec![0.0; self.outputs()];
        let prediction = |scores: &mut Vec<f64>, i| {
            self.score_into(rows.row(i), scores);
            self.prediction(scores)
        };
        (0..data.len())
            .into_par_iter()
            .with_min_len(ROWS_PER_TASK)
            .map_init(buffer, prediction)
            .collect()
    }

    /// Returns the probabilities of all examples in order, those of one example adjacent in the
    /// order of the labels. With more than two classes they are those of each class against the
    /// rest, divided by their sum, as in LIBLINEAR.
    ///
    /// # Errors
    /// As for [`Model::probability`].
    pub fn probabilities(&self, data: &Dataset) -> Result<Vec<f64>> {
        self.check_probability()?;
        let (rows, classes) = (data.rows(), self.labels.len());
        let mut probabilities = vec![0.0; rows.len() * classes];
        probabilities
            .par_chunks_mut(classes)
            .with_min_len(ROWS_PER_TASK)
            .enumerate()
            .for_each_init(
                || vec![0.0; self.outputs()],
                |scores, (i, probabilities)| {
                    self.score_into(rows.row(i), scores);
                    self.probabilities_into(scores, probabilities);
                },
            );
        Ok(probabilities)
    }

    /// Returns the probabilities, like [`Model::probabilities`], of examples with these `scores`,
    /// those of one example adjacent.
    ///
    /// # Errors
    /// As for [`Model::probability`].
    ///
    /// # Panics
    /// If there are not [`Model::outputs`] scores for each.
    pub fn probabilities_of_scores(&self, scores: &[f64]) -> Result<Vec<f64>> {
        self.check_probability()?;
        let (outputs, classes) = (self.outputs(), self.labels.len());
        assert!(scores.len().is_multiple_of(outputs), "all scores of each example");
        let mut probabilities = vec![0.0; scores.len() / outputs * classes];
        scores
            .chunks(outputs)
            .zip(probabilities.chunks_mut(classes))
            .for_each(|(scores, probabilities)| self.probabilities_into(scores, probabilities));
        Ok(probabilities)
    }

    /// Returns the number of entries in `data` whose feature the model does not know; they do not
    /// count in scores.
    pub fn unseen(&self, data: &Dataset) -> usize {
        if data.width() <= self.width() {
            return 0;
        }
        let unseen = |row: Row<'_>| row.len() - row.below(self.width()).len();
        let rows = data.rows();
        (0..rows.len())
            .into_par_iter()
            .with_min_len(ROWS_PER_TASK)
            .map(|i| unseen(rows.row(i)))
            .sum()
    }

    /// Writes the probability of each label to `probabilities`.
    fn probabilities_into(&self, scores: &[f64], probabilities: &mut [f64]) {
        if let [score] = *scores {
            let first = 1.0 / (1.0 + (-score).exp());
            probabilities.copy_from_slice(&[first, 1.0 - first]);
            return;
        }
        let sum = self.log_sum(scores);
        probabilities
            .iter_mut()
            .zip(scores)
            .for_each(|(probability, &score)| *probability = (self.log(score) - sum).exp());
    }

    /// Returns true if probabilities follow from the scores.
    pub(super) fn has_probabilities(&self) -> bool {
        matches!(self.loss, LossKind::Logistic | LossKind::Softmax)
    }

    /// Returns -ln(probability of class `truth`), given the scores of all of more than two classes.
    pub(super) fn log_loss(&self, truth: usize, scores: &[f64]) -> f64 {
        self.log_sum(scores) - self.log(scores[truth])
    }

    /// Returns the logarithm of a class's unnormalized probability.
    fn log(&self, score: f64) -> f64 {
        if self.loss == LossKind::Softmax { score } else { log_odds_to_log(score) }
    }

    /// Returns the logarithm of the sum of the classes' unnormalized probabilities, which itself
    /// may be out of the range of f64.
    fn log_sum(&self, scores: &[f64]) -> f64 {
        if self.loss == LossKind::Softmax {
            return log_sum_exp(scores);
        }
        let largest = log_odds_to_log(scores[highest(scores)]);
        largest
            + scores.iter().map(|&score| (log_odds_to_log(score) - largest).exp()).sum::<f64>().ln()
    }

    fn check_probability(&self) -> Result<()> {
        if self.has_probabilities() {
            return Ok(());
        }
        Err(Error::Parameter {
            name: "loss",
            value: format!("{}, whose scores are no probabilities", self.loss),
            expected: "logistic or softmax",
            hint: "train with one of these, or use labels or scores instead of probabilities",
        })
    }
}

/// Returns the index of the highest score, the first of equal ones.
fn highest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (k, &score) in scores.iter().enumerate() {
        if score > scores[best] {
            best = k;
        }
    }
    best
}

/// Returns ln(1/(1 + e^-score)), without overflow.
fn log_odds_to_log(score: f64) -> f64 {
    score.min(0.0) - (-score.abs()).exp().ln_1p()
}
