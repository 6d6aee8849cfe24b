//! What one worker does: draws blocks, visits their terms, counts.

use std::sync::Arc;
use std::time::Instant;

use crossbeam::utils::CachePadded;
use rand::seq::SliceRandom;

use super::Pass;
use super::order::{BLOCK, stream};
use super::tickets::Tickets;
use crate::params::{Real, Weights};
use crate::rule::Visit;
use crate::sync::plain::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Visits made so far, one padded counter a worker, for whoever watches.
#[derive(Debug)]
pub struct Progress(Vec<CachePadded<AtomicUsize>>);

impl Progress {
    /// Counters at 0.
    pub fn new(workers: usize) -> Self {
        Progress((0..workers).map(|_| CachePadded::new(AtomicUsize::new(0))).collect())
    }

    /// Visits made by all workers since the fit began; blocks count when they end.
    pub fn visits(&self) -> usize {
        self.0.iter().map(|counter| counter.load(Relaxed)).sum()
    }
}

/// When a fit has to stop before its time.
#[derive(Debug)]
pub struct Control {
    /// Set by anyone to make the workers finish their block and return.
    pub interrupted: Arc<AtomicBool>,
    /// The time from which on no block is begun.
    pub deadline: Option<Instant>,
    /// Counts the visits.
    pub progress: Arc<Progress>,
}

impl Control {
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
        pass.control.progress.0[worker].fetch_add(terms.len(), Relaxed);
    }
    visits
}

/// How many terms before its visit a term's memory is asked for.
const AHEAD: usize = 2;
