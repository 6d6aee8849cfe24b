//! Decimal numbers, each read as exactly the f32 that `str::parse` gives.

/// Why a token is no usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotANumber,
    NotFinite,
    Overflow,
}

/// Powers of ten that f64 holds exactly (it does up to 10^22).
const POW10: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19,
];

/// A line of a text.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    bytes: &'a [u8],
    /// The text from the start of the line: what comes after the line starts with no digit.
    text: &'a [u8],
}

impl<'a> Line<'a> {
    /// The first `length` bytes of `text`, at the end of `text` or before a byte that is no digit.
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

/// Whether a token ends before this byte.
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

/// The finite number that starts at `start`, and the position after it, where the line or the token ends.
#[inline(always)]
pub(super) fn read(line: Line<'_>, start: usize) -> Result<(f32, usize), Fault> {
    match read_short(line, start) {
        Some(read) => Ok(read),
        None => read_any(line, start),
    }
}

/// Accumulates decimal digits onto `number`, wrapping; returns it and the position of the first other byte.
#[inline(always)]
fn digits(line: Line<'_>, mut at: usize, mut number: u64) -> (u64, usize) {
    while let Some(digit) = line.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    (number, at)
}

/// [`read`] for the common case: at most 19 digits, no exponent, and a result that is provably exact.
///
/// Digits and power of ten are exact in f64, so their quotient is the true value rounded once. Rounding it again
/// to f32 can differ from rounding the true value only if the quotient lies on the midpoint of two neighboring
/// f32, because rounding to f64 is monotone and the midpoints are f64 themselves. Those are left to [`read_any`],
/// and so are subnormal results, whose midpoints lie elsewhere.
#[inline(always)]
fn read_short(line: Line<'_>, start: usize) -> Option<(f32, usize)> {
    let sign = line.get(start).copied();
    let first = start + usize::from(matches!(sign, Some(b'-' | b'+')));
    let (mut number, mut end) = digits(line, first, 0);
    let mut count = end - first;
    let mut decimals = 0;
    if line.get(end) == Some(&b'.') {
        let point = end + 1;
        (number, end) = digits(line, point, number);
        decimals = end - point;
        count += decimals;
    }
    if count == 0 || count > 19 || number >= 1 << 53 || line.get(end).is_some_and(|&byte| !delimits(byte)) {
        return None;
    }
    let quotient = if decimals == 0 { number as f64 } else { number as f64 / POW10[decimals] };
    let on_midpoint = quotient.to_bits() & 0x1fff_ffff == 0x1000_0000;
    if on_midpoint || (quotient < f64::from(f32::MIN_POSITIVE) && number != 0) {
        return None;
    }
    let value = quotient as f32;
    Some((if sign == Some(b'-') { -value } else { value }, end))
}

/// [`read`] for every other case.
#[inline(never)]
fn read_any(line: Line<'_>, start: usize) -> Result<(f32, usize), Fault> {
    let end = token_end(line, start);
    let token = &line.bytes[start..end];
    let value: f32 = fast_float2::parse(token).map_err(|_| Fault::NotANumber)?;
    if value.is_finite() {
        Ok((value, end))
    } else if token.iter().any(u8::is_ascii_digit) {
        Err(Fault::Overflow)
    } else {
        Err(Fault::NotFinite)
    }
}

/// The whole number that starts at `start`, and the position after its digits; `None` if there is no digit.
/// Numbers above `u64::MAX` read as that.
#[inline(always)]
pub(super) fn whole(line: Line<'_>, start: usize) -> Option<(u64, usize)> {
    let (number, end) = digits(line, start, 0);
    match end - start {
        0 => None,
        1..=19 => Some((number, end)),
        _ => Some((whole_long(&line.bytes[start..end]), end)),
    }
}

#[cold]
fn whole_long(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0_u64, |number, &digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}
