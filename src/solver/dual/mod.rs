//! Training by dual coordinate ascent: it ends with a certificate.

mod gap;
mod newton_policy;
mod pipeline;
mod rule;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub(in crate::solver) use self::gap::{Gap, Place, SUMMED_TOGETHER};
use self::newton_policy::NewtonPolicy;
use self::pipeline::{Pipeline, Timing};
pub(crate) use self::rule::{Dual, DualVisits};
use super::driver::{Best, Evaluate, FitDriver, Measured, Method, Outcome};
use super::linear::known_loss;
use super::newton::dual::{End, Turn};
use super::plan::{Copies, Plan};
use super::sgd::Schedule;
use super::{Event, Fit, RulesOf, Settings};
use crate::error::{Error, Result};
use crate::parallel;
use crate::params::Real;
use crate::problem::{Curved, Examples, Linear};
use crate::row::real::Slot;
use crate::strategy::{ClusterConfig, Layout, Shape, Strategy, StrategyKind, Topology};

/// Minimizes a linear model's mean loss plus (l2/2)*||w||^2, by ascent in the dual, from zero dual
/// variables. No step size is needed; where passes of ascent creep, or would where a Hessian is
/// small, epochs are turns of Newton's method ([`Dual::newton`]). Each tells how far its weights
/// are from the optimum at most ([`Epoch::gap`](super::Epoch::gap)).
///
/// `evaluate`, `watch` and determinism are as in [`minimize`](super::minimize).
///
/// # Errors
/// [`Error::Parameter`] for settings out of range, l1 other than 0 or l2 that is 0;
/// [`Error::Worker`] if a worker panicked; [`Error::Io`] or [`Error::Input`] if the weights cannot
/// be mapped.
pub fn fit_dual<L: Curved, R: Real>(
    problem: &Linear<'_, L>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    fit_any(problem, settings, evaluate, watch)
}

/// [`fit_dual`] for any loss.
pub(crate) fn fit_any<R: Real>(
    problem: &dyn RulesOf<R>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
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
    known_loss(problem)?;
    let examples = problem.examples();
    let (terms, width, touches) = (examples.len(), examples.width(), examples.touches());
    let plan = Plan::new(terms, width, touches, settings, Copies::OfHot);
    let is_chosen = settings.strategy == StrategyKind::Auto;
    let (strategy, timing): (Box<dyn Strategy<R>>, _) = match plan.strategy {
        StrategyKind::Sequential if is_chosen => (plan.make(settings)?, Timing::Behind),
        StrategyKind::HogwildPlusPlus(config) if plan.batch == 1 => {
            let layout = plan.layout(&config, settings, &Topology::detect());
            check_ring(config, layout, examples)?;
            (plan.summed_clusters(layout)?, Timing::After)
        }
        StrategyKind::Sequential if plan.batch == 1 => (plan.make(settings)?, Timing::After),
        StrategyKind::Hogwild(_) | StrategyKind::Locked => (plan.make(settings)?, Timing::After),
        other => {
            return Err(Error::Parameter {
                name: "strategy",
                value: format!(
                    "{}{}",
                    other.name(),
                    if plan.batch > 1 { " in batches" } else { "" }
                ),
                expected: "sequential, hogwild, hogwild++ or locked, without batches, with the solver dual, whose weights are a sum that averaged steps would not keep",
                hint: "choose hogwild, or the solver sgd",
            });
        }
    };
    run(problem, settings, plan, strategy, timing, evaluate, watch)
}

/// Dual ascent sums the clusters' changes up, so that there is nothing to weight.
fn check_ring(config: ClusterConfig, layout: Layout, examples: &Examples<'_>) -> Result<()> {
    for (name, value) in [("beta", config.beta), ("lambda", config.lambda)] {
        if let Some(value) = value {
            return Err(Error::Parameter {
                name,
                value: value.to_string(),
                expected: "nothing with the solver dual, whose changes are summed up",
                hint: "leave it out, or choose the solver sgd",
            });
        }
    }
    if examples.constant().is_some() && !layout.workers.is_multiple_of(layout.clusters) {
        return Err(Error::Parameter {
            name: "clusters",
            value: format!("{} of {} threads", layout.clusters, layout.workers),
            expected: "clusters of the same size with the solver dual and a bias",
            hint: "choose a divisor of the number of threads, or leave the bias out",
        });
    }
    Ok(())
}

