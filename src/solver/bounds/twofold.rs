//! Numbers as sums of two doubles, about 106 bits: sums and products that hardly round (Dekker,
//! Numerische Mathematik 1971; Ogita, Rump & Oishi, SIAM J. Scientific Computing 2005).

use std::ops::{Add, AddAssign, Mul, Neg, Sub};

/// The sum of two doubles, of which the second is at most half a unit in the last place of the
/// first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Twofold {
    high: f64,
    low: f64,
}

impl Twofold {
    /// Returns the nearest double.
    #[inline(always)]
    pub fn rounded(self) -> f64 {
        self.high
    }

    /// Returns the exact product of two doubles, if it does not overflow or underflow.
    #[inline(always)]
    pub fn product(a: f64, b: f64) -> Self {
        let high = a * b;
        let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
        let low = a_low * b_low - (((high - a_high * b_high) - a_low * b_high) - a_high * b_low);
        Twofold { high, low }
    }

    /// Returns the quotient.
    pub fn over(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * first;
        Twofold::normal(first, rest.high / other.high)
    }

    /// Returns the square root.
    pub fn sqrt(self) -> Self {
        let root = self.high.sqrt();
        let rest = self - Twofold::product(root, root);
        Twofold::normal(root, rest.high / (2.0 * root))
    }

    #[inline(always)]
    fn normal(high: f64, low: f64) -> Self {
        let sum = high + low;
        Twofold { high: sum, low: low - (sum - high) }
    }
}

/// Splits a double into two of half the length. Doubles that would overflow in between are far
/// above any that data or weights hold.
#[inline(always)]
fn split(a: f64) -> (f64, f64) {
    const FACTOR: f64 = 134_217_729.0; // 2^27 + 1
    let c = FACTOR * a;
    let high = c - (c - a);
    (high, a - high)
}

/// Returns the rounded sum, and what rounding lost.
#[inline(always)]
fn exact_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let of_b = sum - a;
    (sum, (a - (sum - of_b)) + (b - of_b))
}

impl From<f64> for Twofold {
    #[inline(always)]
    fn from(high: f64) -> Self {
        Twofold { high, low: 0.0 }
    }
}

impl Add for Twofold {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let (high, lost) = exact_sum(self.high, other.high);
        Twofold::normal(high, lost + self.low + other.low)
    }
}

impl AddAssign for Twofold {
    #[inline(always)]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Twofold {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Twofold { high: -self.high, low: -self.low }
    }
}

impl Sub for Twofold {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul<f64> for Twofold {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f64) -> Self {
        let Twofold { high, low } = Twofold::product(self.high, factor);
        Twofold::normal(high, low + self.low * factor)
    }
}

impl Mul for Twofold {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let Twofold { high, low } = Twofold::product(self.high, other.high);
        Twofold::normal(high, low + self.high * other.low + self.low * other.high)
    }
}

impl std::iter::Sum for Twofold {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Twofold::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_products_keep_what_doubles_lose() {
        let tiny = Twofold::from(1e-20);
        let sum = Twofold::from(1.0) + tiny + Twofold::from(-1.0);
        assert_eq!(sum.rounded(), 1e-20);
        let (a, b) = (1.0 + f64::EPSILON, 1.0 - f64::EPSILON);
        let lost = Twofold::product(a, b) - Twofold::from(1.0);
        assert_eq!(lost.rounded(), -f64::EPSILON * f64::EPSILON);
        let third = Twofold::from(1.0 / 3.0) * 3.0;
        assert!((third.rounded() - 1.0).abs() <= f64::EPSILON);
        let square = (Twofold::from(1.0) + tiny) * (Twofold::from(1.0) - tiny);
        assert_eq!((square - Twofold::from(1.0)).rounded(), 0.0, "below 106 bits");
        let all = [1e16, 1.0, -1e16].map(Twofold::from);
        assert_eq!(all.into_iter().sum::<Twofold>().rounded(), 1.0);
        let (two, three) = (Twofold::from(2.0), Twofold::from(3.0));
        let lost = two.over(three) * three - two;
        assert!(lost.rounded().abs() < 1e-31, "{lost:?}");
        let lost = two.sqrt() * two.sqrt() - two;
        assert!(lost.rounded().abs() < 1e-31, "{lost:?}");
    }
}
