//! Strategies as a choice made at run time, and their names: the one table that the command,
//! reports and benches read.

use std::any::Any;
use std::fmt;

use super::{Bounds, ClusterConfig, Strategy, Update};
use crate::params::Real;

/// How workers share the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum StrategyKind {
    /// What suits the number of threads and the sizes of the problem: [`StrategyKind::Sequential`]
    /// or [`StrategyKind::Hogwild`].
    Auto,
    /// [`Sequential`](super::Sequential): one thread.
    Sequential,
    /// [`Hogwild`](super::Hogwild): many threads on one vector.
    Hogwild(Update),
    /// [`HogwildPlusPlus`](super::HogwildPlusPlus): clusters of threads with a replica each.
    HogwildPlusPlus(ClusterConfig),
    /// [`Synchronous`](super::Synchronous): rounds of batches, of which the latest are dropped.
    Synchronous {
        /// Workers that a round does not wait for, fewer than there are.
        backups: usize,
    },
    /// [`BoundedStaleness`](super::BoundedStaleness): workers that may be apart by some batches.
    BoundedStaleness(Bounds),
    /// [`AllReduce`](super::AllReduce): equal replicas, whose movements are summed.
    AllReduce,
    /// [`Averaging`](super::Averaging): replicas that know nothing of each other, and their mean.
    Averaging {
        /// Epochs after which all go on from the mean, at least 1.
        every: usize,
    },
    /// [`Locked`](super::Locked): one vector, and locks around each visit.
    Locked,
    /// [`RoundRobin`](super::RoundRobin): one vector, written in turn.
    RoundRobin,
    /// A strategy of the caller's own, with the solver sgd.
    Own(OwnKind),
}

/// Terms of a batch where nobody has asked for another size.
pub(crate) const BATCH: usize = 16;

/// The table of strategies: a variant that is not in it does not compile.
macro_rules! strategies {
    ($($kind:pat => $default:expr, $name:literal, $label:literal, $summary:literal;)*) => {
        impl StrategyKind {
            /// Every strategy of the crate, with its default settings.
            pub const ALL: &'static [StrategyKind] = &[$($default),*];

            /// The name on the command line and in reports.
            pub fn name(self) -> &'static str {
                match self {
                    StrategyKind::Auto => "auto",
                    $($kind => $name,)*
                    StrategyKind::Own(own) => own.0.name(),
                }
            }

            /// The name in comparisons, where ways to write weights are told apart.
            pub fn label(self) -> &'static str {
                match self {
                    StrategyKind::Auto => "auto",
                    $($kind => $label,)*
                    StrategyKind::Own(own) => own.0.name(),
                }
            }

            /// What it is, in a line.
            pub fn summary(self) -> &'static str {
                match self {
                    StrategyKind::Auto => "Chosen by the number of threads and the sizes of the data",
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
        "One vector without locks, or copies that are merged as often as they are used";
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
        "One vector, and threads that may be apart by a bounded number of batches";
    StrategyKind::AllReduce => StrategyKind::AllReduce, "allreduce", "allreduce",
        "Equal replicas, whose steps are summed round a ring";
    StrategyKind::Averaging { .. } => StrategyKind::Averaging { every: 1 }, "averaging", "averaging",
        "Replicas that know nothing of each other, averaged after epochs";
    StrategyKind::Locked => StrategyKind::Locked, "locked", "locked", "One vector, and locks around each example";
    StrategyKind::RoundRobin => StrategyKind::RoundRobin, "round-robin", "round-robin",
        "One vector, written in turn";
}

impl StrategyKind {
    /// The strategies that can be named, each name once: `auto`, and the first of
    /// [`StrategyKind::ALL`] of each name.
    pub fn named() -> impl Iterator<Item = StrategyKind> {
        let is_first = |k: &usize| {
            StrategyKind::ALL[..*k].iter().all(|kind| kind.name() != StrategyKind::ALL[*k].name())
        };
        let all = (0..StrategyKind::ALL.len()).filter(is_first).map(|k| StrategyKind::ALL[k]);
        [StrategyKind::Auto].into_iter().chain(all)
    }

    /// The strategy of this [`name`](StrategyKind::name), with its default settings.
    pub fn of_name(name: &str) -> Option<StrategyKind> {
        StrategyKind::named().find(|kind| kind.name() == name)
    }

    /// The strategy of this [`label`](StrategyKind::label), with its default settings.
    pub fn of_label(label: &str) -> Option<StrategyKind> {
        let auto = [StrategyKind::Auto];
        StrategyKind::ALL.iter().chain(&auto).find(|kind| kind.label() == label).copied()
    }

    /// How threads write a weight that others may write at the same time, if that can be chosen.
    pub fn update(self) -> Option<Update> {
        match self {
            StrategyKind::Hogwild(update)
            | StrategyKind::HogwildPlusPlus(ClusterConfig { update, .. }) => Some(update),
            _ => None,
        }
    }

    /// The size of a batch where none is asked for: 1 for a way without batches.
    pub(crate) fn usual_batch(self) -> usize {
        match self {
            StrategyKind::Synchronous { .. }
            | StrategyKind::BoundedStaleness(_)
            | StrategyKind::AllReduce => BATCH,
            _ => 1,
        }
    }

    /// Whether threads may plan several visits on the same weights.
    pub fn takes_batches(self) -> bool {
        self == StrategyKind::Sequential || self.usual_batch() > 1
    }
}

/// A strategy of the caller's own, as a choice made at run time: it makes the strategy that a fit
/// runs.
pub trait OwnStrategy: Sync {
    /// The name in reports.
    fn name(&self) -> &'static str;
    /// The strategy for `workers` workers and weights of f32.
    fn in_f32(&self, workers: usize) -> Box<dyn Strategy<f32>>;
    /// The strategy for `workers` workers and weights of f64.
    fn in_f64(&self, workers: usize) -> Box<dyn Strategy<f64>>;
}

/// A reference to an [`OwnStrategy`]. Two are equal if they have the same name.
#[derive(Clone, Copy)]
pub struct OwnKind(pub &'static dyn OwnStrategy);

impl OwnKind {
    /// The strategy for weights of type `R`.
    pub(crate) fn make<R: Real>(self, workers: usize) -> Box<dyn Strategy<R>> {
        let wrapped: Box<dyn Any> = match size_of::<R>() {
            4 => Box::new(self.0.in_f32(workers)),
            _ => Box::new(self.0.in_f64(workers)),
        };
        *wrapped.downcast().expect("a weight is an f32 or an f64")
    }
}

impl fmt::Debug for OwnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnKind").field(&self.0.name()).finish()
    }
}

impl PartialEq for OwnKind {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
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
