//! What is to be measured.

use std::time::Duration;

use serde::Serialize;

use super::Scaling;
use super::measure::measure;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::problem::LossKind;
use crate::strategy::StrategyKind;
use crate::strategy::Topology;

/// What is measured.
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
    /// Trainings a point, at least 1. Default 9, and up to 49 while all take less than 75 seconds:
    /// on small data single trainings differ much.
    pub repeats: Option<usize>,
    /// Whether to measure weak scaling, too: data in proportion to the threads.
    pub weak: bool,
    /// Most epochs of a training, at least 1. Default 100.
    pub epochs: usize,
    /// A training ends after the epoch in which this time is over, above 0. Default 10 seconds.
    pub time_limit: Duration,
    /// Seed of the first training; the others take the next ones. Default 1.
    pub seed: u64,
    /// What to time trainings to, beside the optimum. Default nothing.
    pub target: Option<Target>,
}

/// Repeats where nobody chose a number, and the time after which these are enough.
const LEAST_REPEATS: usize = 9;
const MOST_REPEATS: usize = 49;
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

/// 1, 2, 4 ... and `most`.
fn doubling(most: usize) -> Vec<usize> {
    let mut threads: Vec<usize> =
        (0..).map(|k| 1 << k).take_while(|&threads| threads < most).collect();
    threads.push(most.max(1));
    threads
}

/// Something to train to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Share of held-out examples with the right label, from 0 to 1, after an epoch.
    Accuracy(f64),
    /// Objective on the training data.
    Objective(f64),
}

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// The optimum is being found.
    Optimum,
    /// The memory is being timed; single steps are when a round of trainings has ended.
    Pieces,
    /// A training begins.
    Training {
        /// How many have ended.
        done: usize,
        /// How many there are.
        of: usize,
        /// The strategy's name.
        strategy: &'static str,
        /// Its threads.
        threads: usize,
    },
}

/// What is compared on.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Training examples, in random order.
    pub data: &'a Dataset,
    /// What they are called in messages.
    pub name: &'a str,
    /// Held-out examples.
    pub test: Option<&'a Dataset>,
    /// Time of loading the training examples, which [`Plan::target`] counts.
    pub load_time: Duration,
}

impl Plan {
    /// Measures everything, and tells `watch` what is going on.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a plan out of range, [`Error::Input`] for labels that do not fit
    /// the loss (of classes, there must be two), and as for [`minimize`](crate::train::minimize).
    pub fn run(&self, input: Input<'_>, watch: &mut dyn FnMut(Stage)) -> Result<Scaling> {
        self.check(input)?;
        match self.loss {
            LossKind::Softmax | LossKind::Custom(_) => Err(Error::Parameter {
                name: "loss",
                value: self.loss.to_string(),
                expected: "a loss whose optimum dual ascent certifies, to measure distances from",
                hint: "choose logistic",
            }),
            _ => measure(self, input, watch),
        }
    }

    /// Whether there are enough repeats after `done` of them, which took so long.
    pub(super) fn is_done(&self, done: usize, took: Duration) -> bool {
        match self.repeats {
            Some(repeats) => done >= repeats,
            None => done >= MOST_REPEATS || done >= LEAST_REPEATS && took >= QUICK,
        }
    }

    /// How many repeats there are at least when `done` of them are done.
    pub(super) fn at_least(&self, done: usize) -> usize {
        self.repeats.unwrap_or(LEAST_REPEATS.max(done + 1))
    }

    fn check(&self, input: Input<'_>) -> Result<()> {
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
                "a share of right labels above 0 and at most 1",
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

    /// The numbers of threads, ascending, 1 among them.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut threads = self.threads.clone();
        threads.push(1);
        threads.sort_unstable();
        threads.dedup();
        threads
    }
}

/// Far above any machine.
const MOST_THREADS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_double_up_to_the_cores() {
        assert_eq!(doubling(6), [1, 2, 4, 6]);
        assert_eq!((doubling(1), doubling(2)), (vec![1], vec![1, 2]));
        let plan = Plan { threads: vec![4, 2, 4], ..Plan::default() };
        assert_eq!(plan.counts(), [1, 2, 4]);
    }
}
