//! The solver sgd: stochastic gradient descent whose step size falls where epochs gain little, and
//! which rolls back epochs that make the objective explode.

use std::ops::ControlFlow;

mod regularized;
mod rule;
mod schedule;
mod search;
#[cfg(test)]
mod tests;

pub use self::rule::{Sgd, SgdRule};
pub use self::schedule::{Schedule, StepSize};
use self::search::search;
use super::driver::{Best, Evaluate, FitDriver, Measured, Method, Outcome};
pub use super::penalty::Penalty;
use super::plan::{Copies, Plan};
use super::{Event, Fit, RulesOf, Settings};
use crate::error::{Error, Result};
use crate::parallel;
use crate::params::Real;
use crate::problem::Problem;
use crate::strategy::{Clock, Strategy, StrategyKind, Update, Visit};

/// Minimizes a problem plus regularizer from its [start](Problem::start), by stochastic gradient
/// descent. `evaluate` is called with the weights after each epoch, off the clock; `watch` is
/// called with each event. Deterministic given the seed with one worker; racy by design with more.
///
/// # Errors
/// [`Error::Parameter`] for settings that are out of range or that the problem does not allow
/// ([`Problem::averages_only`]), [`Error::Diverged`] if no step size keeps the objective finite,
/// [`Error::Worker`] if a worker panicked, [`Error::Io`] or [`Error::Input`] if the weights cannot
/// be mapped.
pub fn minimize<P: Problem, R: Real>(
    problem: &P,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    settings.check()?;
    check_projection(problem.averages_only(), settings)?;
    let copies = if problem.averages_only().is_some() { Copies::NotSummed } else { Copies::OfAll };
    let plan = Plan::new(problem.terms(), problem.width(), problem.touches(), settings, copies);
    let strategy = plan.make(settings)?;
    let mut rule = Sgd::new(
        problem,
        settings.penalty,
        first_step(settings),
        applies_scale(&*strategy, settings),
    );
    let driver = FitDriver::new(settings, plan, rule.shape(), problem.touches(), strategy)?;
    run(driver, &mut rule, evaluate, watch)
}

/// Minimizes a linear model as [`minimize`] does.
///
/// # Errors
/// As for [`minimize`].
pub(crate) fn minimize_linear<R: Real>(
    problem: &dyn RulesOf<R>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    settings.check()?;
    let examples = problem.examples();
    let (terms, width, touches) = (examples.len(), examples.width(), examples.touches());
    let plan = Plan::new(terms, width, touches, settings, Copies::OfAll);
    let strategy = plan.make(settings)?;
    let step = first_step(settings);
    let mut rule = problem.sgd(settings.penalty, step, applies_scale(&*strategy, settings));
    let driver = FitDriver::new(settings, plan, rule.shape(), touches, strategy)?;
    run(driver, &mut *rule, evaluate, watch)
}

/// Returns the first step size; a placeholder if one is to be searched for.
fn first_step(settings: &Settings) -> StepSize {
    StepSize::new(
        settings.learning_rate.unwrap_or(1.0),
        settings.schedule.until(settings.tolerance),
    )
}

/// Returns true if the rule may keep a scale beside the weights.
fn applies_scale<R: Real>(strategy: &dyn Strategy<R>, settings: &Settings) -> bool {
    // A process that reads the weights along expects w, not a vector without its scale.
    strategy.profile().applies_scale && settings.params.is_none()
}

/// Refuses what a problem whose steps project does not allow: regularizers, and sums of copies.
fn check_projection(averages_only: Option<&'static str>, settings: &Settings) -> Result<()> {
    let Some(reason) = averages_only else { return Ok(()) };
    let refuse =
        |name, value: String, expected, hint| Err(Error::Parameter { name, value, expected, hint });
    if settings.penalty != Penalty::default() {
        let value = format!("above 0, though the problem's steps project: {reason}");
        return refuse("l1 or l2", value, "0", "put the regularizer into the problem's terms");
    }
    let sums = matches!(
        settings.strategy,
        StrategyKind::Hogwild(Update::Merged | Update::Split)
            | StrategyKind::HogwildPlusPlus(_)
            | StrategyKind::AllReduce
    );
    if sums {
        let update = settings
            .strategy
            .update()
            .map_or(String::new(), |update| format!(" ({})", update.name()));
        return refuse(
            "strategy",
            format!(
                "{}{update}, whose copies of the weights are merged by sums: {reason}",
                settings.strategy.name()
            ),
            "one that moves one vector or averages its copies",
            "choose hogwild with wild or atomic updates, averaging, sync, ssp, locked or round-robin",
        );
    }
    Ok(())
}

