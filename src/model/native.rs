//! The native model file: exact bits under checksums, read at the speed of memory.
//!
//! # Layout
//!
//! A file of kind 2, version 1, of the format that `src/container` lays out byte by byte (header,
//! sections on pages of 4096 bytes, a CRC-32 for each 256 KiB). All numbers are little-endian. The
//! header's facts, from byte 416 of the file on:
//!
//! | byte | size | holds |
//! |---|---|---|
//! | 416 | 16 | name of the loss in ASCII, padded with zeros |
//! | 432 | 8 | flags: 1 l1 took part in training, 2 there is a constant feature |
//! | 440 | 8 | value of the constant feature, as f64 |
//! | 448 | 8 | number of labels: 0 for regression |
//! | 456 | 8 | vectors of weights: 1, or one a label if there are more than 2 |
//! | 464 | 8 | features |
//! | 472 | 8 | bytes of a weight: 4 (f32) if that holds each weight exactly, else 8 (f64) |
//! | 480 | 8 | epsilon of the epsilon-insensitive loss (`eps-insensitive`), as f64; 0 with others |
//!
//! Sections: `labels` (f64 each, in the order of [`Model::labels`]) and `weights` (one a vector for
//! each feature, adjacent, then for the constant feature if there is one). Unlike LIBLINEAR's text,
//! the file keeps the exact loss of regression.

#[cfg(test)]
mod tests;

use super::{LossKind, Model};
use crate::container::{Container, Damage, Facts, Header, Kind, Writer, claims};
use crate::error::{Error, Result};
use crate::problem::CustomLoss;
use crate::save;
use std::path::Path;

const VERSION: u32 = 1;
const L1: u64 = 1;
const CONSTANT: u64 = 2;
/// Byte offsets of facts.
const LOSS: usize = 0;
const FLAGS: usize = 16;
const VALUE: usize = 24;
const LABELS: usize = 32;
const VECTORS: usize = 40;
const FEATURES: usize = 48;
const WEIGHT: usize = 56;
const EPSILON: usize = 64;
/// Bytes of the loss's name.
const NAME: usize = 16;
/// The name of the epsilon-insensitive loss in files: its [`LossKind::name`] is longer than
/// [`NAME`] bytes.
const INSENSITIVE: &str = "eps-insensitive";
/// Number of weights in one write.
const WEIGHTS_PER_WRITE: usize = 1 << 14;

/// Returns true if a file that starts with `head` claims to be of this format, damaged or not.
pub(super) fn is_native(head: &[u8]) -> bool {
    claims(head)
}

/// Writes `model` to `path`, [atomically](save::file_atomically). Deterministic: equal models give
/// equal bytes.
///
/// # Errors
/// [`Error::Io`] if the system fails, as with a full disk; [`Error::Input`] if `path` is not a
/// regular file.
pub fn write(model: &Model, path: impl AsRef<Path>) -> Result<()> {
    let (labels, bias) = (model.labels(), model.bias());
    let weights = || model.weights().iter().chain(model.bias_weights()).copied();
    let is_short = weights().all(|weight| f64::from(weight as f32).to_bits() == weight.to_bits());
    let size: usize = if is_short { 4 } else { 8 };

    let mut facts = Facts::default();
    let epsilon = model.loss().epsilon();
    facts.set_bytes(LOSS, epsilon.map_or(model.loss().name(), |_| INSENSITIVE).as_bytes());
    facts.set(EPSILON, epsilon.unwrap_or(0.0).to_bits());
    let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
    facts.set(FLAGS, flag(model.uses_l1(), L1) | flag(bias.is_some(), CONSTANT));
    facts.set(VALUE, bias.map_or(0.0, |bias| bias.value).to_bits());
    facts.set(LABELS, labels.len() as u64);
    facts.set(VECTORS, model.outputs() as u64);
    facts.set(FEATURES, model.width() as u64);
    facts.set(WEIGHT, size as u64);
    let sections =
        [("labels", 8 * labels.len() as u64), ("weights", (weights().count() * size) as u64)];
    let header = Header::new(Kind::Model, VERSION, facts, &sections);
    save::file_atomically(path, save::USUAL, |file| {
        let mut writer = Writer::new(file, header)?;
        let bytes: Vec<u8> = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        writer.write("labels", &bytes)?;
        let mut bytes = Vec::with_capacity(WEIGHTS_PER_WRITE * size);
        for weight in weights() {
            match is_short {
                true => bytes.extend((weight as f32).to_le_bytes()),
                false => bytes.extend(weight.to_le_bytes()),
            }
            if bytes.len() == WEIGHTS_PER_WRITE * size {
                writer.write("weights", &bytes)?;
                bytes.clear();
            }
        }
        writer.write("weights", &bytes)?;
        writer.finish()
    })
}

