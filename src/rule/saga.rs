//! Variance reduction for smooth losses, l1 included: ProxASAGA (Pedregosa, Leblond & Lacoste-Julien, NIPS 2017) with
//! implicit steps, as in Point-SAGA (Defazio, NIPS 2016).
//!
//! The rule remembers one number an example, the slope a_i of its loss when it was seen last, and their average gradient
//! g = (1/n) * sum of a_i x_i. A visit replaces a_i by a new slope and moves the weights of the example's features by
//! the difference and by g, the latter times 1/p for features that a share p of the examples have:
//!
//! ```text
//! w_j <- prox of eta/p_j at  w_j - eta * ((new - a_i) x_ij + g_j/p_j)      g_j <- g_j + (new - a_i) x_ij / n
//! ```
//!
//! At the optimum new = a_i for each example and nothing moves: unlike with plain stochastic gradients the step need
//! not vanish. The new slope is taken where the difference itself carries the example's score to, so that it can
//! never overshoot the example.
//!
//! An epoch visits each example once, so a_i is read once: between epochs all a_i and g are set anew from the
//! weights ([`Saga::refresh`]), which also removes what racy and rounded additions to g have lost.

use std::ops::Range;

use super::penalty::rarity;
use super::{Clock, Penalty, Visit};
use crate::kernel;
use crate::params::{Real, Weights};
use crate::problem::{BIAS_PACE, Curved, Linear, Problem};
use crate::real::Slot;

/// A linear model with a smooth loss under variance-reduced steps.
pub struct Saga<'p, 'd, L, R: Real> {
    problem: &'p Linear<'d, L>,
    penalty: Penalty,
    rate: f64,
    /// 1/p for each coordinate.
    rarity: Vec<R>,
    /// The slopes a_i.
    slopes: Vec<R>,
    /// One a coordinate.
    pulls: Vec<Pull<R>>,
}

/// What all visits do to one coordinate.
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

/// A planned visit.
#[derive(Clone, Copy, Debug)]
pub struct Step<R> {
    /// How much of the example is added to the weights: -eta times the difference of slopes.
    add: R,
    /// The difference of slopes, divided by the number of examples.
    change: R,
}

impl<'p, 'd, L: Curved, R: Real> Saga<'p, 'd, L, R> {
    /// The rule with step size `rate`, finite and above 0. [`Saga::refresh`] comes before the first visit.
    pub fn new(problem: &'p Linear<'d, L>, penalty: Penalty, rate: f64) -> Self {
        Saga { problem, penalty, rate, rarity: rarity(problem), slopes: Vec::new(), pulls: Vec::new() }
    }

    /// A step size that suits most data: twice the inverse of the mean curvature of an example along its own features.
    pub fn usual_rate(problem: &Linear<'d, L>) -> f64 {
        let norms2: f64 = (0..problem.terms()).map(|term| f64::from(problem.norm2(term))).sum();
        let bias = problem.constant().map_or(0.0, |c| f64::from(c * c * BIAS_PACE));
        let curvature = L::MOST * (norms2 / problem.terms() as f64 + bias);
        if curvature > 0.0 { 2.0 / curvature } else { 1.0 }
    }

    /// The step size.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Changes the step size from the next [`Saga::refresh`] on.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Sets the memory: the slope of each example's loss, and their average gradient.
    pub fn refresh(&mut self, slopes: &[f64], average: &[f64]) {
        self.slopes.clear();
        self.slopes.extend(slopes.iter().map(|&slope| R::of(slope)));
        let common = average.len() - self.problem.common();
        self.pulls.clear();
        self.pulls.extend(average.iter().zip(&self.rarity).enumerate().map(|(j, (&average, rarity))| {
            let pace = if j < common { 1.0 } else { f64::from(BIAS_PACE) };
            let reach = self.rate * pace * rarity.to_f64();
            let slot = R::Shared::default();
            slot.set(R::of(average));
            Pull {
                average: slot,
                reach: R::of(reach),
                threshold: R::of(reach * self.penalty.l1),
                shrink: R::of(1.0 / (1.0 + reach * self.penalty.l2)),
            }
        }));
    }
}

impl<L: Curved, R: Real> Visit for Saga<'_, '_, L, R> {
    type Real = R;
    type Pace = R;
    type Step = Step<R>;

    fn terms(&self) -> usize {
        self.problem.terms()
    }

    fn width(&self) -> usize {
        self.problem.width()
    }

    fn common(&self) -> usize {
        self.problem.common()
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        self.problem.support(term)
    }

    fn pace(&self, _: Clock) -> R {
        R::of(self.rate)
    }

    #[inline(always)]
    fn plan<W: Weights<Real = R>>(&self, term: usize, rate: R, w: &W) -> Option<Step<R>> {
        let mut s = w.dot(self.problem.row(term));
        let mut q = R::of_f32(self.problem.norm2(term));
        if let Some(c) = self.problem.constant() {
            s += R::of_f32(c) * w.common(0);
            q += R::of_f32(c * c * BIAS_PACE);
        }
        let remembered = rate * self.slopes[term];
        let y = R::of_f32(self.problem.target(term));
        let add = self.problem.loss_function().step(y, s + remembered * q, rate, q) + remembered;
        Some(Step { add, change: -add / (rate * R::of(self.problem.terms() as f64)) })
    }

    #[inline(always)]
    fn apply<W: Weights<Real = R>>(&self, term: usize, step: Step<R>, _: R, share: R, w: &W) {
        let row = self.problem.row(term);
        // A share of a visit ends between where it began and where it would have ended.
        let part = |w: R, end: R| if share == R::ONE { end } else { w + share * (end - w) };
        w.update_row(row, &self.pulls, |x, pull, w| {
            part(w, pull.prox(w + step.add * x - pull.reach * pull.get()))
        });
        let change = step.change * share;
        kernel::for_each(&self.pulls[..], row, |pull, x| pull.set(pull.get() + change * x));
        if let (Some(c), Some(pull)) = (self.problem.constant(), self.pulls.last()) {
            // All visits would write the average here; it stays what it was when the epoch began.
            let bias = w.common(0);
            let moved = bias + step.add * R::of_f32(c * BIAS_PACE) - pull.reach * pull.get();
            w.set_common(0, part(bias, pull.prox(moved)));
        }
    }

    #[inline(always)]
    fn prefetch_place(&self, term: usize) {
        self.problem.prefetch_place(term);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        self.problem.prefetch(term);
    }

    fn objective(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let count = terms.len() as f64;
        self.problem.loss(terms, w) / count + self.penalty.value(w)
    }
}
