//! The plan of a fit, made once: the strategy, how many threads visit terms and how many help, and
//! why. The rule by which `auto` chooses is argued in `src/strategy/README.md`.

#[cfg(test)]
#[path = "plan_tests.rs"]
mod strategy_tests;

use std::thread;

use super::Settings;
use super::newton::hessian;
use crate::error::{Error, Result};
use crate::params::Real;
use crate::strategy::{
    Access, AllReduce, Averaging, BoundedStaleness, Bounds, ClusterConfig, Clusters, Hogwild,
    HogwildPlusPlus, Layout, Locked, Merging, Order, RoundRobin, Sequential, Strategy,
    StrategyKind, Synchronous, Topology, Update,
};

/// How a fit is run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Not [`StrategyKind::Auto`].
    pub strategy: StrategyKind,
    /// Threads that visit terms.
    pub visitors: usize,
    /// Threads for dense passes.
    pub helpers: usize,
    /// Terms whose visits are planned on the same weights.
    pub batch: usize,
    /// Why the strategy was chosen, if that was left to the program.
    pub reason: Option<String>,
    /// Terms and coordinates.
    terms: usize,
    width: usize,
}

/// When a solver may move copies of the weights that are merged as often as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// Only of weights that many terms touch: of the others, all copies would make up for the same
    /// error before they meet.
    OfHot,
    /// Of all weights.
    OfAll,
    /// The problem does not bear sums of movements.
    NotSummed,
    /// What the solver keeps beside the weights would not follow the copies.
    Never,
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Threads that would get something to do.
    workers: usize,
    width: usize,
    /// Coordinates that the terms touch, summed over all terms.
    touches: usize,
}

/// Fewest touches of an epoch that are worth strategy: it takes as long as waking a thread a few
/// times.
const FEW: usize = 50_000;
/// The same where copies of hot weights meet, and the others are contended for; and fewest threads,
/// if there are so many weights that few are hot.
const FEW_CONTENDED: usize = 1 << 21;
const FEW_CONTENDING: usize = 3;
/// Most weights in all copies together, for each touch of an epoch: above that, copies would take
/// more memory than twice the data.
const COPIED: usize = 2;

impl Plan {
    /// The plan for a problem of so many terms and coordinates, which the terms touch `touches`
    /// times together.
    pub fn new(
        terms: usize,
        width: usize,
        touches: usize,
        settings: &Settings,
        copies: Copies,
    ) -> Self {
        // A worker that never gets a block would only cost its thread.
        let workers = settings.workers().min(Order::new(terms).blocks());
        let (strategy, threads, reason) = match settings.strategy {
            StrategyKind::Auto => {
                let (strategy, reason) = Size { workers, width, touches }.strategy(copies);
                // Whoever visits the terms, all threads do what else there is, if that takes a
                // while.
                (strategy, if touches < FEW { 1 } else { workers }, Some(reason))
            }
            StrategyKind::Sequential => (StrategyKind::Sequential, settings.threads.max(1), None),
            strategy => (strategy, workers, None),
        };
        Plan {
            strategy,
            visitors: if strategy == StrategyKind::Sequential { 1 } else { workers },
            helpers: threads.min(thread::available_parallelism().map_or(1, usize::from)),
            batch: settings.batch.unwrap_or(strategy.usual_batch()),
            reason,
            terms,
            width,
        }
    }

    /// The strategy of the plan.
    ///
    /// # Errors
    /// [`Error::Io`] if workers are to be pinned and the system refuses that.
    pub fn make<'a, R: Real>(&self, settings: &Settings) -> Result<Box<dyn Strategy<R> + 'a>> {
        let (visitors, batch) = (self.visitors, self.batch);
        Ok(match self.strategy {
            StrategyKind::Auto | StrategyKind::Sequential => Box::new(Sequential::batched(batch)),
            StrategyKind::Hogwild(update) => Box::new(Hogwild::new(visitors, update)),
            StrategyKind::HogwildPlusPlus(config) => {
                let topology = Topology::detect();
                let layout = self.layout(&config, settings, &topology);
                Box::new(HogwildPlusPlus::new(layout, &topology)?)
            }
            StrategyKind::Synchronous { backups } => {
                Box::new(Synchronous::new(visitors, batch, backups))
            }
            StrategyKind::BoundedStaleness(bounds) => {
                Box::new(BoundedStaleness::new(visitors, batch, bounds))
            }
            StrategyKind::AllReduce => Box::new(AllReduce::new(visitors, batch)),
            StrategyKind::Averaging { every } => Box::new(Averaging::new(visitors, every)),
            StrategyKind::Locked => Box::new(Locked::new(visitors)),
            StrategyKind::RoundRobin => Box::new(RoundRobin::new(visitors)),
            StrategyKind::Own(own) => own.make(visitors),
        })
    }

