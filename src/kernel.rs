//! The loops over one row's entries: dot product and scatter. No policy, no allocation.
//!
//! Bounds are checked once per row, not once per entry: a [`Row`] holds only indices below its width
//! (its private fields are set by checking code alone), and each kernel compares that width with the vector's
//! length before its loop.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::{Index, Range};

use crate::data::Row;
use crate::real::{Real, Slot};

/// A vector's places, one a coordinate.
#[allow(clippy::len_without_is_empty)]
pub trait Places {
    /// What a place is.
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

/// Two vectors of the same length, of which one or the other holds the place of a coordinate: one bit a coordinate tells.
/// The bit selects the vector's address, so that no branch is mispredicted.
#[derive(Clone, Copy, Debug)]
pub struct Either<'a, S> {
    vectors: [*const S; 2],
    bits: &'a [u64],
    len: usize,
    both: PhantomData<[&'a [S]; 2]>,
}

impl<'a, S> Either<'a, S> {
    /// Coordinates whose bit in `bits` is set have their place in `second`, others in `first`.
    ///
    /// # Panics
    /// If the lengths differ, or there are too few bits.
    pub fn new(first: &'a [S], second: &'a [S], bits: &'a [u64]) -> Self {
        assert!(first.len() == second.len() && first.len() <= bits.len() * 64, "vectors do not fit together");
        Either { vectors: [first.as_ptr(), second.as_ptr()], bits, len: first.len(), both: PhantomData }
    }

    /// # Safety
    /// `j` is below the length of the vectors.
    #[inline(always)]
    unsafe fn at(&self, j: usize) -> &'a S {
        // SAFETY: the caller vouches that j is below the length, and `new` checked that there are as many bits.
        let bit = unsafe { self.bits.get_unchecked(j / 64) } >> (j % 64) & 1;
        // SAFETY: both pointers are the starts of slices of that length, which are borrowed for 'a; j is below it.
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

/// The place of index `j`, which is an index of `row`.
///
/// # Safety
/// `j` is one of `row`'s indices, and `row.width() <= places.len()`.
#[inline(always)]
unsafe fn slot<P: Places + ?Sized>(places: &P, j: u32) -> &P::Place {
    // SAFETY: the caller vouches that j is an index of a row at most as wide as `places`; a row's indices are below
    // its width (the invariant of `Row`), hence j < places.len().
    unsafe { places.place(j) }
}

#[inline(always)]
fn check<P: Places + ?Sized>(places: &P, row: Row<'_>) {
    assert!(row.width() <= places.len(), "a row is wider than the vector that it is used with");
}

/// The values of a row, of which there are as many as indices: said where compilers see it, or they compare the lengths at
/// each loop.
#[inline(always)]
fn as_many<'a>(values: &'a [f32], row: Row<'_>) -> &'a [f32] {
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

/// Sum of `weight(index)` times value over the row's entries, in four partial sums. The few entries that make no four with
/// others come first: where the loop over them ends is hard to foresee, and is found out while there is still work to do.
#[inline(always)]
fn sum4<R: Real>(row: Row<'_>, weight: impl Fn(u32) -> R) -> R {
    let (first, fours) = row.indices().as_rchunks::<4>();
    let start = |sum| four([sum, R::ZERO, R::ZERO, R::ZERO]);
    let sums = match row.values() {
        None => {
            let sum = first.iter().fold(R::ZERO, |sum, &j| sum + weight(j));
            fours.iter().fold(start(sum), |sums, four_indices| sums + four(four_indices.map(&weight)))
        }
        Some(values) => {
            let (first_values, value_fours) = as_many(values, row).as_rchunks::<4>();
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
            for (&j, &x) in row.indices().iter().zip(as_many(values, row)) {
                // SAFETY: as above.
                f(unsafe { slot(slots, j) }, R::of_f32(x));
            }
        }
    }
}

/// Calls `f(slot, other, value)` for each entry of the row, in order, where `other` is what `others` holds for the
/// entry's index.
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
            for (&j, &x) in row.indices().iter().zip(as_many(values, row)) {
                // SAFETY: as above.
                f(unsafe { slot(slots, j) }, unsafe { slot(others, j) }, R::of_f32(x));
            }
        }
    }
}

/// Sum of weight times value over the row's entries, each product and the sum in f64: for scores that are reported.
///
/// # Panics
/// If the row is wider than the vector.
#[inline(always)]
pub fn score<R: Real>(weights: &[R], row: Row<'_>) -> f64 {
    check(weights, row);
    // SAFETY: `check` compared width and length; j comes from the row.
    sum4(row, |j| unsafe { slot(weights, j) }.to_f64())
}

/// Adds to each of `sums` what [`score`] sums for one vector, in the order of the entries: `weights` holds as many
/// vectors as there are sums, coordinate by coordinate, so that an entry finds the weights of all of them side by side.
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

