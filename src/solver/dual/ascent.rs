//! The epochs of dual ascent: passes or Newton epochs, their gap, and backtracking where races have
//! cost too much. `README.md` ("Gap and drift" to "Leaving examples out") argues why a reported
//! final gap is never too small.

use std::ops::ControlFlow;

use super::Dual;
use super::gap::{Gap, SharedSum};
use super::newton_policy::NewtonPolicy;
use super::pipeline::{Pipeline, Timing};
use crate::error::Result;
use crate::memory::filled;
use crate::parallel;
use crate::params::Real;
use crate::row::real::Slot;
use crate::solver::driver::{Best, Evaluate, FitDriver, Measured, Method, Outcome};
use crate::solver::linear::known_loss;
use crate::solver::newton::dual::{NewtonEpoch, Target};
use crate::solver::plan::Plan;
use crate::solver::{Event, Fit, RulesOf, Settings};
use crate::strategy::{Shape, Strategy};

/// Runs the epochs of dual ascent; [`fit_dual`](super::fit_dual) has checked the settings.
pub(super) fn run<R: Real>(
    problem: &dyn RulesOf<R>,
    settings: &Settings,
    plan: Plan,
    strategy: Box<dyn Strategy<R> + '_>,
    timing: Timing,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    let (examples, profile) = (problem.examples(), strategy.profile());
    let copies = if profile.sums_common { 1 } else { profile.workers };
    let replicas = profile.layout.map_or(1, |layout| layout.clusters);
    let l2 = settings.penalty.l2;
    let rule = Dual::new(examples, known_loss(problem)?, l2, profile.workers, replicas, copies);
    let racy = profile.workers > 1;
    let shape = Shape { terms: examples.len(), width: examples.width(), common: examples.common() };
    let driver = FitDriver::new(settings, plan, shape, examples.touches(), strategy)?;
    let zeros = || filled(R::ZERO, examples.width());
    let sums = || (0..examples.width()).map(|_| SharedSum::default()).collect();
    let policy = NewtonPolicy::new(settings.tolerance, rule.is_narrow());
    // Where Newton epochs are cheap, there are few passes.
    let overlaps = timing == Timing::Overlapped && driver.threads() > 1 && !rule.is_narrow();
    let ascent = Ascent {
        pipeline: overlaps.then(|| Pipeline::new(&rule)),
        problem,
        rule,
        epochs_left: settings.epochs,
        previous_gap: 1.0,
        last_gap: 1.0,
        w: sums(),
        checkpoint: racy.then(|| (vec![R::ZERO; examples.len()], sums())),
        current: zeros(),
        shows_best: false,
        best: zeros(),
        best_primal: f64::INFINITY,
        best_dual: f64::NEG_INFINITY,
        parts: f64::INFINITY,
        includes_drift: true,
        is_partial: false,
        left_out: 0.0,
        tolerance: settings.tolerance,
        policy,
        newton_weights: None,
    };
    driver.run(Box::new(ascent), evaluate, watch)
}

/// The state that changes from epoch to epoch.
struct Ascent<'p, R: Real> {
    problem: &'p dyn RulesOf<R>,
    rule: Dual<'p, R>,
    /// Set if epochs are evaluated while the next ones are visited.
    pipeline: Option<Pipeline<R>>,
    epochs_left: usize,
    /// Relative gaps after the last epoch but one, and after the last one. After a Newton epoch,
    /// both are its own.
    previous_gap: f64,
    last_gap: f64,
    /// w(a) of the dual variables when it was computed last.
    w: Vec<SharedSum>,
    /// Those dual variables and their w(a), if workers race: backtracking leads towards them.
    checkpoint: Option<(Vec<R>, Vec<SharedSum>)>,
    /// The weights after the last epoch.
    current: Vec<R>,
    /// True if the last epoch's figures are those of the best weights.
    shows_best: bool,
    /// The weights of the lowest objective so far, and that objective.
    best: Vec<R>,
    best_primal: f64,
    /// The highest dual objective so far that was computed with w(a).
    best_dual: f64,
    /// The examples' parts of the gap after the last epoch.
    parts: f64,
    /// True if the drift after the last epoch is known, so the gap includes it.
    includes_drift: bool,
    /// If set, the next epoch also leaves out examples whose parts are small, not only those whose
    /// parts are 0.
    is_partial: bool,
    /// Fraction of the examples that the next epoch leaves out.
    left_out: f64,
    tolerance: f64,
    policy: NewtonPolicy,
    /// The final weights of the last Newton epoch, if no pass came after it.
    newton_weights: Option<Vec<f64>>,
}

