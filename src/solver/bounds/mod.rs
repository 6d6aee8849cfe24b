//! The proof of how near weights are to the optimum: an upper bound of their objective, and a lower
//! bound of every objective, rounding included.
//!
//! By Fenchel's inequality, dual variables a_i from the domain of the conjugates bound each
//! objective from below: with g = -(sum of share_i * a_i * x_i),
//!
//! ```text
//! P(w) >= - sum of share_i * loss*(-a_i) + g.w + R(w)
//!      >= - sum of share_i * loss*(-a_i) - sum over j of max over w_j of (-g_j w_j - R_j(w_j))
//! ```
//!
//! The maximum is taken over an interval that is known to hold the optimum's weight: without l2 it
//! would be infinite unless |g_j| is at most l1, which rounded numbers never reach where l1 is 0.
//!
//! Rounding is part of the bounds. Scores, sums and products of dual variables are computed in
//! twice the precision ([`Twofold`]), so their error is far below a unit in the last place of what
//! is added up. What remains is the error of exponentials and logarithms, a few units of each; that
//! many are added on both sides ([`UNITS`]).

mod interval;
mod twofold;

pub(super) use self::twofold::Twofold;
use super::convex::{Convex, ConvexLoss};
use crate::parallel;
use crate::problem::{LossShape, Piece};

/// Bounds of a problem's least objective.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The objective of the weights is at most this.
    pub upper: f64,
    /// No weights have a lower objective.
    pub lower: f64,
}

impl Bounds {
    /// Returns the distance of the bounds as a fraction of the upper one.
    pub fn gap(&self) -> f64 {
        relative_gap(self.upper, self.lower)
    }
}

/// Returns the distance of an objective from a lower bound, as a fraction of the objective; 1 where
/// nothing better is known, as no loss is below 0.
pub(crate) fn relative_gap(upper: f64, lower: f64) -> f64 {
    let distance = upper - lower.max(0.0);
    match distance > 0.0 {
        true if distance < upper => distance / upper,
        true => 1.0,
        // Objectives that are infinite or no numbers have no bound.
        false if upper.is_finite() => 0.0,
        false => 1.0,
    }
}

/// Dual variables, one per score of an example, each perhaps with a second number that adds what
/// the first one cannot hold.
#[derive(Clone, Copy)]
pub(crate) struct Duals<'a> {
    pub high: &'a [f64],
    pub low: Option<&'a [f64]>,
}

impl Duals<'_> {
    fn at(&self, k: usize) -> Twofold {
        let low = self.low.map_or(0.0, |low| low[k]);
        Twofold::from(self.high[k]) + Twofold::from(low)
    }
}

/// Sets the numbers of an example; returns false if it does not count.
type ExactNumbers<'a> = dyn Fn(usize, &mut [Twofold]) -> bool + Sync + 'a;

/// Units in the last place that a loss or a conjugate may be wrong by: those of an exponential, a
/// logarithm, and the operations around them.
const UNITS: f64 = 8.0 * f64::EPSILON;
/// Examples per task.
const TOGETHER: usize = 1024;

/// A sum, and the sum of its terms' absolute values.
#[derive(Clone, Copy, Default)]
struct Sum {
    value: Twofold,
    size: f64,
}

impl Sum {
    fn add(&mut self, term: Twofold) {
        self.value += term;
        self.size += term.rounded().abs();
    }

    fn join(self, other: Self) -> Self {
        Sum { value: self.value + other.value, size: self.size + other.size }
    }
}

/// Computes the bounds that `weights` and dual variables prove. Dual variables outside of the
/// domain of a conjugate prove nothing.
pub(crate) fn bounds(convex: Convex<'_>, weights: &[f64], duals: Duals<'_>) -> Bounds {
    let upper = upper(convex, weights);
    Bounds { upper, lower: lower(convex, weights, duals, upper) }
}

