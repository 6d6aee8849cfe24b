//! The plots: drawings that need nothing else, for the page and as files of their own.

use std::fmt::{self, Display, Write};
use std::path::Path;

use super::Scaled;
use super::tables::{digits, percent};
use crate::error::Result;
use crate::report::drawing::{STYLE, escaped, ticks};
use crate::save;
use crate::scaling::{GAPS, Point, Spread};

/// A drawing, with what it shows in words.
pub(super) struct Plot {
    /// Name of its file, without the ending.
    pub(super) name: &'static str,
    pub(super) title: String,
    height: f64,
    body: String,
}

/// Draws all plots into files in `folder`: `speed-up.svg`, `time-to-target.svg`, `objective.svg`, `model.svg`, each
/// [at once or not at all](save::atomically).
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if a file cannot be written.
pub fn write_plots(report: &Scaled, folder: impl AsRef<Path>) -> Result<()> {
    let folder = folder.as_ref();
    plots(report).iter().try_for_each(|plot| {
        save::atomically(folder.join(format!("{}.svg", plot.name)), |out| writeln!(out, "{}", Alone(plot)))
    })
}

/// All plots.
pub(super) fn plots(report: &Scaled) -> [Plot; 4] {
    [speed_up(report), time_to_target(report), objective(report), model(report)]
}

const WIDTH: f64 = 560.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = WIDTH - 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 316.0;
/// Height of a line of a legend.
const LINE: f64 = 20.0;

/// Lines and marks of the strategies: colors that differ in brightness too, for light paper and for dark.
const LIGHT: [&str; 8] =
    ["#1f6fb4", "#d1495b", "#2a9d3f", "#8a4fbf", "#c77700", "#0b8a8f", "#b0308f", "#6b7280"];
const DARK: [&str; 8] =
    ["#58a6ff", "#ff7b86", "#56d364", "#c297ff", "#f0a040", "#3fc9ce", "#f778ba", "#9aa4b0"];

/// The style of plots, beside that of all drawings.
pub(super) fn style() -> String {
    let colors = |colors: [&str; 8]| -> String {
        let class = |(k, color): (usize, &&str)| {
            format!(".l{k}{{stroke:{color}}}.f{k}{{fill:{color}}}.o{k}{{stroke:{color}}}")
        };
        colors.iter().enumerate().map(class).collect()
    };
    format!(
        "{STYLE}path.l{{fill:none;stroke-width:2.2}}.o{{fill:none;stroke-width:1.6}}.d{{stroke-dasharray:2 4}}\
         .i{{fill:none;stroke:#57606a;stroke-width:1.4;stroke-dasharray:7 5}}.w{{stroke-width:1.4}}.n{{opacity:.5}}{}\
         @media(prefers-color-scheme:dark){{.i{{stroke:#8b949e}}{}}}",
        colors(LIGHT),
        colors(DARK)
    )
}

/// A whole drawing, with its own style and paper.
struct Alone<'a>(&'a Plot);

impl Display for Alone<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plot { title, height, body, .. } = self.0;
        let (height, title) = (height + 30.0, escaped(title));
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">"#
        )?;
        writeln!(f, "<title>{title}</title>\n<style>{}</style>", style())?;
        writeln!(f, r#"<rect class="p" width="{WIDTH}" height="{height}"/>"#)?;
        writeln!(f, r#"<text class="h" x="{LEFT}" y="24">{title}</text>"#)?;
        write!(f, r#"<g transform="translate(0 30)">{body}</g></svg>"#)
    }
}

impl Display for Plot {
    /// The drawing for a page that has the style.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plot { title, height, body, .. } = self;
        write!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"><title>{}</title>{body}</svg>"#,
            escaped(title)
        )
    }
}