fn run<R: Real>(
    driver: FitDriver<'_, R>,
    rule: &mut dyn SgdRule<R>,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    let settings = driver.settings;
    if settings.learning_rate.is_none() {
        let (deadline, batch) = (driver.control.deadline, driver.profile.batch);
        let schedule = settings.schedule.until(settings.tolerance);
        let eta0 = driver.install(|| search(rule, settings, deadline, batch))?;
        *rule.step() = StepSize::new(eta0, schedule);
    }
    let descent = Descent::new(&driver, rule);
    driver.run(Box::new(descent), evaluate, watch)
}

/// The state that changes from epoch to epoch.
struct Descent<'a, R: Real> {
    settings: &'a Settings,
    rule: &'a mut dyn SgdRule<R>,
    /// The weights of the lowest objective so far: the result of the fit, and the target of a
    /// roll-back.
    best: Vec<R>,
    best_objective: f64,
    /// The objective after the last epoch; of the start, before the first.
    last: f64,
    /// The objective of the initial weights.
    start: f64,
    /// Consecutive epochs that changed the objective by less than the tolerance.
    calm: usize,
    halvings: usize,
}

/// An epoch is undone if it leaves more than this many times the initial objective.
const EXPLODED: f64 = 4.0;
/// Most halvings before the fit fails: together a factor of 10^12.
const MOST_HALVINGS: usize = 40;
/// Consecutive calm epochs that end training. One may be chance, as the objective is noisy. Over
/// three, the default schedule shortens the step to an eighth, so remaining noise would have shown.
/// Record: D005.
const CALM: usize = 3;

impl<'a, R: Real> Descent<'a, R> {
    fn new(driver: &FitDriver<'a, R>, rule: &'a mut dyn SgdRule<R>) -> Self {
        let params = &driver.params;
        let (best, start) = driver.install(|| {
            let best = rule.start();
            params.copy_from(&best);
            let start = rule.objective(rule.shape().terms, &best);
            (best, start)
        });
        Descent {
            settings: driver.settings,
            rule,
            best,
            best_objective: f64::INFINITY,
            last: start,
            start,
            calm: 0,
            halvings: 0,
        }
    }

    fn keep(&mut self, objective: f64) {
        let (change, tolerance) = ((objective - self.last).abs(), self.settings.tolerance);
        // No change is less than a fraction of an objective of 0.
        let is_calm = change < tolerance * objective.abs() || change == 0.0 && tolerance > 0.0;
        self.calm = if is_calm { self.calm + 1 } else { 0 };
        self.rule.step().after_epoch(self.last, objective);
        self.last = objective;
    }

    /// Restores the best weights so far, and halves the step size.
    fn undo(&mut self, driver: &mut FitDriver<'_, R>, objective: f64) -> Result<Outcome> {
        self.halvings += 1;
        if self.halvings > MOST_HALVINGS {
            return Err(Error::Diverged {
                what: format!(
                    "the objective was {objective} after {MOST_HALVINGS} halvings of the step size"
                ),
                hint: "scale the features down, for example to rows of length 1",
            });
        }
        self.rule.step().halve();
        driver.strategy.restart();
        driver.params.copy_from(&self.best);
        self.last = self.best_objective.min(self.start);
        Ok(Outcome::Undone {
            objective,
            learning_rate: self.rule.rate(Clock { before: driver.visits, within: 0 }),
        })
    }
}

impl<R: Real> Method<R> for Descent<'_, R> {
    fn epoch(&mut self, driver: &mut FitDriver<'_, R>) -> Result<Outcome> {
        driver.pass(&*self.rule)?;
        let objective = driver.measure(|weights| {
            let objective = self.rule.objective(self.rule.shape().terms, weights);
            if objective < self.best_objective && objective <= EXPLODED * self.start {
                self.best_objective = objective;
                parallel::copy(&mut self.best, weights);
            }
            objective
        });
        if objective <= EXPLODED * self.start {
            self.keep(objective);
            Ok(Outcome::Kept(Measured { objective, gap: None }))
        } else {
            self.undo(driver, objective)
        }
    }

    fn current<'w>(&'w self, driver: &'w mut FitDriver<'_, R>) -> &'w [R] {
        driver.weights()
    }

    fn has_converged(&self) -> bool {
        self.calm >= CALM
    }

    fn learning_rate(&mut self) -> Option<f64> {
        Some(self.rule.step().first())
    }

    fn finish(self: Box<Self>) -> Best<R> {
        Best {
            weights: self.best,
            measured: Measured { objective: self.best_objective, gap: None },
            duals: None,
        }
    }
}
