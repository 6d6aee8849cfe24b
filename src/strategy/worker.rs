//! What one worker does: draws blocks, visits their terms, counts.

use std::sync::Arc;
use std::time::Instant;

use rand::seq::SliceRandom;

use super::Pass;
use super::faults::{Delay, Delays};
use super::order::{BLOCK, stream};
use super::progress::Progress;
use super::tickets::Tickets;
use crate::params::{Real, Weights};
use crate::rule::Visit;
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
        self.interrupted.load(Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Visits the terms of the blocks that `tickets` give this worker, one after the other; returns how many.
///
/// The order of terms inside a block is drawn from the worker's own stream. `between` gets the terms of each block
/// after they were visited and merged.
#[inline(always)]
pub(super) fn work<V: Visit, W: Weights<Real = V::Real>>(
    worker: usize,
    visit: &V,
    weights: &W,
    tickets: &Tickets,
    pass: Pass<'_>,
    mut between: impl FnMut(&[usize]),
) -> u64 {
    let mut random = stream(pass.seed, pass.epoch, worker as u64);
    let mut delays = Delays::of(worker, &pass.control.delays);
    let mut terms = [0; BLOCK];
    let mut visits = 0;
    while !pass.control.must_stop()
        && let Some(ticket) = tickets.draw()
    {
        let mut pace = visit.pace(pass.clock((ticket * pass.order.block_len()) as u64));
        let mut count = 0;
        for (slot, term) in terms.iter_mut().zip(pass.order.block(ticket)) {
            *slot = term;
            count += 1;
        }
        let terms = &mut terms[..count];
        terms.shuffle(&mut random);
        for (k, &term) in terms.iter().enumerate() {
            if let Some(&ahead) = terms.get(k + AHEAD) {
                visit.prefetch(ahead);
            }
            if let Some(step) = visit.plan(term, pace, weights) {
                visit.apply(term, step, pace, V::Real::ONE, weights);
            }
            visit.advance(&mut pace);
        }
        weights.merge();
        between(terms);
        visits += terms.len() as u64;
        pass.control.progress.add(worker, terms.len());
        delays.after(terms.len());
    }
    visits
}

/// How many terms before its visit a term's memory is asked for.
const AHEAD: usize = 2;
