//! Prefetches: hints to the processor that memory will be read or written soon.
#![allow(unsafe_code)]

use std::ops::Range;

use super::Row;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// Prefetches a row that will be read soon.
#[inline(always)]
pub fn row(row: Row<'_>) {
    range(row.indices(), 0..row.len());
    if let Some(values) = row.values() {
        range(values, 0..row.len());
    }
}

/// Prefetches the first and the last cache line of a range, and the lines between if there can be
/// any. Most rows are short: counting their few lines takes longer than prefetching one line twice.
/// The range is not checked against `numbers`.
///
/// Record: D135.
#[inline(always)]
pub(crate) fn range<T>(numbers: &[T], range: Range<usize>) {
    let start = numbers.as_ptr().wrapping_add(range.start);
    prefetch_line(start);
    prefetch_line(numbers.as_ptr().wrapping_add(range.end));
    if range.start + 2 * LINE_BYTES / size_of::<T>() < range.end {
        for line in 1..range.len() * size_of::<T>() / LINE_BYTES {
            prefetch_line(start.wrapping_byte_add(line * LINE_BYTES));
        }
    }
}

/// Prefetches all of `numbers`, in order.
pub(crate) fn all<T>(numbers: &[T]) {
    (0..numbers.len()).step_by((LINE_BYTES / size_of::<T>()).max(1)).for_each(|j| at(numbers, j));
}

/// Prefetches the line of `numbers[j]`. `j` may be out of range.
#[inline(always)]
pub(crate) fn at<T>(numbers: &[T], j: usize) {
    prefetch_line(numbers.as_ptr().wrapping_add(j));
}

/// Prefetches `value` to be written soon. Other cores give up their copies of its lines.
#[inline(always)]
pub(crate) fn all_for_write<T>(value: &T) {
    let bytes = std::ptr::from_ref(value).cast::<u8>();
    (0..size_of::<T>())
        .step_by(LINE_BYTES)
        .for_each(|at| prefetch_line_for_write(bytes.wrapping_add(at)));
}

/// Prefetches slot `j` to be written soon. Other cores give up their copies of its line.
#[inline(always)]
pub(crate) fn at_for_write<S>(slots: &[S], j: usize) {
    prefetch_line_for_write(slots.as_ptr().wrapping_add(j));
}

#[inline(always)]
fn prefetch_line_for_write<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it reads and writes nothing as far as the program can tell, and
    // never faults, whatever the address; processors without this one take it for no operation.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) place, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

#[inline(always)]
fn prefetch_line<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it reads nothing as far as the program can tell, and never
    // faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
