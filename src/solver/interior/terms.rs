//! All that the interior-point method keeps dual variables for: the losses of the examples, and
//! under l1 the absolute value of each weight.

use super::curvature::{Curvature, Precision};
use super::entropies::Entropies;
use super::pieces::{Pieces, PiecesStep, Products};
use crate::problem::{LossShape, Piece};
use crate::solver::Penalty;
use crate::solver::bounds::Twofold;
use crate::solver::convex::{Convex, ConvexLoss};

/// Dual variables of losses and absolute values.
pub(super) struct Terms {
    losses: Losses,
    /// The absolute value of each scaled weight, as a piece at minus the weight; none without l1.
    absolutes: Option<Pieces>,
    /// Sums over the pieces of each score: curvatures, and the dual variables that a step at
    /// unchanged scores would lead to, both weighted.
    curvatures: Vec<f64>,
    duals: Vec<f64>,
    /// Curvatures and dual variables of the absolute values.
    weight_curvatures: Vec<f64>,
    weight_duals: Vec<f64>,
    /// The part of the gradient that the next step is to remove.
    part: f64,
    /// Factor of each weight.
    scale: Vec<f64>,
}

enum Losses {
    Pieces(Pieces),
    Entropies(Entropies),
}

/// A change of all dual variables.
pub(super) struct Step {
    /// That of pieces; other losses follow the scores.
    losses: Option<PiecesStep>,
    absolutes: Option<PiecesStep>,
}

/// What tells a good step from a long one where losses are not piecewise quadratic.
#[derive(Clone, Copy)]
pub(super) struct Merit {
    /// The sum of the losses.
    pub losses: f64,
    /// That, the squares, and the absolute values of the weights, smoothed.
    pub objective: f64,
}

/// What a step aims at.
#[derive(Clone, Copy)]
pub(super) struct Aim<'a> {
    /// The products of distances and multipliers.
    pub product: f64,
    /// The part of the gradient that the step is to remove.
    pub part: f64,
    /// A step whose products of changes are taken into account, times a factor (Mehrotra, SIAM J.
    /// Optimization 1992; the factor after Colombo & Gondzio, Computational Optimization and
    /// Applications 2008).
    pub predicted: Option<(&'a Step, f64)>,
}

/// The absolute value of a weight w is this piece at -w.
const ABSOLUTE: Piece = Piece { low: -1.0, high: 1.0, bend: 0.0, target: 0.0 };

impl Terms {
    /// Creates the dual variables at zero weights, whose `scores` and `objective` are given; `None`
    /// if the loss is not known. `scale` holds the factor of each weight.
    pub fn new(convex: Convex<'_>, scale: &[f64], scores: &[f64], objective: f64) -> Option<Self> {
        let (count, outputs) = (convex.examples.len(), convex.outputs());
        let shares: Vec<f64> = (0..count).map(|i| convex.share(i)).collect();
        let mu = (objective / count as f64).max(f64::MIN_POSITIVE);
        let losses = match convex.loss {
            ConvexLoss::OfClasses { of, .. } => {
                Losses::Entropies(Entropies::new(outputs, of.to_vec(), shares, scores))
            }
            ConvexLoss::OfScore(_) => match convex.shape(0)? {
                LossShape::Logistic => {
                    let classes = (0..count).map(|i| u32::from(convex.target(i) < 0.0)).collect();
                    Losses::Entropies(Entropies::new(1, classes, shares, scores))
                }
                LossShape::Pieces(_, second) => {
                    let pieces = (0..count).flat_map(|i| match convex.shape(i) {
                        Some(LossShape::Pieces(first, second)) => [Some(first), second],
                        _ => [None, None],
                    });
                    let per_score = 1 + usize::from(second.is_some());
                    let pieces = pieces.flatten().collect();
                    Losses::Pieces(Pieces::new(per_score, pieces, &shares, scores, mu))
                }
                LossShape::Other => return None,
            },
        };
        let absolutes = (convex.penalty.l1 > 0.0).then(|| {
            let shares: Vec<f64> =
                scale.iter().enumerate().map(|(j, s)| convex.penalty_of(j).l1 / s).collect();
            Pieces::new(1, vec![ABSOLUTE; scale.len()], &shares, &vec![0.0; scale.len()], mu)
        });
        Some(Terms {
            losses,
            absolutes,
            curvatures: vec![0.0; scores.len()],
            duals: vec![0.0; scores.len()],
            weight_curvatures: vec![0.0; scale.len()],
            weight_duals: vec![0.0; scale.len()],
            part: 1.0,
            scale: scale.to_vec(),
        })
    }

