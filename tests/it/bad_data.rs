//! Unusable training data: message, location, exit code, and no file created or changed.

use std::fs::File;
use std::io::{BufWriter, Write};

use crate::command::{Place, SMALL, generated};

const INDICES: &str = "`index:value` with a whole index from 1 to 4294967295";
const OLD: &str = "an old model";

fn place() -> Place {
    Place::with(&[("m", OLD)])
}

fn train(place: &Place, data: &str, message: &str) {
    place.fail(&["train", data, "--model", "m", "--report", "r.json", "--params", "p"], message);
}

#[test]
fn lines() {
    let cases = [
        (
            "1:1 2:1",
            "1: `1:1` stands where the label should be",
            "lines of `label index:value ...`",
            "put the example's label first",
        ),
        (
            "x 1:1",
            "1: label `x` is not a number",
            "a number such as 1, -1 or 0.5",
            "number the classes, and start comments with `#`",
        ),
        (
            "nan 1:1",
            "1: label `nan` is not finite",
            "a finite number",
            "remove the example, or give it a label",
        ),
        (
            "-1 0:1",
            "4: `0:1` has index 0",
            "indices that count from 1",
            "if the file counts features from 0, give `--index-base 0`",
        ),
        ("-1 -3:1", "4: `-3:1` has a negative index", INDICES, "renumber the features"),
        (
            "-1 5:1 3:1",
            "8: `3:1` comes after index 5",
            "ascending indices in each line",
            "sort the entries of each line by index",
        ),
        (
            "-1 5:1 5:1",
            "8: `5:1` repeats index 5",
            "each index once per line",
            "add up the values, or remove one",
        ),
        (
            "-1 4294967296:1",
            "4: `4294967296:1` has an index that is too large",
            INDICES,
            "renumber or hash the features",
        ),
        (
            "-1 99999999999999999999999:1",
            "4: `99999999999999999999999:1` has an index that is too large",
            INDICES,
            "renumber or hash the features",
        ),
        (
            "-1 5: 6:1",
            "4: `5:` has no value",
            "`index:value`",
            "write the value after the colon, or leave the entry out",
        ),
        (
            "-1 5",
            "4: `5` has no value",
            "`index:value`",
            "write the value after the colon, or leave the entry out",
        ),
        (
            "-1 5:abc",
            "6: value `abc` is not a number",
            "a decimal number such as 0.5 or 1e-3",
            "correct the value, or leave the entry out",
        ),
        (
            "-1 5:NaN",
            "6: value `NaN` is not finite",
            "a finite number",
            "replace the value, or leave the entry out",
        ),
        (
            "-1 5:-inf",
            "6: value `-inf` is not finite",
            "a finite number",
            "replace the value, or leave the entry out",
        ),
        (
            "-1 5:1e39",
            "6: value `1e39` is too large",
            "at most 3.4e38 in magnitude",
            "scale the feature",
        ),
        (
            "1e309 5:1",
            "1: label `1e309` is too large",
            "at most 1.7e308 in magnitude",
            "scale the labels",
        ),
    ];
    let place = place();
    for (line, what, expected, hint) in cases {
        place.write("d", format!("1 1:1\n{line}\n"));
        train(&place, "d", &format!("d:2:{what} (expected {expected}); {hint}"));
    }
}

#[test]
fn held_out_data_and_data_to_predict_are_checked_too() {
    let place = Place::with(&[("m", OLD), ("good", SMALL), ("d", "1 1:1\n\n1 2:x\n")]);
    let message = "d:3:5: value `x` is not a number (expected a decimal number such as 0.5 or 1e-3); correct \
                   the value, or leave the entry out";
    place.fail(&["train", "good", "--test", "d", "--model", "m"], message);
    place.succeed(&["train", "good", "--model", "m", "--quiet"]);
    place.fail(&["predict", "m", "d", "--output", "o"], message);
    place.fail(&["evaluate", "m", "d", "--report", "r"], message);
}

