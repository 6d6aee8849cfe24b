//! Curves as a line of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws a bar per value, between `low` and `high`; a space for values that are not finite.
pub fn sparkline(values: impl IntoIterator<Item = f64>, low: f64, high: f64) -> String {
    let bar = |value: f64| {
        let share = if high > low { (value - low) / (high - low) } else { 1.0 };
        let step = (share * (BARS.len() - 1) as f64).round();
        if step.is_finite() { BARS[step.clamp(0.0, 7.0) as usize] } else { ' ' }
    };
    values.into_iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_follow_values() {
        assert_eq!(sparkline([0.0, 0.5, 1.0, 2.0, f64::NAN], 0.0, 1.0), "▁▅██ ");
        assert_eq!(sparkline([3.0], 3.0, 3.0), "█");
        assert_eq!(sparkline([], 0.0, 1.0), "");
    }
}
