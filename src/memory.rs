//! Memory for large arrays: huge pages, and pages that are populated before the first write.
#![allow(unsafe_code)]

/// Requests huge pages for `array`, which is large and not yet written to. There are then fewer
/// page faults while it is filled, and fewer TLB misses later. Takes no memory beyond the array:
/// only pages that lie entirely in it become huge.
pub(crate) fn advise_huge_pages<T: Copy>(array: &mut [T]) {
    advise(array, Pages::Huge);
}

/// Returns an empty vector with capacity for `len` values that are written right away. All its
/// pages are populated, with huge ones where possible. One page fault per page would cost several
/// times as much as writing the values.
pub(crate) fn room<T: Copy>(len: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(len);
    advise_huge_pages(vector.spare_capacity_mut());
    advise(vector.spare_capacity_mut(), Pages::Now);
    vector
}

/// Returns a vector of `len` times `value` with all pages populated. The allocator populates each
/// page of a vector of zeros at its first write. If the page was read before, that write also makes
/// all threads flush its address translation.
pub(crate) fn filled<T: Copy>(value: T, len: usize) -> Vec<T> {
    let mut vector = room(len);
    vector.resize(len, value);
    vector
}

/// A request about the pages behind memory.
#[derive(Clone, Copy)]
enum Pages {
    /// Use huge pages.
    Huge,
    /// Populate all pages, before they are written to.
    Now,
}

/// Passes the request `pages` for `array` to the system, from the first page that starts in it.
fn advise<T: Copy>(array: &mut [T], pages: Pages) {
    #[cfg(target_os = "linux")]
    {
        const PAGE: usize = 1 << 12;
        let bytes = array.as_mut_ptr_range();
        let start = bytes.start.addr().next_multiple_of(PAGE);
        let length = bytes.end.addr().saturating_sub(start);
        let skipped = start - bytes.start.addr();
        let advice = match pages {
            Pages::Huge => libc::MADV_HUGEPAGE,
            Pages::Now => libc::MADV_POPULATE_WRITE,
        };
        if length > 0 {
            // SAFETY: madvise(2) with either advice changes how memory is backed and when, never
            // what it holds, so that any range is sound; this one starts on a page and ends in
            // `array`, which is borrowed for writing. That the system may refuse does no harm.
            // `skipped` is within `array`, as `start` is not after its end.
            unsafe {
                let start = bytes.start.cast::<u8>().add(skipped);
                libc::madvise(start.cast(), length, advice);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (array, pages);
}
