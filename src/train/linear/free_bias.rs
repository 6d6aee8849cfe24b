//! A bias that the regularizer leaves out, by dual ascent.
//!
//! Dual ascent needs an l2 on each weight: without one on the bias, the dual variables would have
//! to add up to 0 at all times. So a substitute is minimized, whose bias is regularized, but
//! little, as it belongs to a constant feature of a large value. That leads to the problem itself:
//!
//! - The substitute's weights, with the bias that suits them best, are near the optimum.
//! - Its dual variables, those of the heavier sign made smaller until all add up to 0, prove a
//!   lower bound. They stay in the domain of each loss's conjugate, which contains 0.
//!
//! Whether the substitute was near enough shows in the gap between the two.

use std::ops::ControlFlow;
use std::time::Duration;

use super::Trainer;
use crate::error::Result;
use crate::parallel;
use crate::solver::{
    AnyLinear, Convex, ConvexLoss, Duals, Epoch, Evaluate, Event, Fit, Settings, StopReason,
    bounds, linear, relative_gap,
};

/// The least value of the substitute's constant feature, which is else as large as rows are long.
/// Record: D217.
const LEAST_VALUE: f64 = 1.0;
/// Substitutes that are tried.
const TRIES: usize = 3;
/// Gap of the first substitute as a fraction of the tolerance: the rest is for the bias.
/// Record: D217.
const PART: f64 = 0.7;
/// Factor of the constant feature's value where the bias is still held back.
const RAISE: f64 = 3.0;
/// Examples per task.
const TOGETHER: usize = 4096;

impl Trainer {
    /// Minimizes a problem whose bias is not regularized and whose other weights have an l2. The
    /// objectives of epochs are upper bounds, and their gaps those of the substitute; objective and
    /// gap of the fit are proved for the problem itself.
    pub(super) fn fit_free_bias(
        &self,
        convex: Convex<'_>,
        settings: &Settings,
        evaluate: Option<&Evaluate<'_, f64>>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fit<f64>> {
        let constant = convex.examples.constant().map_or(1.0, f64::from);
        let mut value = mean_norm(convex).max(LEAST_VALUE);
        let mut tolerance = PART * settings.tolerance;
        let mut all: Option<Fit<f64>> = None;
        let mut lower = 0.0_f64;
        for tries_left in (0..TRIES).rev() {
            let substitute = self.substitute(convex, value);
            let unscaled = |weights: &[f64]| {
                let mut weights = weights.to_vec();
                *weights.last_mut().expect("the bias is the last weight") *= value / constant;
                weights
            };
            let on_test = evaluate.map(|evaluate| move |w: &[f64]| evaluate(&unscaled(w)));
            let (epochs, spent) =
                all.as_ref().map_or((0, Duration::ZERO), |fit| (fit.epochs.len(), fit.train_time));
            let own = Settings {
                tolerance,
                epochs: settings.epochs - epochs,
                time_limit: settings.time_limit.map(|limit| limit.saturating_sub(spent)),
                ..settings.clone()
            };
            let later = |epoch: &Epoch| Epoch {
                epoch: epochs + epoch.epoch,
                train_time: spent + epoch.train_time,
                ..epoch.clone()
            };
            let mut fit = self.solve_fast(
                &*substitute,
                &own,
                on_test.as_ref().map(|f| f as _),
                &mut |event| match event {
                    Event::Began(_) if epochs > 0 => ControlFlow::Continue(()),
                    Event::Epoch(epoch) => watch(Event::Epoch(&later(epoch))),
                    other => watch(other),
                },
            )?;
            let own_gap = fit.gap;
            fit.epochs = fit.epochs.iter().map(later).collect();
            let duals = balanced(convex, fit.duals.take().unwrap_or_default());
            fit.weights = unscaled(&fit.weights);
            fit_bias(convex, &mut fit.weights);
            let found = bounds(convex, &fit.weights, Duals { high: &duals, low: None });
            fit.objective = found.upper;
            lower = lower.max(found.lower);
            let fit = match all.take() {
                None => fit,
                Some(before) => joined(before, fit),
            };
            let fit = all.insert(fit);
            let gap = relative_gap(fit.objective, lower);
            fit.gap = Some(gap);
            if fit.stop != StopReason::Tolerance || gap <= settings.tolerance {
                break;
            }
            if tries_left == 0 || fit.epochs.len() >= settings.epochs {
                fit.stop = StopReason::Stalled;
                break;
            }
            // Either the regularizer holds the bias back, or balance costs more than was left.
            if own_gap.is_some_and(|own| gap > 2.0 * own) {
                value *= RAISE;
            }
            tolerance /= 2.0;
        }
        Ok(all.expect("one substitute is tried at least"))
    }