    /// The layout of hogwild++.
    pub fn layout(
        &self,
        config: &ClusterConfig,
        settings: &Settings,
        topology: &Topology,
    ) -> Layout {
        config.layout(self.visitors, topology, self.terms, self.width, settings.pin)
    }

    /// Hogwild++ whose clusters' changes are summed up.
    ///
    /// # Errors
    /// As for [`Plan::make`].
    pub fn summed_clusters<'a, R: Real>(
        &self,
        layout: Layout,
    ) -> Result<Box<dyn Strategy<R> + 'a>> {
        let layout = Layout { merging: Merging::Summed, ..layout };
        Ok(Box::new(HogwildPlusPlus::new(layout, &Topology::detect())?))
    }
}

impl Size {
    /// The strategy, and why.
    fn strategy(self, copies: Copies) -> (StrategyKind, String) {
        let Size { workers, width, touches } = self;
        if workers == 1 {
            return (StrategyKind::Sequential, "one thread has nobody to share with".into());
        }
        if touches < FEW {
            let reason =
                format!("an epoch of {touches} non-zeros is over before other threads have begun");
            return (StrategyKind::Sequential, reason);
        }
        let is_narrow = hessian::is_small(width, touches);
        let are_few = touches < FEW_CONTENDED || workers < FEW_CONTENDING && !is_narrow;
        if copies == Copies::OfHot && are_few {
            let others =
                if is_narrow { "all do the rest" } else { "the others judge the epoch before" };
            let reason = format!(
                "one thread visits {touches} non-zeros sooner than threads that contend for the weights; {others}"
            );
            return (StrategyKind::Sequential, reason);
        }
        if copies == Copies::OfHot {
            let reason =
                "all threads on one vector, but for copies of the weights that many examples touch";
            return (StrategyKind::Hogwild(Update::Split), reason.into());
        }
        if copies == Copies::NotSummed {
            let reason =
                "all threads on one vector: the problem's steps project, so copies cannot be summed".into();
            return (StrategyKind::Hogwild(Update::Wild), reason);
        }
        if copies == Copies::Never {
            let reason =
                "all threads on one vector: the solver's average gradient has no copies".into();
            return (StrategyKind::Hogwild(Update::Wild), reason);
        }
        if width > touches || width.saturating_mul(workers) > COPIED * touches {
            let reason = format!(
                "{touches} non-zeros seldom meet on {width} weights, which are too many for a copy a thread"
            );
            return (StrategyKind::Hogwild(Update::Wild), reason);
        }
        let reason = format!(
            "a copy of the {width} weights for each thread, merged as often as they are used"
        );
        (StrategyKind::Hogwild(Update::Merged), reason)
    }
}

/// More terms than any problem has.
const MOST_BATCH: usize = 1 << 32;

/// Checks the ranges of what belongs to one way of sharing.
pub(super) fn check(settings: &Settings) -> Result<()> {
    let strategy = settings.strategy;
    let workers = settings.workers();
    let wrong =
        |name, value: String, expected, hint| Err(Error::Parameter { name, value, expected, hint });
    match settings.batch {
        Some(batch) if !(1..=MOST_BATCH).contains(&batch) => {
            return wrong("batch", batch.to_string(), "1 to 2^32", "16 is usual");
        }
        Some(batch) if batch > 1 && !strategy.takes_batches() => {
            return wrong(
                "batch",
                format!("{batch} with the strategy {}", strategy.name()),
                "a strategy that has batches: sequential, sync, ssp or allreduce",
                "leave it out, or choose one of these",
            );
        }
        _ => (),
    }
    match strategy {
        StrategyKind::HogwildPlusPlus(config) => check_clusters(&config, workers),
        StrategyKind::Synchronous { backups } if backups >= workers => wrong(
            "backup workers",
            format!("{backups} of {workers}"),
            "fewer than the threads, since a round needs one of them at least",
            "take more threads, or fewer backups",
        ),
        StrategyKind::BoundedStaleness(Bounds {
            staleness: Some(staleness),
            reads: Access::NonBlocking,
            writes: Access::NonBlocking,
        }) => wrong(
            "staleness",
            format!("{staleness} with reads and writes that do not block"),
            "inf if nobody waits",
            "let reads or writes block, or leave the staleness unbounded",
        ),
        StrategyKind::AllReduce if settings.penalty.l1 > 0.0 && workers > 1 => wrong(
            "strategy",
            "allreduce with l1".into(),
            "sync, ssp or hogwild with l1, since a sum of several workers' movements to 0 goes beyond 0",
            "choose sync, which takes the same steps",
        ),
        StrategyKind::Averaging { every: 0 } => wrong(
            "epochs between averages",
            "0".into(),
            "1 or more",
            "leave it out to average after each epoch",
        ),
        _ => Ok(()),
    }
}

