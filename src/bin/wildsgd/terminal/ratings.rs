//! Summary of a matrix completion.

use std::fmt;
use std::path::Path;

use indicatif::HumanCount;
use wildsgd::internal::report::{Factorized, RatingsData};

use super::summary::{clusters, count, files, line, number};

/// A training on ratings as several lines of text.
pub struct RatingsSummary<'a> {
    /// The report to summarize.
    pub report: &'a Factorized,
    /// Path of the model, if one was written.
    pub model: Option<&'a Path>,
    /// Path of the report, if one was written.
    pub file: Option<&'a Path>,
}

impl fmt::Display for RatingsSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Factorized { data, test_data, settings, outcome, prepare_seconds, .. } = self.report;
        writeln!(f, "\ndata       {}", shape(data))?;
        if let Some(test) = test_data {
            writeln!(f, "test data  {}", shape(test))?;
        }
        writeln!(f, "problem    rank {}, l2 {}", settings.rank, number(settings.l2))?;
        let update = settings.update.map_or(String::new(), |update| format!(", {update} updates"));
        let threads = count(settings.threads, "thread");
        let clusters = clusters(settings.clusters, settings.update_delay, settings.pin);
        writeln!(
            f,
            "run        {threads}, {}{clusters}{update}, seed {}",
            settings.strategy, settings.seed
        )?;
        if let Some(reason) = &settings.strategy_reason {
            writeln!(f, "strategy   {}: {reason}", settings.strategy)?;
        }
        let origin =
            if settings.learning_rate_searched == Some(true) { "searched" } else { "given" };
        let rate = number(settings.learning_rate.unwrap_or(f64::NAN));
        writeln!(f, "step size  {rate} ({origin}), schedule {}", settings.schedule)?;
        writeln!(f, "stopped    after {}: {}", count(outcome.epochs, "epoch"), self.reason())?;
        writeln!(f, "speed      {} ratings/s", number(outcome.ratings_per_second))?;
        writeln!(f, "train      {}", line(&outcome.train))?;
        if let Some(test) = &outcome.test {
            writeln!(f, "test       {}", line(test))?;
        }
        let test = test_data
            .as_ref()
            .map_or(String::new(), |test| format!(", load test {:.3} s", test.load_seconds));
        writeln!(
            f,
            "time       load {:.3} s{test}, prepare {prepare_seconds:.3} s, train {:.3} s, total {:.3} s",
            data.load_seconds, outcome.train_seconds, outcome.total_seconds
        )?;
        write!(f, "written    {}", files(self.model, self.file))
    }
}

impl RatingsSummary<'_> {
    fn reason(&self) -> String {
        let settings = &self.report.settings;
        match self.report.outcome.stop_reason {
            "tolerance" => {
                format!("the objective settled (tolerance {})", number(settings.tolerance))
            }
            "epochs" => "the maximum number of epochs".into(),
            "time limit" => {
                format!(
                    "the time limit of {} s",
                    number(settings.time_limit_seconds.unwrap_or(0.0))
                )
            }
            other => other.into(),
        }
    }
}

fn shape(data: &RatingsData) -> String {
    let [n, users, items] = [data.ratings, data.users, data.items].map(|n| HumanCount(n as u64));
    format!("{}: {n} ratings of {items} items by {users} users", data.path)
}
