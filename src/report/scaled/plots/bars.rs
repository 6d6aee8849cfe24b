//! Bar charts: time to the target, and the model beside the measurement.

use super::canvas::{LEFT, RIGHT, TOP, entries, tidy, write};
use super::plot::Plot;
use crate::report::drawing::{escaped, ticks};
use crate::report::scaled::Scaled;
use crate::report::scaled::tables::{digits, percent};
use crate::scaling::{GAPS, Point, Spread};

/// Draws the seconds from checked rows to each gap.
pub(super) fn time_to_target(report: &Scaled) -> Plot {
    let group = |point: &Point| Group {
        name: name(point),
        bars: point
            .to_gaps
            .iter()
            .map(|to| match to.seconds {
                Some(seconds) => Bar::Length(seconds, format!("to {}", percent(to.gap))),
                None => {
                    Bar::Missing(format!("{} of {} arrived", to.arrived, report.scaling.repeats))
                }
            })
            .collect(),
    };
    let legend = GAPS.map(|gap| format!("to {} of the optimum", percent(gap)));
    let axis = "seconds, objective and step size search included";
    let (height, body) = bars(&all(report).map(group).collect::<Vec<_>>(), legend, axis, "s");
    Plot { name: "time-to-target", title: "Time to the target".into(), height, body }
}

/// Draws the milliseconds of an epoch, measured and predicted.
pub(super) fn model(report: &Scaled) -> Plot {
    let milliseconds = |seconds: f64| 1e3 * seconds;
    let group = |point: &Point| Group {
        name: name(point),
        bars: vec![
            Bar::Length(point.epoch_seconds.map(milliseconds), "measured".into()),
            match point.prediction {
                None => Bar::Missing("not modeled".into()),
                Some(found) => {
                    let exact = milliseconds(found.epoch_seconds);
                    let how = if found.used { "given to the model" } else { "model" };
                    Bar::Length(Spread { median: exact, low: exact, high: exact }, how.into())
                }
            },
        ],
    };
    let legend = ["measured".to_string(), "model (one thread is given)".to_string()];
    let groups: Vec<Group> = report.scaling.strong.iter().map(group).collect();
    let (height, body) = bars(&groups, legend, "milliseconds an epoch", "ms");
    Plot {
        name: "model",
        title: "Model of the machine beside the measurement".into(),
        height,
        body,
    }
}

/// Bars that belong together.
struct Group {
    name: String,
    bars: Vec<Bar>,
}

enum Bar {
    /// A length with its description.
    Length(Spread, String),
    /// The reason why there is none.
    Missing(String),
}

/// Draws groups of two bars from the top down; returns height and drawing.
fn bars(groups: &[Group], legend: [String; 2], axis: &str, unit: &str) -> (f64, String) {
    const SLOT: f64 = 30.0;
    const BAR: f64 = 11.0;
    const CLASSES: [&str; 2] = ["a", "b"];
    let longest =
        |spread: Spread| if spread.high.is_finite() { spread.high } else { spread.median };
    let lengths = groups.iter().flat_map(|group| &group.bars).filter_map(|bar| match bar {
        Bar::Length(spread, _) => Some(longest(*spread)),
        Bar::Missing(_) => None,
    });
    let marks = ticks(lengths.fold(0.0, f64::max), 5);
    let (top, left) = (marks[marks.len() - 1], LEFT + 96.0);
    let x = |length: f64| left + (RIGHT - left - 16.0) * length / top;
    let bottom = TOP + SLOT * groups.len() as f64 + 6.0;
    let mut body = String::new();
    for &mark in &marks {
        let (x, class) = (x(mark), if mark == 0.0 { "x" } else { "g" });
        write(&mut body, format_args!(r#"<path class="{class}" d="M{x:.1} {TOP}V{bottom:.1}"/>"#));
        let text = tidy(mark);
        write(
            &mut body,
            format_args!(r#"<text class="m" x="{x:.1}" y="{:.1}">{text}</text>"#, bottom + 17.0),
        );
    }
    for (k, group) in groups.iter().enumerate() {
        let (y, name) = (TOP + SLOT * k as f64 + 4.0, escaped(&group.name));
        let middle = y + BAR + 4.0;
        write(
            &mut body,
            format_args!(r#"<text class="e" x="{:.1}" y="{middle:.1}">{name}</text>"#, left - 8.0),
        );
        for (k, (bar, class)) in group.bars.iter().zip(CLASSES).enumerate() {
            let y = y + BAR * k as f64;
            let (spread, what) = match bar {
                Bar::Length(spread, what) => (*spread, what),
                Bar::Missing(why) => {
                    let (x, y) = (left + 4.0, y + BAR - 1.0);
                    write(&mut body, format_args!(r#"<text x="{x:.1}" y="{y:.1}">{why}</text>"#));
                    continue;
                }
            };
            let [median, low, high] = [spread.median, spread.low, spread.high].map(digits);
            let words = format!("{name}, {what}: {median} {unit} ({low} to {high})");
            let (width, height) = (x(spread.median) - left, BAR - 1.0);
            write(
                &mut body,
                format_args!(
                    r#"<rect class="{class}" x="{left:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}"><title>{words}</title></rect>"#
                ),
            );
            let [low, high] = [x(spread.low), x(longest(spread))];
            let y = y + height / 2.0;
            write(&mut body, format_args!(r#"<path class="x w" d="M{low:.1} {y:.1}H{high:.1}"/>"#));
        }
    }
    let (middle, below) = ((left + RIGHT) / 2.0, bottom + 38.0);
    write(
        &mut body,
        format_args!(r#"<text class="m" x="{middle:.1}" y="{below:.1}">{axis}</text>"#),
    );
    let legend: Vec<(String, String)> = CLASSES.map(String::from).into_iter().zip(legend).collect();
    let height = entries(&mut body, bottom + 66.0, &legend, 2);
    (height, body)
}

/// Names the strategy and the number of threads.
fn name(point: &Point) -> String {
    format!("{}, {}{}", point.strategy, point.threads, if point.oversubscribed { "*" } else { "" })
}

/// Returns the points with all data, the plain loop first.
fn all(report: &Scaled) -> impl Iterator<Item = &Point> {
    [&report.scaling.plain].into_iter().chain(&report.scaling.strong)
}