/// Largest sum of the parts of examples that an epoch leaves out, as a fraction of the gap that the
/// tolerance allows.
const LEFT_OUT: f64 = 0.3;
/// Leave examples out if the last epoch left more than this fraction of the examples' parts.
/// Elsewhere weights change so much that a small part does not stay small.
const LASTING: f64 = 0.2;
/// Leave examples out if the gap is less than this many times the tolerance, for the same reason.
const NEAR: f64 = 4.0;
/// Most passes between two evaluations, over the examples that are not left out: the choice of
/// these grows old.
/// Record: D064.
const MOST_PASSES: f64 = 4.0;
/// Compute the drift if an epoch leaves more than this fraction of the examples' parts: the drift
/// may be what keeps them up.
const SLOW: f64 = 0.5;
/// Recompute the weights when drift contributes more than this fraction of the gap.
const DRIFTED: f64 = 0.1;
/// Backtrack when the dual objective falls by more than this fraction of the objective: a smaller
/// fall may be rounding.
const FALL: f64 = 1e-6;
/// Factor on the damping per epoch of passes, down to 1.
const RECOVERY: f64 = 0.97;
/// A Newton epoch may end when the gap of its subproblem is this fraction of the gap.
const EXACT: f64 = 0.02;
/// Where Newton epochs are cheap, they run until the gap is this fraction of the tolerance.
const ARRIVED: f64 = 0.9;
/// Where Newton epochs are cheap, the first q for losses with a kink, as a fraction of the
/// objective of zero weights: the width over which the kink is smoothed.
/// Record: D107.
const SMOOTHED: f64 = 0.5;

