//! Strategies as a choice at run time, and their names: the only table, which the command, reports
//! and benches read; and what creates each.

use std::any::Any;
use std::fmt;

use super::baseline::{
    AllReduce, Averaging, BoundedStaleness, Bounds, Locked, RoundRobin, Synchronous,
};
use super::{
    ClusterConfig, Hogwild, HogwildPlusPlus, Layout, Sequential, Strategy, Topology, Update,
};
use crate::error::Result;
use crate::params::Real;

/// A strategy: the protocol by which workers share the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum StrategyKind {
    /// [`StrategyKind::Sequential`] or [`StrategyKind::Hogwild`], chosen by the number of threads
    /// and the size of the problem.
    Auto,
    /// One thread. Deterministic given the seed.
    Sequential,
    /// Threads on one vector, without locks (Niu et al., 2011). Racy by design.
    Hogwild(Update),
    /// Clusters of threads with a replica each, merged along a ring (Zhang, Hsieh & Akella, 2016).
    /// Racy by design.
    HogwildPlusPlus(ClusterConfig),
    /// Rounds of batches on one version of the weights, of which the latest batches are dropped.
    /// Deterministic given the seed and the number of threads if none are.
    Synchronous {
        /// Workers that a round does not wait for, fewer than there are.
        backups: usize,
    },
    /// One vector, and threads at most some batches apart. Racy by design.
    BoundedStaleness(Bounds),
    /// Equal replicas, whose steps are summed round a ring. Deterministic given the seed and the
    /// number of threads.
    AllReduce,
    /// Independent replicas, and their mean after epochs. Deterministic given the seed and the
    /// number of threads.
    Averaging {
        /// Epochs after which all go on from the mean, at least 1.
        every: usize,
    },
    /// One vector, and locks around each visit. Racy by design.
    Locked,
    /// One vector, which threads write in turn. Racy by design.
    RoundRobin,
    /// The caller's own strategy, with the solver sgd.
    Own(&'static dyn OwnStrategy),
}

/// Default number of terms in a batch.
pub(crate) const BATCH: usize = 16;

/// Defines the table of strategies. A variant that is missing from it does not compile.
macro_rules! strategies {
    ($($kind:pat => $default:expr, $name:literal, $label:literal, $summary:literal;)*) => {
        impl StrategyKind {
            /// All strategies of the crate, with default settings.
            pub const ALL: &'static [StrategyKind] = &[$($default),*];

            /// Returns the name on the command line and in reports.
            pub fn name(self) -> &'static str {
                match self {
                    StrategyKind::Auto => "auto",
                    $($kind => $name,)*
                    StrategyKind::Own(own) => own.name(),
                }
            }

            /// Returns the name in comparisons, which also names the kind of update.
            pub fn label(self) -> &'static str {
                match self {
                    StrategyKind::Auto => "auto",
                    $($kind => $label,)*
                    StrategyKind::Own(own) => own.name(),
                }
            }

            /// Returns a description of one line.
            pub fn summary(self) -> &'static str {
                match self {
                    StrategyKind::Auto => "Chosen by the number of threads and the size of the data",
                    $($kind => $summary,)*
                    StrategyKind::Own(_) => "A strategy of your own",
                }
            }
        }
    };
}

strategies! {
    StrategyKind::Sequential => StrategyKind::Sequential, "sequential", "sequential", "One thread";
    StrategyKind::Hogwild(Update::Merged) => StrategyKind::Hogwild(Update::Merged), "hogwild", "hogwild",
        "One vector without locks, or a copy per thread, merged often where it is used often";
    StrategyKind::Hogwild(Update::Wild) => StrategyKind::Hogwild(Update::Wild), "hogwild", "hogwild-wild",
        "One vector, written by relaxed stores";
    StrategyKind::Hogwild(Update::Atomic) => StrategyKind::Hogwild(Update::Atomic), "hogwild", "hogwild-atomic",
        "One vector, written by compare-and-swap";
    StrategyKind::Hogwild(Update::Split) => StrategyKind::Hogwild(Update::Split), "hogwild", "hogwild-split",
        "One vector, with copies of the weights that many examples touch";
    StrategyKind::HogwildPlusPlus(_) => StrategyKind::HogwildPlusPlus(ClusterConfig::DEFAULT), "hogwild++",
        "hogwild++", "Clusters of threads with a replica each, merged along a ring";
    StrategyKind::Synchronous { .. } => StrategyKind::Synchronous { backups: 0 }, "sync", "sync",
        "Rounds of batches on one version of the weights, with or without backup workers";
    StrategyKind::BoundedStaleness(_) => StrategyKind::BoundedStaleness(Bounds::DEFAULT), "ssp", "ssp",
        "One vector, and threads at most a bounded number of batches apart";
    StrategyKind::AllReduce => StrategyKind::AllReduce, "allreduce", "allreduce",
        "Equal replicas, whose steps are summed round a ring";
    StrategyKind::Averaging { .. } => StrategyKind::Averaging { every: 1 }, "averaging", "averaging",
        "Independent replicas, averaged after epochs";
    StrategyKind::Locked => StrategyKind::Locked, "locked", "locked", "One vector, and locks around each example";
    StrategyKind::RoundRobin => StrategyKind::RoundRobin, "round-robin", "round-robin",
        "One vector, which threads write in turn";
}

