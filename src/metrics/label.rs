//! Labels in reports: whole numbers are written without a decimal point.

use serde::{Serialize, Serializer};

struct Label(f64);

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        /// Whole numbers below it are exact in i64 and f64.
        const MOST: f64 = 1e15;
        let whole = self.0.trunc() == self.0 && self.0.abs() < MOST;
        if whole { out.serialize_i64(self.0 as i64) } else { out.serialize_f64(self.0) }
    }
}

pub(crate) fn all<S: Serializer>(labels: &[f64], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(labels.iter().map(|&label| Label(label)))
}

pub(crate) fn one<S: Serializer>(&label: &f64, out: S) -> Result<S::Ok, S::Error> {
    Label(label).serialize(out)
}
