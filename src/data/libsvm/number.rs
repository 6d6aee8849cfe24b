//! Decimal numbers, read as exactly the f32 or f64 that `str::parse` gives.

/// The reason why a token is no usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotANumber,
    NotFinite,
    Overflow,
}

/// Negative powers of ten, each the f64 nearest to it.
#[rustfmt::skip]
const NEGATIVE_POW10: [f64; 20] = [
    1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9,
    1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19,
];

/// Powers of ten, exact in f64.
#[rustfmt::skip]
const DOUBLE_POW10: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
];

/// Powers of ten.
const POW10: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// A line of a text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    /// The text from the start of the line. After the line comes no digit.
    text: &'a [u8],
}

impl<'a> Line<'a> {
    /// A line of the first `length` bytes of `text`, up to the end of `text` or a byte that is no
    /// digit.
    #[inline(always)]
    pub(super) fn new(text: &'a [u8], length: usize) -> Self {
        Line { bytes: &text[..length], text }
    }

    #[inline(always)]
    pub(super) fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    #[inline(always)]
    pub(super) fn get(self, at: usize) -> Option<&'a u8> {
        self.bytes.get(at)
    }
}

/// Returns true if a token ends before this byte.
#[inline(always)]
pub(super) fn delimits(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'#')
}

/// The end of the token that starts at `start`.
pub(super) fn token_end(line: Line<'_>, start: usize) -> usize {
    line.bytes[start..]
        .iter()
        .position(|&byte| delimits(byte))
        .map_or(line.bytes.len(), |length| start + length)
}

/// Reads the finite number that starts at `start`. Also returns the position after it, where the
/// line or the token ends.
#[inline(always)]
pub(super) fn read(line: Line<'_>, start: usize) -> Result<(f32, usize), Fault> {
    match read_short(line, start) {
        Some(read) => Ok(read),
        None => read_any(line, start),
    }
}

/// Appends decimal digits to `number`, wrapping. Returns it and the position of the first other
/// byte.
#[inline(always)]
fn digits(line: Line<'_>, mut at: usize, mut number: u64) -> (u64, usize) {
    while let Some(digit) =
        line.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10)
    {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (number, at)
}

/// Appends digits like [`digits`], up to eight at once: no branch depends on their number, which
/// cannot be predicted.
#[inline(always)]
fn digits_of_word(line: Line<'_>, at: usize, number: u64) -> (u64, usize) {
    let Some(word) = line.text.get(at..).and_then(|text| text.first_chunk::<8>()) else {
        return digits(line, at, number);
    };
    // Each digit becomes its number, with the first one in the lowest byte.
    let bytes = u64::from_le_bytes(*word) ^ 0x3030_3030_3030_3030;
    // Adding 0x76 sets the high bit of 10 to 0x7f. Carries only reach bytes after the first
    // non-digit.
    let others = (bytes.wrapping_add(0x7676_7676_7676_7676) | bytes) & 0x8080_8080_8080_8080;
    if others == 0 {
        let number = number.wrapping_mul(POW10[8]).wrapping_add(sum8(bytes));
        return digits(line, at + 8, number);
    }
    let high_bit = others.trailing_zeros();
    let count = (high_bit / 8) as usize;
    // Leading zeros push out the non-digits.
    let number =
        number.wrapping_mul(POW10[count]).wrapping_add(sum8(bytes << (63 - high_bit) << 8));
    (number, at + count)
}

/// The number whose eight digits are the bytes of `digits`, with the first one in the lowest byte.
#[inline(always)]
fn sum8(digits: u64) -> u64 {
    // Joins neighbors: bytes to pairs first, then those to fours and to all eight by one product
    // each.
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let low = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    high.wrapping_add(low) >> 32
}

