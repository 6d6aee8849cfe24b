//! The tables, as text.

use std::fmt::{self, Display};

use super::{Scaled, sparkline};
use crate::scaling::{GAPS, Point, Spread, Target};

/// Rows of cells under heads. The first column is text, all others are numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// One head a column.
    pub heads: Vec<String>,
    /// One cell a column.
    pub rows: Vec<Vec<String>>,
}

impl Display for Table {
    /// Columns as wide as what is in them, numbers at the right.
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

/// Marks more threads than processors.
const MARK: &str = "*";
/// What was not measured, or did not arrive.
const NONE: &str = "-";

/// A row a point, the plain loop first. `weak` points have a number of examples each.
pub fn points(report: &Scaled, weak: bool) -> Table {
    let scaling = &report.scaling;
    let heads = ["strategy", "threads"].into_iter().chain(weak.then_some("examples"));
    let heads = heads.chain(["M nnz/s", "+-", "speed-up", "efficiency", "of stream"]).map(String::from);
    let to = GAPS.iter().flat_map(|gap| {
        let gap = percent(*gap);
        [format!("epochs to {gap}"), format!("s to {gap}"), "+-".into(), "speed-up".into()]
    });
    let mut heads: Vec<String> = heads.chain(to).collect();
    let target = scaling.target.filter(|_| !weak);
    if target.is_some() {
        heads.extend(["load s", "train s", "target s"].map(String::from));
    }
    let tested = report.test_data.is_some();
    heads.extend(tested.then(|| "accuracy".into()));
    let predicted = !weak && scaling.strong.iter().any(|point| point.prediction.is_some());
    heads.extend(
        predicted.then_some(["model ms", "epoch ms", "error"].map(String::from)).into_iter().flatten(),
    );

    let first = (!weak).then_some(&scaling.plain);
    let all = if weak { &scaling.weak } else { &scaling.strong };
    let row = |point: &Point| {
        let mark = if point.oversubscribed { MARK } else { "" };
        let mut cells = vec![point.strategy.clone(), format!("{}{mark}", point.threads)];
        cells.extend(weak.then(|| point.examples.to_string()));
        cells.extend([
            format!("{:.1}", point.nonzeros_per_second.median / 1e6),
            spread(point.nonzeros_per_second),
            format!("{:.2}", point.speed_up),
            percent(point.efficiency),
            point.share_of_streaming.filter(|_| !weak).map_or(NONE.into(), percent),
        ]);
        for to in &point.to_gaps {
            let seconds = to.seconds.map(|seconds| seconds.median);
            cells.push(to.epochs.map_or(NONE.into(), |epochs| format!("{:.1}", epochs.median)));
            cells.push(seconds.map_or(NONE.into(), digits));
            cells.push(to.seconds.map_or(NONE.into(), spread));
            cells.push(to.speed_up.map_or(NONE.into(), |factor| format!("{factor:.2}")));
        }
        if target.is_some() {
            let to = point.to_target;
            let median = |spread: Option<Spread>| spread.map_or(NONE.into(), |spread| digits(spread.median));
            cells.push(to.map_or(NONE.into(), |to| digits(to.load_seconds)));
            cells.push(median(to.and_then(|to| to.train_seconds)));
            cells.push(median(to.and_then(|to| to.total_seconds)));
        }
        if tested {
            let accuracy = point.test_accuracy.map(|accuracy| format!("{:.2} %", 100.0 * accuracy.median));
            cells.push(accuracy.unwrap_or(NONE.into()));
        }
        if predicted {
            let milliseconds = |seconds: f64| digits(1e3 * seconds);
            let prediction = point.prediction;
            cells.push(prediction.map_or(NONE.into(), |found| milliseconds(found.epoch_seconds)));
            cells.push(milliseconds(point.epoch_seconds.median));
            let error = prediction.map(|found| match found.used {
                true => "(fit)".into(),
                false => format!("{:+.0} %", 100.0 * found.error),
            });
            cells.push(error.unwrap_or(NONE.into()));
        }
        cells
    };
    Table { heads, rows: first.into_iter().chain(all).map(row).collect() }
}

/// A row a number of threads: what the memory gives, and what a wake-up costs.
pub fn streaming(report: &Scaled) -> Table {
    let heads = ["streaming", "threads", "ms", "+-", "GB/s", "M nnz/s", "empty epoch, us"].map(String::from);
    let row = |floor: &crate::scaling::Floor| {
        vec![
            "all rows".into(),
            floor.threads.to_string(),
            digits(1e3 * floor.seconds.median),
            spread(floor.seconds),
            format!("{:.1}", floor.bytes_per_second / 1e9),
            format!("{:.0}", floor.nonzeros_per_second / 1e6),
            format!("{:.1}", 1e6 * floor.barrier_seconds),
        ]
    };
    Table { heads: heads.into(), rows: report.scaling.streaming.iter().map(row).collect() }
}

/// Curves, a row a strategy: speed-up by threads, both ways, and how the distance to the optimum falls epoch by epoch.
pub fn shapes(report: &Scaled) -> Table {
    let heads = ["strategy", "threads", "throughput", "time to 0.1 %", "distance to the optimum by epoch"];
    let scaling = &report.scaling;
    let most = scaling.strong.iter().map(|point| point.threads).max().unwrap_or(1) as f64;
    let row = |points: &[Point]| {
        let threads: Vec<String> = points.iter().map(|point| point.threads.to_string()).collect();
        let by_time = |point: &Point| point.to_gaps.last().and_then(|to| to.speed_up).unwrap_or(f64::NAN);
        let least = (GAPS[GAPS.len() - 1] / 10.0).ln();
        let distance = |objective: f64| (objective / scaling.optimum.objective - 1.0).max(1e-12).ln();
        let course = points.last().map_or(&[][..], |point| &point.course);
        let highest = course.iter().map(|step| distance(step.objective)).fold(least, f64::max);
        vec![
            points[0].strategy.clone(),
            threads.join(" "),
            sparkline(points.iter().map(|point| point.speed_up), 0.0, most),
            sparkline(points.iter().map(by_time), 0.0, most),
            sparkline(course.iter().map(|step| distance(step.objective)), least, highest),
        ]
    };
    let rows = scaling.strong.chunk_by(|a, b| a.strategy == b.strategy).map(row).collect();
    Table { heads: heads.map(String::from).into(), rows }
}

/// What a reader has to know to believe the tables, a sentence or two each.
pub fn notes(report: &Scaled) -> Vec<String> {
    let scaling = &report.scaling;
    let best = &scaling.best_single;
    let first = scaling.first_against_plain;
    let mut notes = vec![
        format!(
            "Objective: {} loss, l2 = {}, no bias. Optimum {} certified to a share of {:.0e} by dual ascent in f64, \
             in {} s.",
            scaling.loss,
            digits(scaling.l2),
            scaling.optimum.objective,
            scaling.optimum.gap,
            digits(scaling.optimum.seconds)
        ),
        format!(
            "Medians of {} interleaved trainings with seeds from {} on; +- is half the distance from the least to the \
             largest of them. Throughput is that of the visits alone; seconds count the search for a step size and the \
             objective after each epoch, but no loading and no held-out evaluation.",
            scaling.repeats, scaling.seed
        ),
        format!(
            "Speed-ups are against the best single thread: in throughput {} ({:.1} M non-zeros/s), in time the fastest \
             to the same gap.",
            best.strategy,
            best.nonzeros_per_second / 1e6
        ),
        format!(
            "The first point, sequential, takes {:.2} times as long an epoch as the plain loop ({:.2} to {:.2}).",
            first.median, first.low, first.high
        ),
    ];
    if scaling.optimum.gap > GAPS[GAPS.len() - 1] / 10.0 {
        notes.push(format!(
            "The optimum is certified to {} only: read the last columns of times with that in mind.",
            percent(scaling.optimum.gap)
        ));
    }
    if let Some(target) = scaling.target {
        let what = match target {
            Target::Accuracy(share) => format!("{} of the held-out labels are right", percent(share)),
            Target::Objective(objective) => format!("the objective is {objective}"),
        };
        notes.push(format!("Target: the end of the first epoch after which {what}, loading included."));
    }
    let nanoseconds =
        |seconds: Option<f64>| seconds.map_or(NONE.into(), |seconds| format!("{:.2} ns", 1e9 * seconds));
    let pieces = scaling.pieces;
    notes.push(format!(
        "Pieces of the model: contended touch {}, with compare-and-swap {}, meeting {}, sweep of a weight {}.",
        nanoseconds(pieces.contended_touch),
        nanoseconds(pieces.contended_swap),
        nanoseconds(pieces.meeting),
        nanoseconds(Some(pieces.sweep))
    ));
    if scaling.strong.iter().any(|point| point.oversubscribed) {
        notes.push(format!("{MARK} more threads than the {} processors.", scaling.processors));
    }
    if scaling.strong.iter().any(|point| !point.pinned) {
        notes.push("Threads of some strategies are not kept on one processor each.".into());
    }
    notes
}

/// A share as a percentage, with one digit after the point if it has one.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.1}", 100.0 * share);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// Half the distance between the least and the largest, as a percentage of the median.
fn spread(spread: Spread) -> String {
    match spread.share() {
        share if share.is_finite() => format!("{:.1} %", 100.0 * share),
        _ => "inf".into(),
    }
}

/// Three significant digits.
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
