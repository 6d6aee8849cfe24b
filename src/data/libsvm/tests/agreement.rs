//! One thread and many read the same, errors included.

use super::properties::{bits, mutated_text};
use super::*;
use crate::data::stream::{Reading, Stop};
use proptest::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;

static POOL: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(3).build().unwrap());

/// Everything in which two results can differ.
#[derive(Debug, PartialEq)]
struct Outcome {
    rows: Vec<(u64, Vec<(usize, u32)>)>,
    has_values: bool,
    width: usize,
    error: Option<(ParseError, String)>,
}

fn outcome(result: Result<Dataset, ParseError>) -> Outcome {
    match result {
        Ok(data) => {
            let has_values = !data.is_empty() && data.row(0).values().is_some();
            Outcome { rows: bits(&data), has_values, width: data.width(), error: None }
        }
        Err(error) => {
            let message = error.to_string();
            Outcome { rows: vec![], has_values: false, width: 0, error: Some((error, message)) }
        }
    }
}

fn pieces(
    text: &[u8],
    options: &ParseOptions,
    seed: Option<u64>,
    size: usize,
) -> Result<Dataset, ParseError> {
    let read = POOL.install(|| parallel::parse_pieces(&text, options, seed, size));
    read.map(|(data, _)| data).map_err(|unread| match unread {
        Unread::Text(error) => error,
        unread => panic!("{unread:?}"),
    })
}

fn stream(
    text: &[u8],
    options: &ParseOptions,
    seed: Option<u64>,
    block: usize,
) -> Result<Dataset, ParseError> {
    let reading = Reading { options, threads: 3, block, read_on: block.is_multiple_of(2) };
    reading.read(&POOL, text, seed).map(|(data, _)| data).map_err(|stop| match stop {
        Stop::Text(error) => error,
        Stop::Empty => whole(Kind::NoExample, options),
        Stop::Unread(error) | Stop::NoThread(error) => panic!("{error}"),
        Stop::Consumer(shortage) => panic!("{shortage:?}"),
    })
}

/// Cases of the property below; a million and more were run once.
fn cases() -> u32 {
    std::env::var("WILDSGD_CASES").map_or(2000, |cases| cases.parse().expect("a number of cases"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn many_threads_read_what_one_does(
        (text, options) in mutated_text(),
        size in prop_oneof![1..40_usize, 1..2000_usize],
        seed in prop::option::of(0..9_u64),
        // Makes a stream of several blocks, each of which looks ahead.
        tail in prop_oneof![4 => Just(0), 1 => 0..400_usize],
        mark in any::<bool>(),
    ) {
        let mut whole = if mark { BYTE_ORDER_MARK.to_vec() } else { Vec::new() };
        whole.extend(text);
        whole.extend(b"1 7:1\n".repeat(tail));
        let expected = match (parse(&whole, &options), seed) {
            (Ok(data), Some(seed)) => outcome(Ok(data.shuffled(seed).into_owned())),
            (result, _) => outcome(result),
        };
        prop_assert_eq!(&outcome(pieces(&whole, &options, seed, size)), &expected);
        prop_assert_eq!(&outcome(stream(&whole, &options, seed, size)), &expected);
    }
}

#[test]
fn the_first_place_in_the_text_is_named() {
    let mut text = b"1 1:1 2:2\n".repeat(3000);
    text.extend(b"1 1:1 x\n");
    text.extend(b"1 1:1 2:2\n".repeat(3000));
    text.extend(b"y\n\0");
    let options = ParseOptions::default();
    for size in [1, 100, 1 << 20] {
        for result in
            [pieces(&text, &options, Some(1), size), stream(&text, &options, Some(1), size)]
        {
            let error = result.unwrap_err();
            assert_eq!(
                (error.line, error.column, error.what().as_str()),
                (3001, 7, "`x` does not start with an index")
            );
        }
    }
}

#[test]
fn a_value_that_comes_late_gets_an_array() {
    let mut text = b"1 1:1 2:1\n".repeat(3000);
    text.extend(b"1 1:1 2:2\n");
    let options = ParseOptions::default();
    let expected = outcome(parse(&text, &options));
    assert!(expected.has_values);
    assert_eq!(outcome(pieces(&text, &options, None, 100)), expected);
    assert_eq!(outcome(stream(&text, &options, None, 100)), expected);
}

#[test]
fn a_byte_order_mark_does_not_lengthen_its_line() {
    let mut text = BYTE_ORDER_MARK.to_vec();
    text.extend(b"11 7:1\n".repeat(400));
    let options = ParseOptions { max_line: 6, ..ParseOptions::default() };
    let expected = outcome(parse(&text, &options));
    assert_eq!(expected.rows.len(), 400);
    assert_eq!(outcome(stream(&text, &options, None, 7)), expected);
}
