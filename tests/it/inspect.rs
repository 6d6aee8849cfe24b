//! `wildsgd inspect`.

use serde_json::{Value, json};

use crate::command::{Place, SMALL, TRAIN};

/// Maximum width of a line.
const COLUMNS: usize = 80;

/// Runs on `data`, checks the properties of all outputs, and returns the text and the JSON.
fn inspect(place: &Place, data: &str) -> (String, Value) {
    let run = place.succeed(&["inspect", data, "--svg", "s", "--json", "j"]);
    assert_eq!(run.stderr, "");
    assert_fits(&run.stdout);
    assert_draws(&place.text("s"));
    let json = place.json("j");
    assert_eq!((&json["schema"], &json["version"]), (&json!(1), &json!(env!("CARGO_PKG_VERSION"))));
    (run.stdout, json)
}

/// Checks that every line except the data's name is short and has no trailing blanks.
fn assert_fits(text: &str) {
    for line in text.lines().skip(1) {
        assert!(line.chars().count() <= COLUMNS && line == line.trim_end(), "{line:?}\n{text}");
    }
}

/// Checks that the text is well-formed XML without references to other files, with bars for each
/// distribution.
fn assert_draws(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap();
    assert!(document.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    assert!(svg.contains("prefers-color-scheme:dark"));
    assert_eq!(svg.matches("http").count(), 1, "{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}

fn has(text: &str, name: &str, value: &str) {
    let line = format!("{name:<18} {value}");
    assert!(text.lines().any(|other| other == line), "{line:?} is missing in\n{text}");
}

#[test]
fn debian_packages() {
    let place = Place::new();
    let (text, json) = inspect(&place, TRAIN);
    has(&text, "examples", "6,000");
    has(&text, "features", "108,117, all of them occur");
    has(&text, "non-zeros", "713,491, density 0.11 %, not all values are 1");
    has(&text, "label 1", "      1,092   18.2 %");
    has(&text, "Delta", "84.6 %    of the examples have the hottest feature");
    assert!(text.contains("All rows have length 1"), "{text}");
    assert!(text.contains("Only 18.2 % of the examples have label 1"), "{text}");
    assert_eq!(json["data"]["nonzeros"], 713_491);
    assert_eq!(json["features_seen"], 108_117);
    assert_eq!(
        json["labels"]["classes"][1],
        json!({"label": 1.0, "examples": 1092, "share": 0.182})
    );
    assert_eq!(json["frequencies"]["min"], 2);
    assert_eq!([&json["empty_rows"], &json["explicit_zeros"]], [&json!(0), &json!(0)]);
    assert_eq!(json["conflicts"]["omega"], json["row_lengths"]["max"]);
    let sum = |bins: &str, what: &str| -> u64 {
        let bins = json[bins]["bins"].as_array().unwrap();
        bins.iter().map(|bin| bin[what].as_u64().unwrap()).sum()
    };
    assert_eq!((sum("row_lengths", "count"), sum("frequencies", "count")), (6_000, 108_117));
    assert_eq!(
        (sum("row_lengths", "nonzeros"), sum("frequencies", "nonzeros")),
        (713_491, 713_491)
    );
}

/// Data like a9a: all values are 1, and feature 1 is almost everywhere.
#[test]
fn binary_data() {
    let rows = (0..100).map(|i| match i {
        0 => "1 3:1\n".into(),
        _ => format!("{} 1:1 {}:1\n", if i % 3 == 0 { 1 } else { -1 }, 2 + i % 7),
    });
    let place = Place::with(&[("d", &rows.collect::<String>())]);
    let (text, json) = inspect(&place, "d");
    has(&text, "non-zeros", "199, density 24.9 %, all values are 1");
    has(&text, "in memory", "1.56 KiB");
    has(&text, "Omega", "2         non-zeros of the longest example");
    has(&text, "rho", "100 %     of the examples conflict with the worst one");
    has(&text, "held by hottest", "8: 100 % of the non-zeros");
    assert!(text.contains("Feature 1 is 1 in 99.0 % of the examples"), "{text}");
    assert_eq!(json["hottest"][0], json!({"feature": 1, "examples": 99, "share": 0.99}));
    assert_eq!(json["duplicates"]["copies"], 92);
    let two = json["conflicts"]["collisions"][0]["share"].as_f64().unwrap();
    let naive: f64 =
        [99, 14, 16, 14, 14, 14, 14, 14].map(|c| f64::from(c * c)).iter().sum::<f64>() / 19_900.0;
    assert!((two - naive).abs() < 1e-12, "{two} {naive}");
}

#[test]
fn labels_only() {
    let place = Place::with(&[("d", "1\n-1\n1\n")]);
    let (text, json) = inspect(&place, "d");
    has(&text, "non-zeros", "0, density 0 %, all values are 1");
    has(&text, "empty rows", "3");
    assert!(
        text.contains("predicted by the bias alone") && !text.contains("examples per feature"),
        "{text}"
    );
    assert!(json["frequencies"].is_null() && json["norms"].is_null());
    assert_eq!(json["conflicts"]["rho"], json!({"lower": 0.0, "upper": 0.0}));
}

#[test]
fn problems_are_reported() {
    let place = Place::with(&[("d", "1 1:1 2:0 3:500\n-1 1:1 3:500\n1 1:1\n1 1:1 4:3\n")]);
    let (text, json) = inspect(&place, "d");
    has(&text, "duplicate rows", "1 (25.0 %) are copies; 2 equal one with another label");
    for advice in [
        "1 feature has the same value in all examples",
        "Rows have lengths from 1 to 500.001",
        "classifier gets at least 1 wrong (25.0 %)",
        "- 1 entry is 0",
    ] {
        assert!(text.replace("\n  ", " ").contains(advice), "{advice}: {text}");
    }
    assert_eq!((&json["explicit_zeros"], &json["constant_features"]), (&json!(1), &json!(1)));
}

#[test]
fn many_labels() {
    let rows: String = (0..300).map(|i| format!("{} 1:1\n", f64::from(i) / 2.0)).collect();
    let place = Place::with(&[("d", &rows)]);
    let (text, json) = inspect(&place, "d");
    has(&text, "labels", "300 distinct values: a regression target");
    has(&text, "", "min 0, quartiles 37, 74.5, 112, max 149.5,");
    assert!(!text.contains("contradict"), "{text}");
    assert_eq!(json["labels"]["target"]["mean"], 74.75);
    let rows: String = (0..30).map(|i| format!("{} 1:1\n", i % 10)).collect();
    place.write("d", rows);
    let (text, _) = inspect(&place, "d");
    has(&text, "other labels", "2 of them, with 10.0 % of the examples each");
}

#[test]
fn features_have_the_numbers_of_the_file() {
    let place = Place::with(&[("d", "1 0:1 4294967294:1\n-1 0:1\n"), ("e", SMALL)]);
    for base in ["0", "auto"] {
        place.succeed(&["inspect", "d", "--index-base", base, "--json", "j"]);
        let hottest = &place.json("j")["hottest"];
        assert_eq!(
            (&hottest[0]["feature"], &hottest[1]["feature"]),
            (&json!(0), &json!(4_294_967_294u32))
        );
    }
    place.succeed(&["inspect", "e", "--index-base", "auto", "--json", "j"]);
    assert_eq!(place.json("j")["hottest"][0]["feature"], 1);
    place.fail(
        &["inspect", "d", "--json", "j"],
        "d:1:3: `0:1` has index 0 (expected indices that count from 1); if the file counts features from 0, give \
         `--index-base 0`",
    );
}

#[test]
fn quiet_and_standard_input() {
    let place = Place::with(&[("d&<>\u{1}", SMALL)]);
    let run = place.succeed(&["inspect", "d&<>\u{1}", "--quiet", "--svg", "s", "--json", "j"]);
    assert_eq!((&*run.stdout, &*run.stderr), ("", ""));
    assert_draws(&place.text("s"));
    let run = place.run_with(&["inspect", "-"], SMALL);
    assert!(
        run.code == 0 && run.stdout.starts_with("<stdin>\n\nexamples           4\n"),
        "{run:?}"
    );
}

#[test]
fn files_that_cannot_be_read_or_written() {
    let place = Place::with(&[("d", SMALL), ("bad", "1 1:1\n1 2:x\n")]);
    place.fail(
        &["inspect", "bad", "--svg", "s", "--json", "j"],
        "bad:2:5: value `x` is not a number (expected a decimal number such as 0.5 or 1e-3); correct the value, or \
         leave the entry out",
    );
    place.fail(
        &["inspect", "d", "--svg", "d"],
        "d: is both the data and `--svg` (expected a file of its own for each output); name another file",
    );
    place.fail_somehow(&["inspect", "d", "--json", "none/j"]);
    place.fail_somehow(&["inspect", "none"]);
    assert_eq!(place.run(&["inspect"]).code, 2);
}
