//! Convergence estimate: the passes that visits still need, where Newton steps could replace them.

/// Estimates the further passes until the gap reaches `tolerance`, if it keeps falling as it did:
/// from 1 at the start to `gap` after `passes`. Infinite if it has not fallen.
pub(super) fn passes_left(passes: usize, gap: f64, tolerance: f64) -> f64 {
    let fallen = -gap.ln();
    if fallen > 0.0 {
        (passes as f64 * (gap / tolerance).ln() / fallen).max(0.0)
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_assumed_to_fall_by_a_constant_factor() {
        assert!((passes_left(2, 0.1, 1e-3) - 4.0).abs() < 1e-12);
        assert!((passes_left(3, 0.01, 1e-3) - 1.5).abs() < 1e-12);
        assert_eq!(passes_left(1, 1e-4, 1e-3), 0.0);
        for gap in [1.0, 7.0, f64::INFINITY, f64::NAN] {
            assert_eq!(passes_left(3, gap, 1e-3), f64::INFINITY);
        }
        assert_eq!(passes_left(3, 0.1, 0.0), f64::INFINITY);
    }
}
