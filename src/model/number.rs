//! Decimal numbers as C's `%.17g` writes them: 17 significant digits name every f64 exactly, and equal models
//! give equal bytes whichever program wrote them.

use std::fmt::Write;

const DIGITS: usize = 17;

/// Appends a finite `x` to `text`, as `printf("%.17g", x)` would.
pub(super) fn push_g17(text: &mut String, x: f64) {
    if x == 0.0 {
        text.push_str(if x.is_sign_negative() { "-0" } else { "0" });
        return;
    }
    let start = text.len();
    // Infallible: a String takes all that is written to it.
    let _ = write!(text, "{:.*e}", DIGITS - 1, x.abs());
    let (digits, exponent) = split(&text[start..]);
    text.truncate(start);
    if x < 0.0 {
        text.push('-');
    }
    let significant = digits.iter().rposition(|&d| d != b'0').map_or(1, |last| last + 1);
    let digits = digits[..significant].iter().map(|&d| char::from(d));
    match exponent {
        -4..0 => {
            text.push_str("0.");
            text.extend((exponent..-1).map(|_| '0'));
            text.extend(digits);
        }
        0..17 => {
            let whole = exponent as usize + 1;
            text.extend(digits.clone().chain(std::iter::repeat('0')).take(whole));
            if significant > whole {
                text.push('.');
                text.extend(digits.skip(whole));
            }
        }
        _ => {
            text.extend(digits.clone().take(1));
            if significant > 1 {
                text.push('.');
                text.extend(digits.skip(1));
            }
            let sign = if exponent < 0 { '-' } else { '+' };
            let _ = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
        }
    }
}

/// The digits and the exponent of `d.dddde-7`.
fn split(scientific: &str) -> ([u8; DIGITS], i32) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let mut digits = [b'0'; DIGITS];
    for (digit, byte) in digits.iter_mut().zip(mantissa.bytes().filter(u8::is_ascii_digit)) {
        *digit = byte;
    }
    (digits, exponent.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn g17(x: f64) -> String {
        let mut text = String::new();
        push_g17(&mut text, x);
        text
    }

    #[test]
    fn writes_what_c_writes() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (0.1, "0.10000000000000001"),
            (0.5, "0.5"),
            (1e-4, "0.0001"),
            (1.5e-5, "1.5e-05"),
            (-1e-5, "-1.0000000000000001e-05"),
            (1234.0, "1234"),
            (-0.015625, "-0.015625"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "4.9406564584124654e-324"),
            (123456.7, "123456.7"),
            (1.0 / 3.0, "0.33333333333333331"),
        ];
        for (x, text) in cases {
            assert_eq!(g17(x), text);
        }
    }

    proptest! {
        #[test]
        fn reads_back_bit_for_bit(bits: u64) {
            let x = f64::from_bits(bits);
            prop_assume!(x.is_finite());
            prop_assert_eq!(g17(x).parse::<f64>().unwrap().to_bits(), bits);
        }
    }
}
