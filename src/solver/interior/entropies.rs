//! The logistic loss and softmax under the interior-point method. The dual variables of an example
//! follow from its scores: they are the probabilities of its classes, so they are inside the
//! simplex whatever the step. What limits a step is the objective.

/// The classes of each example, with their probabilities. With one score s of an example, s counts
/// for one class, and 0 for the other.
pub(super) struct Entropies {
    /// Scores of an example: 1, or one a class.
    outputs: usize,
    /// Class of each example; with one score, 0 for the class that it counts for, else 1.
    classes: Vec<u32>,
    /// Factor of each example in the objective.
    shares: Vec<f64>,
    /// Probabilities of each example's classes: two for one score.
    probabilities: Vec<f64>,
}

impl Entropies {
    /// Creates the probabilities that belong to `scores`.
    pub fn new(outputs: usize, classes: Vec<u32>, shares: Vec<f64>, scores: &[f64]) -> Self {
        let probabilities = vec![0.0; classes.len() * outputs.max(2)];
        let mut entropies = Entropies { outputs, classes, shares, probabilities };
        entropies.follow(scores);
        entropies
    }

    /// Sets the probabilities to those that belong to `scores`.
    pub fn follow(&mut self, scores: &[f64]) {
        let outputs = self.outputs;
        let all = self.probabilities.chunks_mut(outputs.max(2)).zip(scores.chunks(outputs));
        for (p, scores) in all {
            let score = |k: usize| scores.get(k).copied().unwrap_or(0.0);
            let largest = (0..p.len()).map(score).fold(f64::NEG_INFINITY, f64::max);
            p.iter_mut().enumerate().for_each(|(k, p)| *p = (score(k) - largest).exp());
            let sum: f64 = p.iter().sum();
            p.iter_mut().for_each(|p| *p /= sum);
        }
    }

    /// Returns the number of scores of an example.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Returns the factor of each example in the objective.
    pub fn shares(&self) -> &[f64] {
        &self.shares
    }

    /// Returns the probabilities of all examples' classes.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Adds the curvatures of single scores to `curvatures`, and the dual variables times `part` to
    /// `duals`, both weighted by the shares.
    pub fn add_to(&self, part: f64, curvatures: &mut [f64], duals: &mut [f64]) {
        let outputs = self.outputs;
        for (i, p) in self.probabilities.chunks(outputs.max(2)).enumerate() {
            let share = self.shares[i];
            for k in 0..outputs {
                duals[i * outputs + k] += share * part * self.dual(i, p, k);
                curvatures[i * outputs + k] += share * p[k] * others(p, k);
            }
        }
    }

    /// Adds the dual variables to `duals`, without the shares.
    pub fn add_duals(&self, duals: &mut [f64]) {
        let outputs = self.outputs;
        for (i, p) in self.probabilities.chunks(outputs.max(2)).enumerate() {
            (0..outputs).for_each(|k| duals[i * outputs + k] += self.dual(i, p, k));
        }
    }

    /// Returns the sum of the losses at `scores`, weighted by the shares.
    pub fn losses(&self, scores: &[f64]) -> f64 {
        let outputs = self.outputs;
        let loss = |(i, scores): (usize, &[f64])| {
            let score = |k: usize| scores.get(k).copied().unwrap_or(0.0);
            let own = score(self.classes[i] as usize);
            let count = outputs.max(2);
            let largest = (0..count).map(score).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = (0..count).map(|k| (score(k) - largest).exp()).sum();
            self.shares[i] * (largest - own + sum.ln())
        };
        scores.chunks(outputs).enumerate().map(loss).sum()
    }

    /// Returns slope and curvature of the sum of the losses along changes of the scores.
    pub fn along(&self, moves: &[f64]) -> (f64, f64) {
        let outputs = self.outputs;
        let (mut slope, mut curvature) = (0.0, 0.0);
        for (i, p) in self.probabilities.chunks(outputs.max(2)).enumerate() {
            let moves = &moves[i * outputs..][..outputs];
            let mean: f64 = moves.iter().zip(p).map(|(m, p)| m * p).sum();
            let square: f64 = moves.iter().zip(p).map(|(m, p)| p * (m - mean).powi(2)).sum();
            // With one score, the other class's does not move.
            let rest = if outputs == 1 { p[1] * mean * mean } else { 0.0 };
            let pull: f64 = moves.iter().enumerate().map(|(k, m)| m * self.dual(i, p, k)).sum();
            slope -= self.shares[i] * pull;
            curvature += self.shares[i] * (square + rest);
        }
        (slope, curvature)
    }

    /// Returns the dual variable of a score: 1 - p for the example's class, and -p for others.
    fn dual(&self, i: usize, p: &[f64], k: usize) -> f64 {
        if self.classes[i] as usize == k { others(p, k) } else { -p[k] }
    }
}

/// Returns 1 - p_k, as the sum of the others.
fn others(p: &[f64], k: usize) -> f64 {
    p.iter().enumerate().filter(|&(other, _)| other != k).map(|(_, p)| p).sum()
}
