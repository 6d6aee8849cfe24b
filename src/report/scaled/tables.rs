//! Tables of the report as text.

use std::fmt::{self, Display};

use super::{Scaled, sparkline};
use crate::scaling::{GAPS, Point, Spread, Target};

/// Rows of cells under column heads. The first column is text, all others are numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// One head per column.
    pub heads: Vec<String>,
    /// One cell per column.
    pub rows: Vec<Vec<String>>,
}

impl Display for Table {
    /// Aligns columns to their widest cell, numbers to the right.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || [&self.heads].into_iter().chain(&self.rows);
        let count = |text: &String| text.chars().count();
        let widths: Vec<usize> = (0..self.heads.len())
            .map(|column| lines().map(|line| count(&line[column])).max().unwrap_or(0))
            .collect();
        for line in lines() {
            for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, "{cell:<width$}")?,
                    _ => write!(f, "  {cell:>width$}")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Mark of more threads than processors.
const MARK: &str = "*";
/// Cell of a value that was not measured, or of a training that did not arrive.
const NONE: &str = "-";

/// Returns throughput and time to the optimum, one row per point, the plain loop first. If `weak`,
/// the points of weak scaling, with their numbers of examples.
pub fn points(report: &Scaled, weak: bool) -> Table {
    let heads = ["strategy", "threads"].into_iter().chain(weak.then_some("examples"));
    let mut heads: Vec<String> = heads
        .chain(["M\u{a0}nnz/s", "range", "speed-up", "efficiency"])
        .map(String::from)
        .collect();
    for gap in GAPS.map(percent).map(|gap| gap.replace(' ', "\u{a0}")) {
        heads.extend([
            format!("epochs to {gap}"),
            format!("s to {gap}"),
            "range".into(),
            "speed-up".into(),
        ]);
    }
    let tested = report.test_data.is_some();
    heads.extend(tested.then(|| "accuracy".into()));
    let row = |point: &Point| {
        let mut cells = vec![point.strategy.clone(), threads(point)];
        cells.extend(weak.then(|| point.examples.to_string()));
        cells.extend([
            format!("{:.1}", point.nonzeros_per_second.median / 1e6),
            range(Some(point.nonzeros_per_second.map(|rate| rate / 1e6))),
            format!("{:.2}", point.speed_up),
            percent(point.efficiency),
        ]);
        for to in &point.to_gaps {
            cells.push(or_none(to.epochs, |epochs| format!("{:.1}", epochs.median)));
            cells.push(median(to.seconds));
            cells.push(range(to.seconds));
            cells.push(or_none(to.speed_up, |factor| format!("{factor:.2}")));
        }
        cells.extend(
            tested.then(|| or_none(point.test_accuracy, |x| format!("{:.2} %", 100.0 * x.median))),
        );
        cells
    };
    let scaling = &report.scaling;
    match weak {
        true => Table { heads, rows: scaling.weak.iter().map(row).collect() },
        false => Table { heads, rows: all(report).map(row).collect() },
    }
}

/// Returns the seconds from opening the file to the target, one row per point.
pub fn target(report: &Scaled) -> Table {
    let heads = ["strategy", "threads", "arrived", "load s", "train s", "range", "total s"]
        .map(String::from);
    let row = |point: &Point| {
        let to = point.to_target?;
        Some(vec![
            point.strategy.clone(),
            threads(point),
            format!("{} of {}", to.arrived, report.scaling.repeats),
            digits(to.load_seconds),
            median(to.train_seconds),
            range(to.train_seconds),
            median(to.total_seconds),
        ])
    };
    Table { heads: heads.into(), rows: all(report).filter_map(row).collect() }
}

/// Returns the time of an epoch as measured and as predicted, one row per point.
pub fn prediction(report: &Scaled) -> Table {
    let heads =
        ["strategy", "threads", "epoch ms", "range", "of streaming speed", "model ms", "error"];
    let row = |point: &Point| {
        let found = point.prediction;
        vec![
            point.strategy.clone(),
            threads(point),
            digits(1e3 * point.epoch_seconds.median),
            range(Some(point.epoch_seconds.map(|seconds| 1e3 * seconds))),
            or_none(point.share_of_streaming, percent),
            or_none(found, |found| digits(1e3 * found.epoch_seconds)),
            or_none(found, |found| match found.used {
                true => "given".into(),
                false => format!("{:+.0} %", 100.0 * found.error),
            }),
        ]
    };
    Table { heads: heads.map(String::from).into(), rows: all(report).map(row).collect() }
}

/// Returns the points with all data, the plain loop first.
fn all(report: &Scaled) -> impl Iterator<Item = &Point> {
    [&report.scaling.plain].into_iter().chain(&report.scaling.strong)
}

fn threads(point: &Point) -> String {
    format!("{}{}", point.threads, if point.oversubscribed { MARK } else { "" })
}

fn or_none<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or(NONE.into(), text)
}

