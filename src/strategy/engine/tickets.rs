//! Tickets for the blocks of an epoch.
//!
//! Invariant: each ticket goes to one worker, and a draw that begins after a stop gets none.

use std::ops::Range;

use crate::sync::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// A counter that workers draw tickets from. One access per block keeps its cache line out of the
/// hot loop.
#[derive(Debug)]
pub struct Tickets {
    next: AtomicUsize,
    step: usize,
    end: usize,
    stopped: AtomicBool,
}

impl Tickets {
    /// Creates tickets 0 to `end` - 1.
    pub fn new(end: usize) -> Self {
        Tickets::every(1, 0, end)
    }

    /// Creates tickets for a part of an epoch.
    pub(crate) fn between(range: Range<usize>) -> Self {
        Tickets { next: AtomicUsize::new(range.start), ..Tickets::new(range.end) }
    }

    /// Creates separate tickets for each of `workers` workers, dealt in turn. A worker's tickets do
    /// not depend on the others' speed.
    pub fn dealt(workers: usize, end: usize) -> Vec<Self> {
        (0..workers).map(|worker| Tickets::every(workers, worker, end)).collect()
    }

    fn every(step: usize, first: usize, end: usize) -> Self {
        Tickets { next: AtomicUsize::new(first), step, end, stopped: AtomicBool::new(false) }
    }

    /// Draws the next ticket, or `None` when all are gone or [`Tickets::stop`] was called.
    ///
    /// Relaxed: read-modify-writes of one counter give distinct numbers under any memory ordering,
    /// and the terms that a ticket stands for were written before the workers started.
    pub(crate) fn draw(&self) -> Option<usize> {
        if self.stopped.load(Relaxed) {
            return None;
        }
        Some(self.next.fetch_add(self.step, Relaxed)).filter(|&ticket| ticket < self.end)
    }

    /// Returns the number of these tickets before `ticket`, which is one of them.
    pub(crate) fn before(&self, ticket: usize) -> usize {
        ticket / self.step
    }

    /// Stops the drawing. A worker that draws later gets nothing.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::Tickets;

    fn draw_all(tickets: &Tickets) -> Vec<usize> {
        std::iter::from_fn(|| tickets.draw()).collect()
    }

    #[test]
    fn each_ticket_goes_to_one_worker() {
        loom::model(|| {
            let tickets = Arc::new(Tickets::new(3));
            let other = tickets.clone();
            let worker = thread::spawn(move || draw_all(&other));
            let mut drawn = draw_all(&tickets);
            drawn.extend(worker.join().unwrap());
            drawn.sort();
            assert_eq!(drawn, [0, 1, 2]);
        });
    }

    #[test]
    fn a_stop_ends_the_drawing_and_doubles_nothing() {
        loom::model(|| {
            let tickets = Arc::new(Tickets::new(2));
            let (other, stopper) = (tickets.clone(), tickets.clone());
            let worker = thread::spawn(move || draw_all(&other));
            let stop = thread::spawn(move || stopper.stop());
            let mut drawn = draw_all(&tickets);
            stop.join().unwrap();
            assert_eq!(tickets.draw(), None, "a ticket was handed out after the stop");
            drawn.extend(worker.join().unwrap());
            drawn.sort();
            drawn.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1]));
        });
    }
}
