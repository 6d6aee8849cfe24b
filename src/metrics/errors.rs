//! Errors of predictions that come in pieces.

use super::{mean, squared_error};

/// Running error sums of predictions that come in pieces, in constant memory.
///
/// The variance of the labels is updated by Welford's method (Technometrics 1962). Measures equal
/// those of the functions in [`metrics`](super) but for rounding.
#[derive(Clone, Debug, Default)]
pub struct Errors {
    count: usize,
    squared: f64,
    first: Option<f64>,
    differ: bool,
    mean: f64,
    /// Sum of the squared differences from the mean.
    spread: f64,
}

impl Errors {
    /// Adds examples.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn add(&mut self, scores: &[f64], labels: &[f64]) {
        self.squared += squared_error(scores, labels);
        for &label in labels {
            self.differ |= *self.first.get_or_insert(label) != label;
            self.count += 1;
            let difference = label - self.mean;
            self.mean += difference / self.count as f64;
            self.spread += difference * (label - self.mean);
        }
    }

    /// Returns the mean squared error.
    pub fn mse(&self) -> Option<f64> {
        mean(self.squared, self.count)
    }

    /// Returns the coefficient of determination, see [`r2`](super::r2).
    pub fn r2(&self) -> Option<f64> {
        self.differ.then(|| 1.0 - self.squared / self.spread)
    }
}