/// Bounds what rounding may have done to an objective and a dual objective that were computed in
/// doubles, without twofold numbers, and added up in any order. `duals` holds one number per
/// example; the regularizer has an l2.
///
/// A sum of m terms is wrong by at most m units of the sum of their absolute values, and a sum of
/// products of row and weights has terms of at most the product of both norms together (Higham,
/// Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). So scores are wrong by
/// `len*|x|*|w|` units, which counts once for the loss and once, times the dual variable, for the
/// conjugate; and the gradient's coordinates are wrong by `n` units of their terms, which counts
/// times the weights and, squared, over l2.
pub(crate) fn rounding(convex: Convex<'_>, weights: &[f64], duals: &[f64]) -> f64 {
    let examples = convex.examples;
    let bias = examples.constant().map_or(0.0, f64::from).powi(2);
    let norm = weights.iter().map(|w| w * w).sum::<f64>().sqrt();
    let parts = parallel::collect(examples.len(), TOGETHER, &|_, range| {
        let (mut scores, mut pull, mut size) = (0.0, 0.0, 0.0);
        for i in range {
            let (share, a) = (convex.share(i), duals[i].abs());
            let row = (f64::from(examples.norm2(i)) + bias).sqrt();
            let length = examples.row(i).len() as f64 + 2.0;
            scores += share * (1.0 + a) * length * row * norm;
            pull += share * a * row;
            size += share * (1.0 + a) * (1.0 + convex.target(i).abs());
        }
        [scores, pull, size]
    });
    let [scores, pull, size] = parts
        .into_iter()
        .fold([0.0; 3], |all, part| [all[0] + part[0], all[1] + part[1], all[2] + part[2]]);
    let count = examples.len() as f64 * f64::EPSILON;
    let gradient = count * pull;
    let by_gradient = gradient * norm + gradient * gradient / (2.0 * convex.penalty.l2);
    f64::EPSILON * scores + by_gradient + (count + UNITS) * size
}

/// Returns an upper bound of the objective of zero weights.
pub(crate) fn objective_at_zero(convex: Convex<'_>) -> f64 {
    let losses = sum(convex.examples.len(), &|i| convex.exact_loss(i, &|_| Twofold::default()));
    over(losses.value, convex.examples.len()).rounded() * (1.0 + UNITS)
}

/// Returns an upper bound of the objective of `weights`.
pub(crate) fn upper(convex: Convex<'_>, weights: &[f64]) -> f64 {
    let losses = sum(convex.examples.len(), &|i| {
        convex.exact_loss(i, &|k| convex.exact_score(i, k, weights))
    });
    let mut all = Sum::default();
    all.add(over(losses.value, convex.examples.len()));
    for (j, &w) in weights.iter().enumerate() {
        let penalty = convex.penalty_of(j);
        if w != 0.0 {
            all.add(Twofold::product(w, w) * (penalty.l2 / 2.0));
            all.add(Twofold::product(w.abs(), penalty.l1));
        }
    }
    all.value.rounded() + UNITS * all.size
}

/// Returns a lower bound of every objective, given that of `weights`.
fn lower(convex: Convex<'_>, weights: &[f64], duals: Duals<'_>, upper: f64) -> f64 {
    if !(0..convex.examples.len()).all(|i| convex.is_in_domain(i, duals)) {
        return f64::NEG_INFINITY;
    }
    let conjugates = sum(convex.examples.len(), &|i| convex.exact_conjugate(i, duals));
    let gradient = gradient(convex, duals);
    let intervals = interval::Intervals::new(convex, weights, upper);
    let mut all = Sum::default();
    let count = convex.examples.len();
    all.add(-over(conjugates.value, count));
    let rounding = UNITS * conjugates.size / count as f64;
    for (j, &g) in gradient.iter().enumerate() {
        let g = over(g, count);
        let penalty = convex.penalty_of(j);
        let (least, most) = intervals.of(j);
        // -g*w - l2/2*w^2 - l1*|w| is concave: its maximum without ends, moved into the interval.
        let slope = -g.rounded();
        let excess = (slope.abs() - penalty.l1).max(0.0);
        let free = match excess {
            0.0 => 0.0,
            _ => slope.signum() * excess / penalty.l2,
        };
        let w = free.clamp(least, most);
        all.add(g * w);
        all.add(Twofold::product(w, w) * (penalty.l2 / 2.0));
        all.add(Twofold::product(w.abs(), penalty.l1));
    }
    // The maximizer itself is rounded, which lowers the maximum by that rounding squared.
    all.value.rounded() - UNITS * all.size * f64::EPSILON - rounding - UNITS * upper.abs()
}

/// Divides a sum by the number of examples.
fn over(sum: Twofold, count: usize) -> Twofold {
    let count = count as f64;
    let first = sum.rounded() / count;
    let rest = sum - Twofold::product(first, count);
    Twofold::from(first) + Twofold::from(rest.rounded() / count)
}

