//! Measures of predictions, from scores and true values. All sums are in f64, all functions
//! deterministic.
//!
//! Every function takes one score and one true value per example; an empty pair of slices has no
//! measure (`None`).

pub(crate) mod errors;
mod evaluation;
pub(crate) mod label;

pub(crate) use self::evaluation::Counts;
pub use self::evaluation::{ClassQuality, Evaluation, Quality};

use rayon::prelude::*;

/// Returns the fraction, from 0 to 1, of examples whose class is right. `signs` are positive for
/// the first class; a score of exactly 0 counts for the second one, as in
/// [`Model::predict`](crate::model::Model::predict).
///
/// # Panics
/// If the slices differ in length.
pub fn accuracy(scores: &[f64], signs: &[f64]) -> Option<f64> {
    let right = pairs(scores, signs).filter(|&(score, sign)| (score > 0.0) == (sign > 0.0)).count();
    mean(right as f64, scores.len())
}

/// Returns the area under the ROC curve: the probability, from 0 to 1, that an example of the first
/// class (positive sign) scores higher than one of the second, where equal scores count 1/2.
///
/// Takes O(n log n) time. `None` if a class is missing or a score is NaN.
///
/// # Panics
/// If the slices differ in length.
pub fn auc(scores: &[f64], signs: &[f64]) -> Option<f64> {
    let of = |first: bool| pairs(scores, signs).filter(move |&(_, sign)| (sign > 0.0) == first);
    auc_of_classes(
        of(true).map(|(score, _)| score).collect(),
        of(false).map(|(score, _)| score).collect(),
    )
}

/// Returns the [`auc`] of the scores of both classes; sorts in place.
pub(crate) fn auc_of_classes(mut first: Vec<f64>, mut second: Vec<f64>) -> Option<f64> {
    if first.iter().chain(&second).any(|score| score.is_nan()) {
        return None;
    }
    first.par_sort_unstable_by(f64::total_cmp);
    second.par_sort_unstable_by(f64::total_cmp);
    // Twice the number of won pairs, in whole numbers: no rounding, however many ties there are.
    let mut won_twice = 0_u128;
    let mut below = 0;
    for tied in first.chunk_by(|a, b| a == b) {
        while second.get(below).is_some_and(|&score| score < tied[0]) {
            below += 1;
        }
        let equal = second[below..].iter().take_while(|&&score| score == tied[0]).count();
        won_twice += tied.len() as u128 * (2 * below + equal) as u128;
    }
    let pairs = first.len() as u128 * second.len() as u128;
    (pairs > 0).then(|| won_twice as f64 / (2 * pairs) as f64)
}

/// Returns the root of the mean squared error, in the unit of the labels.
///
/// # Panics
/// If the slices differ in length.
pub fn rmse(scores: &[f64], labels: &[f64]) -> Option<f64> {
    mean(squared_error(scores, labels), scores.len()).map(f64::sqrt)
}

/// Returns the mean absolute error, in the unit of the labels.
///
/// # Panics
/// If the slices differ in length.
pub fn mae(scores: &[f64], labels: &[f64]) -> Option<f64> {
    let sum = pairs(scores, labels).map(|(score, label)| (score - label).abs()).sum();
    mean(sum, scores.len())
}

/// Returns the coefficient of determination: 1 for perfect predictions, 0 for ones as good as the
/// labels' mean, negative for worse.
///
/// `None` if all labels are the same.
///
/// # Panics
/// If the slices differ in length.
pub fn r2(scores: &[f64], labels: &[f64]) -> Option<f64> {
    let error = squared_error(scores, labels);
    // Compare the labels: rounding may leave equal ones a variance.
    if labels.iter().all(|&label| label == labels[0]) {
        return None;
    }
    let center = mean(labels.iter().copied().sum(), labels.len())?;
    let variance: f64 = labels.iter().map(|&label| (label - center).powi(2)).sum();
    Some(1.0 - error / variance)
}

fn squared_error(scores: &[f64], labels: &[f64]) -> f64 {
    pairs(scores, labels).map(|(score, label)| (score - label).powi(2)).sum()
}

fn pairs(scores: &[f64], truth: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    assert_eq!(scores.len(), truth.len(), "a metric needs one true value per score");
    scores.iter().zip(truth).map(|(&score, &truth)| (score, truth))
}

