//! What one worker does: draws blocks, visits their terms, counts.

use std::sync::Arc;
use std::time::Instant;

use super::{BLOCK, Block, Delay, Delays, Order, Progress, Tickets};
use crate::params::Real;
use crate::strategy::{Pass, StepState, Visit};
use crate::sync::plain::{AtomicBool, Ordering::Relaxed};

/// When a fit has to stop before its time.
#[derive(Debug)]
pub struct Control {
    /// Set by anyone to make the workers finish their block and return.
    pub interrupted: Arc<AtomicBool>,
    /// The time from which on no block is begun.
    pub deadline: Option<Instant>,
    /// Counts the visits.
    pub progress: Arc<Progress>,
    /// Which workers are slow, on request.
    pub delays: Vec<Delay>,
}

impl Control {
    /// Lets `workers` workers go on to the end, at their own speed.
    pub fn new(workers: usize) -> Self {
        let progress = Arc::new(Progress::new(workers));
        Control { interrupted: Arc::default(), deadline: None, progress, delays: Vec::new() }
    }

    /// Whether no further block may begin.
    pub fn must_stop(&self) -> bool {
        self.interrupted.load(Relaxed)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Draws the blocks that `tickets` give this worker, one after the other, and has `visit_block`
/// visit each; returns the number of visits.
///
/// A block is drawn while the one before it is visited, so that its first terms' memory is
/// prefetched in time.
pub(crate) fn work<R: Real>(
    worker: usize,
    visit: &dyn Visit<R>,
    tickets: &Tickets,
    pass: Pass<'_>,
    mut visit_block: impl FnMut(Block<'_>, &mut StepState<R>),
) -> u64 {
    let mut delays = Delays::of(worker, &pass.control.delays);
    // The terms of the block that is visited, and of the one after it.
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
        delays.inject_after(count);
        terms.drain(..count);
    }
    visits
}
