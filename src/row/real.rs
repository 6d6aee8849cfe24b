//! The two scalar types of weights, f32 and f64, and the places that hold one: cells and atomics.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::f32::consts::LN_2;
use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::sync::plain::{AtomicF32, AtomicF64, Ordering::Relaxed};

/// A scalar type of weights: f32 or f64.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Div<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + Sub<Output = Self>
    + 'static
{
    /// Four numbers that are computed on at once.
    type Four: Copy
        + From<[Self; 4]>
        + Into<[Self; 4]>
        + Add<Output = Self::Four>
        + Mul<Output = Self::Four>;
    /// The atomic of the same size, alignment and bit pattern.
    type Shared: SharedReal<Real = Self>;
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The nearest value of this type.
    fn of(x: f64) -> Self;
    /// The value as f64, exactly.
    fn to_f64(self) -> f64;
    /// e to the power of `self`.
    fn exp(self) -> Self;
    /// Returns 2^`self` and 1 + 2^`self`, for `self` from -100 to 100. In f32 the relative errors
    /// are below 3e-7.
    fn exp2_and_next(self) -> [Self; 2];
    /// Absolute value.
    fn abs(self) -> Self;
    /// Multiplies by `sign`, which is 1 or -1. Faster than a multiplication.
    fn times_sign(self, sign: Self) -> Self;
    /// The larger of two values, or the other one if one is NaN.
    fn max(self, other: Self) -> Self;
    /// The smaller of two values, or the other one if one is NaN.
    fn min(self, other: Self) -> Self;
    /// Converts the value of a row's entry, exactly.
    fn of_f32(x: f32) -> Self;
}

/// A slot of one weight that can be written through a shared reference: a [`Cell`] of one thread,
/// or an atomic of many.
pub trait Slot {
    /// The type of the weight.
    type Real: Real;
    /// The current value.
    fn get(&self) -> Self::Real;
    /// Replaces the value.
    fn set(&self, x: Self::Real);
}

impl<R: Real> Slot for Cell<R> {
    type Real = R;

    #[inline(always)]
    fn get(&self) -> R {
        Cell::get(self)
    }

    #[inline(always)]
    fn set(&self, x: R) {
        Cell::set(self, x);
    }
}

/// An atomic float. All operations are relaxed: no other memory is published through a weight.
pub trait SharedReal: Slot + Default + Send + Sync {
    /// Adds by compare-and-swap; no addition is lost.
    fn add(&self, x: Self::Real) {
        self.add_and_get(x);
    }
    /// Adds by compare-and-swap and returns the sum; no addition is lost.
    fn add_and_get(&self, x: Self::Real) -> Self::Real;
    /// Replaces the value `x` by `f(x)`, by compare-and-swap. `f` runs again if another thread
    /// changed the value meanwhile.
    fn replace(&self, f: impl Fn(Self::Real) -> Self::Real);
    /// Stores `new` if the value is still `old`, bit for bit. Returns true if it was.
    fn exchange(&self, old: Self::Real, new: Self::Real) -> bool;
}

macro_rules! real {
    ($float:ty, $four:ty, $atomic:ty, $exp2:expr) => {
        impl Real for $float {
            type Four = $four;
            type Shared = $atomic;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $float
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn exp(self) -> Self {
                self.exp()
            }

            #[inline(always)]
            fn exp2_and_next(self) -> [Self; 2] {
                $exp2(self)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                self.abs()
            }

            #[inline(always)]
            fn times_sign(self, sign: Self) -> Self {
                const MINUS: $float = -0.0;
                <$float>::from_bits(self.to_bits() ^ (sign.to_bits() & MINUS.to_bits()))
            }

            #[inline(always)]
            fn max(self, other: Self) -> Self {
                self.max(other)
            }

            #[inline(always)]
            fn min(self, other: Self) -> Self {
                self.min(other)
            }

            #[inline(always)]
            fn of_f32(x: f32) -> Self {
                <$float>::from(x)
            }
        }

        impl Slot for $atomic {
            type Real = $float;

            #[inline(always)]
            fn get(&self) -> $float {
                self.load(Relaxed)
            }

            #[inline(always)]
            fn set(&self, x: $float) {
                self.store(x, Relaxed);
            }
        }

        impl SharedReal for $atomic {
            #[inline(always)]
            fn add_and_get(&self, x: $float) -> $float {
                self.fetch_add(x, Relaxed) + x
            }

            #[inline(always)]
            fn replace(&self, f: impl Fn($float) -> $float) {
                let mut seen = self.load(Relaxed);
                while let Err(now) = self.compare_exchange_weak(seen, f(seen), Relaxed, Relaxed) {
                    seen = now;
                }
            }

            #[inline(always)]
            fn exchange(&self, old: $float, new: $float) -> bool {
                self.compare_exchange(old, new, Relaxed, Relaxed).is_ok()
            }
        }
    };
}

