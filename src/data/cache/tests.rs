use super::facts::{Notes, Source, VERSION};
use super::open::open_mapped;
use super::write::write_with;
use super::*;
use crate::container::{Header, Kind, Writer};
use crate::data::{Builder, Dataset, IndexBase, LoadOptions, libsvm, load};
use crate::error::Result;
use crate::save;
use crate::train::Trainer;
use bytemuck::cast_slice;
use proptest::prelude::*;
use std::fs::OpenOptions;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use tempfile::TempDir;

/// `rows` rows of two classes, some of them empty, with values if `values`.
fn data(rows: u32, values: bool) -> Dataset {
    let mut rows_of = Builder::default();
    for i in 0..rows {
        let mixed = i.wrapping_mul(0x9e37_79b9);
        for k in 0..mixed % 7 {
            let index = k * 40 + (mixed >> (8 + k)) % 40;
            rows_of.entry(index, if values { 1.0 + k as f32 / 8.0 } else { 1.0 });
        }
        rows_of.end_row(if mixed >> 31 == 1 { 2.0 } else { -1.0 });
    }
    rows_of.finish(300)
}

struct Place {
    folder: TempDir,
    path: PathBuf,
}

fn written(data: &Dataset) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    write_with(data, &path, save::USUAL, &Notes { base: Some(IndexBase::One), source: None })
        .unwrap();
    Place { folder, path }
}

/// Opens and checks.
fn verified(path: &std::path::Path) -> Result<Dataset> {
    let data = open(path)?;
    data.verify().map(|()| data)
}

#[test]
fn a_cache_is_the_data_set() {
    for data in [
        data(3000, true),
        data(3000, false),
        data(1, true),
        data(0, false),
        data(2000, true).shuffled(3).into_owned(),
    ] {
        let place = written(&data);
        let found = open(&place.path).unwrap();
        assert_eq!(found, data);
        assert_eq!(
            (found.seed(), found.width(), found.memory()),
            (data.seed(), 300, data.memory())
        );
        assert_eq!(
            (found.first_label(), found.labels_of_file()),
            (data.first_label(), data.labels_of_file())
        );
        assert_eq!(notes(&found).unwrap().base, Some(IndexBase::One));
        assert!(is_cache(&place.path) && notes(&data).is_none());
        assert_eq!(load(&place.path, &LoadOptions::default()).unwrap(), data);
        // A cache of a cache is the same file.
        let again = place.folder.path().join("again");
        write_with(&found, &again, save::USUAL, notes(&found).unwrap()).unwrap();
        assert_eq!(std::fs::read(again).unwrap(), std::fs::read(&place.path).unwrap());
    }
}

proptest! {
    #[test]
    fn each_label_survives_text_cache_and_text(
        labels in prop::collection::vec(any::<f64>().prop_filter("finite", |y| y.is_finite()), 1..30),
        seed in prop::option::of(0..9_u64),
    ) {
        let mut text = String::new();
        labels.iter().for_each(|label| text.push_str(&format!("{label:e} 1:1\n")));
        let folder = tempfile::tempdir().unwrap();
        let (from, cache) = (folder.path().join("text"), folder.path().join("cache"));
        std::fs::write(&from, text).unwrap();
        let options = LoadOptions { shuffle: seed, ..LoadOptions::default() };
        write(&load(&from, &options).unwrap(), &cache).unwrap();
        let mut back = Vec::new();
        libsvm::write(&verified(&cache).unwrap().in_file_order(), &mut back).unwrap();
        let back = libsvm::parse(&back, &Default::default()).unwrap();
        let bits = |labels: &[f64]| labels.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(back.labels()), bits(&labels));
    }
}

#[test]
fn notes_come_back() {
    let place = written(&data(3, false));
    let parse = crate::data::ParseOptions { index_base: IndexBase::Auto, max_line: 77 };
    let source = Source { bytes: 12, modified: (-5, 999_999_999), ends: u64::MAX - 7, parse };
    let all = Notes { base: Some(IndexBase::Zero), source: Some(source) };
    write_with(&data(3, false), &place.path, save::USUAL, &all).unwrap();
    assert_eq!(notes(&open(&place.path).unwrap()), Some(&all));
}

