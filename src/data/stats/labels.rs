//! The labels to predict.

use rayon::prelude::*;
use serde::Serialize;

use super::spread::rank;

/// Most different labels that count as classes.
const MOST_CLASSES: usize = 256;

/// Labels, as classes or as numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// Classes: at most 256 different labels, all whole, in ascending order.
    Classes(Vec<Class>),
    /// More labels, or fractions: targets of a regression.
    Target(Target),
}

/// The examples with one label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Class {
    /// The label.
    pub label: f64,
    /// Number of examples that have it.
    pub examples: usize,
    /// Fraction of all examples, from 0 to 1.
    pub share: f64,
}

/// Distribution of numbers. Quantile q is the smallest of them that at least the fraction q of them
/// does not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Target {
    /// Number of different labels.
    pub distinct: usize,
    /// The least.
    pub min: f64,
    /// Quantile 0.25.
    pub q25: f64,
    /// Quantile 0.5.
    pub median: f64,
    /// Quantile 0.75.
    pub q75: f64,
    /// The largest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
}

impl Labels {
    /// Measures labels, at least one.
    pub(super) fn of(labels: &[f64]) -> Self {
        let mut sorted: Vec<f64> = labels.iter().map(|&label| one_zero(label)).collect();
        sorted.par_sort_unstable_by(f64::total_cmp);
        let groups = || sorted.chunk_by(|a, b| a == b);
        let distinct = groups().count();
        let total = sorted.len();
        if distinct <= MOST_CLASSES && sorted.iter().all(|label| label.fract() == 0.0) {
            let class = |group: &[f64]| Class {
                label: group[0],
                examples: group.len(),
                share: group.len() as f64 / total as f64,
            };
            return Labels::Classes(groups().map(class).collect());
        }
        let quantile = |q| sorted[rank(total, q)];
        Labels::Target(Target {
            distinct,
            min: sorted[0],
            q25: quantile(0.25),
            median: quantile(0.5),
            q75: quantile(0.75),
            max: sorted[total - 1],
            mean: sorted.iter().copied().sum::<f64>() / total as f64,
        })
    }
}

/// Turns -0 into 0, as both are one label.
pub(super) fn one_zero(label: f64) -> f64 {
    label + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let Labels::Classes(classes) = Labels::of(&[1.0, -1.0, 0.0, -0.0]) else {
            panic!("no classes")
        };
        let pairs: Vec<_> =
            classes.iter().map(|class| (class.label, class.examples, class.share)).collect();
        assert_eq!(pairs, [(-1.0, 1, 0.25), (0.0, 2, 0.5), (1.0, 1, 0.25)]);
    }

    #[test]
    fn targets() {
        let Labels::Target(target) = Labels::of(&[4.0, 0.5, 1.0, 0.5]) else { panic!("no target") };
        let quantiles = [target.min, target.q25, target.median, target.q75, target.max];
        assert_eq!((target.distinct, quantiles, target.mean), (3, [0.5, 0.5, 0.5, 1.0, 4.0], 1.5));
        let many: Vec<f64> = (0..=MOST_CLASSES).map(|i| i as f64).collect();
        assert!(matches!(Labels::of(&many), Labels::Target(Target { distinct: 257, .. })));
        assert!(matches!(Labels::of(&many[1..]), Labels::Classes(_)));
    }
}