/// Checks that the workers that are to be slow exist.
pub(super) fn check_delays(settings: &Settings) -> Result<()> {
    let workers = settings.workers();
    let Some(delay) =
        settings.delays.iter().find(|delay| delay.worker >= workers || delay.every == 0)
    else {
        return Ok(());
    };
    let (name, value, expected) = match delay.every {
        0 => ("visits between delays", 0, "1 or more"),
        _ => (
            "delayed worker",
            delay.worker,
            "a worker's number, from 0 and below the number of threads",
        ),
    };
    Err(Error::Parameter {
        name,
        value: value.to_string(),
        expected,
        hint: "change it, or leave the delay out",
    })
}

fn check_clusters(config: &ClusterConfig, workers: usize) -> Result<()> {
    let at_least_1 = |name, value: Option<usize>, hint| match value {
        Some(0) => Err(Error::Parameter { name, value: "0".into(), expected: "1 or more", hint }),
        _ => Ok(()),
    };
    if !matches!(config.update, Update::Wild | Update::Atomic) {
        return Err(Error::Parameter {
            name: "update",
            value: config.update.name().into(),
            expected: "wild or atomic with hogwild++, whose clusters have their own way to merge",
            hint: "leave it out, or choose hogwild",
        });
    }
    let topology = "leave it out, and clusters follow the machine's sockets and caches";
    at_least_1("update delay", config.update_delay, "64 is usual for up to 4 clusters")?;
    match config.clusters {
        Clusters::Auto => (),
        Clusters::Size(size) => at_least_1("cluster size", Some(size), topology)?,
        Clusters::Count(count) if (1..=workers).contains(&count) => (),
        Clusters::Count(count) => {
            return Err(Error::Parameter {
                name: "clusters",
                value: count.to_string(),
                expected: "1 or more, and at most the number of threads",
                hint: topology,
            });
        }
    }
    let by_clusters = "leave it out, and it follows from the number of clusters";
    let beta = config.beta.filter(|&beta| !(beta > 0.0 && beta < 1.0));
    let lambda = config.lambda.filter(|lambda| !(0.0..=1.0).contains(lambda));
    for (name, wrong, expected) in [
        ("ring beta", beta, "a number above 0 and below 1"),
        ("ring lambda", lambda, "a number from 0 to 1"),
    ] {
        if let Some(value) = wrong {
            return Err(Error::Parameter {
                name,
                value: value.to_string(),
                expected,
                hint: by_clusters,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_follows_threads_and_sizes() {
        let chosen =
            |workers, width, touches| Size { workers, width, touches }.strategy(Copies::OfAll).0;
        assert_eq!(chosen(1, 100, 1 << 30), StrategyKind::Sequential);
        assert_eq!(chosen(8, 100, FEW - 1), StrategyKind::Sequential);
        assert_eq!(chosen(8, 1000, FEW), StrategyKind::Hogwild(Update::Merged));
        assert_eq!(chosen(2, 1 << 20, 1 << 20), StrategyKind::Hogwild(Update::Merged));
        assert_eq!(chosen(2, 1 << 20, (1 << 20) - 1), StrategyKind::Hogwild(Update::Wild));
        assert_eq!(
            chosen(4, 1 << 20, 1 << 20),
            StrategyKind::Hogwild(Update::Wild),
            "too much memory"
        );
    }

    #[test]
    fn the_choice_follows_what_the_solver_bears() {
        let chosen =
            |copies, width, touches| Size { workers: 4, width, touches }.strategy(copies).0;
        let [sequential, wild, merged] = [
            StrategyKind::Sequential,
            StrategyKind::Hogwild(Update::Wild),
            StrategyKind::Hogwild(Update::Merged),
        ];
        assert_eq!(chosen(Copies::OfAll, 999, FEW), merged);
        assert_eq!(chosen(Copies::OfHot, 999, FEW_CONTENDED - 1), sequential);
        assert_eq!(chosen(Copies::OfHot, 999, FEW_CONTENDED), StrategyKind::Hogwild(Update::Split));
        let by_two =
            |width| Size { workers: 2, width, touches: 10 * FEW_CONTENDED }.strategy(Copies::OfHot);
        assert_eq!(by_two(99).0, StrategyKind::Hogwild(Update::Split), "all weights are hot");
        assert_eq!(by_two(99_999).0, sequential);
        assert!(by_two(99_999).1.ends_with("; the others judge the epoch before"));
        let split =
            Size { workers: 4, width: 999, touches: FEW_CONTENDED }.strategy(Copies::OfHot).1;
        assert_eq!(
            split,
            "all threads on one vector, but for copies of the weights that many examples touch"
        );
        assert_eq!(chosen(Copies::Never, 999, FEW), wild);
        assert_eq!(chosen(Copies::Never, 999, FEW - 1), sequential);
    }
}
