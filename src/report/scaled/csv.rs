//! The points as comma-separated values, one line per point: the numbers of the JSON, for
//! spreadsheets.

use std::path::Path;

use super::Scaled;
use crate::error::Result;
use crate::save;
use crate::scaling::{GAPS, Point, Spread};

/// Writes all points, the plain loop first, [atomically](save::atomically). Values that were not
/// measured are empty.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write_csv(report: &Scaled, path: impl AsRef<Path>) -> Result<()> {
    save::atomically(path, |out| out.write_all(text(report).as_bytes()))
}

fn text(report: &Scaled) -> String {
    let spread = |name: &str| ["", "_low", "_high"].map(|part| format!("{name}{part}"));
    let mut heads: Vec<String> = [
        "scaling",
        "strategy",
        "threads",
        "workers",
        "oversubscribed",
        "pinned",
        "examples",
        "nonzeros",
    ]
    .map(String::from)
    .into();
    heads.extend(spread("epoch_seconds"));
    heads.extend(spread("nonzeros_per_second"));
    heads.extend(["speed_up", "efficiency", "share_of_streaming"].map(String::from));
    heads.extend(spread("prepare_seconds"));
    for gap in GAPS {
        heads.push(format!("arrived_{gap}"));
        heads.extend(spread(&format!("epochs_to_{gap}")));
        heads.extend(spread(&format!("seconds_to_{gap}")));
        heads.push(format!("time_speed_up_{gap}"));
    }
    heads.push("load_seconds".into());
    heads.extend(spread("target_train_seconds"));
    heads.extend(spread("target_total_seconds"));
    heads.extend(spread("objective"));
    heads.extend(spread("test_accuracy"));
    heads.extend(
        ["predicted_epoch_seconds", "prediction_error", "prediction_used"].map(String::from),
    );

    let scaling = &report.scaling;
    let strong =
        [&scaling.plain].into_iter().chain(&scaling.strong).map(|point| line("strong", point));
    let weak = scaling.weak.iter().map(|point| line("weak", point));
    let mut text = heads.join(",") + "\n";
    strong.chain(weak).for_each(|line| text += &(line.join(",") + "\n"));
    text
}

fn line(scaling: &str, point: &Point) -> Vec<String> {
    let mut cells: Vec<String> = vec![
        scaling.into(),
        point.strategy.clone(),
        point.threads.to_string(),
        point.workers.to_string(),
        point.oversubscribed.to_string(),
        point.pinned.to_string(),
        point.examples.to_string(),
        point.nonzeros.to_string(),
    ];
    cells.extend(spread(Some(point.epoch_seconds)));
    cells.extend(spread(Some(point.nonzeros_per_second)));
    cells.extend([
        number(Some(point.speed_up)),
        number(Some(point.efficiency)),
        number(point.share_of_streaming),
    ]);
    cells.extend(spread(Some(point.prepare_seconds)));
    for to in &point.to_gaps {
        cells.push(to.arrived.to_string());
        cells.extend(spread(to.epochs));
        cells.extend(spread(to.seconds));
        cells.push(number(to.speed_up));
    }
    cells.push(number(point.to_target.map(|to| to.load_seconds)));
    cells.extend(spread(point.to_target.and_then(|to| to.train_seconds)));
    cells.extend(spread(point.to_target.and_then(|to| to.total_seconds)));
    cells.extend(spread(Some(point.objective)));
    cells.extend(spread(point.test_accuracy));
    let prediction = point.prediction;
    cells.push(number(prediction.map(|found| found.epoch_seconds)));
    cells.push(number(prediction.map(|found| found.error)));
    cells.push(prediction.map_or(String::new(), |found| found.used.to_string()));
    cells
}

fn spread(spread: Option<Spread>) -> [String; 3] {
    let part = |f: fn(Spread) -> f64| number(spread.map(f));
    [part(|spread| spread.median), part(|spread| spread.low), part(|spread| spread.high)]
}

/// Returns the shortest text that parses to the same number.
fn number(x: Option<f64>) -> String {
    x.filter(|x| x.is_finite()).map_or(String::new(), |x| x.to_string())
}
