//! Dual ascent for softmax: proximal stochastic dual coordinate ascent (Shalev-Shwartz & Zhang,
//! Mathematical Programming 2016, section 3), with l2 and no l1.
//!
//! Each example i of class y_i owns the probabilities p_i of its classes, and the weights follow: w
//! = (1/(l2*n)) * sum of c_i x_i (e_i - p_i)', where e_i is 1 for y_i and 0 for other classes. The
//! gap is
//!
//! ```text
//! P(w) - D(p) = (1/n) * sum of c_i KL(p_i | softmax(s_i))
//! ```
//!
//! where s_i are the scores of example i: a term for each example, none negative. A visit moves p_i
//! towards softmax(s_i), as far as the dual objective is sure to rise: the entropy is strongly
//! convex, and the scores respond to the move by the squared norm of x_i.
//!
//! One thread visits, the others help to measure.

use std::ops::ControlFlow;

use super::bounds::{Bounds, Duals, bounds};
use super::convex::{Convex, ConvexLoss};
use super::driver::{Best, Evaluate, FitDriver, Measured, Method, Outcome};
use super::plan::Plan;
use super::{Event, Fit, Settings};
use crate::error::Result;
use crate::parallel;
use crate::row::kernel;
use crate::strategy::{Order, Shape, StrategyKind};

/// Minimizes a softmax problem with l2, without l1, from zero weights. Deterministic given the
/// seed.
///
/// # Errors
/// As for [`minimize`](super::minimize).
pub(crate) fn fit(
    convex: Convex<'_>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, f64>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<f64>> {
    settings.check()?;
    let ConvexLoss::OfClasses { of, .. } = convex.loss else {
        unreachable!("this is the solver of softmax")
    };
    let examples = convex.examples;
    let (terms, width) = (examples.len(), convex.width());
    let touches = examples.touches() * convex.outputs();
    let plan = Plan::dense(terms, width, touches, settings);
    let strategy = StrategyKind::Sequential.make(1, 1, &|_, _| unreachable!("one worker"))?;
    let shape = Shape { terms, width, common: examples.common() * convex.outputs() };
    let driver = FitDriver::new(settings, plan, shape, touches, strategy)?;
    let ascent = Ascent::new(convex, of, settings);
    driver.run(Box::new(ascent), evaluate, watch)
}

/// The state that changes from epoch to epoch.
struct Ascent<'a> {
    convex: Convex<'a>,
    classes: &'a [u32],
    tolerance: f64,
    seed: u64,
    order: Order,
    epochs: u64,
    weights: Vec<f64>,
    /// Probabilities of the classes of each example.
    probabilities: Vec<f64>,
    measured: Measured,
    best: Vec<f64>,
    best_measured: Measured,
    /// True if the last measures are those of weights that were added up anew.
    is_proved: bool,
}

/// Most entries, each times the classes, for a proof in twofold doubles.
const FEW: usize = 1 << 24;

impl<'a> Ascent<'a> {
    fn new(convex: Convex<'a>, classes: &'a [u32], settings: &Settings) -> Self {
        let (count, outputs) = (convex.examples.len(), convex.outputs());
        let mut probabilities = vec![0.0; count * outputs];
        for (p, &class) in probabilities.chunks_mut(outputs).zip(classes) {
            p[class as usize] = 1.0;
        }
        let measured = Measured { objective: f64::INFINITY, gap: Some(1.0) };
        Ascent {
            convex,
            classes,
            tolerance: settings.tolerance,
            seed: settings.seed,
            order: Order::new(count),
            epochs: 0,
            weights: vec![0.0; convex.width()],
            probabilities,
            measured,
            best: vec![0.0; convex.width()],
            best_measured: measured,
            is_proved: false,
        }
    }

    /// Visits each example once.
    fn pass(&mut self, must_stop: &dyn Fn() -> bool) {
        let Ascent { convex, weights, probabilities, order, .. } = self;
        let (examples, outputs) = (convex.examples, convex.outputs());
        order.shuffle(self.seed, self.epochs);
        let constant = examples.constant().map(f64::from);
        let bias = weights.len() - examples.common() * outputs;
        let unit = 1.0 / (convex.penalty.l2 * examples.len() as f64);
        let (mut terms, mut scores) = (Vec::new(), vec![0.0; outputs]);
        let mut moves = vec![0.0; outputs];
        for block in 0..order.blocks() {
            if must_stop() {
                return;
            }
            terms.clear();
            order.block(block, &mut terms);
            for &i in &terms {
                let weight = f64::from(examples.weight(i));
                if weight == 0.0 {
                    continue;
                }
                let row = examples.row(i);
                let p = &mut probabilities[i * outputs..][..outputs];
                scores.fill(0.0);
                kernel::scores(weights, row, &mut scores);
                let mut norm2 = f64::from(examples.norm2(i));
                if let Some(c) = constant {
                    norm2 += c * c;
                    scores.iter_mut().zip(&weights[bias..]).for_each(|(s, w)| *s += c * w);
                }
                let part = divergence(p, &mut scores);
                // The scores now hold the probabilities that belong to them.
                let mut distance2 = 0.0;
                for ((change, to), from) in moves.iter_mut().zip(&scores).zip(&*p) {
                    *change = to - from;
                    distance2 += *change * *change;
                }
                if distance2 == 0.0 {
                    continue;
                }
                let response = weight * norm2 * unit;
                let t = ((part + distance2 / 2.0) / (distance2 * (1.0 + response))).min(1.0);
                p.iter_mut().zip(&moves).for_each(|(p, change)| *p += t * change);
                let factor = -t * weight * unit;
                moves.iter_mut().for_each(|change| *change *= factor);
                add(weights, row.iter().map(|(j, x)| (j, f64::from(x))), &moves);
                if let Some(c) = constant {
                    let biases = weights[bias..].iter_mut().zip(&moves);
                    biases.for_each(|(w, change)| *w += c * change);
                }
            }
        }
        self.epochs += 1;
    }

