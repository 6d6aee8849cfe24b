//! Ratios of counts.

/// `part / whole`, or 0 if there is no whole.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
