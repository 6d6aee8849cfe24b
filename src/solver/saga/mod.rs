//! The solver saga: variance reduction. Lock-free epochs find which weights matter, Newton steps
//! finish where these are few, and each epoch ends with a certificate.

mod certificate;
mod rule;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub(crate) use self::certificate::Certificate;
use self::rule::usual_rate;
pub(crate) use self::rule::{Saga, SagaVisits};
use super::convergence::passes_left;
use super::driver::{Best, Evaluate, FitDriver, Measured, Method, Outcome};
use super::linear::known_loss;
use super::newton::hessian::{self, Assembly};
use super::newton::primal as newton;
use super::plan::{Copies, Plan};
use super::sgd::Schedule;
use super::{Event, Fit, RulesOf, Settings};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::problem::{Curved, Curves, Linear};
use crate::strategy::{Shape, StrategyKind, Update};

/// Minimizes a linear model's mean loss plus regularizer from zero weights, by variance-reduced
/// steps, for smooth losses. Each epoch bounds the distance of its weights to the optimum
/// ([`Epoch::gap`](super::Epoch::gap)). Without a regularizer there is no bound, and training ends
/// when the objective settles. An epoch is one pass of visits, or one Newton step where few weights
/// matter. The objective never rises: an epoch that would raise it is undone.
///
/// `evaluate`, `watch` and determinism are as in [`minimize`](super::minimize).
///
/// # Errors
/// [`Error::Parameter`] for settings out of range, a loss that is not smooth, a schedule, or a
/// strategy with replicas or batches, which have no average gradient in common; [`Error::Worker`]
/// if a worker panicked; [`Error::Io`] or [`Error::Input`] if the weights cannot be mapped.
pub fn fit_saga<L: Curved, R: Real>(
    problem: &Linear<'_, L>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    fit_any(problem, settings, evaluate, watch)
}

/// [`fit_saga`] for any loss.
pub(crate) fn fit_any<R: Real>(
    problem: &dyn RulesOf<R>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    settings.check()?;
    let loss = known_loss(problem)?;
    let smoothness = loss.smoothness();
    if smoothness.is_infinite() {
        return Err(Error::Parameter {
            name: "solver",
            value: "saga".into(),
            expected: "a solver for losses with a kink",
            hint: "choose dual or sgd for this loss, or a smooth loss: squared-hinge instead of hinge, huber instead of epsilon-insensitive",
        });
    }
    if settings.schedule != Schedule::default() {
        return Err(Error::Parameter {
            name: "schedule",
            value: settings.schedule.name().into(),
            expected: "none with the solver saga, whose step sizes follow the objective",
            hint: "leave it out, or choose the solver sgd",
        });
    }
    let examples = problem.examples();
    let (terms, width, touches) = (examples.len(), examples.width(), examples.touches());
    let plan = Plan::new(terms, width, touches, settings, Copies::Never);
    match plan.strategy {
        StrategyKind::Hogwild(update @ (Update::Merged | Update::Split)) => {
            return Err(Error::Parameter {
                name: "update",
                value: update.name().into(),
                expected: "wild or atomic with the solver saga, whose workers share one average gradient",
                hint: "leave it out, or choose the solver sgd",
            });
        }
        StrategyKind::Sequential if plan.batch == 1 => (),
        StrategyKind::Hogwild(_) | StrategyKind::Locked => (),
        other => {
            return Err(Error::Parameter {
                name: "strategy",
                value: format!(
                    "{}{}",
                    other.name(),
                    if plan.batch > 1 { " in batches" } else { "" }
                ),
                expected: "sequential, hogwild or locked, without batches, with the solver saga, whose workers share one average gradient",
                hint: "choose hogwild, or the solver sgd",
            });
        }
    }
    let strategy = plan.make(settings)?;
    let shape = Shape { terms, width, common: examples.common() };
    let driver = FitDriver::new(settings, plan, shape, touches, strategy)?;
    let rate = settings.learning_rate.unwrap_or_else(|| usual_rate(examples, smoothness));
    let mut start = Certificate::zero(examples);
    driver.install(|| start.certify(examples, loss, settings.penalty));
    let reduction = Reduction {
        problem,
        loss,
        settings,
        rule: Saga::new(examples, settings.penalty, rate),
        first_rate: rate,
        next: start.clone(),
        bound: start.bound,
        duals: start.duals(),
        best: start,
        newton_schedule: NewtonSchedule::default(),
        assembly: Assembly::default(),
        passes: 0,
        calm: 0,
    };
    driver.run(Box::new(reduction), evaluate, watch)
}

/// The state that changes from epoch to epoch.
struct Reduction<'a, R: Real> {
    problem: &'a dyn RulesOf<R>,
    loss: &'a dyn Curves,
    settings: &'a Settings,
    rule: Saga<'a, R>,
    first_rate: f64,
    /// The weights of the lowest objective so far: each epoch starts from them.
    best: Certificate<R>,
    /// Buffer for the weights after an epoch.
    next: Certificate<R>,
    /// The highest bound so far, and the dual variables that prove it.
    bound: f64,
    duals: Vec<f64>,
    newton_schedule: NewtonSchedule,
    assembly: Assembly,
    passes: usize,
    /// Consecutive epochs that changed the objective by less than the tolerance.
    calm: usize,
}

/// Relative rounding error of an objective.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// Factor on the step size after a pass that lowers the objective.
const GROW: f64 = 1.2;
/// Factor on the step size after a pass that does not.
const SHORTEN: f64 = 0.5;
/// Newton steps begin if more than this many further passes would be needed.
const SOON: f64 = 4.0;
/// Consecutive calm epochs that end training where there is no gap.
const CALM: usize = 5;

