//! The report as one self-contained page: no network, no script, light and dark by the reader's
//! setting.

use std::fmt::{self, Display};
use std::path::Path;

use super::plots::plot::style;
use super::plots::plots;
use super::{Scaled, Table, notes, peers, points, prediction, streaming, target};
use crate::error::Result;
use crate::human::Count;
use crate::report::drawing::escaped;
use crate::save;

/// Writes the page, [atomically](save::atomically). It also contains the report as JSON, in the
/// element `report`.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) if the file cannot be written.
pub fn write_html(report: &Scaled, path: impl AsRef<Path>) -> Result<()> {
    save::atomically(path, |out| {
        // Characters that could end a script element, or are markup to XML parsers, occur only in
        // strings.
        let json = serde_json::to_string(report)?;
        let json = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
        write!(out, "{}", Page { report, json: &json })
    })
}

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fff;--ink:#24292f;--soft:#57606a;--rule:#d8dee4;--panel:#f6f8fa}\
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#8b949e;--rule:#30363d;--panel:#161b22}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:1280px;padding:24px 20px 56px;background:var(--paper);color:var(--ink);\
font:15px/1.5 system-ui,sans-serif}\
h1{font-size:24px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:18px;margin:36px 0 10px}\
p{margin:4px 0}.soft{color:var(--soft)}\
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:20px;align-items:start}\
figure{margin:0;padding:14px 14px 8px;border:1px solid var(--rule);border-radius:8px}\
figcaption{font-weight:600;margin-bottom:6px}svg{display:block;width:100%;height:auto}svg text{font-size:14px}\
.table{overflow-x:auto;border:1px solid var(--rule);border-radius:8px}\
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}\
th,td{padding:5px 8px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}\
th{background:var(--panel);font-weight:600;white-space:normal;vertical-align:bottom;min-width:5em}\
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--paper)}\
th:first-child{background:var(--panel)}tr:last-child td{border-bottom:0}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:0}dt{color:var(--soft)}\
dd{margin:0;overflow-wrap:anywhere}li{margin:4px 0}ul{padding-left:20px;margin:0}\
@media(max-width:600px){body{padding:16px 12px 40px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}\
figure{padding:10px 6px 6px}figcaption{padding-left:6px}}";

struct Page<'a> {
    report: &'a Scaled,
    json: &'a str,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let (data, scaling) = (&report.data, &report.scaling);
        let name = escaped(&data.path);
        writeln!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>")?;
        writeln!(f, r#"<meta name="viewport" content="width=device-width, initial-scale=1"/>"#)?;
        writeln!(
            f,
            "<title>Thread scaling on {name}</title>\n<style>{}{STYLE}</style>\n</head>\n<body>",
            style()
        )?;
        writeln!(f, "<h1>Thread scaling on {name}</h1>")?;
        writeln!(
            f,
            r#"<p class="soft">{} examples, {} features, {} non-zeros, wildsgd {}</p>"#,
            Count(data.examples as u64),
            Count(data.features as u64),
            Count(data.nonzeros as u64),
            report.version
        )?;
        writeln!(f, r#"<h2>Plots</h2><div class="plots">"#)?;
        for plot in plots(report) {
            writeln!(
                f,
                "<figure><figcaption>{}</figcaption>{plot}</figure>",
                escaped(&plot.title)
            )?;
        }
        writeln!(f, "</div>")?;
        table(f, "points", "Throughput and time to the optimum", &points(report, false))?;
        if !scaling.weak.is_empty() {
            table(
                f,
                "weak",
                "Weak scaling: data in proportion to the threads",
                &points(report, true),
            )?;
        }
        if scaling.target.is_some() {
            table(f, "target", "Time to the target, loading included", &target(report))?;
        }
        table(f, "model", "Model of the machine beside the measurement", &prediction(report))?;
        if report.peers.is_some() {
            table(f, "peers", "Other programs, to 0.1 % of the optimum", &peers(report))?;
        }
        table(f, "streaming", "Memory throughput and wake-up cost", &streaming(report))?;
        writeln!(f, "<h2>How to read this</h2><ul>")?;
        notes(report).iter().try_for_each(|note| writeln!(f, "<li>{}</li>", escaped(note)))?;
        writeln!(f, "</ul><h2>Machine</h2><dl>")?;
        for (name, value) in report.machine.lines() {
            writeln!(f, "<dt>{name}</dt><dd>{}</dd>", escaped(&value))?;
        }
        writeln!(f, "</dl>")?;
        writeln!(f, r#"<script type="application/json" id="report">{}</script>"#, self.json)?;
        writeln!(f, "</body>\n</html>")
    }
}

fn table(f: &mut fmt::Formatter<'_>, id: &str, title: &str, table: &Table) -> fmt::Result {
    writeln!(f, r#"<h2>{title}</h2><div class="table"><table id="{id}"><thead><tr>"#)?;
    table.heads.iter().try_for_each(|head| writeln!(f, "<th>{}</th>", escaped(head)))?;
    writeln!(f, "</tr></thead><tbody>")?;
    for row in &table.rows {
        write!(f, "<tr>")?;
        row.iter().try_for_each(|cell| write!(f, "<td>{}</td>", escaped(cell)))?;
        writeln!(f, "</tr>")?;
    }
    writeln!(f, "</tbody></table></div>")
}
