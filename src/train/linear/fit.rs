//! The fits of a [`Trainer`]: one vector of weights.

use std::borrow::Cow;
use std::time::Instant;

use super::{Trained, Trainer};
use crate::data::{ClassLabels, Dataset};
use crate::error::{Error, Result};
use crate::model::{Evaluation, Model};
use crate::params::Real;
use crate::problem::{Curved, Linear, Loss, Problem};
use crate::train::{Evaluate, Event, Fit, Precision, Settings, Solver, ascend, minimize, reduce_variance};

impl Trainer {
    /// One vector: two classes, or regression.
    pub(super) fn fit_one<L: Curved>(
        &self,
        loss: L,
        task: Task<'_>,
        labels: Option<&ClassLabels>,
        targets: Cow<'_, [f32]>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trained> {
        let problem = self.problem(loss, task.data, &targets)?;
        let shuffle_time = task.started.elapsed();
        let model = |weights: &[f64]| self.model(labels, weights.to_vec());
        let penalized = problem.penalized();
        let evaluate = |weights: &[f64], data: Weighted<'_>| {
            Ok::<_, Error>(
                data.evaluate(&model(weights)?, task.settings.penalty.value(&weights[..penalized])),
            )
        };
        let on_test = task.test.map(|test| move |weights: &[f64]| evaluate(weights, test).ok());
        let fit = self.solve(&problem, &task.settings, on_test.as_ref().map(|f| f as _), watch)?;
        task.data.data.verify()?;
        // Evaluation takes memory of its own.
        drop(problem);
        drop(targets);
        Ok(Trained {
            model: model(&fit.weights)?,
            train: evaluate(&fit.weights, task.data)?,
            test: task.test.map(|test| evaluate(&fit.weights, test)).transpose()?,
            prepare_time: shuffle_time + fit.prepare_time,
            l2: task.settings.penalty.l2,
            classes: Vec::new(),
            class_weights: Vec::new(),
            fit,
        })
    }

    /// What is minimized, with the bias and the weights of examples.
    pub(super) fn problem<'a, L: Loss>(
        &self,
        loss: L,
        Weighted { data, weights }: Weighted<'a>,
        targets: &'a [f32],
    ) -> Result<Linear<'a, L>> {
        let problem = Linear::new(data, targets, loss, self.bias.map(|bias| bias as f32))?;
        let problem = if self.free_bias { problem.with_free_bias() } else { problem };
        match weights {
            None => Ok(problem),
            Some(weights) => problem.with_weights(weights),
        }
    }

    /// Finds one vector of weights, by the solver that was chosen.
    pub(super) fn solve<L: Curved>(
        &self,
        problem: &Linear<'_, L>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fit<f64>> {
        match self.precision {
            Precision::F64 => self.solve_in(problem, settings, evaluate, watch),
            Precision::F32 => {
                let widened = evaluate.map(|evaluate| move |weights: &[f32]| evaluate(&wide(weights)));
                let fit = self.solve_in(problem, settings, widened.as_ref().map(|f| f as _), watch)?;
                Ok(fit.map_weights(|weights| wide(&weights)))
            }
        }
    }

    fn solve_in<L: Curved, R: Real>(
        &self,
        problem: &Linear<'_, L>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, R>>,
        watch: &mut dyn FnMut(Event<'_>),
    ) -> Result<Fit<R>> {
        match self.choose(settings.penalty) {
            Solver::Dual => ascend(problem, settings, evaluate, watch),
            Solver::Saga => reduce_variance(problem, settings, evaluate, watch),
            Solver::Sgd | Solver::Auto => minimize(problem, settings, evaluate, watch),
        }
    }

    pub(super) fn model(&self, labels: Option<&ClassLabels>, weights: Vec<f64>) -> Result<Model> {
        let constant = self.bias.map(|value| f64::from(value as f32));
        let labels = labels.map_or(&[][..], ClassLabels::labels).iter().map(|&label| label.into()).collect();
        Ok(Model::with_classes(self.loss, labels, weights, constant)?.with_l1(self.settings.penalty.l1 > 0.0))
    }
}

pub(super) fn wide(weights: &[f32]) -> Vec<f64> {
    weights.iter().map(|&w| w.into()).collect()
}

/// What a fit starts from.
pub(super) struct Task<'a> {
    /// The rows in the seed's order.
    pub(super) data: Weighted<'a>,
    pub(super) test: Option<Weighted<'a>>,
    pub(super) settings: Settings,
    pub(super) started: Instant,
}

/// Examples, and how much each of them counts.
#[derive(Clone, Copy)]
pub(super) struct Weighted<'a> {
    pub(super) data: &'a Dataset,
    /// `None`: all the same.
    pub(super) weights: Option<&'a [f32]>,
}

impl Weighted<'_> {
    /// Measures that count each example once, and the objective.
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

/// What scores are compared with: +1 for the examples of `class`, -1 for all others.
pub(super) fn targets(classes: &[u32], class: u32) -> Vec<f32> {
    classes.iter().map(|&other| if other == class { 1.0 } else { -1.0 }).collect()
}
