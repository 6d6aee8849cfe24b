//! Feeds each reader, and checks what must hold of the bytes that it accepts.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use tempfile::TempDir;
use wildsgd::data::{self, Dataset, IndexBase, ParseOptions, Ratings, Row};
use wildsgd::internal::cache;
use wildsgd::model::{self, Model};

use crate::Verdict;
use crate::container::{laid_out, with_checksums};

/// Parses `data` as libsvm text, under each index base and under a limit of the lines' length.
///
/// # Panics
/// If the reader does, or what it accepts breaks a rule.
pub fn libsvm(data: &[u8]) -> Verdict {
    let usual = ParseOptions::default();
    let with_base = |index_base| ParseOptions { index_base, ..usual.clone() };
    let short = ParseOptions { max_line: 40, ..usual.clone() };
    let all =
        [short, with_base(IndexBase::Zero), with_base(IndexBase::Auto), with_base(IndexBase::One)];
    any_accepted(all.iter().map(|options| {
        let parsed = data::libsvm::parse(data, options);
        if let Err(error) = &parsed {
            let lines = data.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
            assert!((1..=lines).contains(&error.line), "line {} of {lines}", error.line);
            assert!((1..=data.len() as u64 + 1).contains(&error.column), "column {}", error.column);
        }
        let rows = parsed.map_err(|error| error.to_string())?;
        assert!(!rows.is_empty(), "a text without an example was accepted");
        assert!(rows.width() <= 1 << 32, "an index is above u32");
        check_finite(&rows);

        let mut text = Vec::new();
        data::libsvm::write(&rows, &mut text).expect("what was read can be written");
        let again = data::libsvm::parse(&text, &usual).expect("what was written can be read");
        assert_same(&rows, &again);
        Ok(())
    }))
}

/// Parses `data` as ratings.
///
/// # Panics
/// If the reader does, or what it accepts breaks a rule.
pub fn ratings(data: &[u8]) -> Verdict {
    let ratings = Ratings::parse(data, "input").map_err(|error| error.to_string())?;
    assert!(!ratings.all().is_empty(), "a text without a rating was accepted");
    for names in [ratings.users(), ratings.items()] {
        let different: HashSet<&str> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "a name is there twice");
        assert!(names.iter().enumerate().all(|(k, name)| names.find(name) == Some(k as u32)));
    }

    // There is no writer, so this makes the lines; the comment keeps a byte order mark in a name.
    let mut text = String::from("# ratings\n");
    for rating in ratings.all() {
        assert!(rating.value.is_finite(), "a rating is {}", rating.value);
        let user = ratings.users().name(rating.user as usize);
        let item = ratings.items().name(rating.item as usize);
        writeln!(text, "{user}\t{item}\t{:e}", rating.value).expect("a String takes all");
    }
    let again = Ratings::parse(text.as_bytes(), "again").expect("what was written can be read");
    let bits = |ratings: &Ratings| -> Vec<(u32, u32, u32)> {
        ratings.all().iter().map(|r| (r.user, r.item, r.value.to_bits())).collect()
    };
    assert_eq!(bits(&ratings), bits(&again), "ratings differ after a round trip");
    assert!(ratings.users().iter().eq(again.users().iter()), "users differ after a round trip");
    assert!(ratings.items().iter().eq(again.items().iter()), "items differ after a round trip");
    Ok(())
}

/// Opens `data` as a cache, as it is and under right checksums.
///
/// # Panics
/// If the reader does, or what it accepts breaks a rule.
pub fn cache(data: &[u8]) -> Verdict {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    any_accepted(variants(data).into_iter().map(|bytes| {
        let file = folder.path().join("input.wsgd");
        std::fs::write(&file, bytes).expect("a temporary file can be written");
        cache_file(&file, &folder).map_err(|error| error.to_string())
    }))
}

fn cache_file(file: &Path, folder: &TempDir) -> wildsgd::Result<()> {
    let rows = cache::open(file)?;
    rows.verify()?;
    let notes = cache::notes(&rows).expect("rows of a cache have notes").clone();
    for (row, _) in rows.iter() {
        check_row(row, rows.width());
    }
    assert_eq!(rows.in_file_order().len(), rows.len());
    assert_eq!(rows.labels_of_file().len(), rows.len());

    let copies = ["first.wsgd", "second.wsgd"].map(|name| folder.path().join(name));
    cache::write_with(&rows, &copies[0], &notes)?;
    let again = cache::open(&copies[0]).expect("what was written can be opened");
    again.verify().expect("what was written is whole");
    assert_eq!(cache::notes(&again), Some(&notes), "notes differ after a round trip");
    assert_eq!((rows.width(), rows.seed()), (again.width(), again.seed()));
    assert_same(&rows, &again);
    cache::write_with(&again, &copies[1], &notes)?;
    let bytes = copies.map(|copy| std::fs::read(copy).expect("what was written can be read"));
    assert!(bytes[0] == bytes[1], "equal rows gave different files");
    Ok(())
}

