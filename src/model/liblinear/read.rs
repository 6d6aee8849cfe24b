//! The reader: a pure function over bytes. It trusts no number of the header before the lines bear it out, so
//! a damaged file costs no more memory than a whole one of its size.

use super::SOLVERS;
use super::text::{DAMAGED, Place, Text, Word};
use crate::error::{Error, Result};
use crate::model::{Bias, LossKind, Model};

/// Indices of features are u32.
const MOST_FEATURES: u64 = 1 << 32;

/// Reads a model; `path` names it in messages. A binary classifier (labels of positive and other scores, one
/// column of weights) or a regression model is accepted, with Unix or Windows line ends.
///
/// # Errors
/// [`Error::Text`] with the first place that is wrong, if the file is empty, binary, cut off or otherwise not
/// a complete model, or if it has more than two classes.
pub fn read(bytes: &[u8], path: &str) -> Result<Model> {
    let mut text = Text::new(bytes, path);
    check_text(&text)?;
    let header = Header::read(&mut text)?;
    let (weights, bias) = weights(&mut text, &header)?;
    Ok(Model::new(header.loss, header.labels, weights, bias)?.with_l1(header.l1))
}

/// Refuses what is no text at all, before its first line is taken for a damaged header.
fn check_text(text: &Text<'_>) -> Result<()> {
    let (what, hint) = match text.rest() {
        [] => ("the file is empty", "saving may have failed; save the model again"),
        [0x1f, 0x8b, ..] | [b'B', b'Z', b'h', ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            ("the file is compressed", "decompress it first")
        }
        bytes if bytes.iter().take(1024).any(|&b| b == 0) => {
            ("the file is binary", "check that this is the model's file")
        }
        _ => return Ok(()),
    };
    Err(text.error(Place { line: 1, column: 1 }, what, "a model as text, from the line `solver_type`", hint))
}

struct Header {
    loss: LossKind,
    l1: bool,
    labels: Option<[i32; 2]>,
    features: usize,
    /// Value of the constant feature, if there is one.
    bias: Option<f64>,
}

impl Header {
    fn read(text: &mut Text<'_>) -> Result<Self> {
        let (mut solver, mut classes, mut labels, mut features, mut bias) = (None, None, None, None, None);
        let end = loop {
            let line = text.line("the header's lines up to `w`")?;
            let Some(key) = line.words().next() else { continue };
            let repeated = match key.bytes {
                b"solver_type" => {
                    let [_, name] = text.words(&line, "one solver")?;
                    solver.replace(read_solver(text, name)?).is_some()
                }
                b"nr_class" => {
                    let [_, count] = text.words(&line, "one number of classes")?;
                    classes.replace(check_classes(text, count)?).is_some()
                }
                b"label" => labels.replace(read_labels(text, text.words(&line, "two labels")?)?).is_some(),
                b"nr_feature" => {
                    let [_, count] = text.words(&line, "one number of features")?;
                    features.replace(read_features(text, count)?).is_some()
                }
                b"bias" => {
                    let [_, value] = text.words(&line, "one value of the constant feature")?;
                    bias.replace(text.number(value)?).is_some()
                }
                b"w" => break text.words::<1>(&line, "the weights from the next line on")?[0].place,
                _ => return Err(unknown(text, key)),
            };
            if repeated {
                let what = format!("a second line {}", key.quoted());
                return Err(text.error(key.place, what, "each header line once", DAMAGED));
            }
        };
        let missing =
            |key: &str| text.error(end, format!("no line `{key}` above `w`"), "a complete header", DAMAGED);
        let (loss, l1) = solver.ok_or_else(|| missing("solver_type"))?;
        classes.ok_or_else(|| missing("nr_class"))?;
        if labels.is_none() && !loss.is_regression() {
            return Err(missing("label"));
        }
        if labels.is_some() && loss.is_regression() {
            return Err(text.error(end, "labels above `w`", "none with a solver for regression", DAMAGED));
        }
        let features = features.ok_or_else(|| missing("nr_feature"))?;
        let bias = bias.ok_or_else(|| missing("bias"))?;
        Ok(Header { loss, l1, labels, features, bias: (bias >= 0.0).then_some(bias) })
    }
}

