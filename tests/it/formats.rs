//! Variants of libsvm text that other programs write.

use crate::command::Place;

/// A model whose scores encode index and value of each entry: features 1, 2 and 3 have the weights
/// 1, 100 and 10000.
const MODEL: &str =
    "solver_type L2R_L2LOSS_SVR\nnr_class 2\nnr_feature 3\nbias -1\nw\n1 \n100 \n10000 \n";

/// Returns the predictions for `text`, as a file and on standard input.
fn scores(text: &str, flags: &[&str]) -> String {
    let place = Place::with(&[("m", MODEL), ("d", text)]);
    let run = place.succeed(&[&["predict", "m", "d", "--quiet"], flags].concat());
    let piped = place.run_with(&[&["predict", "m", "-", "--quiet"], flags].concat(), text);
    assert_eq!((piped.code, &piped.stdout), (0, &run.stdout), "{text:?}");
    run.stdout
}

#[test]
fn every_legal_form_reads_the_same() {
    let expected = "20003\n0\n400\n";
    let forms = [
        ("plain", "1 1:3 3:2\n-1\n1 2:4\n"),
        ("no line feed at the end", "1 1:3 3:2\n-1\n1 2:4"),
        ("line ends of Windows", "1 1:3 3:2\r\n-1\r\n1 2:4\r\n"),
        ("line ends of Windows, none at the end", "1 1:3 3:2\r\n-1\r\n1 2:4"),
        ("several spaces, and spaces at both ends", "  1   1:3  3:2  \n -1 \n1     2:4 \n"),
        ("tabs", "1\t1:3\t3:2\n-1\t\n1\t\t2:4\t\n"),
        ("blank lines", "\n1 1:3 3:2\n\n \t\n-1\n1 2:4\n\n"),
        ("comments", "# head\n1 1:3 3:2 # 2:9\n-1#\n1 2:4 #3:1\n# tail"),
        ("query ids", "1 qid:1 1:3 3:2\n-1 qid:2\n1 qid:18446744073709551615 2:4\n"),
        ("a byte order mark", "\u{feff}1 1:3 3:2\n-1\n1 2:4\n"),
        ("signs, points and exponents", "+1 1:+3.0 3:.2e1\n-1\n1e0 2:4.\n"),
        ("leading zeros", "01 01:03 003:2.00\n-1\n1 0002:4\n"),
    ];
    for (name, text) in forms {
        assert_eq!(scores(text, &[]), expected, "{name}");
    }
    assert_eq!(scores("1 0:3 2:2\n-1\n1 1:4\n", &["--index-base", "0"]), expected);
}

#[test]
fn explicit_zeros_are_kept() {
    let place = Place::with(&[("d", "1 1:0 3:0.0\n-1 2:-0\n"), ("m", MODEL)]);
    place.succeed(&["inspect", "d", "--json", "j", "--quiet"]);
    let data = &place.json("j")["data"];
    assert_eq!((&data["nonzeros"], &data["features"]), (&3.into(), &3.into()));
    assert_eq!(scores("1 1:0 3:0.0\n-1 2:-0\n", &[]), "0\n0\n");
}

#[test]
fn rows_with_a_label_only_are_examples() {
    let place = Place::with(&[("d", "1\n-1\n1 1:1\n-1 2:1\n1\n")]);
    place.succeed(&["train", "d", "--model", "m", "--report", "r", "--quiet"]);
    assert_eq!(place.json("r")["data"]["examples"], 5);
    assert_eq!(place.succeed(&["predict", "m", "d", "--quiet"]).stdout.lines().count(), 5);
}

#[test]
fn dense_text_takes_an_entry_a_feature() {
    let value = |i: usize, j: usize| (i * 31 + j * 17) % 100;
    let row = |i: usize| {
        let entries: String = (1..=200).map(|j| format!(" {j}:0.{:02}", value(i, j))).collect();
        format!("{}{entries}\n", if value(i, 7) < 50 { 1 } else { -1 })
    };
    let place = Place::with(&[("d", &(0..300).map(row).collect::<String>())]);
    place.succeed(&["train", "d", "--model", "m", "--report", "r", "--epochs", "3", "--quiet"]);
    let data = &place.json("r")["data"];
    assert_eq!((&data["features"], &data["nonzeros"]), (&200.into(), &60_000.into()));
    assert_eq!(place.succeed(&["predict", "m", "d", "--quiet"]).stdout.lines().count(), 300);
}

#[test]
fn several_labels_are_refused_with_a_hint() {
    let place = Place::with(&[("m", MODEL), ("d", "1 1:1\n2,5 1:1\n")]);
    let message = "d:2:1: `2,5` is more than one label (expected one label per example); keep one label per \
                   example, or make one file a label; convert CSV first";
    place.fail(&["train", "d", "--model", "o"], message);
    place.fail(&["predict", "m", "d", "--output", "o"], message);
    place.fail(&["inspect", "d", "--json", "o"], message);
}

#[test]
fn the_base_is_found_on_request() {
    let rows = |base: usize| {
        let row = |i: usize| {
            format!(
                "{} {}:1 {}:0.5\n",
                if i.is_multiple_of(2) { 1 } else { -1 },
                base + i % 2,
                base + 2 + i % 3
            )
        };
        (0..60).map(row).collect::<String>()
    };
    let place = Place::with(&[("zero", &rows(0)), ("one", &rows(1))]);
    let model = |data: &str, base: &str| {
        place.succeed(&[
            "train",
            data,
            "--index-base",
            base,
            "--threads",
            "1",
            "--model",
            "m",
            "--quiet",
        ]);
        place.read("m")
    };
    let expected = model("one", "1");
    for (data, base) in [("one", "auto"), ("zero", "0"), ("zero", "auto")] {
        assert!(model(data, base) == expected, "{data} {base}");
    }
    place.write("z", zstd::encode_all(rows(0).as_bytes(), 1).unwrap());
    assert!(model("z", "auto") == expected);
}
