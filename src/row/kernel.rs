//! Loops over the entries of one row: dot product and scatter. No policy, no allocation.
//!
//! Bounds are checked once per row, not once per entry. A [`Row`] holds only indices below its
//! width (only checking code sets its private fields), and each kernel compares that width with the
//! length of the vector before its loop.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Index;

use super::Row;
use super::real::{Real, Slot};

/// A vector as places, one per coordinate.
#[allow(clippy::len_without_is_empty)]
pub trait Places {
    /// The type of a place.
    type Place;
    /// Number of coordinates.
    fn len(&self) -> usize;
    /// The place of coordinate `j`.
    ///
    /// # Safety
    /// `j` is below [`Places::len`].
    unsafe fn place(&self, j: u32) -> &Self::Place;
}

impl<S> Places for [S] {
    type Place = S;

    #[inline(always)]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    unsafe fn place(&self, j: u32) -> &S {
        // SAFETY: the caller vouches that j is below the length.
        unsafe { self.get_unchecked(j as usize) }
    }
}

/// Two vectors of the same length and one bit per coordinate, which selects the vector that holds
/// its place. The bit selects an address, so that no branch is mispredicted.
#[derive(Clone, Copy, Debug)]
pub struct Either<'a, S> {
    vectors: [*const S; 2],
    bits: &'a [u64],
    len: usize,
    both: PhantomData<[&'a [S]; 2]>,
}

impl<'a, S> Either<'a, S> {
    /// Pairs two vectors: coordinates whose bit in `bits` is set have their place in `second`,
    /// others in `first`.
    ///
    /// # Panics
    /// If the lengths differ, or there are fewer bits than coordinates.
    pub fn new(first: &'a [S], second: &'a [S], bits: &'a [u64]) -> Self {
        assert!(
            first.len() == second.len() && first.len() <= bits.len() * 64,
            "vectors do not fit together"
        );
        Either {
            vectors: [first.as_ptr(), second.as_ptr()],
            bits,
            len: first.len(),
            both: PhantomData,
        }
    }

    /// # Safety
    /// `j` is below the length of the vectors.
    #[inline(always)]
    unsafe fn at(&self, j: usize) -> &'a S {
        // SAFETY: the caller vouches that j is below the length, and `new` checked that there are
        // at least that many bits.
        let bit = unsafe { self.bits.get_unchecked(j / 64) } >> (j % 64) & 1;
        // SAFETY: both pointers are the starts of slices of that length, which are borrowed for 'a;
        // j is below it.
        unsafe { &*self.vectors[bit as usize].add(j) }
    }
}

impl<S> Index<usize> for Either<'_, S> {
    type Output = S;

    #[inline(always)]
    fn index(&self, j: usize) -> &S {
        assert!(j < self.len, "there is no coordinate {j}");
        // SAFETY: just checked.
        unsafe { self.at(j) }
    }
}

impl<S> Places for Either<'_, S> {
    type Place = S;

    #[inline(always)]
    fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    unsafe fn place(&self, j: u32) -> &S {
        // SAFETY: the caller vouches that j is below the length.
        unsafe { self.at(j as usize) }
    }
}

/// The place of `j`, which is an index of `row`.
///
/// # Safety
/// `j` is one of `row`'s indices, and `row.width() <= places.len()`.
#[inline(always)]
unsafe fn slot<P: Places + ?Sized>(places: &P, j: u32) -> &P::Place {
    // SAFETY: the caller vouches that j is an index of a row at most as wide as `places`; a row's
    // indices are below its width (the invariant of `Row`), hence j < places.len().
    unsafe { places.place(j) }
}

#[inline(always)]
fn check<P: Places + ?Sized>(places: &P, row: Row<'_>) {
    assert!(row.width() <= places.len(), "a row is wider than the vector that it is used with");
}

/// Returns `values` cut to the length of the row, which is their length anyway. Compilers see it
/// here, and do not compare the lengths in each loop.
#[inline(always)]
fn cut_to_row<'a>(values: &'a [f32], row: Row<'_>) -> &'a [f32] {
    &values[..row.len()]
}

/// Sum of weight times value over the row's entries, in four partial sums.
///
/// # Panics
/// If the row is wider than the vector.
#[inline(always)]
pub fn dot<R: Real, P: Places<Place: Slot<Real = R>> + ?Sized>(slots: &P, row: Row<'_>) -> R {
    check(slots, row);
    // SAFETY: `check` compared width and length; j comes from the row.
    sum4(row, |j| unsafe { slot(slots, j) }.get())
}