impl<R: Real> Ascent<'_, R> {
    /// Evaluates the weights `v` after an epoch, of which `self.current` is a copy. Returns their
    /// gap, and true if the weights were recomputed.
    fn evaluate(&mut self, v: &[R]) -> (Gap, bool) {
        let gap = self.rule.gap_parts(v);
        let drift = self.needs_drift(gap).then(|| self.rule.drift(v, &self.w));
        self.conclude(gap, drift)
    }

    /// Returns true if the drift must be known: the gap may be small enough, or epochs are slow.
    fn needs_drift(&self, gap: Gap) -> bool {
        let is_fast = gap.parts <= SLOW * self.parts;
        !is_fast || self.relative_gap(gap) <= self.tolerance
    }

    /// Updates the bounds after an epoch, given its drift if that is known. If the drift is too
    /// large or the dual objective fell, recomputes the weights. Returns the gap, and true if they
    /// were recomputed.
    fn conclude(&mut self, gap: Gap, drift: Option<f64>) -> (Gap, bool) {
        self.includes_drift = drift.is_some();
        let Some(drift) = drift else { return (gap, false) };
        let dual = gap.dual(drift);
        let fell = dual.is_nan() || dual < self.best_dual - FALL * gap.primal.abs();
        let must_backtrack = fell && self.checkpoint.is_some();
        if must_backtrack {
            self.backtrack();
        }
        if must_backtrack || has_drifted(drift, gap) {
            self.keep_best(gap.primal);
            return (self.recompute(), true);
        }
        self.best_dual = self.best_dual.max(dual);
        self.save_checkpoint();
        (gap, false)
    }

    /// Evaluates the weights after the visits so far, while the visits of the next epoch are made,
    /// `passes` times. Returns the gap, and true if the weights were recomputed.
    fn evaluate_overlapped(
        &mut self,
        driver: &mut FitDriver<'_, R>,
        ahead: &mut Pipeline<R>,
        passes: usize,
    ) -> Result<(Gap, bool)> {
        parallel::copy(&mut self.current, driver.weights());
        self.rule.capture(&mut ahead.snapshot);
        let visits = self.problem.dual_visits(&self.rule);
        let (visited, (gap, drift)) = parallel::both(
            || (0..passes).try_for_each(|_| driver.pass(&*visits)),
            || {
                let gap = self.rule.snapshot_gap_parts(&mut ahead.snapshot, &self.current);
                let drift = || self.rule.snapshot_drift(&ahead.snapshot, &self.current, &self.w);
                (gap, self.needs_drift(gap).then(drift))
            },
        );
        drop(visits);
        visited?;
        ahead.is_visited = true;
        self.rule.adopt_parts(&mut ahead.snapshot);
        if drift.is_some_and(|drift| has_drifted(drift, gap)) {
            ahead.undo(&mut self.rule);
        }
        Ok(self.conclude(gap, drift))
    }

    /// Predicts that the epoch to be evaluated next is not the last.
    fn goes_on(&self) -> bool {
        // Assumes that the gap falls by the last epoch's factor again.
        let is_last = self.last_gap * self.last_gap <= self.tolerance * self.previous_gap;
        self.epochs_left > 0 && !is_last
    }

    /// Runs a Newton epoch. Returns the gap of the weights that passes continue from, and the
    /// objective and relative gap of the best weights found.
    fn newton_epoch(&mut self, must_stop: &(dyn Fn() -> bool + Sync)) -> (Gap, Measured) {
        let (primal, dual, tolerance) = (self.best_primal, self.best_dual, self.tolerance);
        let Ascent { rule, w, current, best, policy, newton_weights, .. } = &mut *self;
        let is_narrow = rule.is_narrow();
        let q = policy.q(|| match (is_narrow, rule.loss.smoothness().is_finite()) {
            (true, true) => 0.0,
            (true, false) => rule.response().min(SMOOTHED * rule.objective_at_zero()),
            (false, _) => rule.response(),
        });
        let weights = newton_weights.take().unwrap_or_else(|| {
            match is_narrow {
                // Passes may have led away from the optimum.
                true if rule.objective_at_zero() < primal => vec![0.0; current.len()],
                true => best.iter().map(|w| w.to_f64()).collect(),
                false => {
                    rule.drift(current, w);
                    w.iter().map(Slot::get).collect()
                }
            }
        });
        let target = match is_narrow {
            true => Target::Gap(ARRIVED * tolerance),
            false => Target::Near(EXACT * relative(primal, dual).max(tolerance)),
        };
        let highest = dual.is_finite().then_some(dual);
        let outcome = rule.newton(w, NewtonEpoch { weights, q, target, highest, must_stop });
        self.best_dual = self.best_dual.max(outcome.dual);
        parallel::map(&mut self.current, &outcome.weights, |&w| R::of(w));
        let found = self.rule.gap_parts(&self.current);
        self.keep_best(found.primal);
        self.shows_best = self.best_primal == found.primal;
        if self.has_converged() {
            let gap = Some(relative(found.primal, self.best_dual));
            return (found, Measured { objective: found.primal, gap });
        }
        let gap = self.recompute();
        self.keep_best(gap.primal);
        self.includes_drift = true;
        let objective = gap.primal.min(found.primal);
        let relative_gap = relative(objective, self.best_dual);
        self.policy.record_newton(relative_gap, &outcome);
        self.newton_weights = Some(outcome.weights);
        // The row of the epoch is about weights that are still there: the best, if the epoch has
        // found them, else those that passes continue from.
        self.shows_best = found.primal < gap.primal && self.best_primal == found.primal;
        let shown = if self.shows_best { objective } else { gap.primal };
        let shown_gap = relative(shown, self.best_dual);
        (gap, Measured { objective: shown, gap: Some(shown_gap) })
    }

    /// Sets the weights to w(a), and returns their gap.
    fn recompute(&mut self) -> Gap {
        parallel::map(&mut self.current, &self.w, |w| R::of(w.get()));
        let gap = self.rule.gap_parts(&self.current);
        self.best_dual = self.best_dual.max(gap.dual(0.0));
        self.save_checkpoint();
        gap
    }

    /// Saves the dual variables and their w(a), if workers race.
    fn save_checkpoint(&mut self) {
        if let Some((duals, w)) = &mut self.checkpoint {
            self.rule.copy_to(duals);
            parallel::map(w, &self.w, |w| SharedSum::new(w.get()));
        }
    }

    /// Keeps the current weights if their objective is the lowest so far.
    fn keep_best(&mut self, primal: f64) {
        if primal < self.best_primal {
            self.best_primal = primal;
            parallel::copy(&mut self.best, &self.current);
        }
    }

    /// Moves the dual variables to the best point between the checkpoint and themselves. The dual
    /// objective is concave, so it is not lower there than at the checkpoint. Shortens the steps of
    /// the next epochs.
    fn backtrack(&mut self) {
        let (duals, w) = self.checkpoint.as_ref().expect("workers race");
        let mut norms2 = [0.0; 3];
        for (w, v) in w.iter().zip(&self.w) {
            let (w, v) = (w.get(), v.get());
            norms2[0] += w * w;
            norms2[1] += w * v;
            norms2[2] += v * v;
        }
        let t = maximize(|t| self.rule.objective_between(duals, norms2, t));
        self.rule.move_back(duals, t);
        self.rule.damping *= 2.0;
        self.rule.drift(&self.current, &self.w);
    }

    /// Returns the relative gap without the drift, or the one to the highest dual objective so far
    /// if that is smaller.
    fn relative_gap(&self, gap: Gap) -> f64 {
        relative(gap.primal, self.best_dual.max(gap.dual(0.0)))
    }
}