impl<R: Real> Reduction<'_, R> {
    /// Keeps the next weights, which are certified, if they are better. Returns true if they are.
    fn keep_better(&mut self) -> bool {
        if self.next.bound.is_finite() && self.next.bound > self.bound {
            self.bound = self.next.bound;
            self.next.copy_duals(&mut self.duals);
        }
        let rise = self.next.objective - self.best.objective;
        // Where rounding hides the objective's fall, the bound still shows progress.
        let better = rise < 0.0
            || rise <= ROUNDING * self.best.objective.abs() && self.next.bound > self.best.bound;
        let settled = self.best.objective - self.next.objective
            <= self.settings.tolerance * self.best.objective;
        self.calm = if settled || !better { self.calm + 1 } else { 0 };
        if better {
            std::mem::swap(&mut self.best, &mut self.next);
        }
        better
    }

    /// Makes one pass of visits from the best weights, and adapts the step size.
    fn visit_all(&mut self, driver: &mut FitDriver<'_, R>) -> Result<()> {
        self.rule.refresh(&self.best.slopes, &self.best.gradient);
        driver.params.copy_from(&self.best.weights);
        driver.strategy.restart();
        driver.pass(&*self.problem.saga_visits(&self.rule))?;
        self.passes += 1;
        driver.params.copy_to(&mut self.next.weights);
        self.next.certify(self.problem.examples(), self.loss, self.settings.penalty);
        let factor = if self.keep_better() { GROW } else { SHORTEN };
        self.rule.set_rate(self.rule.rate() * factor);
        Ok(())
    }

    /// Takes one Newton step; `None` if it does not improve the weights.
    fn newton_step(&mut self) -> Option<newton::Step> {
        let (examples, penalty) = (self.problem.examples(), self.settings.penalty);
        let (best, next) = (&self.best, &mut self.next);
        let (assembly, before) = (&mut self.assembly, best.objective);
        let step = newton::step(examples, self.loss, penalty, best, next, assembly);
        let better = step.is_some() && self.keep_better();
        self.assembly.thinning.record(before - self.best.objective);
        step.filter(|_| better)
    }

    /// Returns true if passes alone would not reach the tolerance soon. Where a Hessian costs about
    /// as much as a pass, Newton steps need no pass before them.
    fn is_time_for_newton(&self) -> bool {
        let left = |gap| passes_left(self.passes, gap, self.settings.tolerance);
        match self.passes {
            0 => hessian::is_small(
                self.problem.examples().width(),
                self.problem.examples().touches(),
            ),
            _ => self.newton_schedule.has_helped || self.gap().is_none_or(|gap| left(gap) > SOON),
        }
    }

    fn gap(&self) -> Option<f64> {
        let distance = (self.best.objective - self.bound).max(0.0);
        let relative = if distance == 0.0 { 0.0 } else { distance / self.best.objective };
        self.bound.is_finite().then_some(relative)
    }

    fn measured(&self) -> Measured {
        Measured { objective: self.best.objective, gap: self.gap() }
    }
}

impl<R: Real> Method<R> for Reduction<'_, R> {
    fn epoch(&mut self, driver: &mut FitDriver<'_, R>) -> Result<Outcome> {
        let before = self.gap();
        let stepped = self.is_time_for_newton() && self.newton_schedule.is_due() && {
            let step = self.newton_step();
            driver.count_newton();
            self.newton_schedule.record(step, before, self.gap());
            step.is_some()
        };
        if !stepped {
            self.visit_all(driver)?;
        }
        Ok(Outcome::Kept(self.measured()))
    }

    fn current<'w>(&'w self, _: &'w mut FitDriver<'_, R>) -> &'w [R] {
        &self.best.weights
    }

    fn has_converged(&self) -> bool {
        self.gap().map_or(self.calm >= CALM, |gap| gap <= self.settings.tolerance)
    }

    fn learning_rate(&mut self) -> Option<f64> {
        Some(self.first_rate)
    }

    fn finish(self: Box<Self>) -> Best<R> {
        let measured = self.measured();
        Best { weights: self.best.weights, measured, duals: Some(self.duals) }
    }
}

/// Schedule of Newton steps, where passes alone are slow: one after the first pass, further ones
/// while they help, and otherwise at growing intervals.
#[derive(Debug, Default)]
struct NewtonSchedule {
    /// Epochs until the next trial.
    wait: u32,
    /// Consecutive trials that failed.
    failures: u32,
    /// True if any trial gave a step.
    has_helped: bool,
}

/// Most epochs between two trials.
const MOST_WAIT: u32 = 8;

impl NewtonSchedule {
    /// Returns true if a trial is due; otherwise counts an epoch of waiting.
    fn is_due(&mut self) -> bool {
        let due = self.wait == 0;
        self.wait = self.wait.saturating_sub(1);
        due
    }

    /// Records the step of a trial, if it gave one, and the gaps before and after it.
    fn record(&mut self, step: Option<newton::Step>, before: Option<f64>, after: Option<f64>) {
        let Some(step) = step else {
            self.failures += 1;
            self.wait = self.failures.min(MOST_WAIT);
            return;
        };
        (self.failures, self.has_helped) = (0, true);
        // A rough step that does not halve the gap leaves something for a pass to do.
        let helped = before.zip(after).is_none_or(|(before, after)| after <= before / 2.0);
        self.wait = u32::from(step == newton::Step::Rough && !helped);
    }
}
