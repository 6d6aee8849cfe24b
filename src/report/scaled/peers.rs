//! Other programs on the same objective.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Results of `benches/peers/seconds.py` for one file: medians of whole trainings to within 0.1 %
/// of the optimum, measured by one objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// Optimum from which all are measured.
    pub optimum: f64,
    /// Median seconds by program, with its fastest setting that arrives.
    pub seconds: BTreeMap<String, f64>,
    /// Speed of wildsgd as a multiple of others, by comparison.
    pub factors: BTreeMap<String, f64>,
}
