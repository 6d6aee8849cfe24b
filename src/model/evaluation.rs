//! How well a model does on labeled examples.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::Serialize;

use super::predict::{ROWS_PER_TASK, log_odds_to_log, log_sum};
use super::{LossKind, Model, label};
use crate::data::Dataset;
use crate::metrics;

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
    fn new(label: f64, Counts { examples, predicted, right }: Counts) -> Self {
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
#[derive(Clone, Copy, Default)]
struct Counts {
    examples: usize,
    predicted: usize,
    right: usize,
}

/// What a task finds out about some examples under a model of many classes.
struct Judged {
    /// The true class, if the model knows it, and the predicted one.
    classes: Vec<(Option<u32>, u32)>,
    /// Over the examples of known label: losses over all classes, and -ln(probability of the right one).
    loss: f64,
    log_loss: f64,
}

impl Model {
    /// Compares the model's scores with the labels of `data`. Deterministic.
    pub fn evaluate(&self, data: &Dataset) -> Evaluation {
        match self.labels() {
            &[first, second] => self.evaluate_two([first, second], data),
            [] => self.evaluate_regression(data),
            _ => self.evaluate_classes(data).0,
        }
    }

    /// Compares as [`Model::evaluate`] does, and each class with the others, in the order of the labels. Classes are
    /// empty in regression. Deterministic.
    pub fn evaluate_classes(&self, data: &Dataset) -> (Evaluation, Vec<ClassQuality>) {
        let labels = self.labels();
        if labels.is_empty() {
            return (self.evaluate(data), Vec::new());
        }
        let judged = self.judge(data);
        let mut counts = vec![Counts::default(); labels.len()];
        let mut unknown = 0;
        for &(truth, predicted) in judged.iter().flat_map(|part| &part.classes) {
            counts[predicted as usize].predicted += 1;
            match truth {
                Some(truth) => {
                    counts[truth as usize].examples += 1;
                    counts[truth as usize].right += usize::from(truth == predicted);
                }
                None => unknown += 1,
            }
        }
        let classes: Vec<_> =
            labels.iter().zip(&counts).map(|(&label, &counts)| ClassQuality::new(label, counts)).collect();
        if labels.len() == 2 {
            return (self.evaluate(data), classes);
        }
        let known = data.len() - unknown;
        let right: usize = counts.iter().map(|counts| counts.right).sum();
        let per_known = |sum: f64| (known > 0).then(|| sum / known as f64);
        let f1: Vec<f64> = classes.iter().filter_map(|class| class.f1).collect();
        let loss = judged.iter().map(|part| part.loss).sum::<f64>() / labels.len() as f64;
        let log_loss = judged.iter().map(|part| part.log_loss).sum();
        let evaluation = Evaluation {
            objective: None,
            loss: per_known(loss),
            quality: Quality::ManyClasses {
                accuracy: right as f64 / (data.len() as f64).max(1.0),
                macro_f1: (!f1.is_empty()).then(|| f1.iter().sum::<f64>() / f1.len() as f64),
                log_loss: per_known(log_loss).filter(|_| self.loss() == LossKind::Logistic),
                unknown_labels: unknown,
            },
        };
        (evaluation, classes)
    }

    /// Judges the examples in tasks whose order and size do not depend on the number of threads.
    fn judge(&self, data: &Dataset) -> Vec<Judged> {
        let places = self.places();
        let starts: Vec<usize> = (0..data.len()).step_by(ROWS_PER_TASK).collect();
        let judge = |start: usize| {
            let mut scores = vec![0.0; self.outputs()];
            let mut part = Judged { classes: Vec::new(), loss: 0.0, log_loss: 0.0 };
            for i in start..data.len().min(start + ROWS_PER_TASK) {
                self.score_into(data.row(i), &mut scores);
                let truth = places.get(&(f64::from(data.labels()[i]) + 0.0).to_bits()).copied();
                part.classes.push((truth, self.class(&scores) as u32));
                let Some(truth) = truth.filter(|_| scores.len() > 1) else { continue };
                part.loss += self.loss_of_classes(truth as usize, &scores);
                part.log_loss += log_sum(&scores) - log_odds_to_log(scores[truth as usize]);
            }
            part
        };
        starts.into_par_iter().map(judge).collect()
    }

    fn evaluate_two(&self, [first, second]: [f64; 2], data: &Dataset) -> Evaluation {
        let scores = self.decisions(data);
        let sign = |label: f32| match f64::from(label) {
            label if label == first => Some(1.0),
            label if label == second => Some(-1.0),
            _ => None,
        };
        let (known, signs): (Vec<f64>, Vec<f32>) = scores
            .iter()
            .zip(data.labels())
            .filter_map(|(&score, &label)| sign(label).map(|sign| (score, sign)))
            .unzip();
        let right = metrics::accuracy(&known, &signs).unwrap_or(0.0) * known.len() as f64;
        Evaluation {
            objective: None,
            loss: self.mean_loss(&known, &signs),
            quality: Quality::Classes {
                accuracy: right / (data.len() as f64).max(1.0),
                auc: metrics::auc(&known, &signs),
                unknown_labels: data.len() - known.len(),
            },
        }
    }

    fn evaluate_regression(&self, data: &Dataset) -> Evaluation {
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

    /// Mean over the examples whose label the model knows of their loss times their weight; with more than two classes,
    /// the loss is the mean of those of the classes. `None` if there is no such example. Deterministic.
    ///
    /// # Panics
    /// If there is not one weight an example.
    pub fn weighted_loss(&self, data: &Dataset, weights: &[f32]) -> Option<f64> {
        assert_eq!(weights.len(), data.len(), "one weight an example");
        let places = self.places();
        let starts: Vec<usize> = (0..data.len()).step_by(ROWS_PER_TASK).collect();
        let sum = |start: usize| {
            let mut scores = vec![0.0; self.outputs()];
            let (mut sum, mut known) = (0.0, 0_usize);
            let end = data.len().min(start + ROWS_PER_TASK);
            for (i, &weight) in (start..end).zip(&weights[start..end]) {
                let label = f64::from(data.labels()[i]);
                let truth = places.get(&(label + 0.0).to_bits()).map(|&truth| truth as usize);
                self.score_into(data.row(i), &mut scores);
                let loss = match (truth, &scores[..]) {
                    (_, &[score]) if self.labels().is_empty() => self.loss().value(label, score),
                    (None, _) => continue,
                    (Some(truth), &[score]) => self.loss().value(if truth == 0 { 1.0 } else { -1.0 }, score),
                    (Some(truth), scores) => self.loss_of_classes(truth, scores) / scores.len() as f64,
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

    /// The place of each label, by its bits; adding 0 makes -0 the same label as 0.
    fn places(&self) -> HashMap<u64, u32> {
        self.labels().iter().zip(0..).map(|(label, k)| ((label + 0.0).to_bits(), k)).collect()
    }

    /// The sum over all classes of the loss of an example of class `truth`.
    fn loss_of_classes(&self, truth: usize, scores: &[f64]) -> f64 {
        let sign = |class| if class == truth { 1.0 } else { -1.0 };
        scores.iter().enumerate().map(|(k, &score)| self.loss().value(sign(k), score)).sum()
    }

    fn mean_loss(&self, scores: &[f64], targets: &[f32]) -> Option<f64> {
        let sum: f64 = scores.iter().zip(targets).map(|(&s, &y)| self.loss().value(f64::from(y), s)).sum();
        (!scores.is_empty()).then(|| sum / scores.len() as f64)
    }
}
