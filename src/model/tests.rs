use super::evaluator::Evaluator;
use super::*;
use crate::data::{Builder, Row};

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
    assert_eq!(model.prediction(&[-0.0]), -3.0);
    assert_eq!(model.prediction(&[f64::MIN_POSITIVE]), 7.0);
    assert_eq!(model.probability(empty).unwrap(), 0.5);
}

#[test]
fn regression_predicts_the_score() {
    let model = Model::new(LossKind::Squared, None, vec![2.0], None).unwrap();
    assert_eq!(model.predict(Row::new(&[0], Some(&[0.75]), 1)), 1.5);
    assert_eq!(model.labels(), &[] as &[f64]);
}

#[test]
fn softmax_has_probabilities_in_the_ratio_of_powers_and_no_liblinear_file() {
    let model =
        Model::with_classes(LossKind::Softmax, vec![1.0, 2.0, 3.0], vec![0.0, 1.0, 800.0], None)
            .unwrap();
    let of = |x: f32| {
        let mut data = Builder::default();
        data.entry(0, x);
        data.end_row(2.0);
        let data = data.finish(0);
        (model.probabilities(&data).unwrap(), model.evaluate(&data))
    };
    let (probabilities, _) = of(1e-3);
    assert!(
        (probabilities[1] / probabilities[0] - 1e-3_f64.exp()).abs() < 1e-6
            && (probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-15
    );
    let (probabilities, evaluation) = of(10.0);
    assert_eq!(probabilities, [0.0, 0.0, 1.0]);
    let Quality::ManyClasses { log_loss, .. } = evaluation.quality else { panic!() };
    assert_eq!((log_loss, evaluation.loss), (Some(7990.0), Some(7990.0)));
    let error = model.save("never").unwrap_err().to_string();
    assert!(
        error.starts_with("model format is liblinear with the softmax loss (expected native"),
        "{error}"
    );
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
        "loss is hinge, whose scores are no probabilities (expected logistic or softmax); train with one of these, \
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
    let first = |(row, _)| model.probability(row).unwrap();
    let probabilities: Vec<f64> = data.iter().map(first).flat_map(|p| [p, 1.0 - p]).collect();
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
        (
            LossKind::EPSILON_INSENSITIVE,
            Some([1, 2]),
            vec![],
            None,
            "labels are given with the epsilon-insensitive",
        ),
        (LossKind::Huber, None, vec![0.0, f64::NAN], None, "the weight of feature 2 is NaN"),
        (LossKind::Huber, None, vec![], bias(-1.0, 0.0), "the bias feature is -1 with weight 0"),
        (
            LossKind::Huber,
            None,
            vec![],
            bias(1.0, f64::INFINITY),
            "the bias feature is 1 with weight inf",
        ),
    ];
    for (loss, labels, weights, bias, what) in cases {
        let message = Model::new(loss, labels, weights, bias).unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
    }
}

/// Three classes, two features, a bias.
fn three() -> Model {
    let weights = vec![1.0, -1.0, 0.0, -2.0, 3.0, 0.5, 0.25, 0.25, 0.25];
    Model::with_classes(LossKind::Logistic, vec![7.0, 8.5, -9.0], weights, Some(2.0)).unwrap()
}