/// Finds where a concave function is highest in the interval from 0 to 1, by golden sections.
fn maximize(f: impl Fn(f64) -> f64) -> f64 {
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

/// Returns true if weights with this drift must be recomputed.
fn has_drifted(drift: f64, gap: Gap) -> bool {
    drift > DRIFTED * gap.parts
}

/// Returns the gap as a fraction of the objective.
fn relative(primal: f64, dual: f64) -> f64 {
    if primal > dual { (primal - dual) / primal } else { 0.0 }
}

impl<R: Real> Method<R> for Ascent<'_, R> {
    fn epoch(&mut self, driver: &mut FitDriver<'_, R>) -> Result<Outcome> {
        self.epochs_left = self.epochs_left.saturating_sub(1);
        let mut ahead = self.pipeline.take();
        let (gap, measured, is_recomputed) = if self.policy.is_newton() {
            let (gap, measured) = self.newton_epoch(&|| driver.control.must_stop());
            driver.count_newton();
            let relative_gap = measured.gap.unwrap_or(1.0);
            (self.previous_gap, self.last_gap) = (relative_gap, relative_gap);
            (gap, measured, true)
        } else {
            let passes = (1.0 / (1.0 - self.left_out)).min(MOST_PASSES) as usize;
            if !ahead.as_mut().is_some_and(|ahead| std::mem::take(&mut ahead.is_visited)) {
                let visits = self.problem.dual_visits(&self.rule);
                (0..passes).try_for_each(|_| driver.pass(&*visits))?;
            }
            self.newton_weights = None;
            self.shows_best = false;
            self.rule.damping = (self.rule.damping * RECOVERY).max(1.0);
            let (gap, is_recomputed) = match &mut ahead {
                Some(ahead) if self.goes_on() && !driver.control.must_stop() => {
                    self.evaluate_overlapped(driver, ahead, passes)?
                }
                _ => driver.measure(|weights| {
                    parallel::copy(&mut self.current, weights);
                    self.evaluate(weights)
                }),
            };
            self.keep_best(gap.primal);
            let relative_gap = self.relative_gap(gap);
            self.policy.record_pass(relative_gap);
            (self.previous_gap, self.last_gap) = (self.last_gap, relative_gap);
            (gap, Measured { objective: gap.primal, gap: Some(relative_gap) }, is_recomputed)
        };
        // Visits made ahead are of no use where the fit ends or a Newton epoch comes next.
        let is_over = self.policy.is_newton() || self.has_converged();
        if let Some(ahead) = ahead.as_mut().filter(|ahead| ahead.is_visited && is_over) {
            ahead.undo(&mut self.rule);
            driver.params.copy_from(&self.current);
            driver.strategy.restart();
        }
        self.pipeline = ahead;
        if is_recomputed {
            driver.params.copy_from(&self.current);
            driver.strategy.restart();
        }
        let before = std::mem::replace(&mut self.parts, gap.parts);
        let relative_gap = self.relative_gap(gap);
        let may_help = gap.parts > LASTING * before || relative_gap < NEAR * self.tolerance;
        // Not twice running unless the parts halved: examples that were left out come back, others
        // would be left out in turn, and the gap would stay.
        self.is_partial = may_help && (!self.is_partial || gap.parts < before * SLOW);
        let allowed = if self.is_partial { LEFT_OUT * self.tolerance * gap.primal } else { 0.0 };
        self.left_out = self.rule.leave_out(allowed);
        Ok(Outcome::Kept(measured))
    }

    fn current<'w>(&'w self, _: &'w mut FitDriver<'_, R>) -> &'w [R] {
        if self.shows_best { &self.best } else { &self.current }
    }

    fn has_converged(&self) -> bool {
        relative(self.best_primal, self.best_dual) <= self.tolerance
    }

    fn finish(mut self: Box<Self>) -> Best<R> {
        if let Some(mut ahead) = self.pipeline.take_if(|ahead| ahead.is_visited) {
            ahead.undo(&mut self.rule);
        }
        if !self.includes_drift {
            let gap = self.rule.gap_parts(&self.current);
            let drift = self.rule.drift(&self.current, &self.w);
            self.best_dual = self.best_dual.max(gap.dual(drift));
        }
        let gap = Some(relative(self.best_primal, self.best_dual));
        let measured = Measured { objective: self.best_primal, gap };
        Best { weights: self.best, measured, duals: Some(self.rule.duals_in_f64()) }
    }
}
