use super::*;
use crate::model::Bias;
use proptest::prelude::*;
use std::sync::LazyLock;

fn bytes_of(model: &Model) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(model, file.path()).unwrap();
    std::fs::read(file.path()).unwrap()
}

/// A classifier with an f64 weight, a bias and l1.
fn classifier() -> Model {
    let bias = Some(Bias { value: 2.0, weight: -0.1 });
    Model::new(LossKind::SquaredHinge, Some([7, i32::MIN]), vec![0.1, -0.0, 5e-324], bias)
        .unwrap()
        .with_l1(true)
}

fn bits(model: &Model) -> Vec<u64> {
    let constant = model.bias().map(|bias| bias.value);
    model
        .weights()
        .iter()
        .chain(model.bias_weights())
        .chain(&constant)
        .map(|x| x.to_bits())
        .collect()
}

#[test]
fn models_come_back_bit_for_bit() {
    let mut models = vec![classifier()];
    for loss in LossKind::ALL {
        let labels = (!loss.is_regression()).then_some([1, -1]);
        models.push(Model::new(loss, labels, vec![0.5, -1.25], None).unwrap());
        models.push(
            Model::new(loss, labels, vec![], Some(Bias { value: 1.0, weight: 3.0 })).unwrap(),
        );
    }
    let loss = LossKind::EpsilonInsensitive { epsilon: 0.375 };
    models.push(Model::new(loss, None, vec![0.5], None).unwrap());
    // Several chunks.
    models.push(
        Model::new(LossKind::Hinge, Some([0, 1]), (0..200_001).map(f64::from).collect(), None)
            .unwrap(),
    );
    for (labels, constant) in [
        (vec![3.0, -0.5, 1e10], None),
        (vec![0.0, 2.0, 4.0], Some(0.0)),
        (vec![1.0, 2.0, 3.0], Some(0.5)),
    ] {
        let weights = (0..12).map(|k| f64::from(k) / 3.0).collect();
        models.push(Model::with_classes(LossKind::Logistic, labels, weights, constant).unwrap());
    }
    for model in models {
        let bytes = bytes_of(&model);
        let back = read(&bytes, "m").unwrap();
        assert!(back == model && bits(&back) == bits(&model));
    }
}

#[test]
fn weights_take_4_bytes_if_that_loses_nothing() {
    let model = |weight| Model::new(LossKind::Squared, None, vec![weight; 100_000], None).unwrap();
    let (short, long) = (bytes_of(&model(f64::from(0.1_f32))), bytes_of(&model(0.1)));
    assert!(short.len() < 410_000 && long.len() > 800_000);
}

