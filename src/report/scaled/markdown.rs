//! The report as Markdown, for records and discussions.

use std::fmt::Write;
use std::path::Path;

use super::{Scaled, Table, notes, peers, points, prediction, streaming, target};
use crate::error::Result;
use crate::save;

/// Writes the tables with the machine and notes, [atomically](save::atomically).
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write_markdown(report: &Scaled, path: impl AsRef<Path>) -> Result<()> {
    save::atomically(path, |out| out.write_all(text(report).as_bytes()))
}

fn text(report: &Scaled) -> String {
    let data = &report.data;
    let mut text = format!(
        "# Thread scaling on {}\n\n{} examples, {} features, {} non-zeros\n\n",
        escaped(&data.path),
        data.examples,
        data.features,
        data.nonzeros
    );
    for (name, value) in report.machine.lines() {
        text += &format!("- {name}: {}\n", escaped(&value));
    }
    text += "\n";
    table(&mut text, &points(report, false));
    if !report.scaling.weak.is_empty() {
        text += "\nWeak scaling: data in proportion to the threads\n\n";
        table(&mut text, &points(report, true));
    }
    if report.scaling.target.is_some() {
        text += "\nTime to the target, loading included\n\n";
        table(&mut text, &target(report));
    }
    text += "\nModel of the machine beside the measurement\n\n";
    table(&mut text, &prediction(report));
    if report.peers.is_some() {
        text += "\nOther programs, to 0.1 % of the optimum\n\n";
        table(&mut text, &peers(report));
    }
    text += "\nMemory throughput and wake-up cost\n\n";
    table(&mut text, &streaming(report));
    text += "\n";
    for note in notes(report) {
        text += &format!("- {}\n", escaped(&note));
    }
    text
}

fn table(text: &mut String, table: &Table) {
    let line = |text: &mut String, cells: &[String]| {
        // Writing to a string does not fail.
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    line(text, &table.heads);
    let rules: Vec<String> = (0..table.heads.len())
        .map(|column| if column == 0 { "---".into() } else { "---:".into() })
        .collect();
    let _ = writeln!(text, "| {} |", rules.join(" | "));
    table.rows.iter().for_each(|row| line(text, row));
}

/// Escapes text that must not be markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#') {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}