#[test]
fn training_from_a_cache_gives_the_same_bits() {
    let data = data(2000, true);
    let bits = |data: &Dataset| {
        let mut trainer = Trainer::default();
        (trainer.settings.threads, trainer.settings.seed, trainer.settings.epochs) = (1, 9, 3);
        let trained = trainer.fit(data).unwrap();
        (
            trained.model.labels().to_vec(),
            trained.model.weights().iter().map(|w| w.to_bits()).collect::<Vec<_>>(),
        )
    };
    let expected = bits(&data);
    let in_its_order = written(&data.shuffled(9));
    assert_eq!(bits(&open(&in_its_order.path).unwrap()), expected);
    let in_order_of_file = written(&data);
    assert_eq!(bits(&open(&in_order_of_file.path).unwrap()), expected);
    // Another order stays.
    let other = open(&written(&data.shuffled(4)).path).unwrap();
    assert_eq!(bits(&other).0, expected.0);
    assert!(matches!(other.in_random_order(9), std::borrow::Cow::Borrowed(_)));
}

#[test]
fn truncation_is_refused_when_the_file_is_opened() {
    let place = written(&data(3000, true));
    let bytes = std::fs::read(&place.path).unwrap();
    for length in (0..bytes.len()).step_by(512) {
        std::fs::write(&place.path, &bytes[..length]).unwrap();
        let message = load(&place.path, &LoadOptions::default()).unwrap_err().to_string();
        let expected = if length == 0 { "is empty" } else { "is cut off" };
        assert!(message.contains(expected), "{length}: {message}");
    }
}

#[test]
fn a_flipped_bit_is_refused_before_a_row_is_seen() {
    for data in [data(3000, true), data(40, false)] {
        let place = written(&data);
        let file = OpenOptions::new().write(true).open(&place.path).unwrap();
        let bytes = std::fs::read(&place.path).unwrap();
        let all_of_header = (0..4096 * 8).step_by(if data.len() == 40 { 1 } else { 17 });
        let some_of_body =
            (4096 * 8..bytes.len() * 8).step_by(if data.len() == 40 { 7 } else { 1237 });
        for bit in all_of_header.chain(some_of_body) {
            let (byte, flipped) = (bit / 8, [bytes[bit / 8] ^ (1 << (bit % 8))]);
            file.write_all_at(&flipped, byte as u64).unwrap();
            let message = match load(&place.path, &LoadOptions::default()) {
                Err(error) => error.to_string(),
                Ok(data) => {
                    data.verify().expect_err(&format!("bit {bit} was not missed")).to_string()
                }
            };
            assert!(
                message.contains("is damaged") && message.ends_with("`wildsgd convert`"),
                "{bit}: {message}"
            );
            file.write_all_at(&bytes[byte..=byte], byte as u64).unwrap();
        }
        assert_eq!(verified(&place.path).unwrap(), data);
    }
}

#[test]
fn damage_is_an_error_of_training_and_a_panic_of_whoever_did_not_ask() {
    let place = written(&data(3000, true));
    let mut bytes = std::fs::read(&place.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&place.path, bytes).unwrap();
    let damaged = open(&place.path).unwrap();
    let message = Trainer::default().fit(&damaged).unwrap_err().to_string();
    assert!(
        message.contains("is damaged between byte") && message.contains("(section `"),
        "{message}"
    );
    assert_eq!(
        Trainer::default()
            .fit_watched(&data(9, true), Some(&damaged), &mut |_| ControlFlow::Continue(()))
            .unwrap_err()
            .to_string(),
        message
    );
    let copy = place.folder.path().join("copy");
    assert!(write(&damaged, &copy).is_err() && !copy.exists());
    assert!(catch_unwind(AssertUnwindSafe(|| damaged.row(0).len())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| damaged.labels().len())).is_err());
}

#[test]
fn a_file_that_is_written_to_is_reported() {
    let place = written(&data(300, true));
    let data = verified(&place.path).unwrap();
    // Replacing the file leaves the old one in use.
    write(&data, &place.path).unwrap();
    data.verify().unwrap();
    let (copy, mapped) = (verified(&place.path).unwrap(), open_mapped(&place.path).unwrap());
    mapped.verify().unwrap();
    assert_eq!(copy, mapped);
    let before = copy.clone().in_file_order().into_owned();
    let file = OpenOptions::new().append(true).open(&place.path).unwrap();
    file.set_len(std::fs::metadata(&place.path).unwrap().len() + 1).unwrap();
    let message = mapped.verify().unwrap_err().to_string();
    assert!(message.contains("was written to while it was in use"), "{message}");
    // A copy in memory stays as it was checked.
    std::fs::write(&place.path, "").unwrap();
    copy.verify().unwrap();
    assert_eq!(copy.in_file_order().into_owned(), before);
}