fn run<R: Real>(
    problem: &dyn RulesOf<R>,
    settings: &Settings,
    plan: Plan,
    strategy: Box<dyn Strategy<R> + '_>,
    timing: Timing,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    let (examples, profile) = (problem.examples(), strategy.profile());
    let means = if profile.sums_common { 1 } else { profile.workers };
    let replicas = profile.layout.map_or(1, |layout| layout.clusters);
    let l2 = settings.penalty.l2;
    let rule = Dual::new(examples, known_loss(problem)?, l2, profile.workers, replicas, means);
    let racy = profile.workers > 1;
    let shape = Shape { terms: examples.len(), width: examples.width(), common: examples.common() };
    let driver = FitDriver::new(settings, plan, shape, examples.touches(), strategy)?;
    let zero = vec![R::ZERO; examples.width()];
    let places = || zero.iter().map(|_| Place::default()).collect();
    let policy = NewtonPolicy::new(settings.tolerance, rule.is_narrow());
    // Where turns are cheap, there are few passes.
    let looks_ahead = timing == Timing::Behind && driver.threads() > 1 && !rule.is_narrow();
    let ascent = Ascent {
        pipeline: looks_ahead.then(|| Pipeline::new(&rule)),
        problem,
        rule,
        epochs_left: settings.epochs,
        gap_before: 1.0,
        gap_last: 1.0,
        w: places(),
        last: racy.then(|| (vec![R::ZERO; examples.len()], places())),
        now: zero.clone(),
        best: zero.clone(),
        primal: f64::INFINITY,
        dual: f64::NEG_INFINITY,
        parts: f64::INFINITY,
        is_exact: true,
        is_partial: false,
        left_out: 0.0,
        tolerance: settings.tolerance,
        policy,
        near: None,
    };
    driver.run(Box::new(ascent), evaluate, watch)
}

/// Everything that changes from epoch to epoch.
struct Ascent<'p, R: Real> {
    problem: &'p dyn RulesOf<R>,
    rule: Dual<'p, R>,
    /// If epochs are judged while the next ones are made.
    pipeline: Option<Pipeline<R>>,
    epochs_left: usize,
    /// The gaps after the last epoch but one, and after the last one; after a turn, both are its
    /// own.
    gap_before: f64,
    gap_last: f64,
    /// w(a) of the dual variables when it was computed last.
    w: Vec<Place>,
    /// These dual variables and their w(a), if workers race: where epochs are led back to.
    last: Option<(Vec<R>, Vec<Place>)>,
    /// The weights after the last epoch.
    now: Vec<R>,
    /// The weights of the lowest objective so far, and that objective.
    best: Vec<R>,
    primal: f64,
    /// The highest dual objective that was computed with w(a) so far.
    dual: f64,
    /// The examples' parts of the gap after the last epoch.
    parts: f64,
    /// Whether the drift after the last epoch is known, hence the gap.
    is_exact: bool,
    /// Whether the next epoch leaves out examples whose parts are small, not only those whose parts
    /// are nothing.
    is_partial: bool,
    /// Share of the examples that the next epoch leaves out.
    left_out: f64,
    tolerance: f64,
    policy: NewtonPolicy,
    /// The weights that the last turn of Newton's method ended at, if no pass came after it.
    near: Option<Vec<f64>>,
}

/// The examples that an epoch leaves out have this share of the gap that is tolerated.
const LEFT_OUT: f64 = 0.3;
/// Examples are left out if the last epoch left more than this share of the examples' parts of the
/// gap, or if the gap is less than this many times the tolerance. Elsewhere weights change so much
/// that a part which was small does not stay so.
const LASTING: f64 = 0.2;
const NEAR: f64 = 4.0;
/// Most passes over the examples that are not left out between two judgments: their choice grows
/// old.
const MOST_PASSES: f64 = 4.0;
/// The drift is computed as long as an epoch leaves more than this share of the examples' parts of
/// the gap: it may be what keeps them up.
const SLOW: f64 = 0.5;
/// Weights that add more than this share to the gap by their drift are made anew.
const DRIFTED: f64 = 0.1;
/// By how much the dual objective may fall, as a share of itself, before epochs are led back:
/// rounding can do that.
const FALL: f64 = 1e-6;
/// What an epoch makes of the damping that it did not need more of.
const RECOVERY: f64 = 0.97;
/// A turn of Newton's method may end when its problem's gap is this share of the gap; where turns
/// are cheap, they go on until the gap is that share of the tolerance.
const EXACT: f64 = 0.02;
const ARRIVED: f64 = 0.9;
/// Where turns are cheap, the first q for losses with a kink, as a share of the objective without
/// weights: as widely is the kink smoothed.
const SMOOTHED: f64 = 0.5;

