//! Summary of a training: settings and results.

use std::fmt;
use std::path::Path;

use indicatif::HumanCount;
use wildsgd::internal::report::{Data, Outcome, Settings, Trained};
use wildsgd::model::Evaluation;

use super::{measures, short};

/// A training as several lines of text.
pub struct Summary<'a> {
    /// The report to summarize.
    pub report: &'a Trained,
    /// Path of the model, if one was written.
    pub model: Option<&'a Path>,
    /// Path of the report, if one was written.
    pub file: Option<&'a Path>,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trained { data, test_data, settings, outcome, .. } = self.report;
        writeln!(f, "\ndata       {}", shape(data))?;
        if let Some(test) = test_data {
            writeln!(f, "test data  {}", shape(test))?;
        }
        let free = if settings.free_bias { " (not regularized)" } else { "" };
        let bias =
            settings.bias.map_or("no bias".into(), |bias| format!("bias {}{free}", number(bias)));
        let (l1, l2) = (number(settings.l1), number(settings.l2));
        let classes = match self.report.classes.len() {
            0 => String::new(),
            count => format!(", {count} classes one-vs-rest"),
        };
        let weighted = match (settings.class_weights.is_empty(), settings.example_weights) {
            (true, false) => "",
            (true, true) => ", weighted examples",
            (false, false) => ", weighted classes",
            (false, true) => ", weighted classes and examples",
        };
        let epsilon =
            settings.epsilon.map_or(String::new(), |epsilon| format!(" (epsilon {epsilon})"));
        let loss = settings.loss;
        writeln!(
            f,
            "problem    {loss} loss{epsilon}, l2 {l2}, l1 {l1}, {bias}{classes}{weighted}"
        )?;
        let update = settings.update.map_or(String::new(), |update| format!(", {update} updates"));
        let threads = count(settings.threads, "thread");
        let clusters = clusters(settings.clusters, settings.update_delay, settings.pin)
            + &strategy_details(settings);
        let then =
            outcome.continued_by.map_or(String::new(), |solver| format!(", then {solver}, f64"));
        writeln!(f, "solver     {}, {}{then}", settings.solver, settings.precision)?;
        writeln!(
            f,
            "run        {threads}, {}{clusters}{update}, seed {}",
            settings.strategy, settings.seed
        )?;
        if let Some(reason) = &settings.strategy_reason {
            writeln!(f, "strategy   {}: {reason}", settings.strategy)?;
        }
        if let Some(schedule) = &settings.schedule {
            let origin =
                if settings.learning_rate_searched == Some(true) { "searched" } else { "given" };
            let rate = settings.learning_rate.map_or("for each class".into(), number);
            writeln!(f, "step size  {rate} ({origin}), schedule {schedule}")?;
        }
        let of_all = if self.report.classes.is_empty() { "" } else { " of all classes" };
        writeln!(
            f,
            "stopped    after {}{of_all}: {}",
            count(outcome.epochs, "epoch"),
            self.reason()
        )?;
        if let Some(staleness) = self.staleness() {
            writeln!(f, "exchange   {staleness}")?;
        }
        writeln!(f, "speed      {} non-zeros/s", number(outcome.nonzeros_per_second))?;
        writeln!(f, "train      {}", line(&outcome.train))?;
        if let Some(test) = &outcome.test {
            writeln!(f, "test       {}", line(test))?;
        }
        writeln!(f, "time       {}", self.times())?;
        write!(f, "written    {}", files(self.model, self.file))
    }
}

impl Summary<'_> {
    fn reason(&self) -> String {
        let settings = &self.report.settings;
        match self.report.outcome.stop_reason {
            "tolerance" => match self.report.outcome.gap {
                Some(gap) if gap > settings.tolerance => format!(
                    "the objective settled (tolerance {}), at most {} of it above the optimum",
                    number(settings.tolerance),
                    number(gap)
                ),
                Some(gap) => format!(
                    "at most {} of the objective above the optimum (tolerance {})",
                    number(gap),
                    number(settings.tolerance)
                ),
                None => format!("the objective settled (tolerance {})", number(settings.tolerance)),
            },
            "stalled" => {
                format!("the gap stayed at {} of the objective", short(self.report.outcome.gap))
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

    /// Describes the staleness of the gradients, if the strategy measures it.
    fn staleness(&self) -> Option<String> {
        let Outcome { most_staleness, mean_staleness, dropped_gradients, .. } =
            &self.report.outcome;
        let (most, mean) = most_staleness.zip(*mean_staleness)?;
        let mean = number(mean);
        let dropped = 100.0 * dropped_gradients.unwrap_or(0.0);
        Some(format!(
            "staleness at most {most}, mean {mean}; {} % of the gradients dropped",
            number(dropped)
        ))
    }

    fn times(&self) -> String {
        let Trained { data, test_data, prepare_seconds, outcome, .. } = self.report;
        let test = test_data
            .as_ref()
            .map_or(String::new(), |test| format!(", load test {:.3} s", test.load_seconds));
        format!(
            "load {:.3} s{test}, prepare {prepare_seconds:.3} s, train {:.3} s, total {:.3} s",
            data.load_seconds, outcome.train_seconds, outcome.total_seconds
        )
    }
}

/// Lists the files that were written.
pub(super) fn files(model: Option<&Path>, report: Option<&Path>) -> String {
    let report = report.map(|path| format!(", report {}", path.display())).unwrap_or_default();
    match model {
        Some(path) => format!("model {}{report}", path.display()),
        None => format!("no model (`--model FILE` writes one){report}"),
    }
}

pub(super) fn number(x: f64) -> String {
    short(Some(x))
}

pub(super) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn clusters(clusters: Option<usize>, delay: Option<usize>, pin: Option<bool>) -> String {
    let (Some(clusters), Some(delay)) = (clusters, delay) else {
        return String::new();
    };
    let pinned = if pin == Some(true) { ", pinned" } else { "" };
    format!(" ({}, update delay {delay}{pinned})", count(clusters, "cluster"))
}

/// Lists the parameters of the strategy.
fn strategy_details(settings: &Settings) -> String {
    let parts = [
        settings.batch.filter(|&batch| batch > 1).map(|batch| format!("batches of {batch}")),
        settings.backup_workers.filter(|&backups| backups > 0).map(|n| count(n, "backup worker")),
        settings.staleness_bound.map(|bound| format!("staleness at most {bound}")),
        settings
            .average_every
            .filter(|&every| every > 1)
            .map(|every| format!("averaged every {every} epochs")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn shape(data: &Data) -> String {
    let [n, d, z] = [data.examples, data.features, data.nonzeros].map(|n| HumanCount(n as u64));
    format!("{}: {n} examples, {d} features, {z} non-zeros", data.path)
}

pub(super) fn line(evaluation: &Evaluation) -> String {
    let all =
        measures(evaluation).into_iter().map(|(name, value)| format!("{name} {}", short(value)));
    all.collect::<Vec<_>>().join(", ")
}
