//! One worker's visits through a handle.

use crate::params::{Handle, Real};
use crate::strategy::engine::{Tickets, work};
use crate::strategy::{Pass, Visit};

/// Visits the worker's blocks, and merges its private copies after each. Returns the number of
/// visits.
pub(super) fn visit_and_merge<R: Real>(
    worker: usize,
    visit: &dyn Visit<R>,
    weights: &Handle<'_, R>,
    tickets: &Tickets,
    pass: Pass<'_>,
) -> u64 {
    work(worker, visit, tickets, pass, |block, state| {
        visit.visit_block(block, state, weights);
        weights.merge();
    })
}