impl<R: Real> Ascent<'_, R> {
    /// Judges the weights that an epoch left, which `self.now` is a copy of; says whether they were
    /// made anew.
    fn judge(&mut self, now: &[R]) -> (Gap, bool) {
        let judged = self.rule.gap_parts(now);
        let drift = self.wants_drift(judged).then(|| self.rule.drift(now, &self.w));
        self.conclude(judged, drift)
    }

    /// Whether the drift must be known, as the gap may be small enough or epochs are slow.
    fn wants_drift(&self, judged: Gap) -> bool {
        let is_fast = judged.parts <= SLOW * self.parts;
        !is_fast || self.gap(judged) <= self.tolerance
    }

    /// Draws conclusions from what an epoch left, and its drift if that is known; says whether it
    /// was too large, and the weights were made anew.
    fn conclude(&mut self, judged: Gap, drift: Option<f64>) -> (Gap, bool) {
        self.is_exact = drift.is_some();
        let Some(drift) = drift else { return (judged, false) };
        let dual = judged.primal - judged.parts - drift;
        let fell = dual.is_nan() || dual < self.dual - FALL * judged.primal.abs();
        let is_led_back = fell && self.last.is_some();
        if is_led_back {
            self.lead_back();
        }
        if is_led_back || is_much(drift, judged) {
            self.keep(judged.primal);
            return (self.anew(), true);
        }
        self.dual = self.dual.max(dual);
        self.remember();
        (judged, false)
    }

    /// Takes a turn of Newton's method. Returns what passes go on from, and the best of the weights
    /// found.
    fn turn(&mut self, must_stop: &(dyn Fn() -> bool + Sync)) -> (Gap, Measured) {
        let (primal, dual, tolerance) = (self.primal, self.dual, self.tolerance);
        let Ascent { rule, w, now, best, policy, near, .. } = &mut *self;
        let is_narrow = rule.is_narrow();
        let q = policy.q(|| match (is_narrow, rule.loss.smoothness().is_finite()) {
            (true, true) => 0.0,
            (true, false) => rule.response().min(SMOOTHED * rule.unscored()),
            (false, _) => rule.response(),
        });
        let weights = near.take().unwrap_or_else(|| {
            match is_narrow {
                // Passes may have led away from the optimum.
                true if rule.unscored() < primal => vec![0.0; now.len()],
                true => best.iter().map(|w| w.to_f64()).collect(),
                false => {
                    rule.drift(now, w);
                    w.iter().map(Slot::get).collect()
                }
            }
        });
        let end = match is_narrow {
            true => End::Gap(ARRIVED * tolerance),
            false => End::Near(EXACT * relative(primal, dual).max(tolerance)),
        };
        let turned = rule.newton(
            w,
            Turn { weights, q, end, highest: dual.is_finite().then_some(dual), must_stop },
        );
        self.dual = self.dual.max(turned.dual);
        parallel::map(&mut self.now, &turned.weights, |&w| R::of(w));
        let near = self.rule.gap_parts(&self.now);
        self.keep(near.primal);
        if self.arrived() {
            let gap = Some(relative(near.primal, self.dual));
            return (near, Measured { objective: near.primal, gap });
        }
        let judged = self.anew();
        self.keep(judged.primal);
        self.is_exact = true;
        let objective = judged.primal.min(near.primal);
        let gap = relative(objective, self.dual);
        self.policy.turned(gap, &turned);
        self.near = Some(turned.weights);
        (judged, Measured { objective, gap: Some(gap) })
    }

    /// Makes the weights anew from w(a), and judges them.
    fn anew(&mut self) -> Gap {
        parallel::map(&mut self.now, &self.w, |w| R::of(w.get()));
        let judged = self.rule.gap_parts(&self.now);
        self.dual = self.dual.max(judged.primal - judged.parts);
        self.remember();
        judged
    }

    /// Keeps the dual variables and their w(a) for later epochs, if workers race.
    fn remember(&mut self) {
        if let Some((duals, w)) = &mut self.last {
            self.rule.copy_to(duals);
            parallel::map(w, &self.w, |w| Place::new(w.get()));
        }
    }

    /// Keeps the weights if no others had so low an objective.
    fn keep(&mut self, primal: f64) {
        if primal < self.primal {
            self.primal = primal;
            parallel::copy(&mut self.best, &self.now);
        }
    }

    /// Goes back to the best point between the last dual variables and the present ones: the dual
    /// objective is concave, hence not lower there than it was. Shortens steps for a while.
    fn lead_back(&mut self) {
        let (duals, w) = self.last.as_ref().expect("workers race");
        let mut norms2 = [0.0; 3];
        for (w, v) in w.iter().zip(&self.w) {
            let (w, v) = (w.get(), v.get());
            norms2[0] += w * w;
            norms2[1] += w * v;
            norms2[2] += v * v;
        }
        let t = highest(|t| self.rule.between(duals, norms2, t));
        self.rule.move_back(duals, t);
        self.rule.damping *= 2.0;
        self.rule.drift(&self.now, &self.w);
    }

    /// The gap of weights that were judged, but for their drift, or that of the last dual variables
    /// if it is smaller.
    fn gap(&self, judged: Gap) -> f64 {
        relative(judged.primal, self.dual.max(judged.primal - judged.parts))
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

/// Whether weights that have drifted by so much are to be made anew.
fn is_much(drift: f64, judged: Gap) -> bool {
    drift > DRIFTED * judged.parts
}

/// The gap as a share of the objective.
fn relative(primal: f64, dual: f64) -> f64 {
    if primal > dual { (primal - dual) / primal } else { 0.0 }
}

impl<R: Real> Method<R> for Ascent<'_, R> {
    fn epoch(&mut self, driver: &mut FitDriver<'_, R>) -> Result<Outcome> {
        self.epochs_left = self.epochs_left.saturating_sub(1);
        let mut ahead = self.pipeline.take();
        let (judged, measured, is_anew) = if self.policy.is_turn() {
            let (judged, measured) = self.turn(&|| driver.control.must_stop());
            driver.count_newton();
            let gap = measured.gap.unwrap_or(1.0);
            (self.gap_before, self.gap_last) = (gap, gap);
            (judged, measured, true)
        } else {
            let passes = (1.0 / (1.0 - self.left_out)).min(MOST_PASSES) as usize;
            if !ahead.as_mut().is_some_and(|ahead| std::mem::take(&mut ahead.is_visited)) {
                let visits = self.problem.dual_visits(&self.rule);
                (0..passes).try_for_each(|_| driver.pass(&*visits))?;
            }
            self.near = None;
            self.rule.damping = (self.rule.damping * RECOVERY).max(1.0);
            let (judged, is_anew) = match &mut ahead {
                Some(ahead) if self.goes_on() && !driver.control.must_stop() => {
                    self.measure_behind(driver, ahead, passes)?
                }
                _ => driver.measure(|weights| {
                    parallel::copy(&mut self.now, weights);
                    self.judge(weights)
                }),
            };
            self.keep(judged.primal);
            let gap = self.gap(judged);
            self.policy.passed(gap);
            (self.gap_before, self.gap_last) = (self.gap_last, gap);
            (judged, Measured { objective: judged.primal, gap: Some(gap) }, is_anew)
        };
        // What was visited ahead is of no use where the fit ends, or a turn or other weights are to
        // be gone on from.
        let is_over = self.policy.is_turn() || self.arrived();
        if let Some(ahead) = ahead.as_mut().filter(|ahead| ahead.is_visited && is_over) {
            self.rule.restore(&ahead.snapshot);
            ahead.is_visited = false;
            driver.params.copy_from(&self.now);
            driver.strategy.restart();
        }
        self.pipeline = ahead;
        if is_anew {
            driver.params.copy_from(&self.now);
            driver.strategy.restart();
        }
        let before = std::mem::replace(&mut self.parts, judged.parts);
        let gap = self.gap(judged);
        let may_help = judged.parts > LASTING * before || gap < NEAR * self.tolerance;
        // What was left out comes back sometime: then others would be left out in turn, and the gap
        // stay.
        self.is_partial = may_help && (!self.is_partial || judged.parts < before * SLOW);
        let allowed = if self.is_partial { LEFT_OUT * self.tolerance * judged.primal } else { 0.0 };
        self.left_out = self.rule.leave_out(allowed);
        Ok(Outcome::Kept(measured))
    }

    fn now<'w>(&'w self, _: &'w mut FitDriver<'_, R>) -> &'w [R] {
        &self.now
    }

    fn arrived(&self) -> bool {
        relative(self.primal, self.dual) <= self.tolerance
    }

    fn finish(mut self: Box<Self>) -> Best<R> {
        if let Some(ahead) = self.pipeline.take_if(|ahead| ahead.is_visited) {
            self.rule.restore(&ahead.snapshot);
        }
        if !self.is_exact {
            let judged = self.rule.gap_parts(&self.now);
            let drift = self.rule.drift(&self.now, &self.w);
            self.dual = self.dual.max(judged.primal - judged.parts - drift);
        }
        let gap = Some(relative(self.primal, self.dual));
        Best { weights: self.best, measured: Measured { objective: self.primal, gap } }
    }
}
