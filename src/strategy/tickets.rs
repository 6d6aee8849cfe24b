//! Hands out the blocks of an epoch: each to one worker, none twice, none after a stop.

use crate::sync::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// A counter that workers draw from. One touch a block keeps its cache line out of the hot loop.
#[derive(Debug)]
pub(super) struct Tickets {
    next: AtomicUsize,
    end: usize,
    stopped: AtomicBool,
}

impl Tickets {
    /// Tickets 0 to `end` - 1.
    pub(super) fn new(end: usize) -> Self {
        Tickets { next: AtomicUsize::new(0), end, stopped: AtomicBool::new(false) }
    }

    /// The next ticket, or `None` when all are gone or [`Tickets::stop`] was called.
    ///
    /// Relaxed: a read-modify-write of one counter gives each number out once in any order of memory; the terms that
    /// a ticket stands for were there before the workers started.
    pub(super) fn draw(&self) -> Option<usize> {
        if self.stopped.load(Relaxed) {
            return None;
        }
        Some(self.next.fetch_add(1, Relaxed)).filter(|&ticket| ticket < self.end)
    }

    /// Ends the handing out. A worker that draws later gets nothing.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }
}
