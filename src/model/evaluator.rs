//! Evaluation of scores and labels that come in pieces, with no more of them in memory than the
//! measures need.

use std::collections::HashMap;

use rayon::prelude::*;

use super::Model;
use super::predict::ROWS_PER_TASK;
use crate::metrics::{self, ClassQuality, Counts, Evaluation, Quality};

/// Compares scores with labels that come in pieces; see [`Model::evaluate`]. Deterministic, however
/// the examples are cut into pieces.
#[derive(Debug)]
pub struct Evaluator<'m> {
    model: &'m Model,
    truths: Truths<'m>,
    examples: usize,
    /// Examples whose label the model does not know.
    unknown: usize,
    /// Counts of each class.
    counts: Vec<Counts>,
    /// Sum of losses over all classes and examples of known label; `log_loss` is that of
    /// -ln(probability of the right class).
    loss: f64,
    log_loss: f64,
    /// Scores of the examples of each class, if there are two.
    of_two: [Vec<f64>; 2],
    /// Scores and labels in regression.
    targets: (Vec<f64>, Vec<f64>),
}

impl<'m> Evaluator<'m> {
    /// Creates an evaluator of scores of `model`.
    pub fn new(model: &'m Model) -> Self {
        Evaluator {
            model,
            truths: Truths::new(model),
            examples: 0,
            unknown: 0,
            counts: vec![Counts::default(); model.labels().len()],
            loss: 0.0,
            log_loss: 0.0,
            of_two: Default::default(),
            targets: Default::default(),
        }
    }

    /// Adds examples: [`Model::outputs`] scores and one label each.
    ///
    /// # Panics
    /// If their numbers do not match.
    pub fn add(&mut self, scores: &[f64], labels: &[f64]) {
        assert_eq!(
            scores.len(),
            labels.len() * self.model.outputs(),
            "all scores of each labeled example"
        );
        self.examples += labels.len();
        match self.model.labels().len() {
            0 => {
                self.targets.0.extend_from_slice(scores);
                self.targets.1.extend_from_slice(labels);
            }
            2 => self.add_two(scores, labels),
            _ => self.add_many(scores, labels),
        }
    }

    fn add_two(&mut self, scores: &[f64], labels: &[f64]) {
        for (&score, &label) in scores.iter().zip(labels) {
            let truth = self.truths.of(label);
            self.count(truth, self.model.class(&[score]));
            if let Some(truth) = truth {
                self.loss += self.model.loss().value(if truth == 0 { 1.0 } else { -1.0 }, score);
                self.of_two[truth].push(score);
            }
        }
    }

    fn add_many(&mut self, scores: &[f64], labels: &[f64]) {
        let (model, truths) = (self.model, &self.truths);
        let measure = |(scores, &label): (&[f64], &f64)| {
            let truth = truths.of(label);
            let losses = truth.map_or((0.0, 0.0), |truth| {
                (model.loss_of_classes(truth, scores), model.log_loss(truth, scores))
            });
            (truth, model.class(scores), losses)
        };
        let each = scores
            .par_chunks(model.outputs())
            .zip(labels)
            .with_min_len((ROWS_PER_TASK / model.outputs()).max(1));
        let measured: Vec<_> = each.map(measure).collect();
        // One after another: the sum's rounding depends neither on threads nor on pieces.
        for (truth, predicted, (loss, log_loss)) in measured {
            self.count(truth, predicted);
            self.loss += loss;
            self.log_loss += log_loss;
        }
    }

    fn count(&mut self, truth: Option<usize>, predicted: usize) {
        self.counts[predicted].predicted += 1;
        match truth {
            Some(truth) => {
                self.counts[truth].examples += 1;
                self.counts[truth].right += usize::from(truth == predicted);
            }
            None => self.unknown += 1,
        }
    }

    /// Returns the number of examples so far.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// Returns the measures over all examples, and those of each class in the order of the labels;
    /// see [`Model::evaluate_classes`].
    pub fn finish(self) -> (Evaluation, Vec<ClassQuality>) {
        let labels = self.model.labels();
        if labels.is_empty() {
            return (self.regression(), Vec::new());
        }
        let classes: Vec<_> = labels
            .iter()
            .zip(&self.counts)
            .map(|(&label, &counts)| ClassQuality::new(label, counts))
            .collect();
        let known = self.examples - self.unknown;
        let per_known = |sum: f64| (known > 0).then(|| sum / known as f64);
        let right: usize = self.counts.iter().map(|counts| counts.right).sum();
        let accuracy = right as f64 / (self.examples as f64).max(1.0);
        let quality = if labels.len() == 2 {
            let [first, second] = self.of_two;
            let auc = metrics::auc_of_classes(first, second);
            Quality::Classes { accuracy, auc, unknown_labels: self.unknown }
        } else {
            let f1: Vec<f64> = classes.iter().filter_map(|class| class.f1).collect();
            Quality::ManyClasses {
                accuracy,
                macro_f1: (!f1.is_empty()).then(|| f1.iter().sum::<f64>() / f1.len() as f64),
                log_loss: per_known(self.log_loss).filter(|_| self.model.has_probabilities()),
                unknown_labels: self.unknown,
            }
        };
        let loss = per_known(self.loss / self.model.losses() as f64);
        (Evaluation { objective: None, loss, quality }, classes)
    }

    fn regression(&self) -> Evaluation {
        let (scores, labels) = &self.targets;
        let loss = |(&score, &label): (&f64, &f64)| self.model.loss().value(label, score);
        let sum: f64 = scores.iter().zip(labels).map(loss).sum();
        Evaluation {
            objective: None,
            loss: (!scores.is_empty()).then(|| sum / scores.len() as f64),
            quality: Quality::Regression {
                rmse: metrics::rmse(scores, labels),
                mae: metrics::mae(scores, labels),
                r2: metrics::r2(scores, labels),
            },
        }
    }
}

/// Finds the class of each label.
#[derive(Debug)]
pub(super) struct Truths<'m> {
    labels: &'m [f64],
    /// The class of each label, by its bits.
    classes: HashMap<u64, usize>,
}

impl<'m> Truths<'m> {
    pub(super) fn new(model: &'m Model) -> Self {
        let labels = model.labels();
        Truths {
            labels,
            classes: labels.iter().zip(0..).map(|(&label, k)| (key(label), k)).collect(),
        }
    }

    /// Returns the index of `label` among the model's; `None` if it is not one of them.
    pub(super) fn of(&self, label: f64) -> Option<usize> {
        match *self.labels {
            // Most models have two classes: they need no hash.
            [first, _] if label == first => Some(0),
            [_, second] if label == second => Some(1),
            [] | [_, _] => None,
            _ => self.classes.get(&key(label)).copied(),
        }
    }
}

/// Returns a hash key, equal for equal labels: adding 0 turns -0 into 0.
fn key(label: f64) -> u64 {
    (label + 0.0).to_bits()
}
