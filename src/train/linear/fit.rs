//! Fits of a [`Trainer`] to two classes or regression: one vector of weights.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::task::{Task, Weighted};
use super::{Trained, Trainer, certified};
use crate::data::ClassLabels;
use crate::error::Result;
use crate::human::Count;
use crate::memory::Budget;
use crate::model::Model;
use crate::params::Real;
use crate::problem::Examples;
use crate::solver::{
    AnyLinear, Convex, Epoch, Evaluate, Event, Fit, Precision, RulesOf, Settings, Solver, dual,
    interior, linear, saga, sgd,
};

impl Trainer {
    /// Fits one vector of weights, for two classes or regression.
    pub(super) fn fit_one(
        &self,
        task: Task<'_>,
        labels: Option<&ClassLabels>,
        targets: Cow<'_, [f64]>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Trained> {
        let hint = "look for a mistyped feature index, use fewer features, or a larger machine";
        self.check_memory(task.data.data.width(), hint)?;
        let problem = linear(self.loss, self.examples(task.data, &targets)?);
        let solver = certified::convex(&*problem, &task.settings)
            .map_or(Solver::Sgd, |convex| self.first(convex));
        let shuffle_time = task.started.elapsed();
        let model = |weights: Vec<f64>| self.model(labels, weights);
        let penalized = RulesOf::<f64>::examples(&*problem).penalized();
        let penalty = |weights: &[f64]| task.settings.penalty.value(&weights[..penalized]);
        let on_test = task.test.map(|test| {
            move |weights: &[f64]| {
                Some(test.evaluate(&model(weights.to_vec()).ok()?, penalty(weights)))
            }
        });
        let fit = self.solve(&*problem, &task.settings, on_test.as_ref().map(|f| f as _), watch)?;
        task.data.data.verify()?;
        // Free memory before evaluation takes some.
        drop(problem);
        drop(targets);
        let penalty = task.settings.penalty.value(&fit.weights[..penalized]);
        let (weights, fit) = fit.take_weights();
        let model = self.model(labels, weights)?;
        let evaluate = |data: Weighted<'_>| data.evaluate(&model, penalty);
        Ok(Trained {
            train: evaluate(task.data),
            test: task.test.map(evaluate),
            prepare_time: shuffle_time + fit.prepare_time,
            solver,
            precision: self.precision_of(solver),
            l2: task.settings.penalty.l2,
            classes: Vec::new(),
            class_weights: Vec::new(),
            model,
            fit,
        })
    }

    /// Checks that training so many weights at a time fits in memory. Where it does not, the system
    /// ends the process in the middle.
    ///
    /// # Errors
    /// With `hint`, if it does not.
    pub(super) fn check_memory(&self, weights: usize, hint: &str) -> Result<()> {
        /// Weights, best weights, sums of dual variables, and the model.
        const EACH: u64 = 24;
        let checked = Budget::now().check((weights as u64).saturating_mul(EACH));
        let what = || format!("training {} weights", Count(weights as u64));
        checked.map_err(|shortage| shortage.into_error(&self.data_name, &what(), hint))
    }

    /// Returns the examples with targets, weights and the bias.
    pub(super) fn examples<'a>(
        &self,
        Weighted { data, weights }: Weighted<'a>,
        targets: &[f64],
    ) -> Result<Examples<'a>> {
        let examples = Examples::new(data, targets, self.bias.map(|bias| bias as f32))?;
        let examples = if self.free_bias { examples.with_free_bias() } else { examples };
        match weights {
            None => Ok(examples),
            Some(weights) => examples.with_weights(weights),
        }
    }

    /// Returns the solver that training begins with. Where a step of the interior-point method
    /// takes long, sgd comes before it, unless it was asked for.
    pub(super) fn first(&self, convex: Convex<'_>) -> Solver {
        match self.choose(convex.penalty) {
            Solver::Interior if self.solver != Solver::Interior && !interior::is_cheap(convex) => {
                Solver::Sgd
            }
            chosen => chosen,
        }
    }

    /// Finds one vector of weights, beginning with the chosen solver.
    pub(super) fn solve(
        &self,
        problem: &dyn AnyLinear,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<f64>> {
        let Some(convex) = certified::convex(problem, settings) else {
            return self.solve_fast(problem, settings, evaluate, watch);
        };
        if self.first(convex) == Solver::Interior {
            return interior::fit(convex, settings, None, evaluate, watch);
        }
        if self.first(convex) == Solver::Dual && self.has_free_bias() {
            let mut is_substitute = true;
            let watch = &mut |event: Event<'_>| {
                is_substitute &= !matches!(event, Event::Continued { .. });
                match event {
                    // It has another problem's gap.
                    Event::Epoch(epoch) if is_substitute => {
                        watch(Event::Epoch(&without_gap(epoch)))
                    }
                    other => watch(other),
                }
            };
            return self.certified(convex, settings, evaluate, watch, |watch| {
                let mut fit = self.fit_free_bias(convex, settings, evaluate, watch)?;
                fit.epochs = fit.epochs.iter().map(without_gap).collect();
                Ok(fit)
            });
        }
        self.certified(convex, settings, evaluate, watch, |watch| {
            self.solve_fast(problem, settings, evaluate, watch)
        })
    }

    pub(super) fn solve_fast(
        &self,
        problem: &dyn AnyLinear,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<f64>> {
        match self.chosen_precision() {
            Precision::F64 => self.solve_in::<f64>(problem, settings, evaluate, watch),
            Precision::F32 | Precision::Auto => {
                let widened =
                    evaluate.map(|evaluate| move |weights: &[f32]| evaluate(&wide(weights)));
                let fit = self.solve_in::<f32>(
                    problem,
                    settings,
                    widened.as_ref().map(|f| f as _),
                    watch,
                )?;
                Ok(fit.map_weights(|weights| wide(&weights)))
            }
        }
    }

    fn solve_in<R: Real>(
        &self,
        problem: &dyn RulesOf<R>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, R>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<R>> {
        match self.choose(settings.penalty) {
            Solver::Dual => dual::fit_any(problem, settings, evaluate, watch),
            Solver::Saga => saga::fit_any(problem, settings, evaluate, watch),
            Solver::Sgd | Solver::Auto | Solver::Interior => {
                sgd::minimize_linear(problem, settings, evaluate, watch)
            }
        }
    }

    /// Returns the model with these weights, those of a constant feature last.
    pub(super) fn model(&self, labels: Option<&ClassLabels>, weights: Vec<f64>) -> Result<Model> {
        let constant = self.bias.map(|value| f64::from(value as f32));
        let labels = labels.map_or(&[][..], ClassLabels::labels).to_vec();
        Ok(Model::with_classes(self.loss, labels, weights, constant)?
            .with_l1(self.settings.penalty.l1 > 0.0))
    }
}

fn without_gap(epoch: &Epoch) -> Epoch {
    Epoch { gap: None, ..epoch.clone() }
}

pub(super) fn wide(weights: &[f32]) -> Vec<f64> {
    weights.iter().map(|&w| w.into()).collect()
}
