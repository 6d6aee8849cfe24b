//! Arguments that belong to one strategy, or to a few.

use std::time::Duration;

use clap::{Args, ValueEnum};
use wildsgd::Error;
use wildsgd::strategy::{Access, Bounds, Delay, StrategyKind};
use wildsgd::train::Settings;

/// Parameters of the baseline strategies, and injected delays.
#[derive(Args, Clone)]
pub struct StrategyArgs {
    /// sequential, sync, ssp, allreduce: batch size per thread: the examples whose steps are
    /// planned on the same weights and summed, 1 or more [default: 1 for sequential, else 16]
    #[arg(long, value_name = "B", allow_hyphen_values = true)]
    pub batch: Option<i64>,
    /// sync: number of threads that a round does not wait for; late batches are dropped; 0 or
    /// larger [default: 0]
    #[arg(long, value_name = "b", allow_hyphen_values = true)]
    pub backup_workers: Option<i64>,
    /// ssp: number of batches that a thread may be ahead of the slowest, 0 or larger, or inf
    /// [default: 3]
    #[arg(long, value_name = "s|inf", value_parser = staleness, allow_hyphen_values = true)]
    pub staleness: Option<Staleness>,
    /// ssp: blocking: a read waits until it includes every write older than the staleness
    /// [default: blocking]
    #[arg(long, value_enum)]
    pub reads: Option<Waits>,
    /// ssp: blocking: a write waits while a thread that is further behind than the staleness could
    /// read it [default: blocking]
    #[arg(long, value_enum)]
    pub writes: Option<Waits>,
    /// averaging: number of epochs between averages of the threads' weights, 1 or more
    /// [default: 1]
    #[arg(long, value_name = "k", allow_hyphen_values = true)]
    pub average_every: Option<i64>,
    /// Slow a thread down to study the effect: `delay:worker=2,every=100,us=500` makes thread 2
    /// (counted from 0) sleep for 500 microseconds every 100 examples, repeatable
    #[arg(long, value_name = "DELAY", value_parser = delay)]
    pub inject: Vec<Delay>,
}

#[derive(Clone, Copy)]
pub enum Staleness {
    Bounded(usize),
    Unbounded,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Waits {
    Blocking,
    NonBlocking,
}

fn staleness(text: &str) -> Result<Staleness, String> {
    match text {
        "inf" => Ok(Staleness::Unbounded),
        _ => text
            .parse()
            .map(Staleness::Bounded)
            .map_err(|_| "expected a number of batches, or `inf`".into()),
    }
}

fn delay(text: &str) -> Result<Delay, String> {
    let expected = || "expected delay:worker=K,every=N,us=T with three whole numbers".to_string();
    let mut numbers = [None; 3];
    for part in text.strip_prefix("delay:").ok_or_else(expected)?.split(',') {
        let (name, number) = part.split_once('=').ok_or_else(expected)?;
        let field = ["worker", "every", "us"]
            .iter()
            .position(|known| *known == name)
            .ok_or_else(expected)?;
        numbers[field] = Some(number.parse::<u32>().map_err(|_| expected())?);
    }
    let [Some(worker), Some(every), Some(us)] = numbers else { return Err(expected()) };
    Ok(Delay {
        worker: worker as usize,
        every: every as usize,
        time: Duration::from_micros(us.into()),
    })
}

impl StrategyArgs {
    /// Returns the reason to refuse an argument that `strategy` does not use.
    pub fn misplaced(&self, strategy: StrategyKind) -> Option<&'static str> {
        let ssp = self.staleness.is_some() || self.reads.is_some() || self.writes.is_some();
        if self.backup_workers.is_some() && !matches!(strategy, StrategyKind::Synchronous { .. }) {
            Some("`--backup-workers` is for `--strategy sync`")
        } else if ssp && !matches!(strategy, StrategyKind::BoundedStaleness(_)) {
            Some("`--staleness`, `--reads` and `--writes` are for `--strategy ssp`")
        } else if self.average_every.is_some()
            && !matches!(strategy, StrategyKind::Averaging { .. })
        {
            Some("`--average-every` is for `--strategy averaging`")
        } else {
            None
        }
    }

    /// Applies the arguments that do not depend on the strategy.
    pub fn apply(&self, settings: &mut Settings) -> Result<(), Error> {
        settings.batch =
            self.batch.map(|batch| non_negative("batch", batch, "16 is usual")).transpose()?;
        settings.delays = self.inject.clone();
        Ok(())
    }

    /// Returns `strategy` with the parameters that these arguments give.
    pub fn refine(&self, strategy: StrategyKind) -> Result<StrategyKind, Error> {
        let number = |name, given: Option<i64>, default, hint| {
            given.map_or(Ok(default), |n| non_negative(name, n, hint))
        };
        Ok(match strategy {
            StrategyKind::Synchronous { backups } => StrategyKind::Synchronous {
                backups: number(
                    "backup workers",
                    self.backup_workers,
                    backups,
                    "leave it out for none",
                )?,
            },
            StrategyKind::BoundedStaleness(_) => StrategyKind::BoundedStaleness(self.bounds()),
            StrategyKind::Averaging { every } => StrategyKind::Averaging {
                every: number(
                    "epochs between averages",
                    self.average_every,
                    every,
                    "leave it out to average after each epoch",
                )?,
            },
            other => other,
        })
    }

    fn bounds(&self) -> Bounds {
        let default = Bounds::default();
        let access = |waits| match waits {
            Waits::Blocking => Access::Blocking,
            Waits::NonBlocking => Access::NonBlocking,
        };
        Bounds {
            staleness: match self.staleness {
                None => default.staleness,
                Some(Staleness::Bounded(staleness)) => Some(staleness),
                Some(Staleness::Unbounded) => None,
            },
            reads: self.reads.map_or(default.reads, access),
            writes: self.writes.map_or(default.writes, access),
        }
    }
}

/// Converts a number that must not be negative; the library checks further limits.
fn non_negative(name: &'static str, n: i64, hint: &'static str) -> Result<usize, Error> {
    let expected = "0 or larger";
    usize::try_from(n).map_err(|_| Error::Parameter { name, value: n.to_string(), expected, hint })
}
