//! Training by stochastic gradient descent: step sizes that fall where epochs gain little, and a way back where
//! they explode.

use super::choice::{Copies, choose};
use super::epochs::{Best, Course, Evaluate, Event, FirstStep, Fit, Measured, Method, Outcome};
use super::search::search;
use super::{Clustering, Settings, Sharing, dense};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::problem::Problem;
use crate::rule::{Clock, Penalty, Sgd, StepSize, Visit};
use crate::strategy::{
    AllReduce, Averaging, BoundedStaleness, Hogwild, HogwildPlusPlus, Locked, Order, RoundRobin, Sequential,
    Strategy, Synchronous, Topology, Update,
};

/// Minimizes a problem plus regularizer from its [start](Problem::start), by stochastic gradient descent. `evaluate` is called with the
/// weights after each epoch, off the clock; `watch` is told what happens. Deterministic given the seed with one worker;
/// racy by design with more.
///
/// # Errors
/// [`Error::Parameter`] for settings out of range or that the problem does not allow
/// ([`Problem::averages_only`]), [`Error::Diverged`] if no step size keeps the objective finite,
/// [`Error::Worker`] if a worker panicked, [`Error::Io`] or [`Error::Input`] if the weights cannot be mapped.
pub fn minimize<P: Problem, R: Real>(
    problem: &P,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fit<R>> {
    settings.check()?;
    check_projection(problem, settings)?;
    // A worker that never gets a block would only cost its thread.
    let workers = settings.workers().min(Order::new(problem.terms()).blocks());
    let batch = settings.batch();
    match settings.sharing {
        Sharing::Auto => choose(problem, settings, copies(problem), |settings| {
            minimize(problem, settings, evaluate, watch)
        }),
        Sharing::Sequential => run(problem, settings, Sequential::batched(batch), evaluate, watch),
        Sharing::Hogwild(update) => run(problem, settings, Hogwild::new(workers, update), evaluate, watch),
        Sharing::HogwildPlusPlus(clustering) => {
            let topology = Topology::detect();
            let clustering = Clustering { pin: clustering.pin || settings.pin, ..clustering };
            let strategy = HogwildPlusPlus::new(clustering.layout(workers, &topology, problem), &topology)?;
            run(problem, settings, strategy, evaluate, watch)
        }
        Sharing::Synchronous { backups } => {
            run(problem, settings, Synchronous::new(workers, batch, backups), evaluate, watch)
        }
        Sharing::BoundedStaleness(bounds) => {
            run(problem, settings, BoundedStaleness::new(workers, batch, bounds), evaluate, watch)
        }
        Sharing::AllReduce => run(problem, settings, AllReduce::new(workers, batch), evaluate, watch),
        Sharing::Averaging { every } => {
            run(problem, settings, Averaging::new(workers, every), evaluate, watch)
        }
        Sharing::Locked => run(problem, settings, Locked::new(workers), evaluate, watch),
        Sharing::RoundRobin => run(problem, settings, RoundRobin::new(workers), evaluate, watch),
    }
}

fn copies(problem: &impl Problem) -> Copies {
    if problem.averages_only().is_some() { Copies::NotSummed } else { Copies::OfAll }
}

/// What a problem whose steps project does not bear.
fn check_projection(problem: &impl Problem, settings: &Settings) -> Result<()> {
    let Some(reason) = problem.averages_only() else { return Ok(()) };
    let refuse = |name, value: String, expected, hint| Err(Error::Parameter { name, value, expected, hint });
    if settings.penalty != Penalty::default() {
        let value = format!("above 0, though the problem's steps project: {reason}");
        return refuse("l1 or l2", value, "0", "put the regularizer into the problem's terms");
    }
    let sums = matches!(
        settings.sharing,
        Sharing::Hogwild(Update::Merged | Update::Split) | Sharing::HogwildPlusPlus(_) | Sharing::AllReduce
    );
    if sums {
        let update =
            settings.sharing.update().map_or(String::new(), |update| format!(" ({})", update.name()));
        return refuse(
            "strategy",
            format!(
                "{}{update}, whose copies of the weights are merged by sums: {reason}",
                settings.sharing.name()
            ),
            "one that moves one vector or averages its copies",
            "choose hogwild with wild or atomic updates, averaging, sync, ssp, locked or round-robin",
        );
    }
    Ok(())
}

fn run<P: Problem, R: Real, S: Strategy<R>>(
    problem: &P,
    settings: &Settings,
    strategy: S,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fit<R>> {
    let course = Course::new(settings, problem, strategy)?;
    let schedule = settings.schedule.until(settings.tolerance);
    let step = StepSize::new(settings.learning_rate.unwrap_or(1.0), schedule);
    // Whoever watches the weights wants to see w, not a vector that a scale is missing from.
    let folds = course.strategy.folds() && settings.params.is_none();
    let mut rule = Sgd::new(problem, settings.penalty, step, folds);
    if settings.learning_rate.is_none() {
        let (deadline, batch) = (course.control.deadline, course.strategy.batch());
        let eta0 = course.install(|| search(&mut rule, settings, deadline, batch))?;
        rule.step = StepSize::new(eta0, schedule);
    }
    let descent = Descent::new(&course, rule);
    course.run(descent, evaluate, watch)
}

/// Everything that changes from epoch to epoch.
struct Descent<'a, 'p, P, R: Real> {
    settings: &'a Settings,
    rule: Sgd<'p, P, R>,
    /// The weights of the lowest objective so far: what a fit leaves, and where it goes back to.
    best: Vec<R>,
    best_objective: f64,
    /// The objective after the last epoch; of the start, before the first.
    last: f64,
    /// The objective where the fit begins.
    start: f64,
    /// Consecutive epochs that changed the objective by less than the tolerance.
    calm: usize,
    halvings: usize,
}

/// How far the objective may rise above its value where a fit begins before an epoch is undone.
const EXPLODED: f64 = 4.0;
/// Halvings after which a fit is given up: together a factor of 10^12.
const MOST_HALVINGS: usize = 40;
/// Consecutive calm epochs that end training. One can be the chance of a noisy objective; over three, the default
/// schedule has shortened the step to an eighth, which would have shown any noise that was left to remove.
const CALM: usize = 3;

impl<'a, 'p, P: Problem, R: Real> Descent<'a, 'p, P, R> {
    fn new<S: Strategy<R>>(course: &Course<'a, R, S>, rule: Sgd<'p, P, R>) -> Self {
        let params = &course.params;
        let (best, start) = course.install(|| {
            let best = rule.start();
            params.copy_from(&best);
            let start = rule.objective(0..rule.terms(), &best);
            (best, start)
        });
        Descent {
            settings: course.settings,
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
        // An objective of 0 has no smaller share.
        let is_calm = change < tolerance * objective.abs() || change == 0.0 && tolerance > 0.0;
        self.calm = if is_calm { self.calm + 1 } else { 0 };
        self.rule.step.after_epoch(self.last, objective);
        self.last = objective;
    }

    /// Goes back to the best weights so far, with steps half as long.
    fn undo(&mut self, course: &mut Course<'_, R, impl Strategy<R>>, objective: f64) -> Result<Outcome> {
        self.halvings += 1;
        if self.halvings > MOST_HALVINGS {
            return Err(Error::Diverged {
                what: format!(
                    "the objective was {objective} after {MOST_HALVINGS} halvings of the step size"
                ),
                hint: "scale the features down, for example to rows of length 1",
            });
        }
        self.rule.step.halve();
        course.strategy.restart();
        course.params.copy_from(&self.best);
        self.last = self.best_objective.min(self.start);
        Ok(Outcome::Undone {
            objective,
            learning_rate: self.rule.rate(Clock { before: course.visits, within: 0 }),
        })
    }
}

impl<P: Problem, R: Real> Method<R> for Descent<'_, '_, P, R> {
    fn epoch(&mut self, course: &mut Course<'_, R, impl Strategy<R>>) -> Result<Outcome> {
        course.pass(&self.rule)?;
        let objective = course.measure(|weights| {
            let objective = self.rule.objective(0..self.rule.terms(), weights);
            if objective < self.best_objective && objective <= EXPLODED * self.start {
                self.best_objective = objective;
                dense::copy(&mut self.best, weights);
            }
            objective
        });
        if objective <= EXPLODED * self.start {
            self.keep(objective);
            Ok(Outcome::Kept(Measured { objective, gap: None }))
        } else {
            self.undo(course, objective)
        }
    }

    fn now<'w>(&'w self, course: &'w mut Course<'_, R, impl Strategy<R>>) -> &'w [R] {
        course.weights()
    }

    fn arrived(&self) -> bool {
        self.calm >= CALM
    }

    fn step_size(&self) -> Option<FirstStep> {
        let learning_rate = self.rule.step.first();
        Some(FirstStep { learning_rate, searched: self.settings.learning_rate.is_none() })
    }

    fn finish(self) -> Best<R> {
        Best { weights: self.best, measured: Measured { objective: self.best_objective, gap: None } }
    }
}
