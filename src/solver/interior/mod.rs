//! The solver interior: a primal-dual interior-point method that certifies every convex linear
//! problem, whatever its scales. `README.md` says what it does and when it is chosen.

mod curvature;
mod entropies;
mod pieces;
mod system;
mod terms;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use self::curvature::Precision;
use self::system::{System, work};
use self::terms::{Aim, Terms};
use super::bounds::{Bounds, Duals, bounds, objective_at_zero};
use super::convex::Convex;
use super::driver::{Best, Evaluate, FitDriver, Measured, Method, Outcome};
use super::newton::hessian::Assembly;
use super::plan::Plan;
use super::{Event, Fit, Settings};
use crate::error::{Error, Result};
use crate::problem::LossShape;
use crate::strategy::{Shape, StrategyKind};

/// Weights that are known before a fit begins, and what is proved of them.
pub(crate) struct Known {
    pub weights: Vec<f64>,
    pub bounds: Bounds,
}

/// Minimizes a convex problem from zero weights, by an interior-point method. An epoch is one of
/// its steps, and counts as a visit to each example. There are no races and no random choices: the
/// outcome does not depend on threads, seed or strategy. If weights are known that are better than
/// those it finds, it returns them.
///
/// # Errors
/// [`Error::Parameter`] for settings out of range, or a loss that the method does not know.
pub(crate) fn fit(
    convex: Convex<'_>,
    settings: &Settings,
    known: Option<Known>,
    evaluate: Option<&Evaluate<'_, f64>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<f64>> {
    settings.check()?;
    let examples = convex.examples;
    let (terms, width) = (examples.len(), convex.width());
    let touches = examples.touches() * convex.outputs();
    let plan = Plan::dense(terms, width, touches, settings);
    let strategy = StrategyKind::Sequential.make(1, 1, &|_, _| unreachable!("one worker"))?;
    let shape = Shape { terms, width, common: examples.common() * convex.outputs() };
    let driver = FitDriver::new(settings, plan, shape, touches, strategy)?;
    let start = driver.install(|| Interior::new(convex, settings.tolerance, known));
    let interior = start.ok_or_else(|| Error::Parameter {
        name: "solver",
        value: "interior with a custom loss".into(),
        expected: "a loss of this crate",
        hint: "choose the solver sgd",
    })?;
    driver.run(Box::new(interior), evaluate, watch)
}

/// Returns true if a fit takes a few tenths of a second at most.
pub(crate) fn is_cheap(convex: Convex<'_>) -> bool {
    work(convex) <= LITTLE_WORK
}

/// Returns true if a step takes seconds at most, and few of them are enough. With so many weights
/// that systems are solved by products alone, only smooth losses without l1 come near the optimum:
/// other systems get too stiff.
pub(crate) fn is_affordable(convex: Convex<'_>) -> bool {
    let is_smooth = convex.shape(0) == Some(LossShape::Logistic) && convex.penalty.l1 == 0.0;
    work(convex) <= MUCH_WORK || is_smooth
}

/// Returns a lower bound of the objective of any weights, found by a fit of its own that nobody
/// watches.
pub(crate) fn lower_bound(convex: Convex<'_>, settings: &Settings) -> Result<f64> {
    let settings = Settings {
        threads: settings.threads,
        tolerance: settings.tolerance,
        penalty: settings.penalty,
        time_limit: settings.time_limit,
        interrupt: settings.interrupt.clone(),
        ..Settings::default()
    };
    let fit = fit(convex, &settings, None, None, &mut |_| ControlFlow::Continue(()))?;
    Ok(fit.gap.map_or(0.0, |gap| fit.objective * (1.0 - gap)))
}

/// The iterates, and the best that they have led to.
struct Interior<'a> {
    convex: Convex<'a>,
    tolerance: f64,
    /// Factor of each weight: a coordinate of the method is a weight times its scale.
    scale: Vec<f64>,
    weights: Vec<f64>,
    scores: Vec<f64>,
    terms: Terms,
    assembly: Assembly,
    best: Vec<f64>,
    bounds: Bounds,
    steps: usize,
    is_exact_affordable: bool,
}

