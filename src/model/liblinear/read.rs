//! The reader: a pure function over bytes. It trusts no number of the header until the lines
//! confirm it, so a damaged file takes no more memory than an intact one of its size.

use std::collections::HashSet;

use super::SOLVERS;
use super::text::{DAMAGED, Line, Position, Text, Word};
use crate::error::{Error, Result};
use crate::model::{LossKind, Model};

/// Largest number of features: their indices are u32.
const MOST_FEATURES: u64 = 1 << 32;

/// Reads a model; `path` names it in messages. A classifier of two classes (labels of positive and
/// other scores, one column of weights) or of more (one column a label) or a regression model is
/// accepted, with Unix or Windows line ends.
///
/// # Errors
/// [`Error::Text`] with the position of the first mistake, if the file is empty, binary, cut off or
/// otherwise not a complete model.
pub fn read(bytes: &[u8], path: &str) -> Result<Model> {
    let mut text = Text::new(bytes, path);
    check_text(&text)?;
    let header = Header::read(&mut text)?;
    let weights = weights(&mut text, &header)?;
    Ok(Model::with_classes(header.loss, header.labels, weights, header.bias)?.with_l1(header.l1))
}

/// Refuses files that are not text, before their first line is taken for a damaged header.
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
    Err(text.error(
        Position { line: 1, column: 1 },
        what,
        "a model as text, from the line `solver_type`",
        hint,
    ))
}

struct Header {
    loss: LossKind,
    l1: bool,
    /// Empty for regression.
    labels: Vec<f64>,
    features: usize,
    /// Value of the constant feature, if there is one.
    bias: Option<f64>,
}

impl Header {
    fn read(text: &mut Text<'_>) -> Result<Self> {
        let (mut solver, mut classes, mut labels, mut features, mut bias) =
            (None, None, None, None, None);
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
                    classes.replace(read_classes(text, count)?).is_some()
                }
                b"label" => labels.replace((key.position, read_labels(text, &line)?)).is_some(),
                b"nr_feature" => {
                    let [_, count] = text.words(&line, "one number of features")?;
                    features.replace(read_features(text, count)?).is_some()
                }
                b"bias" => {
                    let [_, value] = text.words(&line, "one value of the constant feature")?;
                    bias.replace(text.number(value)?).is_some()
                }
                b"w" => {
                    break text.words::<1>(&line, "the weights from the next line on")?[0].position;
                }
                _ => return Err(unknown(text, key)),
            };
            if repeated {
                let what = format!("a second line {}", key.quoted());
                return Err(text.error(key.position, what, "each header line once", DAMAGED));
            }
        };
        let missing = |key: &str| {
            text.error(end, format!("no line `{key}` above `w`"), "a complete header", DAMAGED)
        };
        let (loss, l1) = solver.ok_or_else(|| missing("solver_type"))?;
        let classes = classes.ok_or_else(|| missing("nr_class"))?;
        let labels = match labels {
            None if loss.is_regression() => Vec::new(),
            None => return Err(missing("label")),
            Some(_) if loss.is_regression() => {
                return Err(text.error(
                    end,
                    "labels above `w`",
                    "none with a solver for regression",
                    DAMAGED,
                ));
            }
            Some((position, labels)) if labels.len() != classes => {
                let what = format!("{} labels", labels.len());
                return Err(text.error(position, what, format!("{classes}, one a class"), DAMAGED));
            }
            Some((_, labels)) => labels,
        };
        if classes > 2 && loss.is_regression() {
            let what = format!("{classes} classes above `w`");
            return Err(text.error(end, what, "2 classes with a solver for regression", DAMAGED));
        }
        let features = features.ok_or_else(|| missing("nr_feature"))?;
        let bias = bias.ok_or_else(|| missing("bias"))?;
        Ok(Header { loss, l1, labels, features, bias: (bias >= 0.0).then_some(bias) })
    }
}

