use super::super::write::write_with;
use super::*;
use crate::data::{ParseOptions, load_with_base};
use std::fs;

/// Rows of different lengths, some empty; features count from `base`.
fn text(rows: u32, ones: bool, base: u32) -> String {
    let row = |i: u32| {
        let mixed = i.wrapping_mul(0x9e37_79b9);
        let entry = |k: u32| {
            let value = if ones { 1.0 } else { f64::from(mixed.rotate_left(k) % 1000) / 100.0 };
            format!(" {}:{value}", base + k * 1000 + mixed % 1000)
        };
        let entries: String = (0..mixed % 90).map(entry).collect();
        format!("{}{entries}\n", 2 + mixed % 3)
    };
    (0..rows).map(row).collect()
}

#[test]
fn bytes_are_those_of_the_way_through_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (ones, base, shuffle) in
        [(false, 1, Some(7)), (true, 1, Some(1)), (false, 0, Some(2)), (true, 1, None)]
    {
        fs::write(path("text"), text(12_000, ones, base)).unwrap();
        fs::write(path("zstd"), zstd::encode_all(&fs::read(path("text")).unwrap()[..], 1).unwrap())
            .unwrap();
        let parse = ParseOptions { index_base: IndexBase::Auto, ..ParseOptions::default() };
        let options = LoadOptions { parse, shuffle, threads: 2 };
        let notes = |base| Notes { base: Some(base), source: None };
        let (data, found) = load_with_base(path("text"), &options).unwrap();
        write_with(&data, path("expected"), save::USUAL, &notes(found)).unwrap();
        for (source, memory) in [("text", 0), ("text", 1 << 30), ("zstd", 3 << 20)] {
            let converted =
                convert(path(source), path("out"), &options, memory, save::USUAL, notes).unwrap();
            let (examples, features, nonzeros) = (data.len(), data.width(), data.nonzeros());
            assert_eq!(converted, Converted { examples, features, nonzeros, base: found });
            assert!(
                fs::read(path("out")).unwrap() == fs::read(path("expected")).unwrap(),
                "{source} {memory}"
            );
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn several_stretches_are_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text");
    fs::write(&path, text(12_000, false, 1)).unwrap();
    let options = LoadOptions { shuffle: Some(1), ..LoadOptions::default() };
    let spool = Spool::of(&path, &options, tempfile::tempfile().unwrap(), folder.path()).unwrap();
    let sorted = Sorted::of(spool, options.shuffle, 0, tempfile::tempfile().unwrap()).unwrap();
    assert!(sorted.stretches.len() > 5);
    assert!((0..sorted.stretches.len()).all(|k| !sorted.rows(k).is_empty()));
}

#[test]
fn what_fails_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("out"), "old").unwrap();
    for (text, message) in [
        ("1 1:1\n2 1:x\n", ":2:5: value `x` is not a number"),
        ("", ": is empty"),
        ("#\n", ": holds no example"),
    ] {
        fs::write(path("text"), text).unwrap();
        let error =
            convert(path("text"), path("out"), &LoadOptions::default(), 0, save::USUAL, |_| {
                Notes::default()
            })
            .unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(fs::read(path("out")).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