fn read_solver(text: &Text<'_>, name: Word<'_>) -> Result<(LossKind, bool)> {
    if let Some(&(_, loss, l1)) = SOLVERS.iter().find(|(known, ..)| known.as_bytes() == name.bytes) {
        return Ok((loss, l1));
    }
    let hint = match name.bytes {
        b"MCSVM_CS" => "multi-class models are not supported; train on two classes with another solver",
        b"ONECLASS_SVM" => "one-class models are not supported; train with another solver",
        _ => DAMAGED,
    };
    let what = format!("the solver {}", name.quoted());
    Err(text.error(name.place, what, "a solver for two classes or for regression, like L2R_LR", hint))
}

fn check_classes(text: &Text<'_>, word: Word<'_>) -> Result<()> {
    let expected = "2 classes, or 2 for regression";
    let hint = match text.whole::<i64>(word, expected)? {
        2 => return Ok(()),
        3.. => "multi-class models are not supported; train on two classes",
        1 => "the training data had one class only; train on two classes",
        _ => DAMAGED,
    };
    Err(text.error(word.place, format!("{} classes", word.quoted()), expected, hint))
}

fn read_labels(text: &Text<'_>, [_, first, second]: [Word<'_>; 3]) -> Result<[i32; 2]> {
    let expected = "two different whole numbers as labels";
    let labels = [text.whole(first, expected)?, text.whole(second, expected)?];
    if labels[0] == labels[1] {
        return Err(text.error(
            second.place,
            format!("the label {} again", second.quoted()),
            expected,
            DAMAGED,
        ));
    }
    Ok(labels)
}

fn read_features(text: &Text<'_>, word: Word<'_>) -> Result<usize> {
    let expected = format!("a whole number of features from 0 to {MOST_FEATURES}");
    let features: u64 = text.whole(word, &expected)?;
    match usize::try_from(features) {
        Ok(count) if features <= MOST_FEATURES => Ok(count),
        _ => Err(text.error(word.place, word.quoted(), expected, DAMAGED)),
    }
}

fn weights(text: &mut Text<'_>, header: &Header) -> Result<(Vec<f64>, Option<Bias>)> {
    let count = header.features + usize::from(header.bias.is_some());
    // A weight takes a digit and a line end at least.
    let mut weights = Vec::with_capacity(count.min(text.rest().len() / 2));
    while weights.len() < count {
        let line = text.line(format_args!("weight {} of {count}", weights.len() + 1))?;
        let [word] = text.words(&line, "one weight per line")?;
        weights.push(text.number(word)?);
    }
    while !text.rest().is_empty() {
        let expected = format_args!("the file's end after {count} weights");
        if let Some(word) = text.line(expected)?.words().next() {
            let hint = "the header's counts do not fit the weights; save the model again";
            return Err(text.error(word.place, word.quoted(), expected, hint));
        }
    }
    let bias = match header.bias {
        Some(value) => weights.pop().map(|weight| Bias { value, weight }),
        None => None,
    };
    Ok((weights, bias))
}

/// What to say of a line that no header has.
fn unknown(text: &Text<'_>, key: Word<'_>) -> Error {
    let is_data = key.place.line == 1 && (key.parse::<f64>().is_some() || key.bytes.contains(&b':'));
    let (what, hint) = if is_data {
        ("the start of an example", "this looks like a data file; name the model's file")
    } else {
        ("no line of a model's header", "check that this is the model's file")
    };
    let expected = "solver_type, nr_class, label, nr_feature, bias or w";
    text.error(key.place, format!("{} is {what}", key.quoted()), expected, hint)
}