fn read_solver(text: &Text<'_>, name: Word<'_>) -> Result<(LossKind, bool)> {
    if let Some(&(_, loss, l1)) = SOLVERS.iter().find(|(known, ..)| known.as_bytes() == name.bytes)
    {
        return Ok((loss, l1));
    }
    let hint = match name.bytes {
        b"MCSVM_CS" => {
            "models of all classes at once are not supported; train one against the rest, with another solver"
        }
        b"ONECLASS_SVM" => "one-class models are not supported; train with another solver",
        _ => DAMAGED,
    };
    let what = format!("the solver {}", name.quoted());
    Err(text.error(
        name.position,
        what,
        "a solver for two classes or for regression, like L2R_LR",
        hint,
    ))
}

fn read_classes(text: &Text<'_>, word: Word<'_>) -> Result<usize> {
    let expected = "2 classes or more, or 2 for regression";
    let hint = match text.whole::<i32>(word, expected)? {
        count @ 2.. => return Ok(count as usize),
        1 => "the training data had one class only; train on two classes",
        _ => DAMAGED,
    };
    Err(text.error(word.position, format!("{} classes", word.quoted()), expected, hint))
}

fn read_labels(text: &Text<'_>, line: &Line<'_>) -> Result<Vec<f64>> {
    let mut seen = HashSet::new();
    let mut labels = Vec::new();
    for word in line.words().skip(1) {
        let label = text.number(word)?;
        // Adding 0 makes -0 the same label as 0.
        if !seen.insert((label + 0.0).to_bits()) {
            let what = format!("the label {} again", word.quoted());
            return Err(text.error(word.position, what, "different labels", DAMAGED));
        }
        labels.push(label);
    }
    Ok(labels)
}

fn read_features(text: &Text<'_>, word: Word<'_>) -> Result<usize> {
    let expected = format!("a whole number of features from 0 to {MOST_FEATURES}");
    let features: u64 = text.whole(word, &expected)?;
    match usize::try_from(features) {
        Ok(count) if features <= MOST_FEATURES => Ok(count),
        _ => Err(text.error(word.position, word.quoted(), expected, DAMAGED)),
    }
}

/// Reads the lines of weights: one a feature and one for the constant feature, each with one number
/// a score.
fn weights(text: &mut Text<'_>, header: &Header) -> Result<Vec<f64>> {
    let count = header.features + usize::from(header.bias.is_some());
    let scores = if header.labels.len() > 2 { header.labels.len() } else { 1 };
    // A weight takes at least a digit and a blank or line end.
    let mut weights = Vec::with_capacity(count.saturating_mul(scores).min(text.rest().len() / 2));
    for k in 1..=count {
        let line = text.line(format_args!("weight {k} of {count}"))?;
        if scores == 1 {
            let [word] = text.words(&line, "one weight per line")?;
            weights.push(text.number(word)?);
            continue;
        }
        let before = weights.len();
        for word in line.words() {
            if weights.len() - before == scores {
                let what = format!("{} too much", word.quoted());
                return Err(text.error(
                    word.position,
                    what,
                    format_args!("{scores} weights per line"),
                    DAMAGED,
                ));
            }
            weights.push(text.number(word)?);
        }
        if weights.len() - before < scores {
            let what = "the line ends here";
            return Err(text.error(
                line.end(),
                what,
                format_args!("{scores} weights per line"),
                DAMAGED,
            ));
        }
    }
    while !text.rest().is_empty() {
        let expected = format_args!("the file's end after {count} weights");
        if let Some(word) = text.line(expected)?.words().next() {
            let hint = "the header's counts do not fit the weights; save the model again";
            return Err(text.error(word.position, word.quoted(), expected, hint));
        }
    }
    Ok(weights)
}

/// Reports a line that no header has.
fn unknown(text: &Text<'_>, key: Word<'_>) -> Error {
    let is_data =
        key.position.line == 1 && (key.parse::<f64>().is_some() || key.bytes.contains(&b':'));
    let (what, hint) = if is_data {
        ("the start of an example", "this looks like a data file; name the model's file")
    } else {
        ("no line of a model's header", "check that this is the model's file")
    };
    let expected = "solver_type, nr_class, label, nr_feature, bias or w";
    text.error(key.position, format!("{} is {what}", key.quoted()), expected, hint)
}