#[test]
fn whole_files() {
    let place = place();
    let expected = "(expected a file, or `-` for standard input)";
    train(
        &place,
        "none",
        &format!(
            "none: there is no such file {expected}; check the name and the folder it is relative to"
        ),
    );
    std::fs::create_dir(place.path("dir")).unwrap();
    train(&place, "dir", &format!("dir: is a directory {expected}; name one file in it"));
    let cases = [
        (
            "",
            "is empty",
            "text, plain or compressed",
            "check that the program that wrote it finished",
        ),
        (
            "\n# nothing\n",
            "holds no example",
            "lines of `label index:value ...`",
            "check that this is the file you meant, and that the program that wrote it finished",
        ),
        (
            "1 1:1\n1 2:1\n",
            "all 2 examples have label 1",
            "examples of two classes",
            "add examples of the other class, or give `--loss squared` or `--loss huber` for regression",
        ),
    ];
    for (text, what, expected, hint) in cases {
        place.write("d", text);
        train(&place, "d", &format!("d: {what} (expected {expected}); {hint}"));
    }
    place.write("d", b"\x7fELF\x02\x01\x01\0\0\0\n\0\0");
    let message = "d:1:1: `\\u{7f}ELF\\u{2}\\u{1}\\u{1}\\0\\0\\0` is not text (expected libsvm text); this looks like \
                   a binary file: convert it, and UTF-16 text to UTF-8";
    train(&place, "d", message);
}

#[test]
fn a_line_without_end() {
    const LONG: usize = 257 << 20;
    let place = place();
    let mut file = BufWriter::new(File::create(place.path("d")).unwrap());
    let spaces = vec![b' '; 1 << 20];
    (0..LONG / spaces.len()).for_each(|_| file.write_all(&spaces).unwrap());
    file.into_inner().unwrap();
    let run = place.run(&["train", "d", "--model", "m"]);
    let message = "error: d:1:1: the line is longer than 268435456 bytes (expected one example per line); check \
                   that this is libsvm text with line feeds\n";
    assert_eq!((run.code, &*run.stderr), (1, message));
    assert_eq!(place.text("m"), OLD);
}

#[test]
fn standard_input() {
    let place = place();
    let cases = [
        (
            "",
            "<stdin>: is empty",
            "text, plain or compressed",
            "check that the program that wrote it finished",
        ),
        (
            "1 1:1\n-1 7\n",
            "<stdin>:2:4: `7` has no value",
            "`index:value`",
            "write the value after the colon, or leave the entry out",
        ),
    ];
    for (text, what, expected, hint) in cases {
        let message = format!("{what} (expected {expected}); {hint}");
        let run = place.run_with(&["train", "-", "--model", "m"], text);
        assert_eq!((run.code, run.stderr), (1, format!("error: {message}\n")));
        assert_eq!(place.text("m"), OLD);
    }
}

fn compressed(text: &str) -> [(&'static str, Vec<u8>); 3] {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(text.as_bytes()).unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    [("gzip", gzip.finish().unwrap()), ("bzip2", bzip2.finish().unwrap()), ("zstd", zstd)]
}

#[test]
fn truncated_and_damaged_files() {
    let place = place();
    for (name, bytes) in compressed(&generated(500)) {
        for keep in [bytes.len() / 2, bytes.len() - 1] {
            place.write("d", &bytes[..keep]);
            train(
                &place,
                "d",
                &format!(
                    "d: the {name} data are truncated (expected a complete {name} file); copy or compress it again"
                ),
            );
        }
        let mut damaged = bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].iter_mut().for_each(|byte| *byte = !*byte);
        place.write("d", damaged);
        let run = place.fail_somehow(&["train", "d", "--model", "m", "--report", "r.json"]);
        let start = format!("error: d: the {name} data are damaged: ");
        let end = format!(
            "(expected a {name} file with nothing after its end); copy or compress it again\n"
        );
        assert!(run.stderr.starts_with(&start) && run.stderr.ends_with(&end), "{}", run.stderr);
    }
}

#[test]
fn compressed_files_and_standard_input_give_the_same_model() {
    let text = generated(500);
    let place = Place::with(&[("d", &text)]);
    let model = |data: &str, stdin: &[u8]| {
        let run =
            place.run_with(&["train", data, "--model", "m", "--threads", "1", "--quiet"], stdin);
        assert_eq!((run.code, &*run.stderr), (0, ""));
        place.read("m")
    };
    let expected = model("d", b"");
    assert!(model("-", text.as_bytes()) == expected);
    for (name, bytes) in compressed(&text) {
        place.write(name, &bytes);
        assert!(model(name, b"") == expected, "{name}");
        assert!(model("-", &bytes) == expected, "{name} on standard input");
    }
}
