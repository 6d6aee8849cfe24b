//! The report of an evaluation.

use serde::Serialize;

use super::{Data, SCHEMA};
use crate::model::{Evaluation, Model};

/// A model on labeled data.
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
    /// Entries of the data whose feature the model does not know; they were ignored.
    pub unseen: usize,
    /// The measures.
    pub test: Evaluation,
}

/// A model file.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFile {
    /// The file's name.
    pub path: String,
    /// Name of the loss.
    pub loss: &'static str,
    /// Labels of positive and of other scores; empty for regression.
    pub labels: Vec<i32>,
    /// Number of features.
    pub features: usize,
    /// Number of features whose weight is not 0.
    pub nonzeros: usize,
    /// Value of the constant feature, if there is one.
    pub bias: Option<f64>,
}

impl Evaluated {
    /// The report of the model that was read from `path`, with its `evaluation` on `data`, of whose entries it does not
    /// know the features of `unseen`.
    pub fn new(path: &str, model: &Model, data: Data, unseen: usize, evaluation: Evaluation) -> Self {
        Evaluated {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            model: ModelFile {
                path: path.into(),
                loss: model.loss().name(),
                labels: model.labels().to_vec(),
                features: model.width(),
                nonzeros: model.weights().iter().filter(|&&weight| weight != 0.0).count(),
                bias: model.bias().map(|bias| bias.value),
            },
            data,
            unseen,
            test: evaluation,
        }
    }
}
