//! Legal ranges of the settings that belong to one strategy.

use crate::error::{Error, Result};
use crate::strategy::{Access, Bounds, ClusterConfig, Clusters, Delay, StrategyKind, Update};

/// Largest batch: more terms than any problem has.
const MOST_BATCH: usize = 1 << 32;

/// Checks the strategy's own settings, for this number of workers and strength of l1. `batch` is
/// `None` for the strategy's default.
///
/// # Errors
/// [`Error::Parameter`] for the first setting that is out of its range.
pub(super) fn check_strategy(
    strategy: StrategyKind,
    workers: usize,
    batch: Option<usize>,
    l1: f64,
) -> Result<()> {
    let wrong =
        |name, value: String, expected, hint| Err(Error::Parameter { name, value, expected, hint });
    match batch {
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
            "fewer than the threads, since a round needs at least one of them",
            "use more threads, or fewer backups",
        ),
        StrategyKind::BoundedStaleness(Bounds {
            staleness: Some(staleness),
            reads: Access::NonBlocking,
            writes: Access::NonBlocking,
        }) => wrong(
            "staleness",
            format!("{staleness} with reads and writes that do not block"),
            "inf, since no worker ever waits",
            "let reads or writes block, or leave the staleness unbounded",
        ),
        StrategyKind::AllReduce if l1 > 0.0 && workers > 1 => wrong(
            "strategy",
            "allreduce with l1".into(),
            "sync, ssp or hogwild with l1, since the sum of several workers' movements towards 0 overshoots 0",
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

/// Checks that the workers to delay exist, and that each delay has a period.
///
/// # Errors
/// [`Error::Parameter`] for the first delay that is out of its range.
pub(super) fn check_delays(delays: &[Delay], workers: usize) -> Result<()> {
    let Some(delay) = delays.iter().find(|delay| delay.worker >= workers || delay.every == 0)
    else {
        return Ok(());
    };
    let (name, value, expected) = match delay.every {
        0 => ("visits between delays", 0, "1 or more"),
        _ => (
            "delayed worker",
            delay.worker,
            "a worker's number, from 0 to the number of threads less 1",
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
            expected: "wild or atomic with hogwild++, which merges replicas on its ring",
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