    /// Returns the problem whose bias belongs to a constant feature of this value, regularized.
    fn substitute<'a>(&self, convex: Convex<'a>, value: f64) -> Box<dyn AnyLinear + 'a> {
        linear(self.loss, convex.examples.clone().with_constant(value as f32))
    }
}

/// Returns the root of the mean squared norm of the rows.
fn mean_norm(convex: Convex<'_>) -> f64 {
    let count = convex.examples.len();
    let sum = parallel::sum(count, TOGETHER, &|range| {
        range.map(|i| f64::from(convex.examples.norm2(i))).sum()
    });
    (sum / count as f64).sqrt().min(f64::from(f32::MAX).sqrt())
}

/// Joins the epochs of two fits, and takes the weights of the lower objective.
fn joined(before: Fit<f64>, after: Fit<f64>) -> Fit<f64> {
    let weights_of = if after.objective <= before.objective { 1 } else { 0 };
    let [old, new] = [before.weights, after.weights];
    let mut epochs = before.epochs;
    epochs.extend(after.epochs);
    Fit {
        weights: if weights_of == 1 { new } else { old },
        objective: after.objective.min(before.objective),
        epochs,
        train_time: before.train_time + after.train_time,
        visits: before.visits + after.visits,
        began: before.began,
        prepare_time: before.prepare_time,
        ..after
    }
}

/// Makes the dual variables of the heavier sign smaller, so that all add up to 0 with their shares.
fn balanced(convex: Convex<'_>, mut duals: Vec<f64>) -> Vec<f64> {
    duals.resize(convex.examples.len(), 0.0);
    let sum = |sign: f64| {
        parallel::sum(duals.len(), TOGETHER, &|range| {
            range.map(|i| convex.share(i) * (sign * duals[i]).max(0.0)).sum()
        })
    };
    let (above, below) = (sum(1.0), sum(-1.0));
    let factor = |own: f64, other: f64| if own > other { other / own } else { 1.0 };
    let (of_above, of_below) = (factor(above, below), factor(below, above));
    duals.iter_mut().for_each(|a| *a *= if *a > 0.0 { of_above } else { of_below });
    duals
}

/// Sets the bias to the one of the lowest objective with the other weights, by bisection.
fn fit_bias(convex: Convex<'_>, weights: &mut [f64]) {
    /// Doublings of the first interval, and halvings of the last one.
    const STEPS: usize = 60;
    /// Length of the last interval, as a fraction of the bias or of 1.
    const NARROW: f64 = 1e-9;
    let ConvexLoss::OfScore(curves) = convex.loss else { return };
    let (Some((bias, _)), Some(constant)) = (weights.split_last_mut(), convex.examples.constant())
    else {
        return;
    };
    let (constant, start) = (f64::from(constant), std::mem::take(bias));
    let scores = convex.scores(weights);
    let slope = |bias: f64| {
        let move_of_scores = constant * bias;
        parallel::sum(scores.len(), TOGETHER, &|range| {
            let slope = |i: usize| {
                let score = scores[i] + move_of_scores;
                convex.share(i) * constant * curves.value_and_slope(convex.target(i), score).1
            };
            range.map(slope).sum()
        })
    };
    // A slope that is 0 or no number ends the search.
    let sign = |bias: f64| slope(bias).partial_cmp(&0.0).map_or(0, |order| order as i32);
    let mut width = 1e-3 * (1.0 + start.abs());
    let direction = -sign(start);
    let (mut near, mut far) = (start, start);
    for _ in 0..STEPS {
        far = start + f64::from(direction) * width;
        if direction == 0 || sign(far) != -direction {
            break;
        }
        (near, width) = (far, 2.0 * width);
    }
    for _ in 0..STEPS {
        if (far - near).abs() <= NARROW * (1.0 + near.abs()) {
            break;
        }
        let middle = near + (far - near) / 2.0;
        if sign(middle) == -direction { near = middle } else { far = middle }
    }
    weights[weights.len() - 1] = near;
}

#[cfg(test)]
mod tests;
