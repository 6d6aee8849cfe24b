//! All that the interior-point method keeps dual variables for: the losses of the examples, and
//! under l1 the absolute value of each weight.

use super::entropies::{Entropies, EntropiesStep};
use super::pieces::{Pieces, PiecesStep, Products};
use super::system::Curvature;
use crate::problem::{LossShape, Piece};
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
    /// The same for the absolute values.
    weight_curvatures: Vec<f64>,
    weight_duals: Vec<f64>,
    /// The part of the gradient that the next step is to remove.
    part: f64,
}

enum Losses {
    Pieces(Pieces),
    Entropies(Entropies),
}

/// A change of all dual variables.
pub(super) struct Step {
    losses: LossesStep,
    absolutes: Option<PiecesStep>,
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

enum LossesStep {
    Pieces(PiecesStep),
    Entropies(EntropiesStep),
}

/// The absolute value of a weight w is this piece at -w.
const ABSOLUTE: Piece = Piece { low: -1.0, high: 1.0, bend: 0.0, target: 0.0 };

impl Terms {
    /// Creates the dual variables at zero weights; `None` if the loss is not known. `scale` holds
    /// the factor of each weight, and `mu` is about what the products of distances and multipliers
    /// begin with.
    pub fn new(convex: Convex<'_>, scale: &[f64], scores: &[f64], mu: f64) -> Option<Self> {
        let (count, outputs) = (convex.examples.len(), convex.outputs());
        let shares: Vec<f64> = (0..count).map(|i| convex.share(i)).collect();
        let mu = mu.max(f64::MIN_POSITIVE);
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
        })
    }

    /// Linearizes all conditions at these scores and weights.
    pub fn linearize(&mut self, scores: &[f64], weights: &[f64], scale: &[f64], aim: Aim<'_>) {
        let Aim { product: mu, part, predicted } = aim;
        self.part = part;
        match &mut self.losses {
            Losses::Pieces(pieces) => {
                let predicted = predicted.and_then(|(step, part)| match &step.losses {
                    LossesStep::Pieces(step) => Some((step, part)),
                    LossesStep::Entropies(_) => None,
                });
                pieces.linearize(scores, mu, predicted);
            }
            Losses::Entropies(entropies) => entropies.linearize(scores),
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
        if let (Losses::Pieces(pieces), LossesStep::Pieces(step)) = (&mut self.losses, &step.losses)
        {
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

    /// Returns the right-hand side of the system: minus the gradient by the scaled weights, with the
    /// dual variables that a step at unchanged scores would lead to.
    pub fn right(&self, convex: Convex<'_>, weights: &[f64], scale: &[f64]) -> Vec<f64> {
        let mut right = convex.transposed(&self.duals);
        for (j, (right, (w, s))) in right.iter_mut().zip(weights.iter().zip(scale)).enumerate() {
            *right = (*right - self.part * convex.penalty_of(j).l2 * w) / s - self.weight_duals[j];
        }
        right
    }

    /// Returns the step that belongs to changes of scores and scaled weights.
    pub fn step(&self, score_moves: &[f64], moves: &[f64]) -> Step {
        let losses = match &self.losses {
            Losses::Pieces(pieces) => LossesStep::Pieces(pieces.step(score_moves)),
            Losses::Entropies(entropies) => LossesStep::Entropies(entropies.step(score_moves)),
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
            (Losses::Pieces(pieces), LossesStep::Pieces(step)) => pieces.longest(step),
            (Losses::Entropies(entropies), LossesStep::Entropies(step)) => entropies.longest(step),
            _ => f64::INFINITY,
        };
        match (&self.absolutes, &step.absolutes) {
            (Some(absolutes), Some(step)) => by_losses.min(absolutes.longest(step)),
            _ => by_losses,
        }
    }

    /// Takes a step of length `t`.
    pub fn advance(&mut self, step: &Step, t: f64) {
        match (&mut self.losses, &step.losses) {
            (Losses::Pieces(pieces), LossesStep::Pieces(step)) => pieces.advance(step, t),
            (Losses::Entropies(entropies), LossesStep::Entropies(step)) => {
                entropies.advance(step, t);
            }
            _ => {}
        }
        if let (Some(absolutes), Some(step)) = (&mut self.absolutes, &step.absolutes) {
            absolutes.advance(step, t);
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
        if let (Losses::Pieces(pieces), LossesStep::Pieces(step)) = (&self.losses, &step.losses) {
            all.join(pieces.products_after(step, t));
        }
        if let (Some(absolutes), Some(step)) = (&self.absolutes, &step.absolutes) {
            all.join(absolutes.products_after(step, t));
        }
        all.mean()
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
