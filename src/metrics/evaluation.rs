//! Measures of a model on labeled examples.

use serde::Serialize;

use super::label;

/// Measures of a model on labeled examples; the kind of the model decides which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Mean loss plus the regularizer; `None` where the regularizer's strengths are not known
    /// (model files do not hold them).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// Mean loss over the examples whose label the model knows; `None` if there is none. With more
    /// than two classes, the mean over the classes, each against the rest.
    pub loss: Option<f64>,
    /// The measures of the model's kind.
    #[serde(flatten)]
    pub quality: Quality,
}

/// Measures by kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Quality {
    /// Two classes.
    Classes {
        /// Fraction of examples with the right label, from 0 to 1. One whose label the model does
        /// not know is wrong.
        accuracy: f64,
        /// Area under the ROC curve, over the examples whose label the model knows; `None` if a
        /// class is missing.
        auc: Option<f64>,
        /// Number of examples whose label the model does not know.
        #[serde(skip_serializing_if = "is_zero")]
        unknown_labels: usize,
    },
    /// More than two classes.
    ManyClasses {
        /// Fraction of examples with the right label, from 0 to 1. One whose label the model does
        /// not know is wrong.
        accuracy: f64,
        /// Mean of the [F1 scores](ClassQuality::f1) of the classes that occur, as a label or as a
        /// prediction.
        macro_f1: Option<f64>,
        /// Mean of -ln(probability of the right label), over the examples whose label the model
        /// knows; `None` if there is none, or if scores are no log-odds (another loss than the
        /// logistic one).
        log_loss: Option<f64>,
        /// Number of examples whose label the model does not know.
        #[serde(skip_serializing_if = "is_zero")]
        unknown_labels: usize,
    },
    /// Regression.
    Regression {
        /// Root of the mean squared error.
        rmse: Option<f64>,
        /// Mean absolute error.
        mae: Option<f64>,
        /// Coefficient of determination; `None` if all labels are the same.
        r2: Option<f64>,
    },
}

/// Measures of one class against the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClassQuality {
    /// The class's label.
    #[serde(serialize_with = "label::one")]
    pub label: f64,
    /// Number of examples with this label.
    pub examples: usize,
    /// Number of examples that the model gives this label.
    pub predicted: usize,
    /// Fraction of the predicted ones that are right, from 0 to 1; `None` if there are none.
    pub precision: Option<f64>,
    /// Fraction of the class's examples that the model finds, from 0 to 1; `None` if there are
    /// none.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall; `None` if the class does not occur at all.
    pub f1: Option<f64>,
}

impl ClassQuality {
    pub(crate) fn new(label: f64, Counts { examples, predicted, right }: Counts) -> Self {
        let fraction = |of: usize| (of > 0).then(|| right as f64 / of as f64);
        let both = examples + predicted;
        ClassQuality {
            label,
            examples,
            predicted,
            precision: fraction(predicted),
            recall: fraction(examples),
            f1: (both > 0).then(|| 2.0 * right as f64 / both as f64),
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Counts of a class's examples, predictions, and right predictions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) examples: usize,
    pub(crate) predicted: usize,
    pub(crate) right: usize,
}