    /// Measures objective and gap of the current weights.
    fn measure(&self) -> Measured {
        let (convex, outputs) = (&self.convex, self.convex.outputs());
        let scores = convex.scores(&self.weights);
        let sums = parallel::collect(self.classes.len(), TOGETHER, &|_, range| {
            let (mut losses, mut parts) = (0.0, 0.0);
            let mut own = vec![0.0; outputs];
            for i in range {
                own.copy_from_slice(&scores[i * outputs..][..outputs]);
                let score = own[self.classes[i] as usize];
                let largest = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = own.iter().map(|s| (s - largest).exp()).sum();
                let share = convex.share(i);
                losses += share * (largest - score + sum.ln());
                parts +=
                    share * divergence(&self.probabilities[i * outputs..][..outputs], &mut own);
            }
            [losses, parts]
        });
        let [losses, parts] =
            sums.into_iter().fold([0.0; 2], |all, part| [all[0] + part[0], all[1] + part[1]]);
        let penalized = convex.examples.penalized() * outputs;
        let objective = losses + convex.penalty.value(&self.weights[..penalized]);
        let gap = (parts + ROUNDING * objective) / objective;
        Measured { objective, gap: Some(gap.min(1.0)) }
    }

    /// Returns the dual variables.
    fn duals(&self) -> Vec<f64> {
        let outputs = self.convex.outputs();
        let mut duals: Vec<f64> = self.probabilities.iter().map(|p| -p).collect();
        for (duals, &class) in duals.chunks_mut(outputs).zip(self.classes) {
            duals[class as usize] = 0.0;
            duals[class as usize] = -duals.iter().sum::<f64>();
        }
        duals
    }

    /// Adds the weights up anew from the probabilities, and measures them. The visits have added
    /// the same numbers in another order: the bounds hold whatever rounding they have gathered.
    fn prove(&mut self) {
        let (convex, outputs) = (self.convex, self.convex.outputs());
        let duals = self.duals();
        let mut weighted = duals.clone();
        let unit = 1.0 / convex.penalty.l2;
        for (i, duals) in weighted.chunks_mut(outputs).enumerate() {
            let share = convex.share(i) * unit;
            duals.iter_mut().for_each(|a| *a *= share);
        }
        self.weights = convex.transposed(&weighted);
        self.measured = match convex.examples.touches() * outputs <= FEW {
            true => {
                let Bounds { upper, lower } =
                    bounds(convex, &self.weights, Duals { high: &duals, low: None });
                Measured { objective: upper, gap: Some(Bounds { upper, lower }.gap()) }
            }
            false => self.measure(),
        };
        self.is_proved = true;
    }

    fn keep_best(&mut self) {
        if self.measured.objective < self.best_measured.objective || self.has_converged() {
            self.best.copy_from_slice(&self.weights);
            self.best_measured = self.measured;
        }
    }
}

/// Fewest examples per task.
const TOGETHER: usize = 256;
/// Rounding error of an objective and a gap of many terms, as a fraction of the objective.
const ROUNDING: f64 = 1e-10;

/// Sets `scores` to the probabilities that belong to them; returns the divergence of `p` from
/// these.
fn divergence(p: &[f64], scores: &mut [f64]) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut divergence = 0.0;
    let mut sum = 0.0;
    for (p, score) in p.iter().zip(&mut *scores) {
        let above = *score - largest;
        if *p > 0.0 {
            divergence += p * (p.ln() - above);
        }
        *score = above.exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
    (divergence + sum.ln()).max(0.0)
}

/// Adds `moves` times the value of each entry to the weights of its feature.
fn add(weights: &mut [f64], entries: impl Iterator<Item = (usize, f64)>, moves: &[f64]) {
    let outputs = moves.len();
    for (j, x) in entries {
        let weights = &mut weights[j * outputs..][..outputs];
        weights.iter_mut().zip(moves).for_each(|(w, change)| *w += x * change);
    }
}

impl Method<f64> for Ascent<'_> {
    fn epoch(&mut self, driver: &mut FitDriver<'_, f64>) -> Result<Outcome> {
        self.is_proved = false;
        self.pass(&|| driver.control.must_stop());
        driver.count_newton();
        self.measured = self.measure();
        if self.measured.gap.is_some_and(|gap| gap <= self.tolerance) {
            self.prove();
        }
        self.keep_best();
        Ok(Outcome::Kept(self.measured))
    }

    fn current<'w>(&'w self, _: &'w mut FitDriver<'_, f64>) -> &'w [f64] {
        &self.weights
    }

    fn has_converged(&self) -> bool {
        self.is_proved && self.measured.gap.is_some_and(|gap| gap <= self.tolerance)
    }

    fn finish(mut self: Box<Self>) -> Best<f64> {
        if !self.is_proved {
            self.prove();
            self.keep_best();
        }
        let Measured { objective, .. } = self.best_measured;
        let bound = self.measured.objective * (1.0 - self.measured.gap.unwrap_or(1.0));
        let gap = Some(Bounds { upper: objective, lower: bound }.gap());
        Best { weights: self.best, measured: Measured { objective, gap }, duals: None }
    }
}