#[test]
fn many_classes_have_a_score_each() {
    let model = three();
    assert_eq!((model.width(), model.outputs()), (2, 3));
    assert_eq!(model.bias_weights(), [0.25; 3]);
    let row = Row::new(&[0, 1, 5], Some(&[2.0, 1.0, 9.0]), 6);
    assert_eq!(model.scores(row), [0.5, 1.5, 1.0]);
    assert_eq!((model.decision(row), model.predict(row)), (1.5, 8.5));
    assert_eq!(model.prediction(&[1.0, 2.0, 2.0]), 8.5, "the first of equal scores wins");
    assert_eq!(model.prediction(&[-0.0, 0.0, 0.0]), 7.0);

    let mut builder = Builder::default();
    for label in [8.5, 7.0, -9.0, 1.0] {
        builder.entry(0, 2.0);
        builder.entry(1, 1.0);
        builder.end_row(label);
    }
    let data = builder.finish(0);
    assert_eq!(model.decisions(&data), [0.5, 1.5, 1.0].repeat(4));
    assert_eq!(model.predictions(&data), [8.5; 4]);
    let sigmoids = [0.5_f64, 1.5, 1.0].map(|score| 1.0 / (1.0 + (-score).exp()));
    let sum: f64 = sigmoids.iter().sum();
    let expected = sigmoids.map(|p| p / sum).repeat(4);
    for (found, expected) in model.probabilities(&data).unwrap().iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-15);
    }
    assert!((model.probability(row).unwrap() - expected[0]).abs() < 1e-15);

    let (evaluation, classes) = model.evaluate_classes(&data);
    let mut evaluator = Evaluator::new(&model);
    for (scores, labels) in model.decisions(&data).chunks(9).zip(data.labels().chunks(3)) {
        evaluator.add(scores, labels);
    }
    assert_eq!(evaluator.examples(), 4);
    assert_eq!(evaluator.finish(), (evaluation, classes.clone()));
    let Quality::ManyClasses { accuracy, macro_f1, log_loss, unknown_labels } = evaluation.quality
    else {
        panic!("{evaluation:?}")
    };
    assert_eq!((accuracy, unknown_labels), (0.25, 1));
    let log_losses: f64 = expected[..3].iter().map(|p| -p.ln()).sum();
    assert!((log_loss.unwrap() - log_losses / 3.0).abs() < 1e-12);
    // Precision 1/4, recall 1 for 8.5; the others are never found.
    assert!((macro_f1.unwrap() - 0.4 / 3.0).abs() < 1e-12);
    let class = classes[1];
    assert_eq!((class.label, class.examples, class.predicted), (8.5, 1, 4));
    assert_eq!((class.precision, class.recall), (Some(0.25), Some(1.0)));
    assert_eq!(
        (classes[0].precision, classes[0].recall, classes[0].f1),
        (None, Some(0.0), Some(0.0))
    );
    let softplus = |score: f64| score.exp().ln_1p();
    let rest: f64 = [0.5, 1.5, 1.0].map(softplus).iter().sum();
    // Each class is once the right one, at a loss less by its score.
    assert!((evaluation.loss.unwrap() - (3.0 * rest - 3.0) / 9.0).abs() < 1e-12);
}

#[test]
fn probabilities_of_hopeless_scores_still_add_up() {
    let model = Model::with_classes(
        LossKind::Logistic,
        vec![1.0, 2.0, 3.0],
        vec![-1e4, -1e4 - 1.0, -2e4, 1e4, 1e4, 0.0],
        None,
    )
    .unwrap();
    let mut builder = Builder::default();
    builder.entry(0, 1.0);
    builder.end_row(1.0);
    builder.entry(1, 1.0);
    builder.end_row(3.0);
    let probabilities = model.probabilities(&builder.finish(0)).unwrap();
    let first = 1.0 / (1.0 + (-1.0_f64).exp());
    for (probability, expected) in
        probabilities.iter().zip([first, 1.0 - first, 0.0, 0.4, 0.4, 0.2])
    {
        assert!((probability - expected).abs() < 1e-12, "{probabilities:?}");
    }
}

#[test]
fn classes_that_could_not_predict_are_refused() {
    let cases = [
        (vec![1.0, 2.0, 1.0], vec![0.0; 3], None, "two classes have the label 1"),
        (vec![1.0, f64::NAN, 2.0], vec![0.0; 3], None, "a label is NaN"),
        (vec![1.0], vec![0.0; 1], None, "labels are missing with the logistic loss"),
        (vec![1.0, 2.0, 3.0], vec![0.0; 4], None, "4 weights for 3 scores an example"),
        (vec![1.0, 2.0, 3.0], vec![], Some(1.0), "0 weights for 3 scores an example"),
        (
            vec![1.0, 2.0, 3.0],
            vec![0.0, 0.0, 0.0, 0.0, f64::NAN, 0.0],
            None,
            "the weight of feature 2 is NaN",
        ),
        (
            vec![1.0, 2.0, 3.0],
            vec![0.0, f64::NAN, 0.0],
            Some(1.0),
            "the bias feature is 1 with weight NaN",
        ),
    ];
    for (labels, weights, constant, what) in cases {
        let message = Model::with_classes(LossKind::Logistic, labels, weights, constant)
            .unwrap_err()
            .to_string();
        assert!(message.contains(what), "{message}");
    }
}