/// Largest fraction of the way to the nearest end that a step takes.
const INSIDE: f64 = 0.99;
/// Most corrections of a step that would be short.
const CORRECTIONS: usize = 4;
/// Steps that may be this long need no correction.
const FAR: f64 = 0.9;
/// A correction is to lengthen the step by this.
const FARTHER: f64 = 0.3;
/// Corrections go on while they lengthen the step by this fraction of what they are to.
const ENOUGH: f64 = 0.1;
/// Most products of a system in twofold doubles, which take some 20 times as long as doubles.
const EXACT_WORK: f64 = 4e6;
/// Products of a system that take a few milliseconds.
const LITTLE_WORK: f64 = 3e7;
/// Products of a system that take seconds.
const MUCH_WORK: f64 = 1e10;
/// Steps before those in twofold doubles, where these take little time.
const PLAIN: usize = 12;
/// Dual variables are refined where the products add at most this fraction of the tolerance to the
/// gap.
const SMALL: f64 = 0.5;
/// Refinements of the dual variables.
const REFINEMENTS: usize = 3;
/// Most halvings of a step that does not lower the objective.
const HALVINGS: usize = 30;
/// Relative rounding error of an objective.
const ROUNDING: f64 = 1e-15;
/// Steps without progress that end training where they take long.
const SHORT_PATIENCE: usize = 30;
/// Steps without progress that end training where they take little time.
const PATIENCE: usize = 100;

impl<'a> Interior<'a> {
    /// Starts at zero weights; `None` if the loss is not known.
    fn new(convex: Convex<'a>, tolerance: f64, known: Option<Known>) -> Option<Self> {
        let weights = vec![0.0; convex.width()];
        let scores = vec![0.0; convex.examples.len() * convex.outputs()];
        let objective = objective_at_zero(convex);
        let scale = scale(convex);
        let terms = Terms::new(convex, &scale, &scores, objective)?;
        let (mut best, mut bounds) = (weights.clone(), Bounds { upper: objective, lower: 0.0 });
        if let Some(known) = known {
            bounds.lower = known.bounds.lower.max(0.0);
            if known.bounds.upper < objective {
                (best, bounds.upper) = (known.weights, known.bounds.upper);
            }
        }
        Some(Interior {
            convex,
            tolerance,
            scale,
            best,
            weights,
            scores,
            terms,
            assembly: Assembly::default(),
            bounds,
            steps: 0,
            is_exact_affordable: work(convex) <= EXACT_WORK,
        })
    }

    /// Takes a step, by Mehrotra's predictor and corrector, unless it must stop before it has one.
    fn step(&mut self, must_stop: &dyn Fn() -> bool) {
        let Interior { convex, scale, weights, scores, terms, assembly, .. } = self;
        let (convex, scale) = (*convex, &scale[..]);
        self.steps += 1;
        let is_exact = self.steps > PLAIN && self.is_exact_affordable;
        let precision = if is_exact { Precision::Twofold } else { Precision::Double };
        terms.linearize(scores, weights, scale, Aim { product: 0.0, part: 1.0, predicted: None });
        let system = System::new(convex, terms, scale, precision, assembly, must_stop);
        let solve = |terms: &Terms| {
            let coordinates = system.solve(&terms.right(convex, weights, precision), terms);
            let moves: Vec<f64> = coordinates.iter().zip(scale).map(|(c, s)| c / s).collect();
            let step = terms.step(&convex.scores(&moves), &coordinates);
            (moves, step)
        };
        let mut product = 0.0;
        let (mut moves, mut step) = solve(terms);
        if let Some(mean) = terms.mean_product() {
            let reach = terms.longest(&step).min(1.0);
            let reached = terms.mean_product_after(&step, reach);
            let left = (reached.unwrap_or(mean) / mean).clamp(0.0, 1.0);
            product = mean * left.powi(3);
            // The gradient falls with the products, and products of changes are those of the part
            // of the step that can be taken.
            let predicted = Some((&step, reach * reach));
            let aim = Aim { product, part: 1.0 - left.powi(3), predicted };
            terms.linearize(scores, weights, scale, aim);
            (moves, step) = solve(terms);
            for _ in 0..CORRECTIONS {
                let reach = terms.longest(&step);
                if reach >= FAR {
                    break;
                }
                let wanted = (reach + FARTHER).min(1.0);
                terms.center(&step, wanted, product);
                let (corrected_moves, corrected) = solve(terms);
                if terms.longest(&corrected) < reach + ENOUGH * FARTHER {
                    break;
                }
                (moves, step) = (corrected_moves, corrected);
            }
        }
        if must_stop() {
            // The step may be anything.
            return;
        }
        let mut t = (INSIDE * terms.longest(&step)).min(1.0);
        let moved = |t: f64| -> Vec<f64> {
            weights.iter().zip(&moves).map(|(w, change)| w + t * change).collect()
        };
        let mut next = moved(t);
        let mut next_scores = convex.scores(&next);
        if let Some(before) = terms.merit(convex, weights, scores, product) {
            let moves: Vec<f64> =
                next_scores.iter().zip(&*scores).map(|(to, from)| (to - from) / t).collect();
            let (slope, curvature) = terms.along(&moves);
            for _ in 0..HALVINGS {
                let after = terms.merit(convex, &next, &next_scores, product);
                // Either the objective falls, or the losses move about as their quadratic model.
                let modeled = before.losses + t * slope + t * t * curvature;
                let is_good = after.is_some_and(|after| {
                    let rounding = ROUNDING * before.objective.abs();
                    after.objective <= before.objective || after.losses <= modeled + rounding
                });
                if is_good {
                    break;
                }
                t /= 2.0;
                next = moved(t);
                next_scores = convex.scores(&next);
            }
        }
        terms.advance(&step, t, &next_scores);
        (*weights, *scores) = (next, next_scores);
    }