fn median(spread: Option<Spread>) -> String {
    or_none(spread, |spread| digits(spread.median))
}

/// Returns the memory's throughput and the cost of a wake-up, one row per number of threads.
pub fn streaming(report: &Scaled) -> Table {
    let heads = ["streaming", "threads", "ms", "range", "GB/s", "M\u{a0}nnz/s", "empty epoch, us"]
        .map(String::from);
    let row = |floor: &crate::scaling::Floor| {
        vec![
            "all rows".into(),
            floor.threads.to_string(),
            digits(1e3 * floor.seconds.median),
            range(Some(floor.seconds.map(|seconds| 1e3 * seconds))),
            format!("{:.1}", floor.bytes_per_second / 1e9),
            format!("{:.0}", floor.nonzeros_per_second / 1e6),
            format!("{:.1}", 1e6 * floor.barrier_seconds),
        ]
    };
    Table { heads: heads.into(), rows: report.scaling.streaming.iter().map(row).collect() }
}

/// Returns the seconds to within 0.1 % of the optimum, one row per program, the fastest first.
/// Empty without a comparison.
pub fn peers(report: &Scaled) -> Table {
    let mut rows: Vec<(&String, &f64)> =
        report.peers.iter().flat_map(|peers| &peers.seconds).collect();
    rows.sort_by(|a, b| a.1.total_cmp(b.1));
    let rows =
        rows.into_iter().map(|(name, seconds)| vec![name.clone(), digits(*seconds)]).collect();
    Table { heads: ["program", "s"].map(String::from).into(), rows }
}

/// Returns curves, one row per strategy: speed-up by threads, in throughput and in time, and the
/// distance to the optimum epoch by epoch.
pub fn shapes(report: &Scaled) -> Table {
    let heads =
        ["strategy", "threads", "throughput", "time to 0.1 %", "distance to the optimum by epoch"];
    let scaling = &report.scaling;
    let most = scaling.strong.iter().map(|point| point.threads).max().unwrap_or(1) as f64;
    let row = |points: &[Point]| {
        let threads: Vec<String> = points.iter().map(|point| point.threads.to_string()).collect();
        let by_time =
            |point: &Point| point.to_gaps.last().and_then(|to| to.speed_up).unwrap_or(f64::NAN);
        let least = (GAPS[GAPS.len() - 1] / 10.0).ln();
        let distance =
            |objective: f64| (objective / scaling.optimum.objective - 1.0).max(1e-12).ln();
        let epochs = points.last().map_or(&[][..], |point| &point.epochs);
        let highest = epochs.iter().map(|step| distance(step.objective)).fold(least, f64::max);
        vec![
            points[0].strategy.clone(),
            threads.join(" "),
            sparkline(points.iter().map(|point| point.speed_up), 0.0, most),
            sparkline(points.iter().map(by_time), 0.0, most),
            sparkline(epochs.iter().map(|step| distance(step.objective)), least, highest),
        ]
    };
    let rows = scaling.strong.chunk_by(|a, b| a.strategy == b.strategy).map(row).collect();
    Table { heads: heads.map(String::from).into(), rows }
}