fn sum(count: usize, term: &(dyn Fn(usize) -> Twofold + Sync)) -> Sum {
    let parts = parallel::collect(count, TOGETHER, &|_, range| {
        let mut sum = Sum::default();
        range.for_each(|i| sum.add(term(i)));
        sum
    });
    parts.into_iter().fold(Sum::default(), Sum::join)
}

/// Computes minus the sum over all examples of weight times dual variable times feature.
fn gradient(convex: Convex<'_>, duals: Duals<'_>) -> Vec<Twofold> {
    convex.exact_sum(&|i, numbers| {
        let weight = f64::from(convex.examples.weight(i));
        if weight == 0.0 || (0..numbers.len()).all(|k| duals.high[i * numbers.len() + k] == 0.0) {
            return false;
        }
        convex.exact_duals(i, duals, numbers);
        numbers.iter_mut().for_each(|number| *number = -*number * weight);
        true
    })
}

impl Convex<'_> {
    /// Sums the features of all examples, times the numbers that `of` sets for each, one per score;
    /// it returns false for those that do not count. The sums are hardly rounded.
    pub fn exact_sum(&self, of: &ExactNumbers<'_>) -> Vec<Twofold> {
        let (examples, outputs) = (self.examples, self.outputs());
        let runs = (examples.touches() / self.width().max(1)).clamp(1, parallel::threads());
        let length = examples.len().div_ceil(runs);
        let mut parts = parallel::collect(examples.len(), length, &|_, range| {
            let mut sums = vec![Twofold::default(); self.width()];
            let mut numbers = vec![Twofold::default(); outputs];
            for i in range {
                if !of(i, &mut numbers) {
                    continue;
                }
                for (j, x) in self.entries(i) {
                    let sums = &mut sums[j * outputs..][..outputs];
                    sums.iter_mut().zip(&numbers).for_each(|(sum, &number)| *sum += number * x);
                }
            }
            sums
        });
        let mut all = parts.remove(0);
        for part in parts {
            all.iter_mut().zip(&part).for_each(|(sum, &part)| *sum += part);
        }
        all
    }

    /// Returns an example's weight times its loss, wrong by a few units of the loss at most, given
    /// the score of each output.
    fn exact_loss(&self, i: usize, score: &dyn Fn(usize) -> Twofold) -> Twofold {
        let weight = f64::from(self.examples.weight(i));
        if weight == 0.0 {
            return Twofold::default();
        }
        let loss = match (self.loss, self.shape(i)) {
            (ConvexLoss::OfClasses { count, of }, _) => {
                let own = score(of[i] as usize);
                let others: Vec<f64> = (0..count)
                    .filter(|&k| k != of[i] as usize)
                    .map(|k| (score(k) - own).rounded())
                    .collect();
                Twofold::from(log_of_one_plus(&others))
            }
            (_, Some(LossShape::Pieces(first, second))) => {
                let value =
                    |piece: Piece| piece_value(piece, Twofold::from(piece.target) - score(0));
                value(first) + second.map_or(Twofold::default(), value)
            }
            (ConvexLoss::OfScore(curves), _) => {
                Twofold::from(curves.value(self.target(i), score(0).rounded()))
            }
        };
        loss * weight
    }

    /// Returns an example's weight times the conjugate of its loss at minus the dual variables.
    fn exact_conjugate(&self, i: usize, duals: Duals<'_>) -> Twofold {
        let weight = f64::from(self.examples.weight(i));
        if weight == 0.0 {
            return Twofold::default();
        }
        let conjugate = match (self.loss, self.shape(i)) {
            (ConvexLoss::OfClasses { of, .. }, _) => Twofold::from(
                self.probabilities(i, of[i], duals).into_iter().map(entropy).sum::<f64>(),
            ),
            (_, Some(LossShape::Logistic)) => {
                let p = duals.at(i) * self.target(i);
                Twofold::from(entropy(p) + entropy(Twofold::from(1.0) - p))
            }
            (_, Some(LossShape::Pieces(first, second))) => {
                let a = duals.at(i);
                // Of two pieces, only one needs a dual variable: a is 0 or on one side.
                let piece = match second {
                    Some(second) if a.rounded() < 0.0 => second,
                    _ => first,
                };
                a * a * (piece.bend / 2.0) - a * piece.target
            }
            (ConvexLoss::OfScore(curves), _) => {
                Twofold::from(curves.conjugate(self.target(i), duals.at(i).rounded()))
            }
        };
        conjugate * weight
    }

    /// Returns true if the conjugate is finite at an example's dual variables. Those of classes are
    /// moved into the simplex where they are used.
    fn is_in_domain(&self, i: usize, duals: Duals<'_>) -> bool {
        let is_between = |a: Twofold, low: f64, high: f64| {
            (a - Twofold::from(low)).rounded() >= 0.0 && (Twofold::from(high) - a).rounded() >= 0.0
        };
        match (self.loss, self.shape(i)) {
            (ConvexLoss::OfClasses { count, .. }, _) => {
                (0..count).all(|k| duals.high[i * count + k].is_finite())
            }
            (_, Some(LossShape::Pieces(first, second))) => {
                let a = duals.at(i);
                let is_low = second.is_some() && a.rounded() < 0.0;
                let piece = second.filter(|_| is_low).unwrap_or(first);
                let (low, high) = (piece.low.max(f64::MIN), piece.high.min(f64::MAX));
                is_between(a, low, high)
            }
            (_, Some(LossShape::Logistic)) => is_between(duals.at(i) * self.target(i), 0.0, 1.0),
            _ => duals.high[i].is_finite(),
        }
    }

    /// Copies dual variables of an example to `exact`. Those of classes add up to 0.
    fn exact_duals(&self, i: usize, duals: Duals<'_>, exact: &mut [Twofold]) {
        let outputs = exact.len();
        let ConvexLoss::OfClasses { of, .. } = self.loss else {
            exact.iter_mut().enumerate().for_each(|(k, a)| *a = duals.at(i * outputs + k));
            return;
        };
        let all = self.probabilities(i, of[i], duals).into_iter().enumerate();
        for (exact, (k, p)) in exact.iter_mut().zip(all) {
            let own = if k == of[i] as usize { 1.0 } else { 0.0 };
            *exact = Twofold::from(own) - p;
        }
    }

    /// Returns the probabilities that the dual variables of an example of class `own` stand for.
    /// They add up to 1: the largest is what the others leave.
    fn probabilities(&self, i: usize, own: u32, duals: Duals<'_>) -> Vec<Twofold> {
        let outputs = self.outputs();
        let probability = |k: usize| {
            let own = if k == own as usize { 1.0 } else { 0.0 };
            let p = Twofold::from(own) - duals.at(i * outputs + k);
            if p.rounded() > 0.0 { p } else { Twofold::default() }
        };
        let mut all: Vec<Twofold> = (0..outputs).map(probability).collect();
        let largest = (0..outputs)
            .max_by(|&a, &b| all[a].rounded().total_cmp(&all[b].rounded()))
            .unwrap_or(0);
        all[largest] = Twofold::default();
        let others: Twofold = all.iter().copied().sum();
        all[largest] = Twofold::from(1.0) - others;
        all
    }
}

