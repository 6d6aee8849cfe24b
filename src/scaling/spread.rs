//! A figure with its spread over several runs.

use serde::Serialize;

/// Median of all runs, with the smallest and the largest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Median; with an even number of runs, the mean of the middle two.
    pub median: f64,
    /// Smallest value.
    pub low: f64,
    /// Largest value; infinite for a time to something that one of the runs did not reach.
    pub high: f64,
}

impl Spread {
    /// Returns the spread of `runs`; `None` if there are none, or if the median is not finite: if
    /// most runs did not arrive, the others say nothing.
    pub fn of(runs: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut runs: Vec<f64> = runs.into_iter().collect();
        runs.sort_by(f64::total_cmp);
        let (&low, &high) = (runs.first()?, runs.last()?);
        let median = (runs[(runs.len() - 1) / 2] + runs[runs.len() / 2]) / 2.0;
        median.is_finite().then_some(Spread { median, low, high })
    }

    /// Converts the figure to other units.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let [a, b] = [f(self.low), f(self.high)];
        Spread { median: f(self.median), low: a.min(b), high: a.max(b) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_arrivals() {
        let spread = Spread::of([3.5, 1.0, 2.0]).unwrap();
        assert_eq!(spread, Spread { median: 2.0, low: 1.0, high: 3.5 });
        assert_eq!(Spread::of([1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(Spread::of([f64::INFINITY, 1.0, f64::INFINITY]), None);
        assert_eq!(Spread::of([f64::INFINITY, 1.0, 2.0]).unwrap().high, f64::INFINITY);
        assert_eq!(Spread::of([]), None);
        assert_eq!(spread.map(|x| 7.0 / x), Spread { median: 3.5, low: 2.0, high: 7.0 });
    }
}
