//! The two classes of a data set, found from its labels.

use super::Dataset;
use crate::error::{Error, Result};
use std::collections::HashSet;

/// The two labels of a two-class data set, in LIBLINEAR's order: that of first appearance, except that of -1 and +1
/// the first is always +1. Models score the first class positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassLabels {
    first: i32,
    second: i32,
}

impl ClassLabels {
    /// The two classes that `labels`, one an example, tell apart. `path` names the data in messages.
    ///
    /// # Errors
    /// [`Error::Input`] if a label is not a whole number within i32, or if there are not exactly two different ones.
    pub fn of(path: &str, labels: &[f32]) -> Result<Self> {
        let mut first = None;
        let mut second = None;
        for (i, &label) in labels.iter().enumerate() {
            if first == Some(label) || second == Some(label) {
                continue;
            }
            if whole(label).is_none() {
                return Err(not_whole(path, label, i));
            }
            if first.is_none() {
                first = Some(label);
            } else if second.is_none() {
                second = Some(label);
            } else if let Some((i, &label)) =
                labels.iter().enumerate().find(|(_, label)| whole(**label).is_none())
            {
                return Err(not_whole(path, label, i));
            } else {
                return Err(too_many(path, labels));
            }
        }
        match (first.and_then(whole), second.and_then(whole)) {
            (Some(-1), Some(1)) => Ok(ClassLabels { first: 1, second: -1 }),
            (Some(first), Some(second)) => Ok(ClassLabels { first, second }),
            (Some(only), None) => Err(Error::input(
                path,
                format!("all {} examples have label {only}", labels.len()),
                "examples of two classes",
                "add examples of the other class, or give `--loss squared` or `--loss huber` for regression",
            )),
            (None, _) => {
                Err(Error::input(path, "holds no example", "examples of two classes", "check the input"))
            }
        }
    }

    /// [`ClassLabels::of`] for the labels of `data` in the order of the file, without bringing them into it.
    ///
    /// # Errors
    /// Those of [`ClassLabels::of`].
    pub fn of_dataset(path: &str, data: &Dataset) -> Result<Self> {
        let (Ok(classes), Some(first)) = (Self::of(path, data.labels()), data.first_label()) else {
            // The first bad label is told, in the order of the file.
            return Self::of(path, &data.labels_of_file());
        };
        let is_signs = (classes.first, classes.second) == (1, -1);
        if classes.sign(first) == Some(-1.0) && !is_signs {
            return Ok(ClassLabels { first: classes.second, second: classes.first });
        }
        Ok(classes)
    }

    /// The label of the class that scores positive.
    pub fn first(&self) -> i32 {
        self.first
    }

    /// The label of the class that scores negative.
    pub fn second(&self) -> i32 {
        self.second
    }

    /// +1 for the first label, -1 for the second, `None` for any other.
    #[inline]
    pub fn sign(&self, label: f32) -> Option<f32> {
        // Every label came from an f32, so this conversion is exact.
        if label == self.first as f32 {
            Some(1.0)
        } else if label == self.second as f32 {
            Some(-1.0)
        } else {
            None
        }
    }
}

/// `label` as i32, if it is one.
fn whole(label: f32) -> Option<i32> {
    let number = label as i32;
    // Above the range the cast saturates to a number that f32 rounds up to 2^31, so 2^31 needs its own check.
    (number as f32 == label && label < 2_147_483_648.0).then_some(number)
}

fn not_whole(path: &str, label: f32, i: usize) -> Error {
    Error::input(
        path,
        format!("label {label} of example {} is not a whole number within i32", i + 1),
        "whole numbers as labels of two classes",
        "give `--loss squared` or `--loss huber` for regression",
    )
}

fn too_many(path: &str, labels: &[f32]) -> Error {
    // Adding 0 makes -0 the same label as 0.
    let count = labels.iter().map(|label| (label + 0.0).to_bits()).collect::<HashSet<_>>().len();
    Error::input(
        path,
        format!("holds {count} different labels"),
        "two classes; more are not supported for now",
        "choose two classes or join some, or give `--loss squared` or `--loss huber` for regression",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(labels: &[f32]) -> (i32, i32) {
        let classes = ClassLabels::of("a.svm", labels).unwrap();
        (classes.first(), classes.second())
    }

    fn message(labels: &[f32]) -> String {
        ClassLabels::of("a.svm", labels).unwrap_err().to_string()
    }

    #[test]
    fn order_is_that_of_liblinear() {
        assert_eq!(order(&[-1.0, -1.0, 1.0]), (1, -1));
        assert_eq!(order(&[1.0, -1.0]), (1, -1));
        assert_eq!(order(&[0.0, 1.0, -0.0]), (0, 1));
        assert_eq!(order(&[1.0, 0.0]), (1, 0));
        assert_eq!(order(&[2.0, 1.0]), (2, 1));
        assert_eq!(order(&[-1.0, 2.0]), (-1, 2));
        assert_eq!(order(&[i32::MIN as f32, 2_147_483_520.0]), (i32::MIN, 2_147_483_520));
    }

    #[test]
    fn sign_knows_both_labels_and_no_other() {
        let classes = ClassLabels::of("a.svm", &[2.0, 1.0]).unwrap();
        assert_eq!(
            [2.0, 1.0, 0.0, 1.5, f32::NAN].map(|label| classes.sign(label)),
            [Some(1.0), Some(-1.0), None, None, None]
        );
    }

    #[test]
    fn anything_but_two_whole_numbers_is_refused() {
        assert_eq!(
            message(&[3.0, 3.0]),
            "a.svm: all 2 examples have label 3 (expected examples of two classes); \
             add examples of the other class, or give `--loss squared` or `--loss huber` for regression"
        );
        assert_eq!(
            message(&[0.0, 1.0, 2.0, -0.0, 5.0]),
            "a.svm: holds 4 different labels (expected two classes; more are not supported for now); \
             choose two classes or join some, or give `--loss squared` or `--loss huber` for regression"
        );
        let refused = |label, i| {
            format!(
                "a.svm: label {label} of example {i} is not a whole number within i32 (expected whole numbers as \
                 labels of two classes); give `--loss squared` or `--loss huber` for regression"
            )
        };
        assert_eq!(message(&[1.0, 0.5]), refused("0.5", 2));
        assert_eq!(message(&[1.0, 2.0, 3.0, 0.5]), refused("0.5", 4));
        assert_eq!(message(&[f32::NAN]), refused("NaN", 1));
        assert_eq!(message(&[2_147_483_648.0]), refused("2147483600", 1));
        assert_eq!(message(&[-1.0, f32::INFINITY]), refused("inf", 2));
        assert_eq!(
            message(&[]),
            "a.svm: holds no example (expected examples of two classes); check the input"
        );
    }
}
