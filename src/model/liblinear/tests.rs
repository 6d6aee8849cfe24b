use super::*;
use crate::model::Bias;
use proptest::prelude::*;

const GOOD: &str =
    "solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 3\nbias 1\nw\n0.5 \n-2 \n0 \n0.25 \n";

fn text(model: &Model) -> String {
    let mut out = Vec::new();
    write(model, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn message(bytes: impl AsRef<[u8]>) -> String {
    read(bytes.as_ref(), "m").unwrap_err().to_string()
}

#[test]
fn reads_and_writes_the_format() {
    let model = read(GOOD.as_bytes(), "m").unwrap();
    assert_eq!(model.loss(), LossKind::Logistic);
    assert_eq!(model.labels(), [1.0, -1.0]);
    assert_eq!(model.weights(), [0.5, -2.0, 0.0]);
    assert_eq!(model.bias(), Some(Bias { value: 1.0, weight: 0.25 }));
    assert_eq!(text(&model), GOOD);
}

#[test]
fn line_ends_blank_lines_and_the_order_of_the_header_are_free() {
    let model = read(GOOD.as_bytes(), "m").unwrap();
    let windows = GOOD.replace('\n', "\r\n");
    assert_eq!(read(windows.as_bytes(), "m").unwrap(), model);
    let other = "bias 1\nlabel +1 -1\n\nnr_feature 3\nnr_class 2\nsolver_type L2R_LR_DUAL\nw\n.5\n-2e0\n0\n+0.25\n\n";
    assert_eq!(read(other.as_bytes(), "m").unwrap(), model);
}

#[test]
fn each_solver_is_one_of_our_losses() {
    for (name, loss, l1) in SOLVERS {
        let mut file = GOOD.replace("L2R_LR", name);
        if loss.is_regression() {
            file = file.replace("label 1 -1\n", "");
        }
        let model = read(file.as_bytes(), "m").unwrap();
        assert_eq!((model.loss(), model.uses_l1()), (loss, l1), "{name}");
        assert_eq!(read(text(&model).as_bytes(), "m").unwrap(), model, "{name}");
    }
}

#[test]
fn every_pair_of_loss_and_l1_has_a_solver() {
    for loss in LossKind::ALL {
        let labels = (!loss.is_regression()).then_some([1, 0]);
        for l1 in [false, true] {
            let model = Model::new(loss, labels, vec![1.5], None).unwrap().with_l1(l1);
            let back = read(text(&model).as_bytes(), "m").unwrap();
            let known = match loss {
                // Of two classes.
                LossKind::Softmax => LossKind::Logistic,
                LossKind::Squared => loss,
                _ if loss.is_regression() => LossKind::EPSILON_INSENSITIVE,
                _ => loss,
            };
            assert_eq!(back.loss(), known);
            let has_l1_solver = matches!(back.loss(), LossKind::Logistic | LossKind::SquaredHinge);
            assert_eq!(back.uses_l1(), l1 && has_l1_solver);
        }
    }
}

#[test]
fn a_header_that_is_wrong_is_named_with_its_place() {
    let cases = [
        ("label 1 -1\n", "", "m:5:1: no line `label` above `w` (expected a complete header)"),
        ("solver_type L2R_LR\n", "", "m:5:1: no line `solver_type` above `w`"),
        ("nr_class 2\n", "", "m:5:1: no line `nr_class` above `w`"),
        ("nr_feature 3\n", "", "m:5:1: no line `nr_feature` above `w`"),
        ("bias 1\n", "", "m:5:1: no line `bias` above `w`"),
        (
            "w\n",
            "",
            "m:6:1: `0.5` is no line of a model's header (expected solver_type, nr_class, label, nr_feature, bias or w)",
        ),
        (
            "bias 1\n",
            "bias 1\nbias 1\n",
            "m:6:1: a second line `bias` (expected each header line once)",
        ),
        (
            "nr_class 2",
            "nr_class 3",
            "m:3:1: 2 labels (expected 3, one a class); the file may be damaged",
        ),
        (
            "nr_class 2",
            "nr_class 1",
            "m:2:10: `1` classes (expected 2 classes or more, or 2 for regression); the training data had",
        ),
        ("nr_class 2", "nr_class two", "m:2:10: `two` (expected 2 classes"),
        ("label 1 -1", "label 1", "m:3:1: 1 labels (expected 2, one a class)"),
        ("label 1 -1", "label 1 -1 0", "m:3:1: 3 labels (expected 2, one a class)"),
        ("label 1 -1", "label 1 1", "m:3:9: the label `1` again (expected different labels)"),
        ("label 1 -1", "label one 1", "m:3:7: `one` (expected a finite number)"),
        (
            "nr_feature 3",
            "nr_feature -3",
            "m:4:12: `-3` (expected a whole number of features from 0 to 4294967296)",
        ),
        (
            "nr_feature 3",
            "nr_feature 1e18",
            "m:4:12: `1e18` (expected a whole number of features from 0 to 4294967296)",
        ),
        (
            "nr_feature 3",
            "nr_feature 1000000000000000000",
            "m:4:12: `1000000000000000000` (expected a whole number",
        ),
        (
            "nr_feature 3",
            "nr_feature",
            "m:4:11: the line ends here (expected one number of features)",
        ),
        ("bias 1", "bias nan", "m:5:6: `nan` (expected a finite number)"),
        ("bias 1", "bias one", "m:5:6: `one` (expected a finite number)"),
        (
            "L2R_LR",
            "MCSVM_CS",
            "m:1:13: the solver `MCSVM_CS` (expected a solver for two classes or for regression, like L2R_LR); models of all",
        ),
        (
            "L2R_LR",
            "ONECLASS_SVM",
            "like L2R_LR); one-class models are not supported; train with another solver",
        ),
        ("L2R_LR", "\u{e9}", "m:1:13: the solver `\\xc3\\xa9`"),
        (
            "L2R_LR",
            "L2R_L2LOSS_SVR",
            "m:6:1: labels above `w` (expected none with a solver for regression)",
        ),
        ("w\n", "w 1\n", "m:6:3: `1` too much (expected the weights from the next line on)"),
    ];
    for (part, damaged, expected) in cases {
        let found = message(GOOD.replacen(part, damaged, 1));
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
}

#[test]
fn weights_that_are_wrong_are_named_with_their_place() {
    let cases = [
        (
            "-2",
            "two",
            "m:8:1: `two` (expected a finite number); the file may be damaged; save the model again",
        ),
        ("-2", "inf", "m:8:1: `inf` (expected a finite number); train with a smaller step size"),
        ("-2", "-NaN", "m:8:1: `-NaN` (expected a finite number)"),
        ("-2", "1e999", "m:8:1: `1e999` (expected a finite number)"),
        ("-2", "-2 7", "m:8:4: `7` too much (expected one weight per line)"),
        ("-2 ", "   ", "m:8:1: the line ends here (expected one weight per line)"),
        (
            "0.25 \n",
            "",
            "m:10:1: the file ends here (expected weight 4 of 4); the file was cut off; save the model again",
        ),
        (
            "0.25 \n",
            "0.2",
            "m:10:4: the file ends within a line (expected weight 4 of 4); the file was cut off",
        ),
        (
            "0.25 \n",
            "0.25 \n1 \n",
            "m:11:1: `1` (expected the file's end after 4 weights); the header's counts do not fit",
        ),
        (
            "0.25 \n",
            "0.25 \nsolver_type",
            "m:11:12: the file ends within a line (expected the file's end after 4 weights)",
        ),
        (
            "nr_feature 3",
            "nr_feature 4294967296",
            "m:11:1: the file ends here (expected weight 5 of 4294967297)",
        ),
    ];
    for (part, damaged, expected) in cases {
        let found = message(GOOD.replacen(part, damaged, 1));
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
}

const MANY: &str = "solver_type L2R_LR\nnr_class 3\nlabel 2 7 -1\nnr_feature 2\nbias 1\nw\n0.5 1 -2 \n0 0 0 \n1 2 3 \n";

#[test]
fn many_classes_have_a_column_each() {
    let model = read(MANY.as_bytes(), "m").unwrap();
    assert_eq!(model.labels(), [2.0, 7.0, -1.0]);
    assert_eq!(model.weights(), [0.5, 1.0, -2.0, 0.0, 0.0, 0.0]);
    assert_eq!(model.bias_weights(), [1.0, 2.0, 3.0]);
    assert_eq!(text(&model), MANY);
    let halves = MANY.replace("2 7 -1", "0.5 1.5 -2000000000000");
    assert_eq!(text(&read(halves.as_bytes(), "m").unwrap()), halves);
    for (part, damaged, expected) in [
        ("0.5 1 -2", "0.5 1", "m:7:6: the line ends here (expected 3 weights per line)"),
        ("0.5 1 -2", "0.5 1 -2 4", "m:7:10: `4` too much (expected 3 weights per line)"),
        ("0.5 1 -2", "0.5 nan -2", "m:7:5: `nan` (expected a finite number)"),
        ("1 2 3 \n", "", "m:9:1: the file ends here (expected weight 3 of 3)"),
        ("nr_class 3", "nr_class 4", "m:3:1: 3 labels (expected 4, one a class)"),
        ("2 7 -1", "2 7 2", "m:3:11: the label `2` again (expected different labels)"),
        ("label 2 7 -1\n", "", "m:5:1: no line `label` above `w`"),
        (
            "L2R_LR\nnr_class 3\nlabel 2 7 -1",
            "L2R_L2LOSS_SVR\nnr_class 3",
            "m:5:1: 3 classes above `w` (expected 2",
        ),
    ] {
        let found = message(MANY.replacen(part, damaged, 1));
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
}

#[test]
fn other_files_are_recognized() {
    let cases: [(&[u8], &str); 7] = [
        (
            b"",
            "m:1:1: the file is empty (expected a model as text, from the line `solver_type`); saving may have failed",
        ),
        (b"\x7fELF\x02\x01\x01\0\0", "m:1:1: the file is binary"),
        (
            b"\x1f\x8b\x08",
            "m:1:1: the file is compressed (expected a model as text, from the line `solver_type`); decompress",
        ),
        (b"+1 1:0.5 3:1\n", "m:1:1: `+1` is the start of an example (expected solver_type, "),
        (b"1:0.5 3:1\n", "this looks like a data file; name the model's file"),
        (b"svm_type c_svc\n", "m:1:1: `svm_type` is no line of a model's header"),
        (b"\xff\xfe junk\n", "m:1:1: `\\xff\\xfe` is no line of a model's header"),
    ];
    for (bytes, expected) in cases {
        let found = message(bytes);
        assert!(found.contains(expected), "{found}\nlacks {expected}");
    }
}

#[test]
fn no_part_of_a_model_reads_as_a_whole_one() {
    for end in 0..GOOD.len() {
        assert!(read(&GOOD.as_bytes()[..end], "m").is_err(), "{end}");
    }
}

fn any_weight() -> impl Strategy<Value = f64> {
    use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE)
    ]
}

proptest! {
    #[test]
    fn reads_back_bit_for_bit(
        weights in prop::collection::vec(any_weight(), 0..40),
        bias in prop::option::of((any_weight(), any_weight())),
        labels in prop::option::of((any::<i32>(), any::<i32>()).prop_filter("different", |(a, b)| a != b)),
    ) {
        let loss = if labels.is_some() { LossKind::Hinge } else { LossKind::Squared };
        let bias = bias.map(|(value, weight)| Bias { value: value.abs(), weight });
        let model = Model::new(loss, labels.map(|(a, b)| [a, b]), weights, bias).unwrap();
        let back = read(text(&model).as_bytes(), "m").unwrap();
        let bits = |model: &Model| {
            let bias = model.bias().map(|bias| [bias.value.to_bits(), bias.weight.to_bits()]);
            (model.weights().iter().map(|weight| weight.to_bits()).collect::<Vec<_>>(), bias)
        };
        prop_assert_eq!(bits(&back), bits(&model));
        prop_assert_eq!(back, model);
    }

    #[test]
    fn many_classes_read_back_bit_for_bit(
        labels in prop::collection::hash_set(any::<i16>(), 3..7),
        rows in prop::collection::vec(any_weight(), 0..9),
        constant in prop::option::of(any_weight()),
    ) {
        let labels: Vec<f64> = labels.into_iter().map(f64::from).collect();
        let per_feature = rows.len() + usize::from(constant.is_some());
        let weights: Vec<f64> =
            (0..per_feature * labels.len()).map(|i| rows.get(i % rows.len().max(1)).map_or(0.5, |w| w + i as f64)).collect();
        let weights = weights.into_iter().map(|w| if w.is_finite() { w } else { 1.0 }).collect();
        let model = Model::with_classes(LossKind::Hinge, labels, weights, constant.map(f64::abs)).unwrap();
        prop_assert_eq!(read(text(&model).as_bytes(), "m").unwrap(), model);
    }

    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((0..GOOD.len(), any::<u8>(), 0..3), 1..8),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte, kind) in changes {
            let at = at % bytes.len();
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Ok(model) = read(&bytes, "m") {
            prop_assert_eq!(read(text(&model).as_bytes(), "m").unwrap(), model);
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(solver_type|nr_class|label|nr_feature|bias|w| |\n|[0-9a-zA-Z.+-]){0,60}") {
        let _ = read(&bytes, "m");
        let _ = read(text.as_bytes(), "m");
    }
}
