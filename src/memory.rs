//! Memory: huge pages for large arrays, pages that are populated before the first write, and how
//! much there is.
#![allow(unsafe_code)]

use std::fs;
use std::path::Path;

use crate::error::Error;

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

/// Less memory is available than work would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shortage {
    /// Bytes that the work takes.
    needed: u64,
    /// Bytes that are available.
    available: u64,
}

impl Shortage {
    /// Makes the error of the input `name`, of which `what` takes the memory.
    pub(crate) fn into_error(self, name: &str, what: &str, hint: &str) -> Error {
        let Shortage { needed, available } = self;
        let (path, what, hint) = (name.into(), what.into(), hint.into());
        Error::Memory { path, what, needed, available, hint }
    }
}

/// The memory that was available when work began. It is compared with what the work takes before
/// that is taken: where the system runs out of memory, it ends the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget(u64);

impl Budget {
    /// What is available now.
    pub(crate) fn now() -> Self {
        Budget(available() as u64)
    }

    /// Checks that work which takes `needed` bytes in all fits.
    pub(crate) fn check(self, needed: u64) -> Result<(), Shortage> {
        if needed <= self.0 { Ok(()) } else { Err(Shortage { needed, available: self.0 }) }
    }

    /// Checks that one more item fits into `items`, which takes two more times its memory when it
    /// is full. `others` are the bytes that the work has taken besides.
    #[inline]
    pub(crate) fn check_push<T>(self, items: &Vec<T>, others: u64) -> Result<(), Shortage> {
        if items.len() < items.capacity() {
            return Ok(());
        }
        self.check(others + (3 * items.capacity() * size_of::<T>()) as u64)
    }
}

/// Returns the bytes of memory that this process may still take: what the system has available, and
/// what the limits of its control group and of its address space leave.
pub fn available() -> usize {
    /// Assumed where the system does not report it.
    const USUAL: u64 = 8 << 30;
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let system = kilobytes.map_or(USUAL, |kilobytes| kilobytes << 10);
    let limits = [left_in_group(), left_of_addresses()];
    let available = limits.into_iter().flatten().fold(system, u64::min);
    usize::try_from(available).unwrap_or(usize::MAX)
}

/// Bytes that the limit of the address space (`ulimit -v`) leaves.
fn left_of_addresses() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    let limit = getrlimit(Resource::As).current?;
    let taken = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = taken.split_ascii_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(pages * rustix::param::page_size() as u64))
}

/// Bytes that the limits of this process's control group (version 2), and of those above it, leave.
fn left_in_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let number = |folder: &Path, name: &str| -> Option<u64> {
        fs::read_to_string(folder.join(name)).ok()?.trim().parse().ok()
    };
    // What the system keeps of files counts as used, but is given back.
    let kept = |folder: &Path| -> u64 {
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let files = stat.lines().filter_map(|line| {
            line.strip_prefix("active_file ").or(line.strip_prefix("inactive_file "))
        });
        files.filter_map(|bytes| bytes.parse::<u64>().ok()).sum()
    };
    let left = |folder: &Path| {
        let limit = number(folder, "memory.max")?;
        let used = number(folder, "memory.current")?.saturating_sub(kept(folder));
        Some(limit.saturating_sub(used))
    };
    let root = Path::new("/sys/fs/cgroup");
    // In a container, the group may be the root of what can be seen.
    root.join(own).ancestors().take_while(|folder| folder.starts_with(root)).filter_map(left).min()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_does_not_fit_is_refused_before_it_begins() {
        let budget = Budget(100);
        assert_eq!(budget.check(100), Ok(()));
        let shortage = budget.check(3 << 30).unwrap_err();
        let message = shortage.into_error("d", "this data set", "take less").to_string();
        let expected = "d: this data set takes at least 3.00 GiB of memory (expected at most the 100 B that are free); take less";
        assert_eq!(message, expected);
        let mut items: Vec<u64> = Vec::with_capacity(4);
        assert_eq!(budget.check_push(&items, 90), Ok(()));
        items.extend([1; 4]);
        // Four of 8 bytes stay while eight get room.
        assert_eq!(budget.check_push(&items, 4), Ok(()));
        assert!(budget.check_push(&items, 5).is_err());
    }

    #[test]
    fn some_memory_is_available() {
        assert!((1 << 20..1 << 50).contains(&available()));
    }
}
