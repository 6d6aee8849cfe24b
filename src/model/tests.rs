use super::*;
use crate::data::Builder;

fn classifier(weights: Vec<f64>, bias: Option<Bias>) -> Model {
    Model::new(LossKind::Logistic, Some([7, -3]), weights, bias).unwrap()
}

#[test]
fn scores_add_up_and_unknown_features_do_not_count() {
    let model = classifier(vec![1.0, -2.0, 0.5], Some(Bias { value: 2.0, weight: 0.25 }));
    let row = Row::new(&[0, 2, 9], Some(&[3.0, 2.0, 1e9]), 10);
    assert_eq!(model.decision(row), 4.5);
    assert_eq!(model.decision(Row::new(&[1, 3], None, 10)), -1.5);
    assert_eq!(model.decision(Row::new(&[], None, 10)), 0.5);
    assert_eq!(model.predict(row), 7.0);
}

#[test]
fn a_score_of_zero_has_the_second_label() {
    let model = classifier(vec![1.0], None);
    let empty = Row::new(&[], None, 1);
    assert_eq!(model.predict(empty), -3.0);
    assert_eq!(model.prediction(-0.0), -3.0);
    assert_eq!(model.prediction(f64::MIN_POSITIVE), 7.0);
    assert_eq!(model.probability(empty).unwrap(), 0.5);
}

#[test]
fn regression_predicts_the_score() {
    let model = Model::new(LossKind::Squared, None, vec![2.0], None).unwrap();
    assert_eq!(model.predict(Row::new(&[0], Some(&[0.75]), 1)), 1.5);
    assert_eq!(model.labels(), &[] as &[i32]);
}

#[test]
fn probabilities_stay_within_bounds_and_need_the_logistic_loss() {
    let model = classifier(vec![1e300, -1e300], None);
    assert_eq!(model.probability(Row::new(&[0], None, 2)).unwrap(), 1.0);
    assert_eq!(model.probability(Row::new(&[1], None, 2)).unwrap(), 0.0);

    let hinge = Model::new(LossKind::Hinge, Some([1, -1]), vec![1.0], None).unwrap();
    let message = hinge.probability(Row::new(&[], None, 1)).unwrap_err().to_string();
    assert_eq!(
        message,
        "loss is hinge, whose scores are no probabilities (expected logistic); train with the logistic loss, \
         or use labels or scores instead of probabilities"
    );
    assert!(hinge.probabilities(&Builder::default().finish(0)).is_err());
}

#[test]
fn batches_equal_single_rows_for_any_number_of_threads() {
    let mut builder = Builder::default();
    for i in 0..3000_u32 {
        for j in 0..i % 5 {
            builder.entry(j * 7 + i % 3, 0.1 * (i + j) as f32);
        }
        builder.end_row(0.0);
    }
    let data = builder.finish(0);
    let model = classifier((0..20).map(|j| 1.0 / f64::from(j + 1)).collect(), None);
    let expected: Vec<f64> = data.iter().map(|(row, _)| model.decision(row)).collect();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| model.decisions(&data)), expected);
    }
    let labels: Vec<f64> = data.iter().map(|(row, _)| model.predict(row)).collect();
    assert_eq!(model.predictions(&data), labels);
    let probabilities: Vec<f64> = data.iter().map(|(row, _)| model.probability(row).unwrap()).collect();
    assert_eq!(model.probabilities(&data).unwrap(), probabilities);

    let unseen = data.iter().flat_map(|(row, _)| row.iter()).filter(|&(j, _)| j >= 20).count();
    assert!(unseen > 0);
    assert_eq!(model.unseen(&data), unseen);
    assert_eq!(classifier(vec![0.0; 100], None).unseen(&data), 0);
}

#[test]
fn a_model_that_could_not_predict_is_refused() {
    let bias = |value, weight| Some(Bias { value, weight });
    let cases = [
        (LossKind::Hinge, None, vec![], None, "labels are missing with the hinge loss"),
        (LossKind::Huber, Some([1, 2]), vec![], None, "labels are given with the huber loss"),
        (LossKind::Hinge, Some([2, 2]), vec![], None, "both classes have the label 2"),
        (LossKind::Huber, None, vec![0.0, f64::NAN], None, "the weight of feature 2 is NaN"),
        (LossKind::Huber, None, vec![], bias(-1.0, 0.0), "the bias feature is -1 with weight 0"),
        (LossKind::Huber, None, vec![], bias(1.0, f64::INFINITY), "the bias feature is 1 with weight inf"),
    ];
    for (loss, labels, weights, bias, what) in cases {
        let message = Model::new(loss, labels, weights, bias).unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
    }
}