/// Sum of `weight(index)` times value over the row's entries, in four partial sums. Entries that
/// fill no group of four come first: the end of their loop is hard to predict, and the processor
/// finds it out while there is other work to do.
///
/// Record: D177.
#[inline(always)]
fn sum4<R: Real>(row: Row<'_>, weight: impl Fn(u32) -> R) -> R {
    let (first, fours) = row.indices().as_rchunks::<4>();
    let start = |sum| four([sum, R::ZERO, R::ZERO, R::ZERO]);
    let sums = match row.values() {
        None => {
            let sum = first.iter().fold(R::ZERO, |sum, &j| sum + weight(j));
            fours
                .iter()
                .fold(start(sum), |sums, four_indices| sums + four(four_indices.map(&weight)))
        }
        Some(values) => {
            let (first_values, value_fours) = cut_to_row(values, row).as_rchunks::<4>();
            let product = |sum, (&j, &x): (&u32, &f32)| sum + weight(j) * R::of_f32(x);
            let sum = first.iter().zip(first_values).fold(R::ZERO, product);
            let products = |sums, (four_indices, x): (&[u32; 4], &[f32; 4])| {
                sums + four(four_indices.map(&weight)) * four(x.map(R::of_f32))
            };
            fours.iter().zip(value_fours).fold(start(sum), products)
        }
    };
    let sums: [R; 4] = sums.into();
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Calls `f(slot, value)` for each entry of the row, in order.
///
/// # Panics
/// If the row is wider than the vector.
#[inline(always)]
pub fn for_each<R: Real, P: Places<Place: Slot<Real = R>> + ?Sized>(
    slots: &P,
    row: Row<'_>,
    f: impl Fn(&P::Place, R),
) {
    check(slots, row);
    match row.values() {
        None => {
            for &j in row.indices() {
                // SAFETY: `check` compared width and length; j comes from the row.
                f(unsafe { slot(slots, j) }, R::ONE);
            }
        }
        Some(values) => {
            for (&j, &x) in row.indices().iter().zip(cut_to_row(values, row)) {
                // SAFETY: as above.
                f(unsafe { slot(slots, j) }, R::of_f32(x));
            }
        }
    }
}

/// Calls `f(slot, other, value)` for each entry of the row, in order. `other` is the element of
/// `others` at the index of the entry.
///
/// # Panics
/// If the row is wider than one of the vectors.
#[inline(always)]
pub fn for_each_with<R: Real, P: Places<Place: Slot<Real = R>> + ?Sized, T>(
    slots: &P,
    others: &[T],
    row: Row<'_>,
    f: impl Fn(&P::Place, &T, R),
) {
    check(slots, row);
    check(others, row);
    match row.values() {
        None => {
            for &j in row.indices() {
                // SAFETY: `check` compared the width with both lengths; j comes from the row.
                f(unsafe { slot(slots, j) }, unsafe { slot(others, j) }, R::ONE);
            }
        }
        Some(values) => {
            for (&j, &x) in row.indices().iter().zip(cut_to_row(values, row)) {
                // SAFETY: as above.
                f(unsafe { slot(slots, j) }, unsafe { slot(others, j) }, R::of_f32(x));
            }
        }
    }
}

/// Sum of weight times value over the row's entries, with products and sum in f64. For scores that
/// are reported.
///
/// # Panics
/// If the row is wider than the vector.
#[inline(always)]
pub fn score<R: Real>(weights: &[R], row: Row<'_>) -> f64 {
    check(weights, row);
    // SAFETY: `check` compared width and length; j comes from the row.
    sum4(row, |j| unsafe { slot(weights, j) }.to_f64())
}

/// Adds to each of `sums` the [`score`] of one vector, in the order of the entries. `weights` holds
/// one vector per sum, interleaved by coordinate, so that the weights of all vectors for one entry
/// lie side by side.
///
/// # Panics
/// If the row is wider than the vectors.
#[inline(always)]
pub fn scores(weights: &[f64], row: Row<'_>, sums: &mut [f64]) {
    let count = sums.len();
    assert!(
        row.width() <= weights.len() / count.max(1),
        "a row is wider than the vectors that it is used with"
    );
    for (j, x) in row.iter() {
        let x = f64::from(x);
        let weights = &weights[j * count..][..count];
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * x);
    }
}

/// Packs four numbers into a vector register. With plain arrays, compilers mix up the partial sums
/// and the loops get slow.
#[inline(always)]
fn four<R: Real>(numbers: [R; 4]) -> R::Four {
    numbers.into()
}
