mod agreement;
mod properties;

use super::*;
use crate::error::Error;

fn read(text: &[u8]) -> Dataset {
    parse(text, &ParseOptions::default()).unwrap()
}

fn based(index_base: IndexBase) -> ParseOptions {
    ParseOptions { index_base, ..ParseOptions::default() }
}

fn rows(dataset: &Dataset) -> Vec<(f64, Vec<(usize, f32)>)> {
    dataset.iter().map(|(row, label)| (label, row.iter().collect())).collect()
}

/// The error of the default options as `line:column: message`.
fn message(text: &[u8]) -> String {
    place(parse(text, &ParseOptions::default()))
}

fn place(result: Result<Dataset, ParseError>) -> String {
    let error = result.unwrap_err();
    format!("{}:{}: {error}", error.line, error.column)
}

#[test]
fn every_legal_form_is_read() {
    let text = b"\xef\xbb\xbf# head\r\n+1 1:1 3:.5\r\n\n \t\r\n-1\t2:-2e-1 \t 4294967295:+7. # end\n1.0 qid:7 1:0\n 0\n1e0#\n2:3";
    let dataset = read(&text[..text.len() - 3]);
    let expected = vec![
        (1.0, vec![(0, 1.0), (2, 0.5)]),
        (-1.0, vec![(1, -0.2), (4_294_967_294, 7.0)]),
        (1.0, vec![(0, 0.0)]),
        (0.0, vec![]),
        (1.0, vec![]),
    ];
    assert_eq!(rows(&dataset), expected);
    assert_eq!((dataset.len(), dataset.nonzeros(), dataset.width()), (5, 5, 4_294_967_295));
}

#[test]
fn ones_take_no_values() {
    let ones = read(b"1 1:1 2:1.0\n-1 3:1e0\n");
    assert!(ones.row(0).values().is_none());
    assert_eq!(ones.width(), 3);
    let late = read(b"1 1:1 2:1\n-1 3:2 00000000000000000000004:1\n");
    assert_eq!(rows(&late)[1], (-1.0, vec![(2, 2.0), (3, 1.0)]));
    assert_eq!(late.row(0).values(), Some(&[1.0, 1.0][..]));
}

#[test]
fn index_base_is_taken_or_found() {
    let width = |text: &[u8], base| parse(text, &based(base)).map(|dataset| dataset.width());
    let (from_0, from_1) = (b"1 1:1 2:1\n-1 0:1\n", b"1 1:1 2:1\n-1 1:1\n");
    assert_eq!(width(from_0, IndexBase::Zero), Ok(3));
    assert_eq!(width(from_0, IndexBase::Auto), Ok(3));
    assert_eq!(width(from_1, IndexBase::Zero), Ok(3));
    assert_eq!(width(from_1, IndexBase::Auto), Ok(2));
    assert_eq!(width(from_1, IndexBase::One), Ok(2));
    assert_eq!(width(b"1\n", IndexBase::Auto), Ok(0));
    assert_eq!(rows(&parse(from_1, &based(IndexBase::Auto)).unwrap())[0].1, [(0, 1.0), (1, 1.0)]);
    assert_eq!(width(b"1 4294967294:1", IndexBase::Auto), Ok(4_294_967_294));
    for base in [IndexBase::Auto, IndexBase::Zero] {
        assert_eq!(
            place(parse(b"1 4294967295:1", &based(base))),
            "1:3: `4294967295:1` has an index that is too large (expected `index:value` with a whole index from 0 to \
             4294967294); renumber or hash the features"
        );
    }
}

#[test]
fn wrong_labels_are_named() {
    let number =
        "(expected a number such as 1, -1 or 0.5); number the classes, and start comments with `#`";
    let finite = "(expected a finite number); remove the example, or give it a label";
    let large = "(expected at most 1.7e308 in magnitude); scale the labels";
    let missing = "stands where the label should be (expected lines of `label index:value ...`); put the example's label first";
    let several = "is more than one label (expected one label per example); keep one label per example, or make \
                   one file a label; convert CSV first";
    let query = "is not a query id (expected `qid:` and a whole number); correct it or leave it out: query ids are ignored";
    let cases: [(&[u8], String); 14] = [
        (b"1 1:1\n\n  1:2 3:4\n", format!("3:3: `1:2` {missing}")),
        (b"qid:1 1:2", format!("1:1: `qid:1` {missing}")),
        (b"cat 1:1", format!("1:1: label `cat` is not a number {number}")),
        (b"1x", format!("1:1: label `1x` is not a number {number}")),
        (b"0x1p3", format!("1:1: label `0x1p3` is not a number {number}")),
        (b"1\n- 1:1", format!("2:1: label `-` is not a number {number}")),
        (b"nan", format!("1:1: label `nan` is not finite {finite}")),
        (b"-Infinity 1:1", format!("1:1: label `-Infinity` is not finite {finite}")),
        (b"1e309\r\n", format!("1:1: label `1e309` is too large {large}")),
        (b"# c\n1,2 1:1", format!("2:1: `1,2` {several}")),
        (b"1,x 1:1", format!("1:1: label `1,x` is not a number {number}")),
        (b"1 qid: 1:1", format!("1:3: `qid:` {query}")),
        (b"1 qid:1.5 1:1", format!("1:3: `qid:1.5` {query}")),
        (b"1 qid:-2", format!("1:3: `qid:-2` {query}")),
    ];
    for (text, expected) in cases {
        assert_eq!(message(text), expected);
    }
}

