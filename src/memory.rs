//! Memory for large arrays: huge pages, and pages that are taken before they are written to.
#![allow(unsafe_code)]

/// Asks the system for huge pages behind `array`, which is large and not yet written to: there are
/// then fewer faults while it is filled, and fewer misses of the address cache later. Takes no
/// memory beyond the array, as only pages that lie in it as a whole become huge.
pub(crate) fn ask_for_huge_pages<T: Copy>(array: &mut [T]) {
    ask_for(array, Pages::Huge);
}

/// An empty vector with room for `len` values, which are written at once: it has all its pages,
/// huge ones where possible. Taken one by one, at a fault each, they cost several times as long as
/// what is then written to them.
pub(crate) fn room<T: Copy>(len: usize) -> Vec<T> {
    let mut vector = Vec::with_capacity(len);
    ask_for_huge_pages(vector.spare_capacity_mut());
    ask_for(vector.spare_capacity_mut(), Pages::Now);
    vector
}

/// `len` times `value`, all pages taken now. A vector of zeros from the allocator takes a page
/// where it is written to first; if it was read before, each such page makes all threads forget
/// where it lay.
pub(crate) fn filled<T: Copy>(value: T, len: usize) -> Vec<T> {
    let mut vector = room(len);
    vector.resize(len, value);
    vector
}

/// What the system can be asked for behind memory.
#[derive(Clone, Copy)]
enum Pages {
    /// Huge ones.
    Huge,
    /// All of them, before they are written to.
    Now,
}

/// Asks the system for `pages` behind `array`, from the first that starts in it.
fn ask_for<T: Copy>(array: &mut [T], pages: Pages) {
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
