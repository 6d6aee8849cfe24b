//! Rule of variance reduction for smooth losses, with or without l1: ProxASAGA (Pedregosa, Leblond
//! & Lacoste-Julien, NIPS 2017) with implicit steps, as in Point-SAGA (Defazio, NIPS 2016).
//!
//! The rule remembers one number per example, the last slope a_i of its loss, and their average
//! gradient g = (1/n) * sum of a_i x_i. A visit replaces a_i by a new slope. It moves the weights
//! of the example's features by the difference and by g, the latter times 1/p for features that a
//! fraction p of the examples have:
//!
//! ```text
//! w_j <- prox of eta/p_j at  w_j - eta * ((new - a_i) x_ij + g_j/p_j)      g_j <- g_j + (new - a_i) x_ij / n
//! ```
//!
//! At the optimum new = a_i for each example and nothing moves, so the step size need not vanish as
//! with plain stochastic gradients. The new slope is taken at the score to which the difference
//! itself moves the example, so a step never overshoots its example.
//!
//! An epoch visits each example once, so a_i is read once. Between epochs all a_i and g are
//! computed again from the weights ([`Saga::refresh`]), which also repairs what racy and rounded
//! additions to g have lost. `README.md`, "What races lose", argues why races do no harm.

use crate::params::{Handle, RawWeights, Real, with_whole_handle};
use crate::problem::{BIAS_RATE, Curved, Examples, Linear};
use crate::row::kernel;
use crate::row::real::Slot;
use crate::solver::penalty::rarity;
use crate::solver::sgd::Penalty;
use crate::strategy::{Block, Clock, EndOfEpoch, Shape, StepState, Visit};

/// The rule for a linear model with a smooth loss: remembered slopes, and the average gradient.
pub(crate) struct Saga<'p, R: Real> {
    examples: &'p Examples<'p>,
    penalty: Penalty,
    rate: f64,
    /// 1/p for each coordinate.
    rarity: Vec<R>,
    /// The slopes a_i.
    slopes: Vec<R>,
    /// One per coordinate.
    pulls: Vec<Pull<R>>,
}

/// The part of a step that is common to all visits of a coordinate.
struct Pull<R: Real> {
    /// The coordinate of the average gradient; racy by design.
    average: R::Shared,
    /// eta/p
    reach: R,
    /// eta*l1/p
    threshold: R,
    /// 1/(1 + eta*l2/p)
    shrink: R,
}

impl<R: Real> Pull<R> {
    #[inline(always)]
    fn prox(&self, z: R) -> R {
        let soft = (z - self.threshold).max(R::ZERO) + (z + self.threshold).min(R::ZERO);
        soft * self.shrink
    }
}

impl<R: Real> Slot for Pull<R> {
    type Real = R;

    #[inline(always)]
    fn get(&self) -> R {
        self.average.get()
    }

    #[inline(always)]
    fn set(&self, x: R) {
        self.average.set(x);
    }
}

impl<'p, R: Real> Saga<'p, R> {
    /// Creates the rule with step size `rate`, finite and above 0. Call [`Saga::refresh`] before
    /// the first visit.
    pub(crate) fn new(examples: &'p Examples<'p>, penalty: Penalty, rate: f64) -> Self {
        let mut touched = vec![0; examples.width()];
        (0..examples.len())
            .flat_map(|i| examples.row(i).indices())
            .for_each(|&j| touched[j as usize] += 1);
        let rarity = rarity(&touched, examples.len());
        Saga { examples, penalty, rate, rarity, slopes: Vec::new(), pulls: Vec::new() }
    }

    /// Returns the step size.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// Sets the step size, from the next [`Saga::refresh`] on.
    pub(crate) fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Sets the remembered slope of each example's loss, and their average gradient.
    pub(crate) fn refresh(&mut self, slopes: &[f64], average: &[f64]) {
        self.slopes.clear();
        self.slopes.extend(slopes.iter().map(|&slope| R::of(slope)));
        let common = average.len() - self.examples.common();
        self.pulls.clear();
        self.pulls.extend(average.iter().zip(&self.rarity).enumerate().map(
            |(j, (&average, rarity))| {
                let ratio = if j < common { 1.0 } else { f64::from(BIAS_RATE) };
                let reach = self.rate * ratio * rarity.to_f64();
                let slot = R::Shared::default();
                slot.set(R::of(average));
                Pull {
                    average: slot,
                    reach: R::of(reach),
                    threshold: R::of(reach * self.penalty.l1),
                    shrink: R::of(1.0 / (1.0 + reach * self.penalty.l2)),
                }
            },
        ));
    }
}

