//! The classes of a data set, found from its labels.

use std::collections::HashMap;

use rayon::prelude::*;

use super::Dataset;
use crate::error::{Error, Result};

/// The labels of a data set with at least two classes. They are in LIBLINEAR's order: that of first
/// appearance, except that +1 is first if the labels are -1 and +1. Of two classes, models score
/// the first one positive.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassLabels {
    /// All different, none of them -0.
    labels: Vec<f64>,
    /// The position of each label, by its bits.
    places: HashMap<u64, u32>,
}

impl ClassLabels {
    /// Finds the classes in `labels`, one label per example. Labels are whole numbers, as in
    /// LIBLINEAR. `path` names the data in messages.
    ///
    /// # Errors
    /// [`Error::Input`] if a label is not a whole number within i32, or if there are fewer than two
    /// different ones.
    pub fn of(path: &str, labels: &[f64]) -> Result<Self> {
        Self::found(path, labels, is_whole, not_whole)
    }

    /// Finds the classes like [`ClassLabels::of`], with any finite numbers as labels. LIBLINEAR
    /// reads no model with labels that are not whole.
    ///
    /// # Errors
    /// [`Error::Input`] if a label is not finite, or if there are fewer than two different ones.
    pub fn of_any(path: &str, labels: &[f64]) -> Result<Self> {
        Self::found(path, labels, f64::is_finite, not_finite)
    }

    fn found(
        path: &str,
        labels: &[f64],
        is_legal: impl Fn(f64) -> bool,
        refusal: impl Fn(&str, f64, usize) -> Error,
    ) -> Result<Self> {
        let mut classes = ClassLabels { labels: Vec::new(), places: HashMap::new() };
        for (i, &label) in labels.iter().enumerate() {
            // Most data have two classes: they need no hash.
            if classes.labels.iter().take(2).any(|&known| known == label) {
                continue;
            }
            if !is_legal(label) {
                return Err(refusal(path, label, i));
            }
            let place = classes.labels.len() as u32;
            if *classes.places.entry(key(label)).or_insert(place) == place {
                classes.labels.push(label + 0.0);
            }
        }
        match classes.labels[..] {
            [] => Err(Error::input(
                path,
                "holds no example",
                "examples of two classes",
                "check the input",
            )),
            [only] => Err(Error::input(
                path,
                format!("all {} examples have label {only}", labels.len()),
                "examples of two classes",
                "add examples of the other class, or give `--loss squared` or `--loss huber` for regression",
            )),
            [-1.0, 1.0] => Self::found(path, &[1.0, -1.0], is_legal, refusal),
            _ => Ok(classes),
        }
    }

    /// Applies `find` ([`ClassLabels::of`] or [`ClassLabels::of_any`]) to the labels of `data` in
    /// the order of the file. Two classes need no copy in that order.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn of_dataset(
        path: &str,
        data: &Dataset,
        find: impl Fn(&str, &[f64]) -> Result<Self>,
    ) -> Result<Self> {
        let two = match find(path, data.labels()).as_ref().map(|classes| classes.labels()) {
            Ok(&[first, second]) => Some([first, second]),
            _ => None,
        };
        match (two, data.first_label()) {
            (Some([second, first]), Some(label)) if label == first => find(path, &[first, second]),
            (Some(labels), Some(_)) => find(path, &labels),
            // Of more classes, the order in the file counts. The error is that of the first bad
            // label in the file.
            _ => find(path, &data.labels_of_file()),
        }
    }

    /// The labels, at least two.
    pub fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// The position of a label among [`ClassLabels::labels`], from 0. `None` if it is none of them.
    #[inline]
    pub fn class(&self, label: f64) -> Option<usize> {
        match self.labels[..] {
            [first, _, ..] if label == first => Some(0),
            [_, second, ..] if label == second => Some(1),
            [_, _] => None,
            _ => self.places.get(&key(label)).map(|&place| place as usize),
        }
    }

    /// The [`ClassLabels::class`] of each of `labels`, or [`ClassLabels::NONE`] for a label that is
    /// none.
    pub fn classes(&self, labels: &[f64]) -> Vec<u32> {
        let class = |&label: &f64| self.class(label).map_or(Self::NONE, |class| class as u32);
        labels.par_iter().with_min_len(1 << 14).map(class).collect()
    }

    /// The mark of a label that is no class.
    pub const NONE: u32 = u32::MAX;
}

/// Key of a label, equal for equal labels: adding 0 turns -0 into 0.
fn key(label: f64) -> u64 {
    (label + 0.0).to_bits()
}

/// Returns true if `label` is a whole number that i32 can hold.
fn is_whole(label: f64) -> bool {
    // Above the range the cast saturates to a number that f64 rounds up to 2^31, so 2^31 needs its
    // own check.
    (label as i32) as f64 == label && label < 2_147_483_648.0
}