/// Throughput as a multiple of the best single thread, by threads, with the ideal line and the model.
fn speed_up(report: &Scaled) -> Plot {
    let scaling = &report.scaling;
    let threads: Vec<usize> = scaling.streaming.iter().map(|floor| floor.threads).collect();
    let most = threads.iter().copied().max().unwrap_or(1).max(2) as f64;
    let best = scaling.best_single.nonzeros_per_second;
    let heights = scaling.strong.iter().map(|point| point.nonzeros_per_second.high / best);
    let marks = ticks(heights.fold(most, f64::max), 6);
    let top = marks[marks.len() - 1];
    let x = |threads: f64| LEFT + (RIGHT - LEFT - 24.0) * threads / most;
    let y = |factor: f64| BOTTOM - (BOTTOM - TOP) * factor / top;
    let mut body = grid(&marks.iter().map(|&mark| (y(mark), mark.to_string())).collect::<Vec<_>>());
    let mut room = 0.0;
    for &threads in &threads {
        let more = if threads > scaling.processors { "*" } else { "" };
        let place = x(threads as f64);
        // Small numbers are near each other where the largest is large.
        if place >= room {
            label(&mut body, place, &format!("{threads}{more}"));
            room = place + 26.0;
        }
    }
    axis(&mut body, "threads", "times as fast as the best single thread");
    line(&mut body, "i", [1.0, most].map(|threads| (x(threads), y(threads))).into_iter());
    let mut legend = vec![("i".to_string(), "ideal".to_string())];
    for (k, points) in curves(report).enumerate() {
        let color = k % LIGHT.len();
        let at = |point: &Point| x(point.threads as f64);
        for point in points {
            let speed = point.nonzeros_per_second.map(|speed| speed / best);
            whisker(&mut body, color, at(point), [y(speed.low), y(speed.high)]);
            let words = format!(
                "{}, {} threads: {:.2} ({:.2} to {:.2})",
                point.strategy, point.threads, speed.median, speed.low, speed.high
            );
            dot(&mut body, color, at(point), y(speed.median), &words);
        }
        line(&mut body, &format!("l l{color}"), points.iter().map(|point| (at(point), y(point.speed_up))));
        let predicted = points.iter().filter_map(|point| {
            let seconds = point.prediction?.epoch_seconds;
            Some((at(point), y(point.nonzeros as f64 / seconds / best)))
        });
        line(&mut body, &format!("l l{color} d"), predicted);
        legend.push((format!("l l{color}"), points[0].strategy.clone()));
    }
    legend.push(("l l7 d".into(), "model (dotted)".into()));
    let height = entries(&mut body, BOTTOM + 68.0, &legend, 3);
    Plot { name: "speed-up", title: "Speed-up in throughput".into(), height, body }
}

/// Seconds from checked rows to each gap, as bars.
fn time_to_target(report: &Scaled) -> Plot {
    let group = |point: &Point| Group {
        name: name(point),
        bars: point
            .to_gaps
            .iter()
            .map(|to| match to.seconds {
                Some(seconds) => Bar::Length(seconds, format!("to {}", percent(to.gap))),
                None => Bar::Missing(format!("{} of {} arrived", to.arrived, report.scaling.repeats)),
            })
            .collect(),
    };
    let legend = GAPS.map(|gap| format!("to {} of the optimum", percent(gap)));
    let axis = "seconds, objective and step size search included";
    let (height, body) = bars(&all(report).map(group).collect::<Vec<_>>(), legend, axis, "s");
    Plot { name: "time-to-target", title: "Time to the target".into(), height, body }
}

/// Milliseconds of an epoch, measured and as the model has them, as bars.
fn model(report: &Scaled) -> Plot {
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
    Plot { name: "model", title: "Model of the machine beside the measurement".into(), height, body }
}

/// Bars that belong together.
struct Group {
    name: String,
    bars: Vec<Bar>,
}

enum Bar {
    /// A length, and what it is.
    Length(Spread, String),
    /// Why there is none.
    Missing(String),
}