/// Of two vectors of the same length, without the last place of each: the sum of products, and the sum of both vectors'
/// squares; and the sum of the last places.
///
/// # Panics
/// If the lengths differ, or are 0.
#[inline(always)]
pub fn products<S: Slot>(p: &[S], q: &[S]) -> [S::Real; 3] {
    assert_eq!(p.len(), q.len(), "two vectors of the same length");
    let [(p_last, p), (q_last, q)] = [p, q].map(|row| row.split_last().expect("a vector with a last place"));
    let ((p_fours, p_rest), (q_fours, q_rest)) = (p.as_chunks::<4>(), q.as_chunks::<4>());
    let (mut products, mut squares) = (four::<S::Real>([S::Real::ZERO; 4]), four([S::Real::ZERO; 4]));
    for (p, q) in p_fours.iter().zip(q_fours) {
        let (x, y) = (load(p), load(q));
        products = products + x * y;
        squares = squares + (x * x + y * y);
    }
    let [mut product, mut square] = [products, squares].map(|four| {
        let sums: [S::Real; 4] = four.into();
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    });
    for (p, q) in p_rest.iter().zip(q_rest) {
        let (x, y) = (p.get(), q.get());
        product += x * y;
        square += x * x + y * y;
    }
    [product, square, p_last.get() + q_last.get()]
}

/// Adds to each of two vectors of the same length, which do not overlap, `a` times the other as it was; but to the last
/// place of each, `b`.
///
/// # Panics
/// If the lengths differ, or are 0.
#[inline(always)]
pub fn cross<S: Slot>(p: &[S], q: &[S], a: S::Real, b: S::Real) {
    assert_eq!(p.len(), q.len(), "two vectors of the same length");
    let [(p_last, p), (q_last, q)] = [p, q].map(|row| row.split_last().expect("a vector with a last place"));
    let ((p_fours, p_rest), (q_fours, q_rest)) = (p.as_chunks::<4>(), q.as_chunks::<4>());
    let all_a = four([a; 4]);
    for (p, q) in p_fours.iter().zip(q_fours) {
        let (x, y) = (load(p), load(q));
        store(p, x + all_a * y);
        store(q, y + all_a * x);
    }
    for (p, q) in p_rest.iter().zip(q_rest) {
        let (x, y) = (p.get(), q.get());
        p.set(x + a * y);
        q.set(y + a * x);
    }
    p_last.set(p_last.get() + b);
    q_last.set(q_last.get() + b);
}

/// Four numbers in a vector register: with plain arrays, compilers mix the two sums of [`products`] up and get slow.
#[inline(always)]
fn four<R: Real>(numbers: [R; 4]) -> R::Four {
    numbers.into()
}

#[inline(always)]
fn load<S: Slot>(slots: &[S; 4]) -> <S::Real as Real>::Four {
    four([slots[0].get(), slots[1].get(), slots[2].get(), slots[3].get()])
}

#[inline(always)]
fn store<S: Slot>(slots: &[S; 4], four: <S::Real as Real>::Four) {
    let numbers: [S::Real; 4] = four.into();
    slots.iter().zip(numbers).for_each(|(slot, x)| slot.set(x));
}

/// Bytes that caches move at a time.
const LINE_BYTES: usize = 64;

/// Asks for the memory of a row that will be read soon.
#[inline(always)]
pub fn prefetch(row: Row<'_>) {
    prefetch_range(row.indices(), 0..row.len());
    if let Some(values) = row.values() {
        prefetch_range(values, 0..row.len());
    }
}

/// Asks for the cache lines of the first and the last number of a range, and for those between if there can be more than one.
/// A row is mostly short, and counting its few lines takes longer than asking twice for one. Whether there are such numbers
/// is not looked at.
#[inline(always)]
pub(crate) fn prefetch_range<T>(numbers: &[T], range: Range<usize>) {
    let start = numbers.as_ptr().wrapping_add(range.start);
    prefetch_line(start);
    prefetch_line(numbers.as_ptr().wrapping_add(range.end));
    if range.start + 2 * LINE_BYTES / size_of::<T>() < range.end {
        for line in 1..range.len() * size_of::<T>() / LINE_BYTES {
            prefetch_line(start.wrapping_byte_add(line * LINE_BYTES));
        }
    }
}

/// Asks for all of `numbers`, in order.
pub(crate) fn fetch<T>(numbers: &[T]) {
    (0..numbers.len()).step_by((LINE_BYTES / size_of::<T>()).max(1)).for_each(|j| prefetch_at(numbers, j));
}

/// Asks for the memory of `numbers` around the place `j`, if there is one.
#[inline(always)]
pub(crate) fn prefetch_at<T>(numbers: &[T], j: usize) {
    prefetch_line(numbers.as_ptr().wrapping_add(j));
}

/// Asks for the memory of `value`, to be written soon: other cores give their copies of its lines up.
#[inline(always)]
pub(crate) fn prefetch_all_for_write<T>(value: &T) {
    let bytes = std::ptr::from_ref(value).cast::<u8>();
    (0..size_of::<T>()).step_by(LINE_BYTES).for_each(|at| prefetch_line_for_write(bytes.wrapping_add(at)));
}

/// Asks for the memory of place `j`, to be written soon: other cores give their copies of its line up.
#[inline(always)]
pub(crate) fn prefetch_for_write<S>(slots: &[S], j: usize) {
    prefetch_line_for_write(slots.as_ptr().wrapping_add(j));
}

#[inline(always)]
fn prefetch_line_for_write<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it reads and writes nothing as far as the program can tell, and never faults, whatever
    // the address; processors without this one take it for no operation.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[inline(always)]
fn prefetch_line<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it reads nothing as far as the program can tell, and never faults, whatever the
    // address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