#[test]
fn what_is_cut_off_is_no_model() {
    let bytes = bytes_of(&classifier());
    for length in (0..bytes.len()).step_by(61) {
        assert!(read(&bytes[..length], "m").is_err(), "{length}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(read(&longer, "m").is_err());
}

#[test]
fn a_flipped_bit_is_detected_wherever_it_is() {
    let bytes = bytes_of(&classifier());
    for at in (0..bytes.len()).step_by(7) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(read(&flipped, "m").is_err(), "byte {at}");
    }
    let mut flipped = bytes;
    flipped[4096 + 4096 + 3] ^= 1;
    let message = read(&flipped, "m").unwrap_err().to_string();
    assert!(
        message.starts_with("m: is damaged between byte 8192 and byte 12287 (section `weights`)"),
        "{message}"
    );
    assert!(message.ends_with("copy it again from where it was made, or train again"), "{message}");
}

/// A whole file with right checksums that holds `facts` and these sections.
fn forged(facts: Facts, labels: &[u8], weights: &[u8]) -> Vec<u8> {
    let sections = [("labels", labels.len() as u64), ("weights", weights.len() as u64)];
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer =
        Writer::new(file.as_file(), Header::new(Kind::Model, VERSION, facts, &sections)).unwrap();
    writer.write("labels", labels).unwrap();
    writer.write("weights", weights).unwrap();
    writer.finish().unwrap();
    std::fs::read(file.path()).unwrap()
}

#[test]
fn facts_that_contradict_the_sections_are_refused() {
    let facts = |changes: &[(usize, u64)]| {
        let mut facts = Facts::default();
        facts.set_bytes(LOSS, b"squared");
        for &(at, number) in [(VECTORS, 1), (FEATURES, 2), (WEIGHT, 8)].iter().chain(changes) {
            facts.set(at, number);
        }
        facts
    };
    let weights = [0; 16];
    assert!(read(&forged(facts(&[]), &[], &weights), "m").is_ok());
    for change in [
        (FEATURES, 3),
        (FEATURES, u64::MAX),
        (VECTORS, 2),
        (VECTORS, u64::MAX),
        (WEIGHT, 4),
        (WEIGHT, 0),
        (LABELS, 1),
        (FLAGS, 4),
        (FLAGS, CONSTANT),
        (LOSS, 0),
    ] {
        assert!(read(&forged(facts(&[change]), &[], &weights), "m").is_err(), "{change:?}");
    }
    let with_labels = |labels: [f64; 2]| {
        let mut facts = facts(&[(LABELS, 2)]);
        facts.set_bytes(LOSS, b"hinge\0\0");
        read(&forged(facts, labels.map(f64::to_le_bytes).as_flattened(), &weights), "m")
    };
    assert!(with_labels([1.0, 2.0]).is_ok());
    assert!(with_labels([0.5, 1e10]).is_ok());
    for labels in [[1.0, 1.0], [0.0, -0.0], [1.0, f64::NAN], [f64::INFINITY, 1.0]] {
        assert!(with_labels(labels).is_err(), "{labels:?}");
    }
    let with_epsilon = |epsilon: f64| {
        let mut facts = facts(&[(EPSILON, epsilon.to_bits())]);
        facts.set_bytes(LOSS, b"eps-insensitive");
        read(&forged(facts, &[], &weights), "m")
    };
    assert_eq!(with_epsilon(0.25).unwrap().loss(), LossKind::EpsilonInsensitive { epsilon: 0.25 });
    for epsilon in [-0.5, f64::NAN, f64::INFINITY, 1e300] {
        let message = with_epsilon(epsilon).unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("m: has the epsilon {epsilon} (byte 480)")),
            "{message}"
        );
    }
    let vectors = |labels: u64, vectors, features| {
        let mut facts = facts(&[(LABELS, labels), (VECTORS, vectors), (FEATURES, features)]);
        facts.set_bytes(LOSS, b"hinge\0\0");
        let labels: Vec<u8> = (0..labels).flat_map(|label| (label as f64).to_le_bytes()).collect();
        read(&forged(facts, &labels, &[0; 48]), "m")
    };
    assert!(vectors(3, 3, 2).is_ok() && vectors(2, 1, 6).is_ok());
    for (labels, count, features) in [(3, 1, 6), (3, 2, 3), (3, 6, 1), (2, 2, 3), (2, 3, 2)] {
        assert!(
            vectors(labels, count, features).is_err(),
            "{count} vectors of {features} for {labels} labels"
        );
    }
    let infinite =
        forged(facts(&[]), &[], [1.0, f64::INFINITY].map(f64::to_le_bytes).as_flattened());
    assert!(
        read(&infinite, "m")
            .unwrap_err()
            .to_string()
            .starts_with("m: the weight of feature 2 is inf")
    );
}

static WHOLE: LazyLock<Vec<u8>> = LazyLock::new(|| bytes_of(&classifier()));

proptest! {
    #[test]
    fn replaced_bytes_never_make_another_model(changes in prop::collection::vec((0..12_400_usize, any::<u8>()), 1..9)) {
        let whole = &*WHOLE;
        let mut bytes = whole.clone();
        let length = bytes.len();
        changes.iter().for_each(|&(at, byte)| bytes[at % length] = byte);
        prop_assert!(bytes == *whole || read(&bytes, "m").is_err());
    }
}
