//! Report of an evaluation.

use serde::Serialize;

use super::{Data, SCHEMA};
use crate::metrics::{ClassQuality, Evaluation, label};
use crate::model::Model;

/// Evaluation of a model on labeled data.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluated {
    /// [`SCHEMA`].
    pub schema: u32,
    /// This crate's version.
    pub version: &'static str,
    /// The model.
    pub model: ModelFile,
    /// The data.
    pub data: Data,
    /// Number of entries whose feature the model does not know; they were ignored.
    pub unseen: usize,
    /// The measures.
    pub test: Evaluation,
    /// Measures per class, in the order of the model's labels; empty for regression.
    pub classes: Vec<ClassQuality>,
}

/// A model file.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFile {
    /// The file's name.
    pub path: String,
    /// Name of the loss.
    pub loss: &'static str,
    /// Half-width of the tube in which the loss is 0, if the loss has one.
    pub epsilon: Option<f64>,
    /// Labels: with two classes, that of positive scores first; with more, in the order of scores.
    /// Empty for regression.
    #[serde(serialize_with = "label::all")]
    pub labels: Vec<f64>,
    /// Number of features.
    pub features: usize,
    /// Number of features that have a weight other than 0.
    pub nonzeros: usize,
    /// Value of the constant feature, if there is one.
    pub bias: Option<f64>,
}

impl Evaluated {
    /// Creates the report of the model read from `path`, with its evaluation on `data`. The model
    /// does not know the features of `unseen` entries.
    pub fn new(
        path: &str,
        model: &Model,
        data: Data,
        unseen: usize,
        (evaluation, classes): (Evaluation, Vec<ClassQuality>),
    ) -> Self {
        Evaluated {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            model: ModelFile {
                path: path.into(),
                loss: model.loss().name(),
                epsilon: model.loss().epsilon(),
                labels: model.labels().to_vec(),
                features: model.width(),
                nonzeros: {
                    let weights = model.weights().chunks(model.outputs());
                    weights.filter(|weights| weights.iter().any(|&weight| weight != 0.0)).count()
                },
                bias: model.bias().map(|bias| bias.value),
            },
            data,
            unseen,
            test: evaluation,
            classes,
        }
    }
}
