//! What a step's system is made of, and in which numbers.

/// Numbers of a system in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    /// Doubles.
    Double,
    /// Twofold doubles, where weights or scales differ so much that doubles lose the smaller ones.
    Twofold,
}

/// The curvature of the losses by the scores.
pub(super) enum Curvature<'a> {
    /// One number per example.
    OfScore(&'a [f64]),
    /// Share of each example, and the probabilities of its classes: diag(p) - p*p'.
    OfClasses { shares: &'a [f64], probabilities: &'a [f64] },
}

impl Curvature<'_> {
    /// Returns the second derivative of an example's loss by its scores `k` and `l`.
    pub fn at(&self, i: usize, outputs: usize, k: usize, l: usize) -> f64 {
        match self {
            Curvature::OfScore(curvatures) => curvatures[i],
            Curvature::OfClasses { shares, probabilities } => {
                let p = &probabilities[i * outputs..][..outputs];
                let rest = if k == l { 1.0 - p[k] } else { -p[l] };
                shares[i] * p[k] * rest
            }
        }
    }
}