fn mean(sum: f64, count: usize) -> Option<f64> {
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive_auc(scores: &[f64], signs: &[f64]) -> Option<f64> {
        let of = |positive: bool| {
            scores
                .iter()
                .zip(signs)
                .filter(move |&(_, &sign)| (sign > 0.0) == positive)
                .map(|(&score, _)| score)
        };
        let (mut won, mut pairs) = (0.0, 0.0);
        for up in of(true) {
            for down in of(false) {
                pairs += 1.0;
                won += if up > down { 1.0 } else { 0.5 * f64::from(up == down) };
            }
        }
        (pairs > 0.0).then(|| won / pairs)
    }

    #[test]
    fn small_cases() {
        let scores = [0.5, 0.0, -1.0, 2.0];
        let signs = [1.0, -1.0, 1.0, -1.0];
        assert_eq!(accuracy(&scores, &signs), Some(0.5));
        assert_eq!(auc(&scores, &signs), Some(0.25));
        assert_eq!(mae(&scores, &signs), Some(1.625));
        assert_eq!(rmse(&scores, &signs), Some((14.25_f64 / 4.0).sqrt()));
        assert_eq!(r2(&scores, &signs), Some(1.0 - 14.25 / 4.0));
        assert_eq!(r2(&[1.0, 2.0], &[1.0, 2.0]), Some(1.0));
    }

    #[test]
    fn what_cannot_be_measured_is_none() {
        for metric in [accuracy, auc, rmse, mae, r2] {
            assert_eq!(metric(&[], &[]), None);
        }
        assert_eq!(auc(&[1.0, 2.0], &[1.0, 1.0]), None);
        assert_eq!(auc(&[1.0, 2.0], &[-1.0, -1.0]), None);
        assert_eq!(auc(&[f64::NAN, 2.0], &[-1.0, 1.0]), None);
        assert_eq!(r2(&[1.0; 7], &[0.1; 7]), None);
    }

    #[test]
    fn both_zeros_tie() {
        assert_eq!(auc(&[0.0, -0.0], &[1.0, -1.0]), Some(0.5));
    }

    proptest! {
        #[test]
        fn auc_is_the_fraction_of_pairs_in_order(
            examples in prop::collection::vec((prop_oneof![-3..3, -1000..1000], any::<bool>()), 0..80),
        ) {
            let scores: Vec<f64> = examples.iter().map(|&(score, _)| f64::from(score) / 2.0).collect();
            let signs: Vec<f64> = examples.iter().map(|&(_, up)| if up { 1.0 } else { -1.0 }).collect();
            prop_assert_eq!(auc(&scores, &signs), naive_auc(&scores, &signs));
        }

        #[test]
        fn errors_in_pieces_are_those_of_the_whole(
            examples in prop::collection::vec((-9.0..9.0_f64, -9..9_i8), 0..80),
            cut in 0..80_usize,
        ) {
            let (scores, labels): (Vec<f64>, Vec<f64>) =
                examples.iter().map(|&(score, label)| (score, 1000.0 + f64::from(label))).unzip();
            let cut = cut.min(scores.len());
            let mut errors = errors::Errors::default();
            errors.add(&scores[..cut], &labels[..cut]);
            errors.add(&scores[cut..], &labels[cut..]);
            let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs(),
                (a, b) => a == b,
            };
            prop_assert!(close(errors.mse(), rmse(&scores, &labels).map(|x| x * x)));
            prop_assert!(close(errors.r2(), r2(&scores, &labels)));
        }

        #[test]
        fn auc_depends_on_the_order_alone(
            examples in prop::collection::vec((-1e3..1e3_f64, any::<bool>()), 0..80),
        ) {
            let scores: Vec<f64> = examples.iter().map(|&(score, _)| score).collect();
            let raised: Vec<f64> = scores.iter().map(|score| score * 8.0).collect();
            let signs: Vec<f64> = examples.iter().map(|&(_, up)| if up { 1.0 } else { -1.0 }).collect();
            prop_assert_eq!(auc(&raised, &signs), auc(&scores, &signs));
            let lowered: Vec<f64> = scores.iter().map(|score| -score).collect();
            if let (Some(up), Some(down)) = (auc(&scores, &signs), auc(&lowered, &signs)) {
                prop_assert!((up + down - 1.0).abs() < 1e-12);
            }
        }
    }
}
