//! Other programs on the same objective.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What `benches/peers/seconds.py` found for one file: medians of whole trainings to within 0.1 %
/// of the optimum, judged by one objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// The optimum that all were judged by.
    pub optimum: f64,
    /// Median seconds by program, with its cheapest setting that arrives.
    pub seconds: BTreeMap<String, f64>,
    /// How many times as fast wildsgd is, by what is compared.
    pub factors: BTreeMap<String, f64>,
}