/// Reads the common case of [`read`]: at most 19 digits, no exponent, and a provably exact result.
///
/// The digits are exact in f64, and the power of ten is rounded once, as is the product. The
/// product therefore differs from the true value by less than 2^-52 of it: at most 2 units in its
/// last place. Rounding the product to f32 can differ from rounding the true value only if a
/// midpoint of two neighboring f32 lies between them or is one of them. A midpoint has a 1 and 28
/// zeros in the 29 bits of f64 that f32 lacks. Products within 4 units of one are left to
/// [`read_any`]. So are subnormal results, whose midpoints lie elsewhere.
#[inline(always)]
fn read_short(line: Line<'_>, start: usize) -> Option<(f32, usize)> {
    let sign = line.get(start).copied();
    let first = start + usize::from(matches!(sign, Some(b'-' | b'+')));
    let (mut number, mut end) = digits(line, first, 0);
    let mut count = end - first;
    let mut decimals = 0;
    if line.get(end) == Some(&b'.') {
        let point = end + 1;
        (number, end) = digits_of_word(line, point, number);
        decimals = end - point;
        count += decimals;
    }
    if count == 0
        || count > 19
        || number >= 1 << 53
        || line.get(end).is_some_and(|&byte| !delimits(byte))
    {
        return None;
    }
    let product = number as f64 * NEGATIVE_POW10[decimals];
    let near_midpoint = (product.to_bits() & 0x1fff_ffff).abs_diff(0x1000_0000) <= 4;
    if near_midpoint || (product < f64::from(f32::MIN_POSITIVE) && number != 0) {
        return None;
    }
    let value = product as f32;
    Some((if sign == Some(b'-') { -value } else { value }, end))
}

/// Reads all other cases of [`read`].
#[inline(never)]
fn read_any(line: Line<'_>, start: usize) -> Result<(f32, usize), Fault> {
    let end = token_end(line, start);
    let token = &line.bytes[start..end];
    let value: f32 = fast_float2::parse(token).map_err(|_| Fault::NotANumber)?;
    finite(value, token).map(|value| (value, end))
}

/// Reads the finite number that starts at `start` like [`read`], as f64.
///
/// Up to 19 digits without an exponent that make a whole number below 2^53 are exact in f64, and so
/// are powers of ten up to 10^22: one division rounds once.
#[inline(always)]
pub(super) fn read_double(line: Line<'_>, start: usize) -> Result<(f64, usize), Fault> {
    let sign = line.get(start).copied();
    let first = start + usize::from(matches!(sign, Some(b'-' | b'+')));
    let (mut number, mut end) = digits(line, first, 0);
    let mut count = end - first;
    let mut decimals = 0;
    if line.get(end) == Some(&b'.') {
        (number, end) = digits(line, end + 1, number);
        decimals = end - first - count - 1;
        count += decimals;
    }
    let is_short = (1..=19).contains(&count) && number < 1 << 53;
    if !is_short || line.get(end).is_some_and(|&byte| !delimits(byte)) {
        return read_any_double(line, start);
    }
    let value = number as f64 / DOUBLE_POW10[decimals];
    Ok((if sign == Some(b'-') { -value } else { value }, end))
}

/// Reads all other cases of [`read_double`].
#[inline(never)]
fn read_any_double(line: Line<'_>, start: usize) -> Result<(f64, usize), Fault> {
    let end = token_end(line, start);
    let token = &line.bytes[start..end];
    let value: f64 = fast_float2::parse(token).map_err(|_| Fault::NotANumber)?;
    finite(value, token).map(|value| (value, end))
}

fn finite<T: Copy + Into<f64>>(value: T, token: &[u8]) -> Result<T, Fault> {
    if value.into().is_finite() {
        Ok(value)
    } else if token.iter().any(u8::is_ascii_digit) {
        Err(Fault::Overflow)
    } else {
        Err(Fault::NotFinite)
    }
}

/// Reads the whole number that starts at `start`. Also returns the position after its digits;
/// `None` if there is no digit. Numbers above `u64::MAX` read as `u64::MAX`.
#[inline(always)]
pub(super) fn whole(line: Line<'_>, start: usize) -> Option<(u64, usize)> {
    let (number, end) = digits_of_word(line, start, 0);
    match end - start {
        0 => None,
        1..=19 => Some((number, end)),
        _ => Some((whole_long(&line.bytes[start..end]), end)),
    }
}

#[cold]
fn whole_long(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |number, &digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    })
}
