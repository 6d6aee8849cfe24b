//! Training by dual coordinate ascent: each epoch ends with a certificate.

use super::choice::{Copies, choose};
use super::epochs::{Best, Course, Evaluate, Event, Fit, Measured, Method, Outcome};
use super::{Settings, Sharing};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::problem::{Conjugate, Linear, Problem};
use crate::rule::{Certificate, Dual, Schedule};
use crate::strategy::{Hogwild, Locked, Order, Sequential, Strategy};

/// Minimizes a linear model's mean loss plus (l2/2)*||w||^2, by ascent in the dual, from zero dual variables. No step size
/// is needed, and each epoch tells how far its weights are from the optimum at most ([`Epoch::gap`](super::Epoch::gap)).
/// `evaluate`, `watch` and determinism are as in [`minimize`](super::minimize).
///
/// # Errors
/// [`Error::Parameter`] for settings out of range, l1 other than 0 or l2 that is 0; [`Error::Worker`] if a worker
/// panicked; [`Error::Io`] or [`Error::Input`] if the weights cannot be mapped.
pub fn ascend<L: Conjugate, R: Real>(
    problem: &Linear<'_, L>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fit<R>> {
    settings.check()?;
    let wrong = |name, value: f64, expected, hint| {
        Err(Error::Parameter { name, value: value.to_string(), expected, hint })
    };
    let penalty = settings.penalty;
    if penalty.l2 == 0.0 {
        return wrong(
            "l2",
            penalty.l2,
            "a number above 0 for dual ascent",
            "choose another solver, or an l2 above 0",
        );
    }
    if penalty.l1 != 0.0 {
        return wrong("l1", penalty.l1, "0 for dual ascent", "choose another solver for l1");
    }
    if settings.learning_rate.is_some() || settings.schedule != Schedule::default() {
        return Err(Error::Parameter {
            name: "solver",
            value: "dual with a learning rate or a schedule".into(),
            expected: "neither: dual ascent has no step sizes",
            hint: "leave them out, or choose the solver sgd",
        });
    }
    let workers = settings.workers().min(Order::new(problem.terms()).blocks());
    match settings.sharing {
        Sharing::Auto => {
            choose(problem, settings, Copies::IfDense, |settings| ascend(problem, settings, evaluate, watch))
        }
        Sharing::Sequential if settings.batch() == 1 => {
            run(problem, settings, Sequential::default(), evaluate, watch)
        }
        Sharing::Hogwild(update) => run(problem, settings, Hogwild::new(workers, update), evaluate, watch),
        Sharing::Locked => run(problem, settings, Locked::new(workers), evaluate, watch),
        other => Err(Error::Parameter {
            name: "strategy",
            value: format!("{}{}", other.name(), if settings.batch() > 1 { " in batches" } else { "" }),
            expected: "sequential, hogwild or locked, without batches, with the solver dual, whose weights are a sum that replicas and averaged steps would not keep",
            hint: "choose hogwild, or the solver sgd",
        }),
    }
}

fn run<L: Conjugate, R: Real, S: Strategy<R>>(
    problem: &Linear<'_, L>,
    settings: &Settings,
    strategy: S,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>),
) -> Result<Fit<R>> {
    let rule = Dual::new(problem, settings.penalty.l2, strategy.workers());
    let racy = strategy.workers() > 1;
    let course = Course::new(settings, problem.terms(), problem.width(), strategy)?;
    let zero = vec![R::ZERO; problem.width()];
    let ascent = Ascent {
        rule,
        w: vec![0.0; problem.width()],
        last: racy.then(|| (vec![R::ZERO; problem.terms()], vec![0.0; problem.width()])),
        now: zero.clone(),
        best: zero,
        primal: f64::INFINITY,
        dual: f64::NEG_INFINITY,
        settled: 0.0,
        tolerance: settings.tolerance,
    };
    course.run(ascent, evaluate, watch)
}

