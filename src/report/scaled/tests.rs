use std::time::Duration;

use serde_json::Value;

use super::*;
use crate::data::Builder;
use crate::scaling::{Input, Plan};
use crate::strategy::{StrategyKind, Update};

fn report(name: &str) -> Scaled {
    let mut builder = Builder::default();
    for i in 0..400_u64 {
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        builder.entry((mixed >> 63) as u32, 1.0);
        builder.entry(2 + (mixed >> 40) as u32 % 17, 0.5);
        builder.end_row(if mixed >> 63 == 1 { 1.0 } else { -1.0 });
    }
    let data = builder.finish(0);
    let plan = Plan {
        threads: vec![1, 2, 64],
        strategies: vec![StrategyKind::Hogwild(Update::Wild)],
        repeats: Some(2),
        epochs: 5,
        weak: true,
        ..Plan::default()
    };
    let input = Input { data: &data, name, test: Some(&data), load_time: Duration::from_millis(5) };
    let scaling = plan.run(input, &mut |_| ()).unwrap();
    let file = Data::of(name, &data, Duration::from_millis(5));
    Scaled::new(file.clone(), Some(file), scaling, Duration::from_secs(2))
}

fn written(write: impl FnOnce(&std::path::Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    write(&path);
    std::fs::read_to_string(path).unwrap()
}

/// Returns the page as XML, which it is except for its first line.
fn page(report: &Scaled) -> String {
    let text = written(|path| write_html(report, path).unwrap());
    text.strip_prefix("<!DOCTYPE html>\n").unwrap().to_string()
}

fn cells(page: &roxmltree::Document<'_>, id: &str) -> Vec<Vec<String>> {
    let table = page.descendants().find(|node| node.attribute("id") == Some(id)).unwrap();
    let rows = table.descendants().filter(|node| node.has_tag_name("tr")).skip(1);
    rows.map(|row| {
        row.children()
            .filter(|cell| cell.has_tag_name("td"))
            .map(|cell| cell.text().unwrap_or("").to_string())
            .collect()
    })
    .collect()
}

#[test]
fn numbers_of_the_page_are_those_of_the_json() {
    let report = report("a.svm");
    let json = written(|path| crate::report::write(&report, path).unwrap());
    let json: Value = serde_json::from_str(&json).unwrap();
    let text = page(&report);
    let page = roxmltree::Document::parse(&text).unwrap();
    let within = page.descendants().find(|node| node.attribute("id") == Some("report")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(within.text().unwrap()).unwrap(), json);

    let number = |value: &Value| value.as_f64().unwrap();
    let rows = cells(&page, "points");
    let points: Vec<&Value> =
        [&json["plain"]].into_iter().chain(json["strong"].as_array().unwrap()).collect();
    assert_eq!(rows.len(), points.len());
    for (row, point) in rows.iter().zip(points) {
        assert_eq!(row[0], point["strategy"].as_str().unwrap());
        assert_eq!(row[1].trim_end_matches('*'), point["threads"].to_string());
        assert_eq!(row[1].ends_with('*'), point["oversubscribed"].as_bool().unwrap());
        assert_eq!(row[2], format!("{:.1}", number(&point["nonzeros_per_second"]["median"]) / 1e6));
        let ends: Vec<f64> = row[3].split('–').map(|end| end.parse().unwrap()).collect();
        for (end, key) in ends.iter().zip(["low", "high"]) {
            assert!(
                (1e6 * end / number(&point["nonzeros_per_second"][key]) - 1.0).abs() < 0.01,
                "{row:?}"
            );
        }
        assert_eq!(ends.len(), 2);
        assert_eq!(row[4], format!("{:.2}", number(&point["speed_up"])));
        let to = &point["to_gaps"][0];
        let close = |cell: &str, value: &Value| match value {
            Value::Null => cell == "-",
            value => (cell.parse::<f64>().unwrap() / number(value) - 1.0).abs() < 0.01,
        };
        assert!(close(&row[7], &to["seconds"]["median"]), "{row:?} {to}");
        let speed_up = to["speed_up"].as_f64().map_or("-".into(), |factor| format!("{factor:.2}"));
        assert_eq!(row[9], speed_up, "{to}");
    }
    for (id, key) in [("weak", "weak"), ("streaming", "streaming")] {
        assert_eq!(cells(&page, id).len(), json[key].as_array().unwrap().len(), "{id}");
    }
    let model = cells(&page, "model");
    for (row, point) in model.iter().skip(1).zip(json["strong"].as_array().unwrap()) {
        let milliseconds = 1e3 * number(&point["prediction"]["epoch_seconds"]);
        assert!((row[5].parse::<f64>().unwrap() / milliseconds - 1.0).abs() < 0.01, "{row:?}");
    }
}

#[test]
fn the_page_is_self_contained_whatever_the_name() {
    let report = report("</script><b>&\u{1}.svm");
    let text = page(&report);
    let page = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(page.descendants().filter(|node| node.has_tag_name("svg")).count(), 4);
    assert!(!page.descendants().any(|node| node.has_tag_name("b") || node.has_tag_name("link")));
    for node in page.descendants() {
        assert!(node.attribute("src").is_none() && node.attribute("href").is_none());
    }
    let count = |text: &str| text.split("NaN").count() + text.split("inf ").count();
    let drawings: String = page
        .descendants()
        .filter(|node| node.has_tag_name("path") || node.has_tag_name("rect"))
        .flat_map(|node| node.attributes().map(|a| a.value().to_string()).collect::<Vec<_>>())
        .collect();
    assert_eq!(count(&drawings), 2, "{drawings}");
}

#[test]
fn drawings_are_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    write_plots(&report("a & b"), folder.path()).unwrap();
    for name in ["speed-up", "time-to-target", "objective", "model"] {
        let text = std::fs::read_to_string(folder.path().join(format!("{name}.svg"))).unwrap();
        let drawing = roxmltree::Document::parse(&text).unwrap();
        assert!(
            drawing.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")),
            "{name}"
        );
    }
}

#[test]
fn other_formats_hold_the_same_points() {
    let report = report("a|b_c.svm");
    let csv = written(|path| write_csv(&report, path).unwrap());
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{csv}");
    let scaling = &report.scaling;
    assert_eq!(lines.len(), 2 + scaling.strong.len() + scaling.weak.len());
    let column = lines[0].iter().position(|head| *head == "nonzeros_per_second").unwrap();
    assert_eq!(lines[1][column].parse(), Ok(scaling.plain.nonzeros_per_second.median));

    let markdown = written(|path| write_markdown(&report, path).unwrap());
    assert!(markdown.starts_with("# Thread scaling on a\\|b\\_c.svm\n"), "{markdown}");
    let rows = points(&report, false).rows;
    let row = rows[1].iter().map(|cell| cell.replace('*', "\\*")).collect::<Vec<_>>().join(" | ");
    assert!(markdown.contains(&format!("| {row} |")), "{row} {markdown}");
}

#[test]
fn columns_are_aligned() {
    let cell = String::from;
    let table = Table {
        heads: vec![cell("name"), cell("x")],
        rows: vec![vec![cell("a"), cell("1.25")], vec![cell("longer"), cell("-")]],
    };
    assert_eq!(table.to_string(), "name       x\na       1.25\nlonger     -\n");
}