    /// Linearizes all conditions at these scores and weights.
    pub fn linearize(&mut self, scores: &[f64], weights: &[f64], scale: &[f64], aim: Aim<'_>) {
        let Aim { product: mu, part, predicted } = aim;
        self.part = part;
        match &mut self.losses {
            Losses::Pieces(pieces) => {
                let predicted = predicted
                    .and_then(|(step, part)| step.losses.as_ref().map(|step| (step, part)));
                pieces.linearize(scores, mu, predicted);
            }
            Losses::Entropies(_) => {}
        }
        if let Some(absolutes) = &mut self.absolutes {
            let minus: Vec<f64> = weights.iter().zip(scale).map(|(w, s)| -w * s).collect();
            let predicted =
                predicted.and_then(|(step, part)| step.absolutes.as_ref().map(|step| (step, part)));
            absolutes.linearize(&minus, mu, predicted);
        }
        self.add_up();
    }

    /// Aims at other products where a step of length `t` would leave some far from `mu`.
    pub fn center(&mut self, step: &Step, t: f64, mu: f64) {
        if let (Losses::Pieces(pieces), Some(step)) = (&mut self.losses, &step.losses) {
            pieces.center(step, t, mu);
        }
        if let (Some(absolutes), Some(step)) = (&mut self.absolutes, &step.absolutes) {
            absolutes.center(step, t, mu);
        }
        self.add_up();
    }

    /// Computes the sums over the pieces of each score.
    fn add_up(&mut self) {
        for sums in [
            &mut self.curvatures,
            &mut self.duals,
            &mut self.weight_curvatures,
            &mut self.weight_duals,
        ] {
            sums.fill(0.0);
        }
        match &self.losses {
            Losses::Pieces(pieces) => {
                pieces.add_to(self.part, &mut self.curvatures, &mut self.duals)
            }
            Losses::Entropies(entropies) => {
                entropies.add_to(self.part, &mut self.curvatures, &mut self.duals);
            }
        }
        if let Some(absolutes) = &self.absolutes {
            absolutes.add_to(self.part, &mut self.weight_curvatures, &mut self.weight_duals);
        }
    }

