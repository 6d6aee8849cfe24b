//! How workers share the weights, as a choice made at run time, and what each way cannot do.

use super::{Clustering, Settings};
use crate::error::{Error, Result};
use crate::strategy::{Access, Bounds, Update};

/// How workers share the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sharing {
    /// What suits the number of threads and the sizes of the problem: [`Sharing::Sequential`] or [`Sharing::Hogwild`].
    Auto,
    /// [`Sequential`](crate::strategy::Sequential): one thread.
    Sequential,
    /// [`Hogwild`](crate::strategy::Hogwild): many threads on one vector.
    Hogwild(Update),
    /// [`HogwildPlusPlus`](crate::strategy::HogwildPlusPlus): clusters of threads with a replica each.
    HogwildPlusPlus(Clustering),
    /// [`Synchronous`](crate::strategy::Synchronous): rounds of batches, of which the latest are dropped.
    Synchronous {
        /// Workers that a round does not wait for, fewer than there are.
        backups: usize,
    },
    /// [`BoundedStaleness`](crate::strategy::BoundedStaleness): workers that may be apart by some batches.
    BoundedStaleness(Bounds),
    /// [`AllReduce`](crate::strategy::AllReduce): equal replicas, whose movements are summed.
    AllReduce,
    /// [`Averaging`](crate::strategy::Averaging): replicas that know nothing of each other, and their mean.
    Averaging {
        /// Epochs after which all go on from the mean, at least 1.
        every: usize,
    },
    /// [`Locked`](crate::strategy::Locked): one vector, and locks around each visit.
    Locked,
    /// [`RoundRobin`](crate::strategy::RoundRobin): one vector, written in turn.
    RoundRobin,
}

/// Terms of a batch where nobody has asked for another size.
pub(crate) const BATCH: usize = 16;
/// More terms than any problem has.
const MOST_BATCH: usize = 1 << 32;

impl Sharing {
    /// Each way that threads can share weights, with its default settings.
    pub const ALL: [Sharing; 12] = [
        Sharing::Sequential,
        Sharing::Hogwild(Update::Wild),
        Sharing::Hogwild(Update::Atomic),
        Sharing::Hogwild(Update::Merged),
        Sharing::Hogwild(Update::Split),
        Sharing::HogwildPlusPlus(Clustering::DEFAULT),
        Sharing::Synchronous { backups: 0 },
        Sharing::BoundedStaleness(Bounds::DEFAULT),
        Sharing::AllReduce,
        Sharing::Averaging { every: 1 },
        Sharing::Locked,
        Sharing::RoundRobin,
    ];

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Sharing::Auto => "auto",
            Sharing::Sequential => "sequential",
            Sharing::Hogwild(_) => "hogwild",
            Sharing::HogwildPlusPlus(_) => "hogwild++",
            Sharing::Synchronous { .. } => "sync",
            Sharing::BoundedStaleness(_) => "ssp",
            Sharing::AllReduce => "allreduce",
            Sharing::Averaging { .. } => "averaging",
            Sharing::Locked => "locked",
            Sharing::RoundRobin => "round-robin",
        }
    }

    /// How threads write a weight that others may write at the same time, if that can be chosen.
    pub fn update(self) -> Option<Update> {
        match self {
            Sharing::Hogwild(update) | Sharing::HogwildPlusPlus(Clustering { update, .. }) => Some(update),
            _ => None,
        }
    }

    /// The size of a batch where none is asked for: 1 for a way without batches.
    pub(super) fn usual_batch(self) -> usize {
        match self {
            Sharing::Synchronous { .. } | Sharing::BoundedStaleness(_) | Sharing::AllReduce => BATCH,
            _ => 1,
        }
    }

    /// Whether threads may plan several visits on the same weights.
    pub fn takes_batches(self) -> bool {
        self == Sharing::Sequential || self.usual_batch() > 1
    }

    /// Checks the ranges of what belongs to one way of sharing.
    pub(super) fn check(self, settings: &Settings) -> Result<()> {
        let workers = settings.workers();
        let wrong =
            |name, value: String, expected, hint| Err(Error::Parameter { name, value, expected, hint });
        match settings.batch {
            Some(batch) if !(1..=MOST_BATCH).contains(&batch) => {
                return wrong("batch", batch.to_string(), "1 to 2^32", "16 is usual");
            }
            Some(batch) if batch > 1 && !self.takes_batches() => {
                return wrong(
                    "batch",
                    format!("{batch} with the strategy {}", self.name()),
                    "a strategy that has batches: sequential, sync, ssp or allreduce",
                    "leave it out, or choose one of these",
                );
            }
            _ => (),
        }
        match self {
            Sharing::HogwildPlusPlus(clustering) => clustering.check(workers),
            Sharing::Synchronous { backups } if backups >= workers => wrong(
                "backup workers",
                format!("{backups} of {workers}"),
                "fewer than the threads, since a round needs one of them at least",
                "take more threads, or fewer backups",
            ),
            Sharing::BoundedStaleness(Bounds {
                staleness: Some(staleness),
                reads: Access::NonBlocking,
                writes: Access::NonBlocking,
            }) => wrong(
                "staleness",
                format!("{staleness} with reads and writes that do not block"),
                "inf if nobody waits",
                "let reads or writes block, or leave the staleness unbounded",
            ),
            Sharing::AllReduce if settings.penalty.l1 > 0.0 && workers > 1 => wrong(
                "strategy",
                "allreduce with l1".into(),
                "sync, ssp or hogwild with l1, since a sum of several workers' movements to 0 goes beyond 0",
                "choose sync, which takes the same steps",
            ),
            Sharing::Averaging { every: 0 } => wrong(
                "epochs between averages",
                "0".into(),
                "1 or more",
                "leave it out to average after each epoch",
            ),
            _ => Ok(()),
        }
    }

    /// Checks that the workers that are to be slow exist.
    pub(super) fn check_delays(self, settings: &Settings) -> Result<()> {
        let workers = settings.workers();
        let Some(delay) = settings.delays.iter().find(|delay| delay.worker >= workers || delay.every == 0)
        else {
            return Ok(());
        };
        let (name, value, expected) = match delay.every {
            0 => ("visits between delays", 0, "1 or more"),
            _ => {
                ("delayed worker", delay.worker, "a worker's number, from 0 and below the number of threads")
            }
        };
        Err(Error::Parameter {
            name,
            value: value.to_string(),
            expected,
            hint: "change it, or leave the delay out",
        })
    }
}

#[cfg(test)]
mod tests;
