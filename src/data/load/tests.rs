use super::*;
use crate::train::Trainer;
use std::io::Write;

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Two classes, the second one first, and rows of different lengths.
fn text() -> Vec<u8> {
    (0..3000_u32)
        .flat_map(|i| {
            let label = if i % 3 == 0 { 2 } else { 5 };
            let rest = if i % 7 == 0 { format!(" {}:0.5", 100 + i % 50) } else { String::new() };
            format!("{label} {}:1 {}:0.{i}{rest}\n", 1 + i % 3, 5 + i % 40).into_bytes()
        })
        .collect()
}

#[test]
fn every_way_of_loading_gives_the_same() {
    let text = text();
    let in_order = libsvm::parse(&text, &ParseOptions::default()).unwrap();
    for bytes in [text.clone(), gzip(&text)] {
        let file = file(&bytes);
        for threads in [0, 1, 3] {
            let options = LoadOptions { threads, ..LoadOptions::default() };
            assert_eq!(load(file.path(), &options).unwrap(), in_order);
            let shuffled = LoadOptions { shuffle: Some(4), ..options };
            assert_eq!(load(file.path(), &shuffled).unwrap(), *in_order.shuffled(4));
        }
    }
}

#[test]
fn a_model_does_not_depend_on_when_rows_are_shuffled() {
    let file = file(&text());
    let load =
        |shuffle| load(file.path(), &LoadOptions { shuffle, ..LoadOptions::default() }).unwrap();
    let mut trainer = Trainer::default();
    (trainer.settings.seed, trainer.settings.threads) = (9, 1);
    let bits = |data: &Dataset| {
        let trained = trainer.fit(data).unwrap();
        let weights = trained.model.weights().iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        (weights, trained.fit.objective.to_bits(), trained.train)
    };
    let expected = bits(&load(None));
    assert_eq!(bits(&load(Some(9))), expected);
    // Another order than the trainer's is replaced by that one.
    assert_eq!(bits(&load(Some(1))), expected);
}

#[test]
fn a_truncated_stream_is_named_before_its_last_line() {
    let whole = gzip(&[&text()[..], b"1 1:x\n"].concat());
    let message =
        |bytes: &[u8]| load(file(bytes).path(), &LoadOptions::default()).unwrap_err().to_string();
    let refused = message(&whole);
    assert!(refused.contains(":3001:5: value `x` is not a number"), "{refused}");
    let refused = message(&whole[..whole.len() - 9]);
    assert!(refused.contains("the gzip data are truncated"), "{refused}");
}

#[test]
fn what_has_no_rows_is_refused() {
    let message = |bytes: &[u8]| {
        let file = file(bytes);
        let error = load(file.path(), &LoadOptions::default()).unwrap_err().to_string();
        error
            .strip_prefix(&file.path().display().to_string())
            .unwrap()
            .split(" (")
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(message(b""), ": is empty");
    assert_eq!(message(&gzip(b"")), ": is empty");
    assert_eq!(message(b"# nothing\n\n"), ": holds no example");
    assert_eq!(message(&gzip(b"# nothing\n\n")), ": holds no example");
    assert_eq!(message(b"# \0\n"), ":1:3: `\\0` is not text");
}

#[test]
fn a_plain_stream_is_refused_at_the_first_wrong_line() {
    let endless = std::io::Read::chain(&b"1 1:1\nx\n"[..], std::io::repeat(b'\n'));
    let options = ParseOptions::default();
    let pool = pool(2).unwrap();
    let reading = stream::Reading { options: &options, threads: 2, block: 1 << 12, read_on: false };
    let stream::Stop::Text(error) = reading.read(&pool, endless, None).unwrap_err() else {
        panic!("no text error")
    };
    assert_eq!((error.line, error.column), (2, 1));
}

#[test]
fn values_that_f32_does_not_tell_apart_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, zstd) = (folder.path().join("plain"), folder.path().join("zstd"));
    let found = |rows: &[&str]| {
        let text = rows.concat() + &"1 2:7\n".repeat(50_000);
        std::fs::write(&plain, &text).unwrap();
        std::fs::write(&zstd, zstd::encode_all(text.as_bytes(), 1).unwrap()).unwrap();
        let options = LoadOptions { shuffle: Some(1), ..LoadOptions::default() };
        let [a, b] = [&plain, &zstd].map(|path| load(path, &options).unwrap().merged_values());
        assert_eq!(a, b);
        a.map(|found| (found.feature, found.values))
    };
    let rows = ["1 1:3 5:1700000001\n", "1 5:1700000002\n", "1 5:1700000050\n"];
    assert_eq!(found(&rows), Some((5, [1700000001.0, 1700000002.0])));
    // Of other features, with larger differences, equal, exact, or small.
    assert_eq!(found(&["1 4:1700000001\n", "1 5:1700000002\n"]), None);
    assert_eq!(found(&["1 5:1700000001\n", "1 5:1700001002\n", "1 5:1700000001\n"]), None);
    assert_eq!(
        found(&["1 5:16777216\n", "1 5:16777218\n", "1 5:0.1\n", "1 5:0.10000000001\n"]),
        None
    );
    // f32 holds one of the two exactly.
    assert_eq!(found(&["1 3:-1e9\n", "-1 3:-1000000001\n"]).unwrap().0, 3);
    assert_eq!(found(&["1 3:-1000000001\n", "-1 3:-1000000002\n"]).unwrap().0, 3);
}