#[test]
fn wrong_indices_are_named() {
    let range = "(expected `index:value` with a whole index from 1 to 4294967295);";
    let word = format!(
        "does not start with an index {range} number the features, and start comments with `#`"
    );
    let large = format!("has an index that is too large {range} renumber or hash the features");
    let negative = format!("has a negative index {range} renumber the features");
    let zero = "has index 0 (expected indices that count from 1); if the file counts features from 0, give `--index-base 0`";
    let order = "(expected ascending indices in each line); sort the entries of each line by index";
    let once = "(expected each index once per line); add up the values, or remove one";
    let cases: [(&[u8], String); 14] = [
        (b"1 0:1", format!("1:3: `0:1` {zero}")),
        (b"1 2:1 0:1", format!("1:7: `0:1` {zero}")),
        (b"1 -3:1", format!("1:3: `-3:1` {negative}")),
        (b"1 -x:1", format!("1:3: `-x:1` {word}")),
        (b"1 1:1 word", format!("1:7: `word` {word}")),
        (b"1 :5", format!("1:3: `:5` {word}")),
        (b"1 1.5:5", format!("1:3: `1.5:5` {word}")),
        (b"1 +1:5", format!("1:3: `+1:5` {word}")),
        (b"1 1:5 qid:3", format!("1:7: `qid:3` {word}")),
        (b"1 4294967296:1", format!("1:3: `4294967296:1` {large}")),
        (b"1 99999999999999999999999:1", format!("1:3: `99999999999999999999999:1` {large}")),
        (b"1 1:1\n-1\t5:1  2:1", format!("2:9: `2:1` comes after index 5 {order}")),
        (b"1 5:1 5:2 # again", format!("1:7: `5:2` repeats index 5 {once}")),
        (
            b"1 4294967295:1 4294967295:2",
            format!("1:16: `4294967295:2` repeats index 4294967295 {once}"),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(message(text), expected);
    }
    let from_0 = place(parse(b"1 0:1 0:1", &based(IndexBase::Zero)));
    assert_eq!(from_0, format!("1:7: `0:1` repeats index 0 {once}"));
}

#[test]
fn wrong_values_are_named() {
    let missing = "has no value (expected `index:value`); write the value after the colon, or leave the entry out";
    let number = "is not a number (expected a decimal number such as 0.5 or 1e-3); correct the value, or leave the entry out";
    let finite =
        "is not finite (expected a finite number); replace the value, or leave the entry out";
    let large = "is too large (expected at most 3.4e38 in magnitude); scale the feature";
    let cases: [(&[u8], String); 13] = [
        (b"1 3:", format!("1:3: `3:` {missing}")),
        (b"1 3: 4:1", format!("1:3: `3:` {missing}")),
        (b"1 3:#", format!("1:3: `3:` {missing}")),
        (b"1 3", format!("1:3: `3` {missing}")),
        (b"1 3 4:1\n", format!("1:3: `3` {missing}")),
        (b"1 3:x", format!("1:5: value `x` {number}")),
        (b"1 3:4:5", format!("1:5: value `4:5` {number}")),
        (b"1 3:1,5", format!("1:5: value `1,5` {number}")),
        (b"1 3:1\r4:1\r\n", format!("1:5: value `1\\r4:1` {number}")),
        (b"1 1:1 10:NaN\r\n", format!("1:10: value `NaN` {finite}")),
        (b"1 3:+inf", format!("1:5: value `+inf` {finite}")),
        (b"1 3:3.5e38", format!("1:5: value `3.5e38` {large}")),
        (b"1 3:-1e999999999999", format!("1:5: value `-1e999999999999` {large}")),
    ];
    for (text, expected) in cases {
        assert_eq!(message(text), expected);
    }
}

#[test]
fn what_is_no_libsvm_text_is_named() {
    let binary = "is not text (expected libsvm text); this looks like a binary file: convert it, and UTF-16 text to UTF-8";
    let number =
        "(expected a number such as 1, -1 or 0.5); number the classes, and start comments with `#`";
    assert_eq!(
        message(b"\x7fELF\x02\x01\x01\0\0\0"),
        format!("1:1: `\\u{{7f}}ELF\\u{{2}}\\u{{1}}\\u{{1}}\\0\\0\\0` {binary}")
    );
    assert_eq!(message(b"\xff\xfe1\0 \x001\0"), format!("1:1: `\\xff\\xfe1\\0` {binary}"));
    assert_eq!(message(b"1 1:1\n-1 2:1\0 3:1\n"), format!("2:6: `1\\0` {binary}"));
    assert_eq!(message(b"1 1:1 # \0"), format!("1:9: `\\0` {binary}"));
    assert_eq!(
        message("é\u{202e}\\`\"'".as_bytes()),
        format!("1:1: label `é\\u{{202e}}\\\\`\"'` is not a number {number}")
    );
    let long = format!("{}{}", "é".repeat(39), "x".repeat(3000));
    let shown = format!("1:1: label `{}x...` is not a number {number}", "é".repeat(39));
    assert_eq!(message(long.as_bytes()), shown);
}

#[test]
fn a_long_line_is_refused() {
    let options = ParseOptions { max_line: 5, ..ParseOptions::default() };
    assert_eq!(parse(b"1 1:1\n1 2:1", &options).unwrap().len(), 2);
    let refused = "the line is longer than 5 bytes (expected one example per line); check that this is libsvm text with \
                   line feeds";
    assert_eq!(place(parse(b"1\n1 10:1\n", &options)), format!("2:1: {refused}"));
    assert_eq!(place(parse(b"1 1:12", &options)), format!("1:1: {refused}"));
    assert_eq!(parse(b"1 \0 1:1", &options).unwrap_err().kind, Kind::Binary);
    let endless = ParseOptions { max_line: usize::MAX, ..ParseOptions::default() };
    assert_eq!(parse(b"1 1:1\n1", &endless).unwrap().len(), 2);
}

#[test]
fn no_example_is_an_error_of_the_whole_input() {
    for text in [&b""[..], b"\n\n", b" \t\r\n# nothing\n", b"\xef\xbb\xbf"] {
        let error = parse(text, &ParseOptions::default()).unwrap_err();
        assert_eq!(error.kind, Kind::NoExample);
        let error = error.into_error("a.svm");
        assert!(matches!(error, Error::Input { .. }));
        assert_eq!(
            error.to_string(),
            "a.svm: holds no example (expected lines of `label index:value ...`); check that this is the file you \
             meant, and that the program that wrote it finished"
        );
    }
    let error = parse(b"1\nx", &ParseOptions::default()).unwrap_err().into_error("a.svm");
    assert!(error.to_string().starts_with("a.svm:2:1: label `x` is not a number ("));
}

#[test]
fn a_chunk_counts_lines_from_where_it_starts() {
    let mut block = Block::default();
    let text = b"1 1:1\n1 1:1\nx\n";
    let error =
        read_lines(text, 6..text.len(), 100, &ParseOptions::default(), &mut block).unwrap_err();
    assert_eq!((error.line, error.column, block.len()), (101, 1, 1));
}

#[test]
fn writing_refuses_what_cannot_be_read() {
    let written = |index: u32, value, label: f64| {
        let mut builder = crate::data::Builder::default();
        builder.entry(index, value);
        builder.end_row(label);
        let dataset = builder.finish(1 << 32);
        let mut text = Vec::new();
        write(&dataset, &mut text)
            .map(|()| String::from_utf8(text).unwrap())
            .map_err(|error| error.to_string())
    };
    assert_eq!(written(u32::MAX - 1, 1e-40, -0.0), Ok("-0 4294967295:1e-40\n".into()));
    assert_eq!(written(0, 0.001, 1e7), Ok("10000000 1:0.001\n".into()));
    let refused = |what: &str| Err(format!("{what} cannot be written as libsvm text"));
    assert_eq!(written(0, f32::NAN, 1.0), refused("NaN"));
    assert_eq!(written(0, 1.0, f64::INFINITY), refused("inf"));
    assert_eq!(written(u32::MAX, 1.0, 1.0), refused("0-based index 4294967295"));
}