/// Reads `data` as a native model file, as it is and under right checksums.
///
/// # Panics
/// If the reader does, or what it accepts breaks a rule.
pub fn native(data: &[u8]) -> Verdict {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    any_accepted(variants(data).into_iter().map(|bytes| {
        let read = |bytes: &[u8]| model::native::read(bytes, "input");
        let model = read(&bytes).map_err(|error| error.to_string())?;
        check_model(&model);
        let file = folder.path().join("copy.model");
        model::native::write(&model, &file).expect("what was read can be written");
        let written = std::fs::read(&file).expect("what was written can be read");
        assert_same_model(&model, &read(&written).expect("what was written is a model"));
        Ok(())
    }))
}

/// Reads `data` as a model in LIBLINEAR's text format.
///
/// # Panics
/// If the reader does, or what it accepts breaks a rule.
pub fn liblinear(data: &[u8]) -> Verdict {
    let model = model::liblinear::read(data, "input").map_err(|error| error.to_string())?;
    check_model(&model);
    let mut text = Vec::new();
    model::liblinear::write(&model, &mut text).expect("a Vec takes all");
    let again = model::liblinear::read(&text, "again").expect("what was written is a model");
    assert_same_model(&model, &again);
    Ok(())
}

/// Tries all; the verdict is that of the last, unless another one was accepted.
fn any_accepted(all: impl Iterator<Item = Verdict>) -> Verdict {
    // All of them run, whatever the others say.
    let mut verdicts: Vec<Verdict> = all.collect();
    let accepted = verdicts.iter().position(Result::is_ok);
    verdicts.swap_remove(accepted.unwrap_or(verdicts.len() - 1))
}

/// The bytes of a file under checksums: as they are; with right checksums, so that damage gets past
/// them; and with a header that fits the file, so that it gets past that as well.
fn variants(data: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![data.to_vec(), with_checksums(data), laid_out(data)];
    all.dedup();
    all
}

fn check_row(row: Row<'_>, width: usize) {
    assert!(row.indices().is_sorted_by(|a, b| a < b), "indices do not ascend");
    assert!(
        row.indices().last().is_none_or(|&last| (last as usize) < width),
        "an index is too large"
    );
}

fn check_finite(rows: &Dataset) {
    for (row, label) in rows.iter() {
        check_row(row, rows.width());
        assert!(label.is_finite(), "a label is {label}");
        assert!(row.iter().all(|(_, value)| value.is_finite()), "a value is not finite");
    }
}

/// Compares bits. Text does not keep the width.
fn assert_same(one: &Dataset, other: &Dataset) {
    assert_eq!(one.len(), other.len(), "rows got lost in a round trip");
    for ((a, y), (b, z)) in one.iter().zip(other.iter()) {
        assert_eq!(y.to_bits(), z.to_bits(), "label {y} came back as {z}");
        let bits = |row: Row<'_>| -> Vec<(usize, u32)> {
            row.iter().map(|(index, value)| (index, value.to_bits())).collect()
        };
        assert_eq!(bits(a), bits(b), "a row differs after a round trip");
    }
}

fn check_model(model: &Model) {
    let all = [model.weights(), model.bias_weights(), model.labels()];
    assert!(
        all.iter().all(|numbers| numbers.iter().all(|x| x.is_finite())),
        "a number is not finite"
    );
    assert_eq!(model.weights().len(), model.width() * model.outputs());
    assert!(model.bias().is_none_or(|bias| bias.value.is_finite() && bias.value >= 0.0));
    // One feature that the model may not know.
    let row = Row::new(&[0, 7], Some(&[2.0, -1.0]), 8);
    assert_eq!(model.scores(row).len(), model.outputs());
    let prediction = model.predict(row);
    assert!(model.labels().is_empty() || model.labels().contains(&prediction));
    if let Ok(probability) = model.probability(row) {
        // Scores of finite weights may overflow, and then nothing is promised.
        assert!(probability.is_nan() || (0.0..=1.0).contains(&probability), "{probability}");
    }
}

fn assert_same_model(one: &Model, other: &Model) {
    assert_eq!((one.loss(), one.uses_l1()), (other.loss(), other.uses_l1()));
    for (a, b) in [
        (one.labels(), other.labels()),
        (one.weights(), other.weights()),
        (one.bias_weights(), other.bias_weights()),
    ] {
        let bits = |numbers: &[f64]| -> Vec<u64> { numbers.iter().map(|x| x.to_bits()).collect() };
        assert_eq!(bits(a), bits(b), "numbers differ after a round trip");
    }
    assert_eq!(one.bias(), other.bias(), "the bias differs after a round trip");
}