real!(f32, wide::f32x4, AtomicF32, exp2_and_next_f32);
real!(f64, wide::f64x4, AtomicF64, |x: f64| [x.exp2(), 1.0 + x.exp2()]);

/// Computes 2^x and 1 + 2^x: the nearest whole number goes into the exponent, the rest of `x` into
/// a polynomial. Can be inlined, and is faster than the system's function. Steps wait for the
/// results, so the shortest chain of operations from `x` to them counts.
#[inline(always)]
fn exp2_and_next_f32(x: f32) -> [f32; 2] {
    /// Too large for fraction bits: adding it rounds, and leaves the whole number in the lowest
    /// bits.
    const ROUNDS: f32 = 1.5 * (1 << 23) as f32;
    let shifted = x + ROUNDS;
    let part = x - (shifted - ROUNDS);
    // The exponent is ready before the powers of the rest, and goes into the coefficients.
    let whole = power_of_lowest_bits(shifted);
    // The polynomial with value 1 and slope ln 2 at 0 whose largest relative error from -1/2 to 1/2
    // is the least: 1.05e-7. Terms of the same shape would be packed into vectors, which takes
    // longer than it saves.
    //
    // Record: D169, D178.
    const C2: f32 = 0.240_222_83;
    const C3: f32 = 0.055_505_585;
    const C4: f32 = 0.009_669_691;
    const C5: f32 = 0.001_330_060_5;
    let part2 = part * part;
    let slope = part * (LN_2 * whole);
    let curved = part2 * ((part + C2 / C3) * (C3 * whole))
        + (part2 * part2) * ((part + C4 / C5) * (C5 * whole));
    [curved + (slope + whole), curved + (slope + (whole + 1.0))]
}

/// Computes 2^n for the whole number n in the lowest bits of `x`. Stays in the float registers,
/// which compilers would leave: the round trip takes eight cycles.
#[inline(always)]
fn power_of_lowest_bits(x: f32) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{
            _mm_add_epi32, _mm_castps_si128, _mm_castsi128_ps, _mm_cvtss_f32, _mm_set_ss,
            _mm_slli_epi32,
        };
        // SAFETY: these need SSE2, which every x86-64 processor has.
        unsafe {
            let exponent = _mm_slli_epi32::<23>(_mm_castps_si128(_mm_set_ss(x)));
            _mm_cvtss_f32(_mm_castsi128_ps(_mm_add_epi32(
                exponent,
                _mm_castps_si128(_mm_set_ss(1.0)),
            )))
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    f32::from_bits((x.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_two_is_as_near_as_promised() {
        for k in -1_000_000..=1_000_000 {
            let x = k as f32 * 1e-4;
            let [power, next] = x.exp2_and_next().map(f64::from);
            let exact = f64::from(x).exp2();
            let errors = [power / exact - 1.0, next / (1.0 + exact) - 1.0];
            assert!(errors.iter().all(|error| error.abs() < 3e-7), "{x}: {errors:?}");
        }
        let at = |x: f32| x.exp2_and_next();
        assert_eq!([-3.0, 0.0, 1.0].map(at), [[0.125, 1.125], [1.0, 2.0], [2.0, 3.0]]);
    }
}