impl StrategyKind {
    /// Returns the strategies that can be named, each name once: `auto`, and the first of
    /// [`StrategyKind::ALL`] with each name.
    pub fn named() -> impl Iterator<Item = StrategyKind> {
        let is_first = |k: &usize| {
            StrategyKind::ALL[..*k].iter().all(|kind| kind.name() != StrategyKind::ALL[*k].name())
        };
        let all = (0..StrategyKind::ALL.len()).filter(is_first).map(|k| StrategyKind::ALL[k]);
        [StrategyKind::Auto].into_iter().chain(all)
    }

    /// Returns the strategy with this [`name`](StrategyKind::name) and default settings.
    pub fn of_name(name: &str) -> Option<StrategyKind> {
        StrategyKind::named().find(|kind| kind.name() == name)
    }

    /// Returns the strategy with this [`label`](StrategyKind::label) and default settings.
    pub fn of_label(label: &str) -> Option<StrategyKind> {
        let auto = [StrategyKind::Auto];
        StrategyKind::ALL.iter().chain(&auto).find(|kind| kind.label() == label).copied()
    }

    /// Returns the kind of update, if the strategy has a choice of it.
    pub fn update(self) -> Option<Update> {
        match self {
            StrategyKind::Hogwild(update)
            | StrategyKind::HogwildPlusPlus(ClusterConfig { update, .. }) => Some(update),
            _ => None,
        }
    }

    /// Returns the default size of a batch: 1 for a strategy without batches.
    pub(crate) fn usual_batch(self) -> usize {
        match self {
            StrategyKind::Synchronous { .. }
            | StrategyKind::BoundedStaleness(_)
            | StrategyKind::AllReduce => BATCH,
            _ => 1,
        }
    }

    /// Returns true if threads may plan several visits on the same weights.
    pub fn takes_batches(self) -> bool {
        self == StrategyKind::Sequential || self.usual_batch() > 1
    }

    /// Creates the strategy for `workers` workers and batches of `batch` terms. `layout` lays the
    /// workers of hogwild++ out in clusters.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if workers are to be pinned and the system refuses that.
    pub(crate) fn make<'a, R: Real>(
        self,
        workers: usize,
        batch: usize,
        layout: &dyn Fn(&ClusterConfig, &Topology) -> Layout,
    ) -> Result<Box<dyn Strategy<R> + 'a>> {
        Ok(match self {
            StrategyKind::Auto | StrategyKind::Sequential => Box::new(Sequential::batched(batch)),
            StrategyKind::Hogwild(update) => Box::new(Hogwild::new(workers, update)),
            StrategyKind::HogwildPlusPlus(config) => {
                let topology = Topology::detect();
                Box::new(HogwildPlusPlus::new(layout(&config, &topology), &topology)?)
            }
            StrategyKind::Synchronous { backups } => {
                Box::new(Synchronous::new(workers, batch, backups))
            }
            StrategyKind::BoundedStaleness(bounds) => {
                Box::new(BoundedStaleness::new(workers, batch, bounds))
            }
            StrategyKind::AllReduce => Box::new(AllReduce::new(workers, batch)),
            StrategyKind::Averaging { every } => Box::new(Averaging::new(workers, every)),
            StrategyKind::Locked => Box::new(Locked::new(workers)),
            StrategyKind::RoundRobin => Box::new(RoundRobin::new(workers)),
            StrategyKind::Own(own) => make_own(own, workers),
        })
    }
}

/// The caller's own strategy as a choice at run time: it creates the strategy that a fit runs.
///
/// A strategy that sums the movements of several copies of the weights must not run a problem that
/// [`averages_only`](crate::problem::Problem::averages_only): fits do not check that for it.
pub trait OwnStrategy: Sync {
    /// Returns the name in reports.
    fn name(&self) -> &'static str;
    /// Creates the strategy for `workers` workers and weights of f32.
    fn in_f32(&self, workers: usize) -> Box<dyn Strategy<f32>>;
    /// Creates the strategy for `workers` workers and weights of f64.
    fn in_f64(&self, workers: usize) -> Box<dyn Strategy<f64>>;
}

/// Creates the caller's own strategy for weights of type `R`.
fn make_own<R: Real>(own: &dyn OwnStrategy, workers: usize) -> Box<dyn Strategy<R>> {
    let wrapped: Box<dyn Any> = match size_of::<R>() {
        4 => Box::new(own.in_f32(workers)),
        _ => Box::new(own.in_f64(workers)),
    };
    *wrapped.downcast().expect("a weight is an f32 or an f64")
}

impl fmt::Debug for dyn OwnStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnStrategy").field(&self.name()).finish()
    }
}

/// Two are equal if they have the same name.
impl PartialEq for dyn OwnStrategy {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_find_their_strategies() {
        for &kind in StrategyKind::ALL {
            assert_eq!(StrategyKind::of_label(kind.label()), Some(kind));
            assert_eq!(
                StrategyKind::of_name(kind.name()).map(StrategyKind::name),
                Some(kind.name())
            );
        }
        let names: Vec<_> = StrategyKind::named().map(StrategyKind::name).collect();
        assert!(
            names.len() == 10 && names.starts_with(&["auto", "sequential", "hogwild", "hogwild++"]),
            "{names:?}"
        );
        assert_eq!(StrategyKind::of_name("tame"), None);
    }
}