#[test]
fn what_is_no_cache_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = |bytes: &[u8]| {
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        assert!(!is_cache(&path));
        open(&path).unwrap_err().to_string()
    };
    assert!(message(b"").contains("is not a data cache (expected a file from `wildsgd convert`)"));
    assert!(message(b"1 1:1\n").contains("is not a data cache"));
    assert!(open(folder.path()).unwrap_err().to_string().contains("is a directory"));
    assert!(!is_cache(folder.path()) && !is_cache("no such file"));
}

/// Writes arrays as they are, with right checksums.
fn forge(path: &std::path::Path, offsets: &[u32], indices: &[u32], width: u64) {
    let labels = vec![1.0_f64; offsets.len() - 1];
    let shape = facts::Shape {
        rows: labels.len() as u64,
        entries: indices.len() as u64,
        width,
        seed: None,
        has_values: false,
        is_wide: false,
        first_label: 1.0,
        notes: Notes::default(),
    };
    let header = Header::new(Kind::Dataset, VERSION, shape.to_facts(), &shape.sections());
    save::file_atomically(path, save::USUAL, |file| {
        let mut writer = Writer::new(file, header)?;
        writer.write("labels", cast_slice(&labels))?;
        writer.write("offsets", cast_slice(offsets))?;
        writer.write("indices", cast_slice(indices))?;
        writer.finish()
    })
    .unwrap();
}

#[test]
fn rows_across_checksums_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache");
    let count = 70_000_u32;
    let mut indices: Vec<u32> = (0..count).collect();
    forge(&path, &[0, 65_000, count, count], &indices, count.into());
    assert_eq!(verified(&path).unwrap().row(1).len(), 5_000);
    forge(&path, &[0, 65_000, count, count], &indices, u64::from(count) - 1);
    assert!(
        verified(&path)
            .unwrap_err()
            .to_string()
            .contains("row 1 whose indices do not ascend below 69999")
    );
    indices[69_000] = 3;
    forge(&path, &[0, 65_000, count, count], &indices, count.into());
    assert!(verified(&path).unwrap_err().to_string().contains("has a row 1"));
    forge(&path, &[0, 65_000, 64_000, count], &indices, count.into());
    assert!(verified(&path).unwrap_err().to_string().contains("offsets that do not ascend"));
    forge(&path, &[1, 65_000, count], &indices, count.into());
    assert!(verified(&path).unwrap_err().to_string().contains("offsets that do not delimit"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Given right checksums, rows are accepted if the checked constructor takes them.
    #[test]
    fn only_rows_are_believed(
        mut offsets in prop::collection::vec(0_u32..12, 1..6),
        indices in prop::collection::vec(0_u32..8, 0..12),
        sorted in any::<bool>(),
        width in 0_u64..9,
    ) {
        if sorted {
            offsets.sort_unstable();
            offsets[0] = 0;
            *offsets.last_mut().unwrap() = indices.len() as u32;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        forge(&path, &offsets, &indices, width);
        let labels = vec![1.0; offsets.len() - 1];
        let wide = offsets.iter().map(|&offset| offset as usize).collect();
        match (verified(&path), Dataset::from_parts(wide, indices, None, labels, width as usize)) {
            (Ok(found), Ok(expected)) => prop_assert_eq!(found, expected),
            (Err(_), Err(_)) => (),
            (found, expected) => prop_assert!(false, "{found:?} instead of {expected:?}"),
        }
    }

    /// Any change of the bytes is an error or changes nothing.
    #[test]
    fn mutated_files_never_crash(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let data = data(500, true);
        let place = written(&data);
        let whole = std::fs::read(&place.path).unwrap();
        let mut bytes = whole.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        std::fs::write(&place.path, &bytes).unwrap();
        let found = load(&place.path, &LoadOptions::default()).and_then(|data| data.verify().map(|()| data));
        if bytes == whole {
            prop_assert_eq!(found.unwrap(), data);
        } else {
            prop_assert!(found.is_err());
        }
    }
}