fn not_whole(path: &str, label: f64, i: usize) -> Error {
    Error::input(
        path,
        format!("label {label} of example {} is not a whole number within i32", i + 1),
        "whole numbers as labels of classes",
        "give `--loss squared` or `--loss huber` for regression, or `--multiclass ovr` if each number names a class",
    )
}

fn not_finite(path: &str, label: f64, i: usize) -> Error {
    let what = format!("label {label} of example {} is not finite", i + 1);
    Error::input(path, what, "finite numbers as labels of classes", "check the labels")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Builder;

    fn order(labels: &[f64]) -> Vec<f64> {
        ClassLabels::of("a.svm", labels).unwrap().labels().to_vec()
    }

    fn message(labels: &[f64]) -> String {
        ClassLabels::of("a.svm", labels).unwrap_err().to_string()
    }

    #[test]
    fn order_is_that_of_liblinear() {
        assert_eq!(order(&[-1.0, -1.0, 1.0]), [1.0, -1.0]);
        assert_eq!(order(&[1.0, -1.0]), [1.0, -1.0]);
        assert_eq!(order(&[0.0, 1.0, -0.0]), [0.0, 1.0]);
        assert_eq!(order(&[1.0, 0.0]), [1.0, 0.0]);
        assert_eq!(order(&[2.0, 1.0]), [2.0, 1.0]);
        assert_eq!(order(&[-1.0, 2.0]), [-1.0, 2.0]);
        assert_eq!(order(&[i32::MIN as f64, 2_147_483_520.0]), [i32::MIN as f64, 2_147_483_520.0]);
        assert_eq!(order(&[-1.0, 1.0, 0.0, 1.0, -0.0, -7.0]), [-1.0, 1.0, 0.0, -7.0]);
    }

    #[test]
    fn the_order_of_rows_does_not_matter() {
        for labels in [
            &[-1.0, 1.0, 1.0, -1.0][..],
            &[2.0, 1.0, 1.0, 1.0, 2.0],
            &[1.0, 2.0, 1.0, 1.0, 2.0],
            &[0.5, 3.0, -2.0, 3.0, 0.5],
            &[7.0, 7.0],
            &[1.0, 2.0, f64::NAN, 0.25],
        ] {
            let mut builder = Builder::default();
            labels.iter().for_each(|&label| builder.end_row(label));
            let data = builder.finish(0);
            for find in [ClassLabels::of, ClassLabels::of_any] {
                let text = |found: Result<ClassLabels>| found.map_err(|error| error.to_string());
                let expected = text(find("a.svm", labels));
                for seed in 0..20 {
                    assert_eq!(
                        text(ClassLabels::of_dataset("a.svm", &data.shuffled(seed), find)),
                        expected
                    );
                }
            }
        }
    }

    #[test]
    fn each_label_has_its_class_and_others_have_none() {
        let two = ClassLabels::of("a.svm", &[-1.0, 1.0]).unwrap();
        assert_eq!(
            two.classes(&[-1.0, 1.0, 0.0, f64::NAN]),
            [1, 0, ClassLabels::NONE, ClassLabels::NONE]
        );
        let many = ClassLabels::of("a.svm", &[5.0, -0.0, 7.0, 5.0]).unwrap();
        assert_eq!(many.classes(&[7.0, 0.0, -0.0, 5.0, 6.0]), [2, 1, 1, 0, ClassLabels::NONE]);
    }

    #[test]
    fn any_finite_numbers_are_labels_on_request() {
        let classes = ClassLabels::of_any("a.svm", &[0.5, 1e30, -0.25, 0.5]).unwrap();
        assert_eq!(classes.labels(), [0.5, 1e30, -0.25]);
        let message = ClassLabels::of_any("a.svm", &[1.0, f64::INFINITY]).unwrap_err().to_string();
        assert_eq!(
            message,
            "a.svm: label inf of example 2 is not finite (expected finite numbers as labels of classes); \
             check the labels"
        );
    }

    #[test]
    fn anything_but_whole_numbers_of_two_classes_is_refused() {
        assert_eq!(
            message(&[3.0, 3.0]),
            "a.svm: all 2 examples have label 3 (expected examples of two classes); \
             add examples of the other class, or give `--loss squared` or `--loss huber` for regression"
        );
        let refused = |label, i| {
            format!(
                "a.svm: label {label} of example {i} is not a whole number within i32 (expected whole numbers as \
                 labels of classes); give `--loss squared` or `--loss huber` for regression, or `--multiclass ovr` \
                 if each number names a class"
            )
        };
        assert_eq!(message(&[1.0, 0.5]), refused("0.5", 2));
        assert_eq!(message(&[1.0, 2.0, 3.0, 0.5]), refused("0.5", 4));
        assert_eq!(message(&[f64::NAN]), refused("NaN", 1));
        assert_eq!(message(&[2_147_483_648.0]), refused("2147483648", 1));
        assert_eq!(message(&[-1.0, f64::INFINITY]), refused("inf", 2));
        assert_eq!(
            message(&[]),
            "a.svm: holds no example (expected examples of two classes); check the input"
        );
    }
}