/// Returns the value of a piece at z = target - score.
fn piece_value(piece: Piece, z: Twofold) -> Twofold {
    let Piece { low, high, bend, .. } = piece;
    let a = match bend > 0.0 {
        true => (z.rounded() / bend).clamp(low, high),
        false if z.rounded() > 0.0 => high,
        false => low,
    };
    let is_inside = bend > 0.0 && a > low && a < high;
    match is_inside {
        // a is rounded, and its square would be off by as much.
        true => z * z * (0.5 / bend),
        false => z * a - Twofold::product(a, a) * (bend / 2.0),
    }
}

/// Computes p * ln p, also where p is 1 but for a small rest.
fn entropy(p: Twofold) -> f64 {
    let rest = (Twofold::from(1.0) - p).rounded();
    match p.rounded() {
        some if some <= 0.0 => 0.0,
        some if some < 0.5 => some * some.ln(),
        most => most * (-rest).ln_1p(),
    }
}

/// Computes ln(1 + sum of e^x over all x).
fn log_of_one_plus(all: &[f64]) -> f64 {
    let largest = all.iter().copied().fold(0.0, f64::max);
    match largest {
        0.0 => all.iter().map(|x| x.exp()).sum::<f64>().ln_1p(),
        _ => {
            let rest: f64 = all.iter().map(|x| (x - largest).exp()).sum();
            largest + (rest + (-largest).exp()).ln()
        }
    }
}
