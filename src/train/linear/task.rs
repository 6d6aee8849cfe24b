//! Input of a fit: weighted examples, settings, and the targets of scores.

use std::time::Instant;

use crate::data::Dataset;
use crate::metrics::Evaluation;
use crate::model::Model;
use crate::solver::Settings;

/// Input of a fit, after labels and weights are checked.
pub(super) struct Task<'a> {
    /// The rows in the seed's order.
    pub(super) data: Weighted<'a>,
    pub(super) test: Option<Weighted<'a>>,
    pub(super) settings: Settings,
    pub(super) started: Instant,
}

/// Examples with their weights.
#[derive(Clone, Copy)]
pub(super) struct Weighted<'a> {
    pub(super) data: &'a Dataset,
    /// One factor an example; `None` if all are 1.
    pub(super) weights: Option<&'a [f32]>,
}

impl Weighted<'_> {
    /// Returns measures that count each example once, and the weighted objective.
    pub(super) fn evaluate(&self, model: &Model, penalty: f64) -> Evaluation {
        let mut evaluation = model.evaluate(self.data);
        let loss = match self.weights {
            None => evaluation.loss,
            Some(weights) => model.weighted_loss(self.data, weights),
        };
        evaluation.objective = loss.map(|loss| loss + penalty);
        evaluation
    }
}

/// Returns the targets of scores: +1 for the examples of `class`, -1 for all others.
pub(super) fn targets(classes: &[u32], class: u32) -> Vec<f64> {
    classes.iter().map(|&other| if other == class { 1.0 } else { -1.0 }).collect()
}
