//! The convex problems that certified solvers minimize: a loss of each example's scores, and an
//! elastic net that may leave the biases out.

use super::Penalty;
use super::bounds::Twofold;
use crate::parallel;
use crate::problem::{Curves, Examples, LossShape};
use crate::row::kernel;

/// A sum over examples of a loss of their scores, with the regularizer. Scores, weights and dual
/// variables of several classes are interleaved: those of one example, or of one feature, lie side
/// by side.
#[derive(Clone, Copy)]
pub(crate) struct Convex<'a> {
    pub examples: &'a Examples<'a>,
    pub loss: ConvexLoss<'a>,
    pub penalty: Penalty,
}

/// The loss of an example's scores.
#[derive(Clone, Copy)]
pub(crate) enum ConvexLoss<'a> {
    /// A loss of one score against the example's target.
    OfScore(&'a dyn Curves),
    /// Minus the logarithm of the probability of the example's class (softmax).
    OfClasses {
        /// The number of classes.
        count: usize,
        /// The class of each example.
        of: &'a [u32],
    },
}

/// Fewest examples per task.
const TOGETHER: usize = 1024;

impl Convex<'_> {
    /// Returns the number of scores of an example.
    pub fn outputs(&self) -> usize {
        match self.loss {
            ConvexLoss::OfScore(_) => 1,
            ConvexLoss::OfClasses { count, .. } => count,
        }
    }

    /// Returns the number of weights.
    pub fn width(&self) -> usize {
        self.examples.width() * self.outputs()
    }

    /// Returns the regularizer of the weight `j`.
    pub fn penalty_of(&self, j: usize) -> Penalty {
        let is_penalized = j < self.examples.penalized() * self.outputs();
        if is_penalized { self.penalty } else { Penalty::default() }
    }

    /// Returns the factor of an example's loss in the objective.
    pub fn share(&self, i: usize) -> f64 {
        f64::from(self.examples.weight(i)) / self.examples.len() as f64
    }

    /// Returns the target of an example's score.
    pub fn target(&self, i: usize) -> f64 {
        self.examples.target(i)
    }

    /// Computes the scores of all examples.
    pub fn scores(&self, weights: &[f64]) -> Vec<f64> {
        let (examples, outputs) = (self.examples, self.outputs());
        let bias = weights.len() - examples.common() * outputs;
        let mut scores = vec![0.0; examples.len() * outputs];
        parallel::parts(&mut scores, TOGETHER * outputs, &|first, scores| {
            for (i, scores) in (first / outputs..).zip(scores.chunks_mut(outputs)) {
                if outputs == 1 {
                    scores[0] = examples.score(examples.row(i), weights);
                    continue;
                }
                if let Some(c) = examples.constant() {
                    let biases = scores.iter_mut().zip(&weights[bias..]);
                    biases.for_each(|(score, w)| *score = f64::from(c) * w);
                }
                kernel::scores(weights, examples.row(i), scores);
            }
        });
        scores
    }

    /// Computes the sum over all examples of their numbers in `of`, one per score, times their
    /// features: one number per weight.
    pub fn transposed(&self, of: &[f64]) -> Vec<f64> {
        let (examples, outputs, width) = (self.examples, self.outputs(), self.width());
        // One vector per run of examples, but few enough that they take no more memory than the
        // data.
        let affordable = examples.touches() / width.max(1);
        let runs = affordable.clamp(1, parallel::threads());
        let length = examples.len().div_ceil(runs);
        let mut parts = parallel::collect(examples.len(), length, &|_, range| {
            let mut sums = vec![0.0; width];
            for i in range {
                let numbers = &of[i * outputs..][..outputs];
                if numbers.iter().all(|&a| a == 0.0) {
                    continue;
                }
                for (j, x) in self.entries(i) {
                    let sums = &mut sums[j * outputs..][..outputs];
                    sums.iter_mut().zip(numbers).for_each(|(sum, a)| *sum += a * x);
                }
            }
            sums
        });
        let mut all = parts.remove(0);
        for part in parts {
            all.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        all
    }

    /// Iterates over the features of an example and their values, the bias's last.
    pub fn entries(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let bias = self.examples.constant().map(|c| (self.examples.features(), f64::from(c)));
        let row = self.examples.row(i).iter().map(|(j, x)| (j, f64::from(x)));
        row.chain(bias)
    }

    /// Returns the example's score of one class, hardly rounded.
    pub fn exact_score(&self, i: usize, output: usize, weights: &[f64]) -> Twofold {
        let outputs = self.outputs();
        self.entries(i).map(|(j, x)| Twofold::product(weights[j * outputs + output], x)).sum()
    }

    /// Returns the shape of an example's loss; `None` for softmax.
    pub fn shape(&self, i: usize) -> Option<LossShape> {
        match self.loss {
            ConvexLoss::OfScore(curves) => Some(curves.shape(self.target(i))),
            ConvexLoss::OfClasses { .. } => None,
        }
    }
}