/// Returns a step size that suits most data: twice the inverse of the mean curvature of an example
/// along its own features.
/// Record: D030.
pub(crate) fn usual_rate(examples: &Examples<'_>, smoothness: f64) -> f64 {
    let norms2: f64 = (0..examples.len()).map(|i| f64::from(examples.norm2(i))).sum();
    let bias = examples.constant().map_or(0.0, |c| f64::from(c * c * BIAS_RATE));
    let curvature = smoothness * (norms2 / examples.len() as f64 + bias);
    if curvature > 0.0 { 2.0 / curvature } else { 1.0 }
}

/// Visits of variance reduction, compiled for a loss.
pub(crate) struct SagaVisits<'a, L, R: Real> {
    rule: &'a Saga<'a, R>,
    problem: &'a Linear<'a, L>,
}

impl<'a, L: Curved, R: Real> SagaVisits<'a, L, R> {
    /// Creates the visits by `rule`, which is that of `problem`.
    pub(crate) fn new(rule: &'a Saga<'_, R>, problem: &'a Linear<'_, L>) -> Self {
        SagaVisits { rule, problem }
    }

    #[inline(always)]
    fn visit<W: RawWeights<Real = R>>(&self, term: usize, w: &W) {
        let Saga { rate, slopes, pulls, .. } = self.rule;
        let (examples, rate) = (self.problem.examples(), R::of(*rate));
        let row = examples.row(term);
        let mut s = w.dot(row);
        let mut q = R::of_f32(examples.norm2(term));
        if let Some(c) = examples.constant() {
            s += R::of_f32(c) * w.common(0);
            q += R::of_f32(c * c * BIAS_RATE);
        }
        let remembered = rate * slopes[term];
        let y = examples.target(term);
        // Multiple of the example to add to the weights: -eta times the difference of slopes.
        let add = self.problem.loss_function().step(y, s + remembered * q, rate, q) + remembered;
        let change = -add / (rate * R::of(examples.len() as f64));
        w.update_row(row, pulls, |x, pull, w| pull.prox(w + add * x - pull.reach * pull.get()));
        kernel::for_each(&pulls[..], row, |pull, x| pull.set(pull.get() + change * x));
        if let (Some(c), Some(pull)) = (examples.constant(), pulls.last()) {
            // All visits would write this average, so it keeps its value from the start of the
            // epoch.
            let moved = w.common(0) + add * R::of_f32(c * BIAS_RATE) - pull.reach * pull.get();
            w.set_common(0, pull.prox(moved));
        }
    }

    #[inline(never)]
    fn visit_terms<W: RawWeights<Real = R>>(&self, block: Block<'_>, w: &W) {
        let examples = self.problem.examples();
        for (term, ahead) in block.visits() {
            if let Some(later) = ahead.offset {
                examples.prefetch_record(later);
            }
            if let Some(later) = ahead.memory {
                examples.prefetch(later);
            }
            self.visit(term, w);
        }
    }
}

impl<L: Curved, R: Real> Visit<R> for SagaVisits<'_, L, R> {
    fn shape(&self) -> Shape {
        let examples = self.problem.examples();
        Shape { terms: examples.len(), width: examples.width(), common: examples.common() }
    }

    fn support(&self, terms: &[usize], into: &mut Vec<usize>) {
        self.problem.examples().support(terms, into);
    }

    fn step_state(&self, _: Clock) -> StepState<R> {
        StepState::constant(R::of(self.rule.rate))
    }

    fn visit_block(&self, block: Block<'_>, _: &mut StepState<R>, weights: &Handle<'_, R>) {
        with_whole_handle!(weights, w => self.visit_terms(block, w));
    }

    fn end_of_epoch(&self, _: Clock, _: usize) -> EndOfEpoch<R> {
        EndOfEpoch { scale: None, published_fraction: R::ONE }
    }
}