/// Everything that changes from epoch to epoch.
struct Ascent<'p, 'd, L, R: Real> {
    rule: Dual<'p, 'd, L, R>,
    /// w(a) for the present dual variables.
    w: Vec<f64>,
    /// The dual variables before the epoch, and their w(a), if workers race: where an epoch is led back to.
    last: Option<(Vec<R>, Vec<f64>)>,
    /// The weights after the last epoch.
    now: Vec<R>,
    /// The weights of the lowest objective so far, and that objective.
    best: Vec<R>,
    primal: f64,
    /// The highest dual objective so far.
    dual: f64,
    /// Share of the examples that were settled at the last certificate.
    settled: f64,
    tolerance: f64,
}

/// Most passes over the examples that are not settled between two certificates: their choice grows old.
const MOST_PASSES: f64 = 4.0;
/// By how much the dual objective may fall, as a share of itself, before an epoch is led back: rounding can do that.
const FALL: f64 = 1e-6;

/// What an epoch makes of the damping that it did not need more of.
const RECOVERY: f64 = 0.97;

impl<L: Conjugate, R: Real> Ascent<'_, '_, L, R> {
    /// Sets w to w(a), and judges it.
    fn certify(&mut self) -> Certificate {
        self.rule.weights(&mut self.w);
        self.now.iter_mut().zip(&self.w).for_each(|(now, &w)| *now = R::of(w));
        self.rule.certify(&self.now, self.w.iter().map(|w| w * w).sum())
    }

    /// Whether the dual objective fell by more than rounding can do, or is not a number.
    fn fell(&self, Certificate { primal, dual, .. }: Certificate) -> bool {
        dual.is_nan() || dual < self.dual - FALL * primal.abs()
    }

    /// Goes back to the best point between the last dual variables and the present ones: the dual objective is concave,
    /// hence not lower there than it was. Shortens steps for a while.
    fn lead_back(&mut self) -> Certificate {
        let (duals, w) = self.last.as_ref().expect("workers race");
        let mut norms2 = [0.0; 3];
        for (&w, &v) in w.iter().zip(&self.w) {
            norms2[0] += w * w;
            norms2[1] += w * v;
            norms2[2] += v * v;
        }
        let t = highest(|t| self.rule.between(duals, norms2, t));
        self.rule.move_back(duals, t);
        self.rule.damping *= 2.0;
        self.certify()
    }
}

/// The point of the interval from 0 to 1 where a concave function is highest, by golden sections.
fn highest(f: impl Fn(f64) -> f64) -> f64 {
    const SECTION: f64 = 0.618_033_988_749_895;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..16 {
        let (a, b) = (high - SECTION * (high - low), low + SECTION * (high - low));
        if f(a) > f(b) {
            high = b;
        } else {
            low = a;
        }
    }
    low
}

/// The gap as a share of the objective.
fn relative(primal: f64, dual: f64) -> f64 {
    if primal > dual { (primal - dual) / primal } else { 0.0 }
}

impl<L: Conjugate, R: Real> Method<R> for Ascent<'_, '_, L, R> {
    fn epoch(&mut self, course: &mut Course<'_, R, impl Strategy<R>>) -> Result<Outcome> {
        if let Some((duals, w)) = &mut self.last {
            self.rule.copy_to(duals);
            w.copy_from_slice(&self.w);
        }
        let passes = (1.0 / (1.0 - self.settled)).min(MOST_PASSES) as usize;
        for _ in 0..passes {
            course.pass(&self.rule)?;
        }
        let mut certificate = course.install(|| self.certify());
        if self.last.is_some() && self.fell(certificate) {
            certificate = course.install(|| self.lead_back());
        } else {
            self.rule.damping = (self.rule.damping * RECOVERY).max(1.0);
        }
        course.params.copy_from(&self.now);
        course.strategy.restart();
        let Certificate { primal, dual, settled } = certificate;
        if primal < self.primal {
            self.primal = primal;
            self.best.copy_from_slice(&self.now);
        }
        self.dual = self.dual.max(dual);
        self.settled = settled;
        Ok(Outcome::Kept(Measured { objective: primal, gap: Some(relative(primal, self.dual)) }))
    }

    fn now(&self) -> &[R] {
        &self.now
    }

    fn arrived(&self) -> bool {
        relative(self.primal, self.dual) <= self.tolerance
    }

    fn finish(self) -> Best<R> {
        let gap = Some(relative(self.primal, self.dual));
        Best { weights: self.best, measured: Measured { objective: self.primal, gap } }
    }
}
