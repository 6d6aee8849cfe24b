//! Certified ends. What a fast solver has found is proved anew from the weights that are returned,
//! and where it does not lead to the tolerance, the interior-point method goes on.

use std::ops::ControlFlow;
use std::time::Duration;

use super::Trainer;
use crate::error::{Error, Result};
use crate::solver::{
    Bounds, Convex, ConvexLoss, Duals, Epoch, Evaluate, Event, Fit, Known, RulesOf, Settings,
    Solver, StopReason, bounds, interior, objective_at_zero, rounding, upper,
};
use crate::sync::plain::Ordering::Relaxed;

/// What is called with each event.
type Watch<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + 'a;

/// Returns the problem as certified solvers see it; `None` for a custom loss.
pub(super) fn convex<'a>(problem: &'a dyn RulesOf<f64>, settings: &Settings) -> Option<Convex<'a>> {
    let loss = ConvexLoss::OfScore(problem.loss()?);
    Some(Convex { examples: problem.examples(), loss, penalty: settings.penalty })
}

impl Trainer {
    /// Runs `fast`, proves what it has found, and goes on where that is not enough and the solver
    /// was left to the program.
    pub(super) fn certified(
        &self,
        convex: Convex<'_>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut Watch<'_>,
        fast: impl FnOnce(&mut Watch<'_>) -> Result<Fit<f64>>,
    ) -> Result<Fit<f64>> {
        let may_go_on = self.may_go_on(settings);
        let mut outlook = Outlook::default();
        let (mut is_hopeless, mut is_canceled) = (false, false);
        let mut has_begun = false;
        let result = fast(&mut |event| {
            has_begun |= matches!(event, Event::Began(_));
            if let Event::Epoch(epoch) = &event {
                is_hopeless = may_go_on && outlook.is_hopeless(epoch, settings.tolerance);
            }
            is_canceled |= watch(event).is_break();
            if is_canceled || is_hopeless {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let mut fit = match result {
            Err(Error::Diverged { .. }) if may_go_on && !is_canceled => {
                return interior::fit(convex, settings, None, evaluate, &mut |event| match event {
                    Event::Began(_) if has_begun => ControlFlow::Continue(()),
                    other => watch(other),
                });
            }
            result => result?,
        };
        let bounds = prove(convex, &mut fit, settings.tolerance);
        let has_arrived = fit.gap.is_some_and(|gap| gap <= settings.tolerance);
        if fit.stop == StopReason::Tolerance && fit.gap.is_some() && !has_arrived {
            fit.stop = StopReason::Stalled;
        }
        let is_over = match fit.stop {
            StopReason::Tolerance => fit.gap.is_some(),
            StopReason::Stalled => false,
            StopReason::Interrupted => !is_hopeless,
            StopReason::Epochs | StopReason::TimeLimit => true,
        };
        let is_stopped = is_canceled || settings.interrupt.load(Relaxed);
        let rest = settings.time_limit.map(|limit| limit.saturating_sub(fit.train_time));
        let epochs = settings.epochs - fit.epochs.len().min(settings.epochs);
        if is_stopped || rest == Some(Duration::ZERO) {
            return Ok(fit);
        }
        if is_over || !may_go_on || epochs == 0 || !interior::is_affordable(convex) {
            return audited(convex, settings, fit);
        }
        let (objective, gap) = (fit.objective, fit.gap);
        if watch(Event::Continued { solver: Solver::Interior, objective, gap }).is_break() {
            return Ok(Fit { stop: StopReason::Interrupted, ..fit });
        }
        let settings = Settings { epochs, time_limit: rest, params: None, ..settings.clone() };
        let known = Known { weights: std::mem::take(&mut fit.weights), bounds };
        let (before, train_time) = (fit.epochs.len(), fit.train_time);
        let later = |epoch: &Epoch| Epoch {
            epoch: before + epoch.epoch,
            train_time: train_time + epoch.train_time,
            visit_time: fit.epochs.last().map_or(Duration::ZERO, |last| last.visit_time),
            ..epoch.clone()
        };
        let rest =
            interior::fit(convex, &settings, Some(known), evaluate, &mut |event| match event {
                Event::Began(_) => ControlFlow::Continue(()),
                Event::Epoch(epoch) => watch(Event::Epoch(&later(epoch))),
                other => watch(other),
            })?;
        let epochs: Vec<Epoch> = rest.epochs.iter().map(later).collect();
        fit.epochs.extend(epochs);
        Ok(Fit {
            weights: rest.weights,
            objective: rest.objective,
            gap: rest.gap,
            stop: rest.stop,
            train_time: train_time + rest.train_time,
            visits: fit.visits + rest.visits,
            duals: None,
            continued: Some(Solver::Interior),
            ..fit
        })
    }

    /// Returns true if another solver may go on where the first one does not arrive.
    fn may_go_on(&self, settings: &Settings) -> bool {
        let is_watched = settings.params.is_some();
        self.solver == Solver::Auto && !self.sets_steps() && !is_watched && settings.tolerance > 0.0
    }
}

/// Finds out how near the optimum the weights of a solver without a bound are, where that takes
/// little time. An objective that settled far above it has stalled.
fn audited(convex: Convex<'_>, settings: &Settings, fit: Fit<f64>) -> Result<Fit<f64>> {
    if fit.gap.is_some() || settings.tolerance == 0.0 || !interior::is_cheap(convex) {
        return Ok(fit);
    }
    let lower = interior::lower_bound(convex, settings)?;
    let gap = Bounds { upper: fit.objective, lower }.gap();
    let stop = match fit.stop {
        StopReason::Tolerance if gap > SETTLED => StopReason::Stalled,
        stop => stop,
    };
    Ok(Fit { gap: Some(gap), stop, ..fit })
}

/// Largest gap of an objective that has settled.
const SETTLED: f64 = 0.05;

/// Sets objective and gap of `fit` to what its weights and dual variables prove. Weights that are
/// worse than zeros become zeros.
///
/// Where rounding cannot have moved the solver's own figures by more than a small part of the
/// tolerance, these are taken; elsewhere the bounds are computed anew, in twice the precision.
fn prove(convex: Convex<'_>, fit: &mut Fit<f64>, tolerance: f64) -> Bounds {
    if let (Some(duals), Some(gap)) = (&fit.duals, fit.gap)
        && convex.penalty.l2 > 0.0
        && gap <= tolerance
    {
        let rounding = rounding(convex, &fit.weights, duals) / fit.objective;
        if rounding <= NEGLIGIBLE * tolerance && gap + rounding <= tolerance {
            let (upper, lower) = (fit.objective, fit.objective * (1.0 - gap - rounding));
            fit.gap = Some(gap + rounding);
            return Bounds { upper, lower };
        }
    }
    let is_finite = fit.weights.iter().all(|w| w.is_finite());
    let at_zero = objective_at_zero(convex);
    let Some(duals) = &fit.duals else {
        // The solver has proved its bounds itself, or has none.
        if !(is_finite && fit.objective <= at_zero) {
            fit.weights.fill(0.0);
            fit.objective = at_zero;
        }
        let lower = fit.gap.map_or(0.0, |gap| fit.objective * (1.0 - gap));
        return Bounds { upper: fit.objective, lower };
    };
    if !(is_finite && upper(convex, &fit.weights) <= at_zero) {
        fit.weights.fill(0.0);
    }
    let found = bounds(convex, &fit.weights, Duals { high: duals, low: None });
    fit.objective = found.upper;
    fit.gap = fit.gap.map(|_| found.gap());
    found
}

/// Rounding that is taken into account by a bound of its own, as a fraction of the tolerance.
const NEGLIGIBLE: f64 = 0.01;

/// Predicts from the gaps of its epochs whether a solver arrives.
#[derive(Default)]
struct Outlook {
    gaps: Vec<f64>,
}

/// Epochs in which a gap must have fallen to [`FALLEN`] of what it was.
const LATELY: usize = 32;
/// See [`LATELY`].
const FALLEN: f64 = 0.5;

impl Outlook {
    /// Records an epoch. Returns true if the gap is not within the tolerance, and does not fall.
    fn is_hopeless(&mut self, epoch: &Epoch, tolerance: f64) -> bool {
        let Some(gap) = epoch.gap else { return false };
        self.gaps.push(if gap.is_nan() { f64::INFINITY } else { gap });
        let least = |gaps: &[f64]| gaps.iter().copied().fold(f64::INFINITY, f64::min);
        let Some(before) = self.gaps.len().checked_sub(LATELY).filter(|&before| before > 0) else {
            return false;
        };
        let (earlier, now) = (least(&self.gaps[..before]), least(&self.gaps));
        now > tolerance && now > FALLEN * earlier
    }
}