    fn measured(&self) -> Measured {
        Measured { objective: self.bounds.upper, gap: Some(self.bounds.gap()) }
    }

    /// Updates the best weights and the bounds.
    fn measure(&mut self, must_stop: &dyn Fn() -> bool) {
        let duals = self.terms.duals();
        self.prove(&duals, None);
        let left = self.terms.products() / self.bounds.upper;
        if self.bounds.gap() > self.tolerance && left <= SMALL * self.tolerance {
            let low = self.low_duals(must_stop);
            self.prove(&duals, Some(&low));
        }
    }

    fn prove(&mut self, high: &[f64], low: Option<&[f64]>) {
        let found = bounds(self.convex, &self.weights, Duals { high, low });
        if found.upper < self.bounds.upper {
            self.bounds.upper = found.upper;
            self.best.copy_from_slice(&self.weights);
        }
        self.bounds.lower = self.bounds.lower.max(found.lower);
    }

    /// Computes numbers to add to the dual variables, for a gradient nearer to 0 than doubles can
    /// hold: where features are large and l2 is small, the dual objective needs that. This is
    /// iterative refinement, with residuals in twofold doubles (Higham, Accuracy and Stability of
    /// Numerical Algorithms, 2002, chapter 12).
    fn low_duals(&mut self, must_stop: &dyn Fn() -> bool) -> Vec<f64> {
        let Interior { convex, scale, weights, scores, terms, assembly, .. } = self;
        let (convex, scale) = (*convex, &scale[..]);
        terms.linearize(scores, weights, scale, Aim { product: 0.0, part: 1.0, predicted: None });
        let precision =
            if self.is_exact_affordable { Precision::Twofold } else { Precision::Double };
        let system = System::new(convex, terms, scale, precision, assembly, must_stop);
        let mut low = vec![0.0; scores.len()];
        for _ in 0..REFINEMENTS {
            let coordinates = system.solve(&terms.lack(convex, weights, &low), terms);
            let moves: Vec<f64> = coordinates.iter().zip(scale).map(|(c, s)| c / s).collect();
            terms.respond(convex, &convex.scores(&moves), &mut low);
        }
        low
    }
}

/// Computes the scale of each weight: about the root of an upper bound of the objective's curvature
/// along it, a power of 2, so that nothing is rounded; 1 where it is 0.
fn scale(convex: Convex<'_>) -> Vec<f64> {
    let outputs = convex.outputs();
    let mut squares = vec![0.0; convex.examples.width()];
    for i in 0..convex.examples.len() {
        let share = convex.share(i);
        convex.entries(i).for_each(|(j, x)| squares[j] += share * x * x);
    }
    let scale = |j: usize| match (squares[j / outputs] + convex.penalty_of(j).l2).sqrt() {
        0.0 => 1.0,
        scale => scale.log2().round().exp2(),
    };
    (0..convex.width()).map(scale).collect()
}

impl Method<f64> for Interior<'_> {
    fn epoch(&mut self, driver: &mut FitDriver<'_, f64>) -> Result<Outcome> {
        let must_stop = || driver.control.must_stop();
        self.step(&must_stop);
        self.measure(&must_stop);
        driver.count_newton();
        Ok(Outcome::Kept(self.measured()))
    }

    fn current<'w>(&'w self, _: &'w mut FitDriver<'_, f64>) -> &'w [f64] {
        &self.best
    }

    fn has_converged(&self) -> bool {
        self.bounds.gap() <= self.tolerance
    }

    fn patience(&self) -> usize {
        if self.is_exact_affordable { PATIENCE } else { SHORT_PATIENCE }
    }

    fn finish(self: Box<Self>) -> Best<f64> {
        let measured = self.measured();
        Best { weights: self.best, measured, duals: None }
    }
}