/// Reads a model from all bytes of a file; `name` names it in messages.
///
/// # Errors
/// [`Error::Input`] that names the bytes that are damaged or missing, or says what the file holds
/// instead of a model.
pub fn read(bytes: &[u8], name: &str) -> Result<Model> {
    read_with(bytes, name, &[])
}

/// Reads a model as [`read`] does. Its loss may also be one of the custom `losses`.
///
/// # Errors
/// [`Error::Input`] that names the bytes that are damaged or missing, or says what the file holds
/// instead of a model.
pub fn read_with(bytes: &[u8], name: &str, losses: &[&'static dyn CustomLoss]) -> Result<Model> {
    parts(bytes, losses).map_err(|damage| damage.into_error(name, Kind::Model))?.model(name)
}

/// The checked contents of a file.
struct Parts {
    loss: LossKind,
    l1: bool,
    labels: Vec<f64>,
    /// Those of the constant feature come last.
    weights: Vec<f64>,
    constant: Option<f64>,
}

fn parts(bytes: &[u8], losses: &[&'static dyn CustomLoss]) -> Result<Parts, Damage> {
    let strange = |what: String, expected: &str| Damage::new(what, expected);
    let container = Container::open(bytes, Kind::Model, VERSION)?;
    container.check(bytes, &["labels", "weights"], |_, _| Ok(()))?;
    let facts = &container.header().facts;
    let loss = loss(facts, losses)?;
    let flags = facts.get(FLAGS);
    if flags & !(L1 | CONSTANT) != 0 {
        return Err(strange(
            format!("has unknown flags {flags:#x} (byte 432)"),
            "the documented layout",
        ));
    }
    let constant = (flags & CONSTANT != 0).then(|| f64::from_bits(facts.get(VALUE)));
    let labels = numbers(section(&container, bytes, "labels"), 8);
    let weights = numbers(section(&container, bytes, "weights"), facts.get(WEIGHT));
    let rows = facts.get(FEATURES).saturating_add(u64::from(constant.is_some()));
    match (labels, weights) {
        (Some(labels), Some(weights))
            if labels.len() as u64 == facts.get(LABELS)
                && Some(weights.len() as u64) == rows.checked_mul(facts.get(VECTORS)) =>
        {
            let vectors = if labels.len() > 2 { labels.len() as u64 } else { 1 };
            if facts.get(VECTORS) != vectors {
                let found = facts.get(VECTORS);
                let what = format!(
                    "has {found} vectors of weights (byte 456) for {} labels",
                    labels.len()
                );
                return Err(strange(what, "1 vector, or one a label if there are more than 2"));
            }
            Ok(Parts { loss, l1: flags & L1 != 0, labels, weights, constant })
        }
        _ => Err(strange(
            "has sections of a length that its facts (byte 416) do not give".into(),
            "the documented layout",
        )),
    }
}

fn loss(facts: &Facts, losses: &[&'static dyn CustomLoss]) -> Result<LossKind, Damage> {
    let text = &facts.bytes()[LOSS..LOSS + NAME];
    let name = String::from_utf8_lossy(text.split(|&byte| byte == 0).next().unwrap_or_default());
    if name == INSENSITIVE {
        let epsilon = f64::from_bits(facts.get(EPSILON));
        let loss = LossKind::EpsilonInsensitive { epsilon };
        return loss.check().map(|()| loss).map_err(|_| {
            Damage::new(
                format!("has the epsilon {epsilon} (byte 480)"),
                "a finite number, 0 or larger",
            )
        });
    }
    let custom = losses.iter().find(|loss| loss.name() == name).map(|&loss| LossKind::Custom(loss));
    custom.map_or_else(|| name.parse(), Ok).map_err(|_| {
        Damage::new(format!("has the loss `{name}` (byte 416)"), "a loss that this version knows")
    })
}

fn section<'a>(container: &Container, bytes: &'a [u8], name: &str) -> &'a [u8] {
    container.section(name).map_or(&[], |range| &bytes[range])
}

/// Returns the numbers in `bytes`, each of `size` bytes; `None` if the last one is not whole, or no
/// float has that size.
fn numbers(bytes: &[u8], size: u64) -> Option<Vec<f64>> {
    let (short, long) = (bytes.as_chunks::<4>(), bytes.as_chunks::<8>());
    match size {
        4 if short.1.is_empty() => {
            Some(short.0.iter().map(|&x| f32::from_le_bytes(x).into()).collect())
        }
        8 if long.1.is_empty() => Some(long.0.iter().map(|&x| f64::from_le_bytes(x)).collect()),
        _ => None,
    }
}

impl Parts {
    fn model(self, name: &str) -> Result<Model> {
        let named = |error| match error {
            Error::Input { what, expected, hint, .. } => Error::input(name, what, expected, hint),
            other => other,
        };
        let model = Model::with_classes(self.loss, self.labels, self.weights, self.constant);
        Ok(model.map_err(named)?.with_l1(self.l1))
    }
}
