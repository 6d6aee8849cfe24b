//! Line plots: speed-up by threads, objective by time.

use super::canvas::{
    BOTTOM, LEFT, RIGHT, TOP, axis, dot, entries, grid, label, line, tidy, whisker,
};
use super::plot::{COLORS, Plot};
use crate::report::drawing::ticks;
use crate::report::scaled::Scaled;
use crate::report::scaled::tables::digits;
use crate::scaling::{Point, Step};

/// Draws throughput as a multiple of the best single thread, by threads, with the ideal line and
/// the model.
pub(super) fn speed_up(report: &Scaled) -> Plot {
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
    let mut next_label = 0.0;
    for &threads in &threads {
        let more = if threads > scaling.processors { "*" } else { "" };
        let at = x(threads as f64);
        // Small numbers lie close together if the largest is large.
        if at >= next_label {
            label(&mut body, at, &format!("{threads}{more}"));
            next_label = at + 26.0;
        }
    }
    axis(&mut body, "threads", "times as fast as the best single thread");
    line(&mut body, "i", [1.0, most].map(|threads| (x(threads), y(threads))).into_iter());
    let mut legend = vec![("i".to_string(), "ideal".to_string())];
    for (k, points) in curves(report).enumerate() {
        let (color, class) = style_of(k);
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
        line(&mut body, &class, points.iter().map(|point| (at(point), y(point.speed_up))));
        let predicted = points.iter().filter_map(|point| {
            let seconds = point.prediction?.epoch_seconds;
            Some((at(point), y(point.nonzeros as f64 / seconds / best)))
        });
        line(&mut body, &format!("l l{color} d"), predicted);
        legend.push((class, points[0].strategy.clone()));
    }
    legend.push(("l l7 d".into(), "model (dotted)".into()));
    let height = entries(&mut body, BOTTOM + 68.0, &legend, columns(&legend));
    Plot { name: "speed-up", title: "Speed-up in throughput".into(), height, body }
}

/// Draws the distance to the optimum over time, of each strategy with the most threads that have a
/// processor each.
pub(super) fn objective(report: &Scaled) -> Plot {
    let scaling = &report.scaling;
    let optimum = scaling.optimum.objective;
    let chosen: Vec<&Point> = curves(report)
        .filter_map(|points| points.iter().rfind(|point| !point.oversubscribed).or(points.last()))
        .collect();
    let steps = || chosen.iter().flat_map(|point| &point.epochs);
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
    let mut body = grid(
        &powers.map(|share| (y(share), format!("{} %", tidy(100.0 * share)))).collect::<Vec<_>>(),
    );
    marks.iter().for_each(|&mark| label(&mut body, x(mark), &tidy(mark)));
    axis(&mut body, "seconds from checked rows", "above the optimum, as a fraction of it");
    let mut legend = Vec::new();
    for (k, point) in chosen.iter().enumerate() {
        let (color, class) = style_of(k);
        let of = |step: &Step| (x(step.seconds), y(distance(step.objective)));
        line(&mut body, &class, point.epochs.iter().map(of));
        for step in &point.epochs {
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
        legend.push((class, format!("{}, {}", point.strategy, point.threads)));
    }
    let height = entries(&mut body, BOTTOM + 68.0, &legend, columns(&legend));
    Plot { name: "objective", title: "Objective against time".into(), height, body }
}

/// Returns the points of each strategy.
fn curves(report: &Scaled) -> impl Iterator<Item = &[Point]> {
    report.scaling.strong.chunk_by(|a, b| a.strategy == b.strategy)
}

/// Returns color and class of the k-th strategy's line.
fn style_of(k: usize) -> (usize, String) {
    let color = k % COLORS;
    (color, format!("l l{color}{}", if k < COLORS { "" } else { " v" }))
}

/// Returns the number of legend columns that the longest name allows.
fn columns(legend: &[(String, String)]) -> usize {
    if legend.iter().all(|(_, name)| name.chars().count() < 16) { 3 } else { 2 }
}