    /// Returns the curvature of the losses by the scores.
    pub fn curvature(&self) -> Curvature<'_> {
        match &self.losses {
            Losses::Entropies(entropies) if entropies.outputs() > 1 => Curvature::OfClasses {
                shares: entropies.shares(),
                probabilities: entropies.probabilities(),
            },
            _ => Curvature::OfScore(&self.curvatures),
        }
    }

    /// Returns the curvature of the regularizer by the scaled weights.
    pub fn diagonal(&self, convex: Convex<'_>, scale: &[f64]) -> Vec<f64> {
        let of =
            |(j, s): (usize, &f64)| convex.penalty_of(j).l2 / s / s + self.weight_curvatures[j];
        scale.iter().enumerate().map(of).collect()
    }

    /// Returns the right-hand side of the system: minus the gradient by the scaled weights, with
    /// the dual variables that a step at unchanged scores would lead to.
    pub fn right(&self, convex: Convex<'_>, weights: &[f64], precision: Precision) -> Vec<Twofold> {
        let sums = match precision {
            Precision::Double => {
                convex.transposed(&self.duals).into_iter().map(Twofold::from).collect()
            }
            Precision::Twofold => convex.exact_sum(&|i, numbers| {
                let duals = &self.duals[i * numbers.len()..];
                numbers.iter_mut().zip(duals).for_each(|(to, &a)| *to = Twofold::from(a));
                true
            }),
        };
        let coordinate = |(j, sum): (usize, &Twofold)| {
            let pull = Twofold::product(weights[j], convex.penalty_of(j).l2) * self.part;
            (*sum - pull) * (1.0 / self.scale[j]) - Twofold::from(self.weight_duals[j])
        };
        sums.iter().enumerate().map(coordinate).collect()
    }

    /// Returns the step that belongs to changes of scores and scaled weights.
    pub fn step(&self, score_moves: &[f64], moves: &[f64]) -> Step {
        let losses = match &self.losses {
            Losses::Pieces(pieces) => Some(pieces.step(score_moves)),
            Losses::Entropies(_) => None,
        };
        let absolutes = self.absolutes.as_ref().map(|absolutes| {
            let minus: Vec<f64> = moves.iter().map(|change| -change).collect();
            absolutes.step(&minus)
        });
        Step { losses, absolutes }
    }

    /// Returns the length of the longest step that leaves all variables inside; may be infinite.
    pub fn longest(&self, step: &Step) -> f64 {
        let by_losses = match (&self.losses, &step.losses) {
            (Losses::Pieces(pieces), Some(step)) => pieces.longest(step),
            _ => f64::INFINITY,
        };
        match (&self.absolutes, &step.absolutes) {
            (Some(absolutes), Some(step)) => by_losses.min(absolutes.longest(step)),
            _ => by_losses,
        }
    }

    /// Takes a step of length `t`, which leads to `scores`.
    pub fn advance(&mut self, step: &Step, t: f64, scores: &[f64]) {
        match (&mut self.losses, &step.losses) {
            (Losses::Pieces(pieces), Some(step)) => pieces.advance(step, t),
            (Losses::Pieces(_), None) => {}
            (Losses::Entropies(entropies), _) => entropies.follow(scores),
        }
        if let (Some(absolutes), Some(step)) = (&mut self.absolutes, &step.absolutes) {
            absolutes.advance(step, t);
        }
    }

    /// Returns what limits the length of a step besides the ends of intervals; `None` if nothing
    /// does.
    pub fn merit(
        &self,
        convex: Convex<'_>,
        weights: &[f64],
        scores: &[f64],
        mu: f64,
    ) -> Option<Merit> {
        let Losses::Entropies(entropies) = &self.losses else { return None };
        let squares = |(j, w): (usize, &f64)| convex.penalty_of(j).l2 / 2.0 * w * w;
        let absolutes = |(j, w): (usize, &f64)| match convex.penalty_of(j).l1 {
            0.0 => 0.0,
            l1 => {
                let share = l1 / self.scale[j];
                share * smoothed_absolute(w * self.scale[j], mu / share)
            }
        };
        let regularizer: f64 = weights.iter().enumerate().map(|w| squares(w) + absolutes(w)).sum();
        let losses = entropies.losses(scores);
        Some(Merit { losses, objective: losses + regularizer })
    }

    /// Returns slope and curvature of the losses along changes of the scores; zeros where nothing
    /// limits a step but the ends of intervals.
    pub fn along(&self, moves: &[f64]) -> (f64, f64) {
        match &self.losses {
            Losses::Entropies(entropies) => entropies.along(moves),
            Losses::Pieces(_) => (0.0, 0.0),
        }
    }

    /// Returns the mean product of distances and multipliers, if there are any.
    pub fn mean_product(&self) -> Option<f64> {
        let mut all = Products::default();
        if let Losses::Pieces(pieces) = &self.losses {
            all.join(pieces.products());
        }
        self.absolutes.iter().for_each(|absolutes| all.join(absolutes.products()));
        all.mean()
    }

    /// Returns the mean product after a step of length `t`.
    pub fn mean_product_after(&self, step: &Step, t: f64) -> Option<f64> {
        let mut all = Products::default();
        if let (Losses::Pieces(pieces), Some(step)) = (&self.losses, &step.losses) {
            all.join(pieces.products_after(step, t));
        }
        if let (Some(absolutes), Some(step)) = (&self.absolutes, &step.absolutes) {
            all.join(absolutes.products_after(step, t));
        }
        all.mean()
    }

    /// Returns the products of distances, multipliers and shares together: what they add to the
    /// gap.
    pub fn products(&self) -> f64 {
        let mut all = Products::default();
        if let Losses::Pieces(pieces) = &self.losses {
            all.join(pieces.products());
        }
        self.absolutes.iter().for_each(|absolutes| all.join(absolutes.products()));
        all.sum
    }

    /// Returns what the dual variables lack: the gradient by the scaled weights, given what is to
    /// be added to each dual variable.
    pub fn lack(&self, convex: Convex<'_>, weights: &[f64], low: &[f64]) -> Vec<Twofold> {
        let duals = self.duals();
        let sums = convex.exact_sum(&|i, numbers| {
            let outputs = numbers.len();
            for (k, number) in numbers.iter_mut().enumerate() {
                let place = i * outputs + k;
                let dual = Twofold::from(duals[place]) + Twofold::from(low[place]);
                *number = dual * convex.share(i);
            }
            true
        });
        let mut absolutes = vec![0.0; weights.len()];
        self.absolutes.iter().for_each(|all| all.add_duals(&mut absolutes));
        let coordinate = |(j, sum): (usize, &Twofold)| {
            let Penalty { l1, l2 } = convex.penalty_of(j);
            let pull = Twofold::product(weights[j], l2) + Twofold::product(absolutes[j], l1);
            (*sum - pull) * (1.0 / self.scale[j])
        };
        sums.iter().enumerate().map(coordinate).collect()
    }

    /// Adds to `low` how the dual variables respond to changes of the scores.
    pub fn respond(&self, convex: Convex<'_>, moves: &[f64], low: &mut [f64]) {
        let outputs = convex.outputs();
        match self.curvature() {
            Curvature::OfScore(curvatures) => {
                for (i, (low, moved)) in low.iter_mut().zip(moves).enumerate() {
                    let share = convex.share(i);
                    *low -= if share > 0.0 { curvatures[i] / share * moved } else { 0.0 };
                }
            }
            Curvature::OfClasses { probabilities, .. } => {
                let all = low.chunks_mut(outputs).zip(moves.chunks(outputs));
                for ((low, moves), p) in all.zip(probabilities.chunks(outputs)) {
                    let mean: f64 = moves.iter().zip(p).map(|(m, p)| m * p).sum();
                    let each = low.iter_mut().zip(moves.iter().zip(p));
                    each.for_each(|(low, (m, p))| *low -= p * (m - mean));
                }
            }
        }
    }

    /// Returns the dual variables of the losses, one per score.
    pub fn duals(&self) -> Vec<f64> {
        let mut duals = vec![0.0; self.duals.len()];
        match &self.losses {
            Losses::Pieces(pieces) => pieces.add_duals(&mut duals),
            Losses::Entropies(entropies) => entropies.add_duals(&mut duals),
        }
        duals
    }
}

/// Computes the maximum over all b between -1 and 1 of b*v + mu*ln(1 - b) + mu*ln(1 + b).
fn smoothed_absolute(v: f64, mu: f64) -> f64 {
    let v = v.abs();
    if mu == 0.0 {
        return v;
    }
    // There the derivative by b is 0: v * (1 - b^2) = 2 * mu * b.
    let root = mu.hypot(v);
    let b = v / (mu + root);
    let room = mu * (root + v + mu) / ((root + v) * (mu + root));
    b * v + mu * (room.ln() + (1.0 + b).ln())
}
