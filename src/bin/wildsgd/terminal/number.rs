//! Formats numbers.

/// Significant digits shown to people.
const SHORT: usize = 6;

/// Formats six significant digits without trailing zeros, or `-` if there is no value.
pub fn short(x: Option<f64>) -> String {
    let text = digits(x);
    let (mantissa, exponent) = text.split_at(text.find('e').unwrap_or(text.len()));
    match mantissa.contains('.') {
        true => format!("{}{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.')),
        false => text,
    }
}

/// Formats six significant digits with trailing zeros, for columns, or `-` if there is no value.
pub fn digits(x: Option<f64>) -> String {
    let Some(x) = x else { return "-".into() };
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let scientific = format!("{:.*e}", SHORT - 1, x);
    // The exponent after rounding: 0.9999999 is printed as 1.
    match scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()) {
        Some(exponent @ -4..=5) => format!("{x:.*}", (SHORT as i32 - 1 - exponent) as usize),
        _ => scientific,
    }
}

/// Returns the shortest text that parses to `x`.
pub fn exact(x: f64) -> String {
    let size = x.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { x.to_string() } else { format!("{x:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (0.9999999, "1"),
            (0.123456789, "0.123457"),
            (-12.5, "-12.5"),
            (100.0, "100"),
            (120000.0, "120000"),
            (999999.6, "1e6"),
            (1234567.0, "1.23457e6"),
            (0.0001234, "0.0001234"),
            (0.00001234, "1.234e-5"),
            (1.5e-9, "1.5e-9"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ];
        for (x, text) in cases {
            assert_eq!(short(Some(x)), text);
        }
        assert_eq!(short(None), "-");
        assert_eq!(digits(Some(0.5)), "0.500000");
    }

    #[test]
    fn exact_numbers_read_back() {
        for x in [0.0, -0.0, 1.0, -1.0, 0.1, 1.0 / 3.0, 1e300, 5e-324, -2.5e-7, 1e15, 1e16] {
            assert_eq!(exact(x).parse::<f64>().unwrap().to_bits(), x.to_bits());
            assert!(exact(x).len() < 25, "{}", exact(x));
        }
    }
}
