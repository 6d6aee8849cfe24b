//! Probabilities under the interior-point method: the logistic loss and softmax. The dual variables
//! of an example are the probabilities p of its classes, inside the simplex. At the optimum ln p_k -
//! s_k is the same for all classes k; the method linearizes that condition in p and in the scores.

/// The classes of each example, with their probabilities. Two classes may share one score s, which
/// counts for one class, and is 0 for the other: then only p of that class is kept, and 1 - p.
pub(super) struct Entropies {
    /// Scores of an example: 1, or one a class.
    outputs: usize,
    /// Class of each example; with one score, 0 for the class that it counts for, else 1.
    classes: Vec<u32>,
    shares: Vec<f64>,
    /// Probabilities of each example's classes: two for one score.
    probabilities: Vec<f64>,
    /// ln p - s of each class, less its mean under p.
    pulls: Vec<f64>,
}

/// A change of all probabilities.
pub(super) struct EntropiesStep {
    changes: Vec<f64>,
}

/// Least probability that is kept: smaller ones count nowhere.
const LEAST: f64 = 1e-300;

impl Entropies {
    /// Creates the probabilities that belong to `scores`.
    pub fn new(outputs: usize, classes: Vec<u32>, shares: Vec<f64>, scores: &[f64]) -> Self {
        let kept = outputs.max(2);
        let mut probabilities = vec![0.0; classes.len() * kept];
        for (p, scores) in probabilities.chunks_mut(kept).zip(scores.chunks(outputs)) {
            let score = |k: usize| scores.get(k).copied().unwrap_or(0.0);
            let largest = (0..kept).map(score).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = (0..kept).map(|k| (score(k) - largest).exp()).sum();
            p.iter_mut().enumerate().for_each(|(k, p)| {
                *p = ((score(k) - largest).exp() / sum).max(LEAST);
            });
        }
        let pulls = vec![0.0; probabilities.len()];
        Entropies { outputs, classes, shares, probabilities, pulls }
    }

    fn kept(&self) -> usize {
        self.outputs.max(2)
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

    /// Returns the probabilities of an example.
    fn of(&self, i: usize) -> &[f64] {
        &self.probabilities[i * self.kept()..][..self.kept()]
    }

    /// Linearizes the conditions at `scores`.
    pub fn linearize(&mut self, scores: &[f64]) {
        let (kept, outputs) = (self.kept(), self.outputs);
        let all = self.pulls.chunks_mut(kept).zip(self.probabilities.chunks(kept));
        for ((pulls, p), scores) in all.zip(scores.chunks(outputs)) {
            let mut mean = 0.0;
            for (k, (pull, p)) in pulls.iter_mut().zip(p).enumerate() {
                *pull = scores.get(k).copied().unwrap_or(0.0) - p.ln();
                mean += p * *pull;
            }
            pulls.iter_mut().for_each(|pull| *pull -= mean);
        }
    }

    /// Adds the curvatures of single scores to `curvatures`, and to `duals` the dual variables times
    /// `part` plus what a step at unchanged scores would add to them, both weighted by the shares.
    pub fn add_to(&self, part: f64, curvatures: &mut [f64], duals: &mut [f64]) {
        let (kept, outputs) = (self.kept(), self.outputs);
        for (i, (p, pulls)) in
            self.probabilities.chunks(kept).zip(self.pulls.chunks(kept)).enumerate()
        {
            let share = self.shares[i];
            for k in 0..outputs {
                let is_class = f64::from(u8::from(self.classes[i] as usize == k));
                // The dual variable is 1 - p for the example's class, and -p for others.
                let rest = if is_class == 1.0 { others(p, k) } else { -p[k] };
                duals[i * outputs + k] += share * (part * rest - p[k] * pulls[k]);
                curvatures[i * outputs + k] += share * p[k] * others(p, k);
            }
        }
    }

    /// Returns the step that belongs to changes of the scores.
    pub fn step(&self, moves: &[f64]) -> EntropiesStep {
        let (kept, outputs) = (self.kept(), self.outputs);
        let mut changes = vec![0.0; self.probabilities.len()];
        for (i, changes) in changes.chunks_mut(kept).enumerate() {
            let (p, pulls) = (self.of(i), &self.pulls[i * kept..][..kept]);
            let moves = &moves[i * outputs..][..outputs];
            let moved = |k: usize| pulls[k] + moves.get(k).copied().unwrap_or(0.0);
            let mean: f64 = (0..kept).map(|k| p[k] * moved(k)).sum();
            changes.iter_mut().enumerate().for_each(|(k, change)| {
                *change = p[k] * (moved(k) - mean);
            });
        }
        EntropiesStep { changes }
    }

    /// Returns the length of the longest step along which all probabilities stay at 0 or above; may
    /// be infinite.
    pub fn longest(&self, step: &EntropiesStep) -> f64 {
        let falling = self.probabilities.iter().zip(&step.changes).filter(|(_, c)| **c < 0.0);
        falling.map(|(p, change)| p / -change).fold(f64::INFINITY, f64::min)
    }

    /// Takes a step of length `t`.
    pub fn advance(&mut self, step: &EntropiesStep, t: f64) {
        let kept = self.kept();
        let all = self.probabilities.chunks_mut(kept).zip(step.changes.chunks(kept));
        for (probabilities, changes) in all {
            let both = probabilities.iter_mut().zip(changes);
            both.for_each(|(p, change)| *p = (*p + t * change).max(LEAST));
            let sum: f64 = probabilities.iter().sum();
            probabilities.iter_mut().for_each(|p| *p /= sum);
        }
    }

    /// Adds the dual variables to `duals`, without the shares.
    pub fn add_duals(&self, duals: &mut [f64]) {
        let outputs = self.outputs;
        for (i, duals) in duals.chunks_mut(outputs).enumerate() {
            let p = self.of(i);
            for (k, dual) in duals.iter_mut().enumerate() {
                *dual += if self.classes[i] as usize == k { others(p, k) } else { -p[k] };
            }
        }
    }
}

/// Returns 1 - p_k, as the sum of the others.
fn others(p: &[f64], k: usize) -> f64 {
    match p {
        [first, second] => {
            if k == 0 {
                *second
            } else {
                *first
            }
        }
        _ => p.iter().enumerate().filter(|&(other, _)| other != k).map(|(_, p)| p).sum(),
    }
}