/// Returns notes on how to read the tables, a sentence or two each.
pub fn notes(report: &Scaled) -> Vec<String> {
    let scaling = &report.scaling;
    let best = &scaling.best_single;
    let first = scaling.first_against_plain;
    let epsilon =
        scaling.epsilon.map_or(String::new(), |epsilon| format!(" with epsilon = {epsilon}"));
    let mut notes = vec![
        format!(
            "Objective: {} loss{epsilon}, l2 = {}, no bias. Optimum {} certified to a fraction of {:.0e} by dual ascent in f64, \
             in {} s.",
            scaling.loss,
            digits(scaling.l2),
            scaling.optimum.objective,
            scaling.optimum.gap,
            digits(scaling.optimum.seconds)
        ),
        format!(
            "Medians of {} interleaved trainings with seeds from {} on; the range beside a median is from the smallest to \
             the largest. Throughput counts visits only; seconds include the search for a step size and the objective \
             after each epoch, but neither loading nor held-out evaluation.",
            scaling.repeats, scaling.seed
        ),
        format!(
            "Speed-ups are relative to the best single thread: in throughput {} ({:.1} M non-zeros/s), in time the fastest \
             to the same gap.",
            best.strategy,
            best.nonzeros_per_second / 1e6
        ),
        format!(
            "An epoch of the first point, sequential, takes {:.2} times as long as the plain loop ({:.2} to {:.2}).",
            first.median, first.low, first.high
        ),
    ];
    if scaling.optimum.gap > GAPS[GAPS.len() - 1] / 10.0 {
        notes.push(format!(
            "The optimum is only certified to {}: read the last columns of times with that in mind.",
            percent(scaling.optimum.gap)
        ));
    }
    if let Some(target) = scaling.target {
        let what = match target {
            Target::Accuracy(share) => {
                format!("{} of the held-out labels are correct", percent(share))
            }
            Target::Objective(objective) => format!("the objective is {objective}"),
        };
        notes.push(format!(
            "Target: the end of the first epoch after which {what}, loading included."
        ));
    }
    let nanoseconds = |seconds: Option<f64>| {
        seconds.map_or(NONE.into(), |seconds| format!("{:.2} ns", 1e9 * seconds))
    };
    let pieces = scaling.pieces;
    notes.push(format!(
        "Measured parts of the model: contended update {}, with compare-and-swap {}, with locks {}, turn {}, round {}, \
         merge of a weight {}, in a bucket {}, dense pass over a weight {}.",
        nanoseconds(pieces.contended_touch),
        nanoseconds(pieces.contended_swap),
        nanoseconds(pieces.contended_lock),
        nanoseconds(pieces.turn),
        nanoseconds(pieces.round),
        nanoseconds(pieces.merge),
        nanoseconds(pieces.bucket),
        nanoseconds(Some(pieces.sweep))
    ));
    for (what, factor) in report.peers.iter().flat_map(|peers| &peers.factors) {
        notes.push(format!("Peers, to 0.1 %: {what}: {factor:.1} times as fast."));
    }
    if scaling.strong.iter().any(|point| point.oversubscribed) {
        notes.push(format!("{MARK} More threads than the {} processors.", scaling.processors));
    }
    if scaling.strong.iter().any(|point| !point.pinned) {
        notes.push("Threads are not pinned to processors: the system cannot do that.".into());
    }
    notes
}

/// Formats a fraction as a percentage, with one decimal if it has one.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.1}", 100.0 * share);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// Formats the smallest and the largest value.
fn range(spread: Option<Spread>) -> String {
    or_none(spread, |spread| format!("{}–{}", digits(spread.low), digits(spread.high)))
}

/// Formats three significant digits.
pub(super) fn digits(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let exponent = x.abs().log10().floor() as i32;
    match exponent {
        -4..=5 => format!("{x:.*}", (2 - exponent).max(0) as usize),
        _ => format!("{x:.2e}"),
    }
}
