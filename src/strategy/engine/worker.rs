//! A worker's loop: draws blocks, has their terms visited, counts the visits.

use std::sync::Arc;
use std::time::Instant;

use super::{BLOCK, Block, Delay, Delays, Order, Progress, Tickets};
use crate::params::Real;
use crate::strategy::{Pass, StepState, Visit};
use crate::sync::plain::{AtomicBool, Ordering::Relaxed};

/// Control of a fit's workers: interrupts and deadline, progress counters, and injected delays.
#[derive(Debug)]
pub struct Control {
    /// Any thread may set it, to make the workers finish their block and return.
    pub interrupted: Arc<AtomicBool>,
    /// The time after which no block is begun.
    pub deadline: Option<Instant>,
    /// Counts the visits.
    pub progress: Arc<Progress>,
    /// The delays to inject.
    pub delays: Vec<Delay>,
}

impl Control {
    /// Creates the control of `workers` workers, with no deadline and no delays.
    pub fn new(workers: usize) -> Self {
        let progress = Arc::new(Progress::new(workers));
        Control { interrupted: Arc::default(), deadline: None, progress, delays: Vec::new() }
    }

    /// Returns true if no further block may begin.
    pub fn must_stop(&self) -> bool {
        self.interrupted.load(Relaxed)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Draws a worker's blocks from `tickets` and calls `visit_block` on each. Returns the number of
/// visits.
///
/// Each block is drawn before its predecessor is visited, so that its first terms' data is
/// prefetched in time.
pub(crate) fn work<R: Real>(
    worker: usize,
    visit: &dyn Visit<R>,
    tickets: &Tickets,
    pass: Pass<'_>,
    mut visit_block: impl FnMut(Block<'_>, &mut StepState<R>),
) -> u64 {
    let mut delays = Delays::of(worker, &pass.control.delays);
    // The terms of the current block, and of the one after it.
    let mut terms = Vec::with_capacity(2 * BLOCK);
    let mut visits = 0;
    let draw = |terms: &mut Vec<usize>| {
        let ticket = tickets.draw()?;
        pass.order.block(ticket, terms);
        Some(ticket)
    };
    let mut drawn = draw(&mut terms);
    while !pass.control.must_stop()
        && let Some(ticket) = drawn
    {
        let count = terms.len();
        drawn = draw(&mut terms);
        let within = (tickets.before(ticket) * pass.order.block_len()) as u64;
        let mut state = visit.step_state(pass.clock(within));
        visit_block(Block::new(&terms, count, Order::AHEAD), &mut state);
        visits += count as u64;
        pass.control.progress.add(worker, count);
        delays.inject_after(count, &|| pass.control.must_stop());
        terms.drain(..count);
    }
    visits
}
