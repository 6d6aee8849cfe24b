use super::*;
use crate::data::{LoadOptions, load};
use std::io::Write;
use tempfile::NamedTempFile;

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Several blocks of rows that contain their number.
fn text(rows: u32) -> Vec<u8> {
    (0..rows)
        .flat_map(|i| format!("{} 1:1 {}:0.5\n", i % 100_000, 2 + i % 7).into_bytes())
        .collect()
}

fn error(bytes: &[u8]) -> String {
    let file = file(bytes);
    let error = Scan::default().blocks(file.path(), |_| (), |()| Ok(())).unwrap_err().to_string();
    error
        .strip_prefix(&file.path().display().to_string())
        .unwrap()
        .split(" (")
        .next()
        .unwrap()
        .to_owned()
}

#[test]
fn blocks_are_the_data_set_in_order() {
    let text = text(90_000);
    assert!(text.len() > 4 * stream::BLOCK);
    for bytes in [text.clone(), zstd::encode_all(&text[..], 1).unwrap()] {
        let file = file(&bytes);
        let whole = load(file.path(), &LoadOptions::default()).unwrap();
        for threads in [1, 3] {
            let (mut at, mut blocks) = (0, 0);
            let check = |block: Dataset| {
                for (row, label) in block.iter() {
                    assert_eq!(
                        (row.indices(), label),
                        (whole.row(at).indices(), whole.labels()[at])
                    );
                    at += 1;
                }
                blocks += 1;
                Ok(())
            };
            Scan { threads, ..Scan::default() }.blocks(file.path(), |block| block, check).unwrap();
            assert!(at == whole.len() && blocks > 4);
        }
    }
}

#[test]
fn errors_are_those_of_loading() {
    let mut wrong = text(60_000);
    wrong.extend(b"1 1:1 x\n");
    wrong.extend(text(60_000));
    assert_eq!(error(&wrong), ":60001:7: `x` does not start with an index");
    assert_eq!(
        error(&zstd::encode_all(&wrong[..], 1).unwrap()),
        ":60001:7: `x` does not start with an index"
    );
    let truncated = zstd::encode_all(&wrong[..], 1).unwrap();
    assert_eq!(error(&truncated[..truncated.len() - 9]), ": the zstd data are truncated");
    assert_eq!(error(b""), ": is empty");
    assert_eq!(error(b"# nothing\n"), ": holds no example");
}

#[test]
fn whoever_takes_ends_the_reading() {
    let file = file(&text(90_000));
    let mut taken = 0;
    let stop = |()| {
        taken += 1;
        Err(Error::input("taker", "full", "room", "none"))
    };
    let error = Scan::default().blocks(file.path(), |_| (), stop).unwrap_err();
    assert!(error.to_string().starts_with("taker: full") && taken == 1, "{error}");
}

#[test]
#[should_panic(expected = "no such luck")]
fn a_panic_at_work_ends_it() {
    let file = file(&text(90_000));
    let work = |block: Dataset| assert!(block.labels()[0] == 0.0, "no such luck");
    let _ = Scan { threads: 2, ..Scan::default() }.blocks(file.path(), work, |()| Ok(()));
}

#[test]
fn a_base_must_be_given() {
    let parse = ParseOptions { index_base: IndexBase::Auto, ..ParseOptions::default() };
    let error = Scan { parse, ..Scan::default() }.blocks("none", |_| (), |()| Ok(())).unwrap_err();
    assert!(error.to_string().starts_with("index base is auto (expected 0 or 1)"), "{error}");
}
