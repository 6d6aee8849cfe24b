use super::*;

fn model() -> Factors {
    let ratings = Ratings::parse(b"ann tea 5\nbob tea 2\nann coffee 1\n", "r").unwrap();
    let names = [ratings.users().clone(), ratings.items().clone()];
    let weights = vec![1.0, 2.0, 0.5, -1.0, 0.0, 0.25, 3.0, 1.0, -0.5, 0.0, 1.0, 0.0];
    Factors::new(2, [3.0, 2.0], names, weights).unwrap()
}

#[test]
fn a_prediction_is_the_mean_the_biases_and_the_product() {
    let model = model();
    assert_eq!(model.predict("ann", "tea"), 3.0 + 2.0 * (0.5 - 0.5 + 5.0));
    assert_eq!(model.predict("bob", "coffee"), 3.0 + 2.0 * 0.25);
    assert_eq!(model.predict("bob", "milk"), 3.0 + 2.0 * 0.25, "an item that is not known");
    assert_eq!(model.predict("eve", "tea"), 3.0 - 2.0 * 0.5, "a user that is not known");
    assert_eq!(model.predict("eve", "milk"), 3.0);
    let pairs = Ratings::parse(b"eve tea 1\nbob coffee 4.5\n", "r").unwrap();
    assert_eq!(model.predictions(&pairs), [2.0, 3.5]);
    assert_eq!(model.unseen(&pairs), 1);
    let Quality::Regression { rmse, mae, .. } = model.evaluate(&pairs).quality else { panic!() };
    assert_eq!((rmse, mae), (Some(1.0), Some(1.0)));
    assert_eq!(model.evaluate(&pairs).loss, Some(0.125));
}

#[test]
fn a_file_gives_the_same_model_and_damage_is_detected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    let model = model();
    model.save(&path).unwrap();
    assert!(is_factors(&path));
    let again = Factors::load(&path).unwrap();
    assert_eq!((again.weights, again.rank), (model.weights.clone(), 2));
    assert_eq!((again.mean, again.spread), (3.0, 2.0));
    assert!(again.users.iter().eq(model.users.iter()) && again.items.iter().eq(model.items.iter()));

    let bytes = std::fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(97).chain([416, 424, 4096, bytes.len() - 1]) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        std::fs::write(&path, &damaged).unwrap();
        let error = Factors::load(&path).unwrap_err().to_string();
        assert!(error.contains("(expected "), "{at}: {error}");
    }
    for length in (0..bytes.len()).step_by(513) {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(Factors::load(&path).is_err());
    }
}

#[test]
fn what_is_no_model_is_refused() {
    let names = || [Names::numbers(1), Names::numbers(1)];
    for (numbers, weights, what) in [
        ([f64::NAN, 1.0], vec![0.0; 4], "mean NaN"),
        ([0.0, 0.0], vec![0.0; 4], "standard deviation 0"),
        ([0.0, 1.0], vec![0.0; 5], "5 weights for 2 users and items and rank 1"),
        ([0.0, 1.0], vec![0.0, f32::INFINITY, 0.0, 0.0], "weight 1 is inf"),
    ] {
        let error = Factors::new(1, numbers, names(), weights).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}
