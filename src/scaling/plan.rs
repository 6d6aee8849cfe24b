//! Plan of a scaling benchmark.

use std::time::Duration;

use serde::Serialize;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::problem::LossKind;
use crate::strategy::{StrategyKind, Topology};

/// Plan of a scaling benchmark.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The loss, not the softmax one. Default logistic.
    pub loss: LossKind,
    /// Strength of the squares in the regularizer, above 0. Default 1/n.
    pub l2: Option<f64>,
    /// Numbers of threads, at least 1 each; 1 is always measured. Default 1, 2, 4 ... and one a
    /// core.
    pub threads: Vec<usize>,
    /// The strategies; [`StrategyKind::Sequential`] is always measured. Default all.
    pub strategies: Vec<StrategyKind>,
    /// Number of trainings per point, at least 1. Default 9, and up to 49 while all take less than
    /// 75 seconds: on small data single trainings vary a lot.
    pub repeats: Option<usize>,
    /// If set, also measures weak scaling: data in proportion to the threads. Default false.
    pub weak: bool,
    /// Maximum number of epochs per training, at least 1. Default 100.
    pub epochs: usize,
    /// A training ends after the epoch in which it exceeds this time, above 0. Default 10 seconds.
    pub time_limit: Duration,
    /// Seed of the first training; the others use the following ones. Default 1.
    pub seed: u64,
    /// Target to which to time trainings, besides the optimum. Default none.
    pub target: Option<Target>,
}

/// Minimum number of repeats by default.
/// Record: D120.
const LEAST_REPEATS: usize = 9;
/// Maximum number of repeats by default.
/// Record: D120.
const MOST_REPEATS: usize = 49;
/// Time after which the minimum number of repeats is enough.
/// Record: D120.
const QUICK: Duration = Duration::from_secs(75);

impl Default for Plan {
    fn default() -> Self {
        Plan {
            loss: LossKind::default(),
            l2: None,
            threads: doubling(Topology::detect().processors()),
            strategies: StrategyKind::ALL.to_vec(),
            repeats: None,
            weak: false,
            epochs: 100,
            time_limit: Duration::from_secs(10),
            seed: 1,
            target: None,
        }
    }
}

/// Returns 1, 2, 4 ... and `most`.
fn doubling(most: usize) -> Vec<usize> {
    let mut threads: Vec<usize> =
        (0..).map(|k| 1 << k).take_while(|&threads| threads < most).collect();
    threads.push(most.max(1));
    threads
}

/// A target to which trainings are timed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Fraction of held-out examples with the correct label, from 0 to 1, after an epoch.
    Accuracy(f64),
    /// Objective on the training data.
    Objective(f64),
}

/// Progress of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// The optimum is being found.
    Optimum,
    /// The memory is being timed, and single operations after each round of trainings.
    Pieces,
    /// A training begins.
    Training {
        /// Number of trainings that have ended.
        done: usize,
        /// Number of trainings in total.
        of: usize,
        /// Name of the strategy.
        strategy: &'static str,
        /// Number of threads.
        threads: usize,
    },
}

/// Data of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Training examples, in random order.
    pub data: &'a Dataset,
    /// Name of the training data in messages.
    pub name: &'a str,
    /// Held-out examples.
    pub test: Option<&'a Dataset>,
    /// Time to load the training examples, which [`Plan::target`] counts.
    pub load_time: Duration,
}

impl Plan {
    /// Returns true if `done` repeats, which took this time, are enough.
    pub(super) fn is_done(&self, done: usize, took: Duration) -> bool {
        match self.repeats {
            Some(repeats) => done >= repeats,
            None => done >= MOST_REPEATS || done >= LEAST_REPEATS && took >= QUICK,
        }
    }

    /// Returns the minimum number of repeats in total after `done` of them.
    pub(super) fn at_least(&self, done: usize) -> usize {
        self.repeats.unwrap_or(LEAST_REPEATS.max(done + 1))
    }

    /// Checks all ranges.
    pub(super) fn check(&self, input: Input<'_>) -> Result<()> {
        let wrong = |name, value: String, expected, hint| {
            Err(Error::Parameter { name, value, expected, hint })
        };
        self.loss.check()?;
        if let Some(l2) = self.l2.filter(|&l2| !(l2.is_finite() && l2 > 0.0)) {
            let hint =
                "the optimum is certified by dual ascent, which needs it; leave it out for 1/n";
            return wrong("l2", l2.to_string(), "a finite number above 0", hint);
        }
        let counts = [("repeats", self.repeats.unwrap_or(1)), ("epochs", self.epochs)];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return wrong(name, "0".into(), "1 or more", "leave it out for the default");
        }
        if let Some(threads) =
            self.threads.iter().find(|threads| !(1..=MOST_THREADS).contains(*threads))
        {
            let hint = "1, 2, 4 ... up to one a core is the default";
            return wrong("threads", threads.to_string(), "numbers from 1 to 4096", hint);
        }
        match self.target {
            Some(Target::Accuracy(share)) if !(share > 0.0 && share <= 1.0) => wrong(
                "target",
                share.to_string(),
                "a fraction of correct labels above 0 and at most 1",
                "0.9 is 90 %",
            ),
            Some(Target::Accuracy(share)) if input.test.is_none() || self.loss.is_regression() => {
                let expected = "an accuracy only with held-out examples of classes";
                wrong(
                    "target",
                    format!("accuracy {share}"),
                    expected,
                    "name a file of them, or an objective",
                )
            }
            Some(Target::Objective(objective)) if !objective.is_finite() => wrong(
                "target",
                objective.to_string(),
                "a finite objective",
                "look at one that training prints",
            ),
            _ => Ok(()),
        }
    }

    /// Returns the numbers of threads in ascending order, including 1.
    pub(super) fn thread_counts(&self) -> Vec<usize> {
        let mut threads = self.threads.clone();
        threads.push(1);
        threads.sort_unstable();
        threads.dedup();
        threads
    }
}

/// Maximum number of threads, far above any machine.
const MOST_THREADS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_double_up_to_the_cores() {
        assert_eq!(doubling(6), [1, 2, 4, 6]);
        assert_eq!((doubling(1), doubling(2)), (vec![1], vec![1, 2]));
        let plan = Plan { threads: vec![4, 2, 4], ..Plan::default() };
        assert_eq!(plan.thread_counts(), [1, 2, 4]);
    }
}
