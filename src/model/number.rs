//! Decimal numbers as C's `%.17g` writes them. 17 significant digits name every f64 exactly, and
//! equal models give equal bytes, whichever program wrote them.

use std::fmt::Write;

const DIGITS: usize = 17;

/// Appends a finite `x` to `text`, as `printf("%.17g", x)` would.
pub(super) fn push_g17(text: &mut String, x: f64) {
    if x == 0.0 {
        text.push_str(if x.is_sign_negative() { "-0" } else { "0" });
        return;
    }
    let (digits, exponent) = exact(x.abs()).unwrap_or_else(|| formatted(x.abs()));
    if x < 0.0 {
        text.push('-');
    }
    let significant = digits.iter().rposition(|&d| d != b'0').map_or(1, |last| last + 1);
    let digits = str::from_utf8(&digits[..significant]).expect("digits are ASCII");
    match exponent {
        -4..0 => {
            text.push_str(&"0.000"[..1 + exponent.unsigned_abs() as usize]);
            text.push_str(digits);
        }
        0..17 => {
            let whole = exponent as usize + 1;
            text.push_str(&digits[..whole.min(significant)]);
            text.extend((significant..whole).map(|_| '0'));
            if significant > whole {
                text.push('.');
                text.push_str(&digits[whole..]);
            }
        }
        _ => {
            text.push_str(&digits[..1]);
            if significant > 1 {
                text.push('.');
                text.push_str(&digits[1..]);
            }
            let sign = if exponent < 0 { '-' } else { '+' };
            // Infallible: writing to a String never fails.
            let _ = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
        }
    }
}

/// Powers of ten up to the largest whose product with 53 bits fits into 127.
const POWERS: [u128; 23] = {
    let mut powers = [1; 23];
    let mut k = 1;
    while k < powers.len() {
        powers[k] = powers[k - 1] * 10;
        k += 1;
    }
    powers
};

/// Returns the digits and the exponent of `x`, above 0, if it is between about 1e-6 and 1e15, as
/// weights are. With x = m / 2^s for integers m and s, m * 10^k / 2^s has all wanted digits before
/// its point, and is computed exactly. Ties go to even digits, as in C.
fn exact(x: f64) -> Option<([u8; DIGITS], i32)> {
    let bits = x.to_bits();
    let exponent2 = (bits >> 52) as i32 - 1075;
    let mantissa = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
    let shift = u32::try_from(-exponent2).ok().filter(|shift| (1..=100).contains(shift))?;
    let scaled = |exponent: i32| {
        let product = mantissa * POWERS.get(usize::try_from(DIGITS as i32 - 1 - exponent).ok()?)?;
        let (whole, rest, half) =
            (product >> shift, product & ((1 << shift) - 1), 1 << (shift - 1));
        let up = rest > half || rest == half && whole & 1 == 1;
        Some(whole + u128::from(up))
    };
    // The power of two below x times log10(2), at most one too small.
    let mut exponent = ((exponent2 + 52) * 1233) >> 12;
    let mut number = scaled(exponent)?;
    if number >= POWERS[DIGITS] {
        exponent += 1;
        number = scaled(exponent)?;
    }
    let mut number = u64::try_from(number).ok()?;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    (digits[0] != b'0' && number == 0).then_some((digits, exponent))
}

/// Returns the digits and the exponent of any `x` above 0.
fn formatted(x: f64) -> ([u8; DIGITS], i32) {
    split(&format!("{x:.*e}", DIGITS - 1))
}

/// Splits `d.dddde-7` into digits and exponent.
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
            (9.999999999999999e-5, "9.9999999999999991e-05"),
            (0.9999999999999999, "0.99999999999999989"),
            (1000.0, "1000"),
            (0.001, "0.001"),
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

        #[test]
        fn exact_digits_are_those_of_any_number(mantissa in 0_u64..1 << 52, exponent in 980_u64..1090, narrow: bool) {
            let x = f64::from_bits(exponent << 52 | mantissa);
            let x = if narrow { f64::from(x as f32) } else { x };
            if let Some(found) = exact(x) {
                prop_assert_eq!(found, formatted(x));
            }
            prop_assert!(exact(x).is_some() || !(1e-5..1e15).contains(&x), "{x}");
        }
    }
}
