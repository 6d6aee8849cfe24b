//! Intervals that hold the weights of the optimum.
//!
//! The optimum's objective is at most the upper bound U. So a weight with l2 is at most sqrt(2U/l2)
//! in absolute value, one with l1 at most U/l1. A bias that the regularizer leaves out is bounded
//! by the losses: by Jensen's inequality, the loss of the mean score of some examples is at most
//! the mean of their losses, which is at most U over their share. Losses of this crate grow at
//! least as fast as the distance of the score from where they are 0, less 1, so the mean score of a
//! class, or of all examples in regression, is known up to that mean loss; and so is the bias, as
//! the other weights are bounded.
//!
//! Weights with neither l1 nor l2, and the free biases of several classes, have no such bound. For
//! them the proof holds among weights whose scores are up to [`FARTHEST`] times as large as the
//! largest of the given ones.

use crate::problem::LossShape;
use crate::solver::convex::Convex;

/// Bounds of all weights.
pub(super) struct Intervals<'a> {
    convex: Convex<'a>,
    weights: &'a [f64],
    /// Largest absolute value of a weight with a regularizer.
    most: f64,
    /// Distance of weights without one from the given weights, by the weight's number less that of
    /// the first.
    radii: Vec<f64>,
    first: usize,
}

/// Scores of the optimum, as a multiple of those of the given weights, where nothing is known.
const FARTHEST: f64 = 1e3;

impl<'a> Intervals<'a> {
    pub fn new(convex: Convex<'a>, weights: &'a [f64], upper: f64) -> Self {
        let penalty = convex.penalty;
        // Rounded up.
        let upper = upper * (1.0 + 1e-9);
        let by_l2 =
            if penalty.l2 > 0.0 { (2.0 * upper / penalty.l2).sqrt() } else { f64::INFINITY };
        let by_l1 = if penalty.l1 > 0.0 { upper / penalty.l1 } else { f64::INFINITY };
        let most = by_l2.min(by_l1);
        let first = match most.is_finite() {
            true => convex.examples.penalized() * convex.outputs(),
            false => 0,
        };
        let mut intervals = Intervals { convex, weights, most, radii: Vec::new(), first };
        if first < weights.len() {
            let has_bias_alone = first > 0 && convex.outputs() == 1;
            intervals.radii =
                match has_bias_alone.then(|| intervals.bias_radius(upper, by_l2, by_l1)) {
                    Some(radius) if radius.is_finite() => vec![radius],
                    _ => intervals.assumed_radii(),
                };
        }
        intervals
    }

    /// Returns the interval of the weight `j`.
    pub fn of(&self, j: usize) -> (f64, f64) {
        if j < self.first {
            return (-self.most, self.most);
        }
        let (w, radius) = (self.weights[j], self.radii[j - self.first]);
        (w - radius, w + radius)
    }

    /// Returns the distance of the optimum's bias from the given one: at most the distance of both
    /// from the mean target.
    fn bias_radius(&self, upper: f64, by_l2: f64, by_l1: f64) -> f64 {
        let Convex { examples, .. } = self.convex;
        let Some(constant) = examples.constant().map(f64::from).filter(|&c| c != 0.0) else {
            return f64::INFINITY;
        };
        let is_class = |i: usize| {
            !matches!(self.convex.shape(i), Some(LossShape::Pieces(piece, second))
                if second.is_some() || piece.low < 0.0 && piece.high > 0.0)
        };
        let bias = self.weights[self.first];
        let mut radius: f64 = 0.0;
        // In regression, one group bounds both sides; in classification, each class bounds one.
        let groups: &[Option<f64>] = if is_class(0) { &[Some(1.0), Some(-1.0)] } else { &[None] };
        for group in groups {
            let mut means = vec![0.0; examples.features()];
            let (mut share, mut target) = (0.0, 0.0);
            for i in 0..examples.len() {
                let y = self.convex.target(i);
                if group.is_some_and(|sign| sign != y) {
                    continue;
                }
                let own = self.convex.share(i);
                share += own;
                target += own * y;
                examples.row(i).iter().for_each(|(j, x)| means[j] += own * f64::from(x));
            }
            if share == 0.0 {
                return f64::INFINITY;
            }
            means.iter_mut().for_each(|mean| *mean /= share);
            let largest = means.iter().fold(0.0_f64, |largest, mean| largest.max(mean.abs()));
            let norm = means.iter().map(|mean| mean * mean).sum::<f64>().sqrt();
            let moved = match (by_l2.is_finite(), by_l1.is_finite()) {
                (true, false) => norm * by_l2,
                (false, true) => largest * by_l1,
                _ => (norm * by_l2).min(largest * by_l1),
            };
            let epsilon = match self.convex.shape(0) {
                Some(LossShape::Pieces(above, Some(below))) => (below.target - above.target) / 2.0,
                _ => 0.0,
            };
            let apart = upper / share + 1.0 + epsilon + moved;
            let center = match group {
                Some(_) => 0.0,
                None => target / share,
            };
            radius = radius.max((apart + (center - constant * bias).abs()) / constant.abs());
        }
        radius * (1.0 + 1e-6)
    }

    fn assumed_radii(&self) -> Vec<f64> {
        let (convex, outputs) = (&self.convex, self.convex.outputs());
        let scores = convex.scores(self.weights);
        let largest = scores.iter().fold(1.0_f64, |largest, s| largest.max(s.abs()));
        let mut squares = vec![0.0; convex.examples.width()];
        for i in 0..convex.examples.len() {
            let share = convex.share(i);
            convex.entries(i).for_each(|(j, x)| squares[j] += share * x * x);
        }
        let radius = |j: usize| match squares[j / outputs].sqrt() {
            0.0 => 0.0,
            size => FARTHEST * largest / size,
        };
        (self.first..self.weights.len()).map(radius).collect()
    }
}