/// Groups of two bars, from the top down; returns height and drawing.
fn bars(groups: &[Group], legend: [String; 2], axis: &str, unit: &str) -> (f64, String) {
    const SLOT: f64 = 30.0;
    const BAR: f64 = 11.0;
    const CLASSES: [&str; 2] = ["a", "b"];
    let longest = |spread: Spread| if spread.high.is_finite() { spread.high } else { spread.median };
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
    write(&mut body, format_args!(r#"<text class="m" x="{middle:.1}" y="{below:.1}">{axis}</text>"#));
    let legend: Vec<(String, String)> = CLASSES.map(String::from).into_iter().zip(legend).collect();
    let height = entries(&mut body, bottom + 66.0, &legend, 2);
    (height, body)
}

/// Strategy and threads.
fn name(point: &Point) -> String {
    format!("{}, {}{}", point.strategy, point.threads, if point.oversubscribed { "*" } else { "" })
}

/// The points with all data, the plain loop first.
fn all(report: &Scaled) -> impl Iterator<Item = &Point> {
    [&report.scaling.plain].into_iter().chain(&report.scaling.strong)
}

/// Distance to the optimum against seconds, of each strategy with the most threads that have a processor each.
fn objective(report: &Scaled) -> Plot {
    let scaling = &report.scaling;
    let optimum = scaling.optimum.objective;
    let chosen: Vec<&Point> = curves(report)
        .filter_map(|points| points.iter().rfind(|point| !point.oversubscribed).or(points.last()))
        .collect();
    let steps = || chosen.iter().flat_map(|point| &point.course);
    let distance = |objective: f64| (objective / optimum - 1.0).max(1e-9);
    let least = steps().map(|step| distance(step.objective)).fold(1e-3, f64::min).max(1e-5);
    let most = steps().map(|step| distance(step.objective)).fold(1e-2, f64::max).min(1e3);
    let [low, high] = [least.log10().floor(), most.log10().ceil()];
    let marks = ticks(steps().map(|step| step.seconds).fold(0.0, f64::max), 6);
    let last = marks[marks.len() - 1];
    let x = |seconds: f64| LEFT + (RIGHT - LEFT - 8.0) * seconds / last;
    let y = |distance: f64| {
        let share = (distance.log10().clamp(low, high) - low) / (high - low);
        BOTTOM - (BOTTOM - TOP) * share
    };
    let powers = (low as i32..=high as i32).map(|power| 10_f64.powi(power));
    let mut body =
        grid(&powers.map(|share| (y(share), format!("{} %", tidy(100.0 * share)))).collect::<Vec<_>>());
    marks.iter().for_each(|&mark| label(&mut body, x(mark), &tidy(mark)));
    axis(&mut body, "seconds from checked rows", "above the optimum, as a share of it");
    let mut legend = Vec::new();
    for (k, point) in chosen.iter().enumerate() {
        let color = k % LIGHT.len();
        let of = |step: &crate::scaling::Step| (x(step.seconds), y(distance(step.objective)));
        line(&mut body, &format!("l l{color}"), point.course.iter().map(of));
        for step in &point.course {
            let (x, y) = of(step);
            let words = format!(
                "{}, {} threads, epoch {}: {} s, {}",
                point.strategy,
                point.threads,
                step.epoch,
                digits(step.seconds),
                digits(step.objective)
            );
            dot(&mut body, color, x, y, &words);
        }
        legend.push((format!("l l{color}"), format!("{}, {}", point.strategy, point.threads)));
    }
    let height = entries(&mut body, BOTTOM + 68.0, &legend, 3);
    Plot { name: "objective", title: "Objective against time".into(), height, body }
}

/// The points of each strategy.
fn curves(report: &Scaled) -> impl Iterator<Item = &[Point]> {
    report.scaling.strong.chunk_by(|a, b| a.strategy == b.strategy)
}

/// Lines across, each with its label; the first is the axis.
fn grid(lines: &[(f64, String)]) -> String {
    let mut body = String::new();
    for (k, (y, text)) in lines.iter().enumerate() {
        let class = if k == 0 { "x" } else { "g" };
        write(&mut body, format_args!(r#"<path class="{class}" d="M{LEFT} {y:.1}H{RIGHT}"/>"#));
        write(
            &mut body,
            format_args!(r#"<text class="e" x="{}" y="{:.1}">{text}</text>"#, LEFT - 6.0, y + 4.0),
        );
    }
    body
}

fn label(body: &mut String, x: f64, text: &str) {
    write(body, format_args!(r#"<path class="x" d="M{x:.1} {BOTTOM}v5"/>"#));
    write(body, format_args!(r#"<text class="m" x="{x:.1}" y="{}">{text}</text>"#, BOTTOM + 19.0));
}

fn axis(body: &mut String, below: &str, beside: &str) {
    let (middle, center) = ((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0);
    write(body, format_args!(r#"<text class="m" x="{middle}" y="{}">{below}</text>"#, BOTTOM + 39.0));
    write(
        body,
        format_args!(r#"<text class="m" transform="translate(14 {center}) rotate(-90)">{beside}</text>"#),
    );
}

fn line(body: &mut String, class: &str, points: impl Iterator<Item = (f64, f64)>) {
    let places: Vec<String> = points.map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    if places.len() > 1 {
        write(body, format_args!(r#"<path class="{class}" d="M{}"/>"#, places.join("L")));
    }
}

fn whisker(body: &mut String, color: usize, x: f64, [low, high]: [f64; 2]) {
    write(
        body,
        format_args!(
            r#"<path class="o l{color} n" d="M{x:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h8M{:.1} {high:.1}h8"/>"#,
            x - 4.0,
            x - 4.0
        ),
    );
}

fn dot(body: &mut String, color: usize, x: f64, y: f64, words: &str) {
    let words = escaped(words);
    write(
        body,
        format_args!(
            r#"<circle class="f{color}" cx="{x:.1}" cy="{y:.1}" r="3.4"><title>{words}</title></circle>"#
        ),
    );
}

/// Writes a legend of lines (`l`, `i`) and bars, in some columns from `y` on; returns where it ends.
fn entries(body: &mut String, y: f64, legend: &[(String, String)], columns: usize) -> f64 {
    let width = (RIGHT - LEFT) / columns as f64;
    for (k, (class, name)) in legend.iter().enumerate() {
        let (x, y) = (LEFT + width * (k % columns) as f64, y + LINE * (k / columns) as f64);
        if class.starts_with(['l', 'i']) {
            write(body, format_args!(r#"<path class="{class}" d="M{x:.1} {:.1}h20"/>"#, y - 4.0));
        } else {
            write(
                body,
                format_args!(
                    r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="20" height="10"/>"#,
                    y - 9.0
                ),
            );
        }
        write(body, format_args!(r#"<text x="{:.1}" y="{y:.1}">{}</text>"#, x + 26.0, escaped(name)));
    }
    y + LINE * (legend.len().div_ceil(columns) as f64 - 1.0) + 12.0
}

/// A round number without digits of rounding.
fn tidy(x: f64) -> String {
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn write(body: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(body, "{text}");
}
