//! Mini-batches: terms whose visits are planned on the same weights and applied together.
//!
//! The step of a batch is the sum of its terms' steps, so a step size means the same for any size
//! of batch. The search for a step size takes batches of the same size, so it finds one that the
//! sum tolerates.

use std::collections::VecDeque;

use super::{Block, Delays, Order, Tickets};
use crate::params::Real;
use crate::strategy::{Pass, StepState, Visit};

/// One worker's batches of an epoch.
pub(crate) struct Batches<'a, R: Real> {
    worker: usize,
    visit: &'a dyn Visit<R>,
    tickets: &'a Tickets,
    pass: Pass<'a>,
    size: usize,
    delays: Delays,
    /// Terms of drawn blocks that are in no batch yet, each with the step state of its block if it
    /// is the block's first.
    terms: VecDeque<(usize, Option<StepState<R>>)>,
    state: Option<StepState<R>>,
    /// The current batch.
    batch: Vec<usize>,
    drawn: Vec<usize>,
    visits: u64,
}

impl<'a, R: Real> Batches<'a, R> {
    /// Creates one worker's batches of `size` terms.
    pub(crate) fn new(
        worker: usize,
        visit: &'a dyn Visit<R>,
        tickets: &'a Tickets,
        pass: Pass<'a>,
        size: usize,
    ) -> Self {
        Batches {
            worker,
            visit,
            tickets,
            pass,
            size: size.max(1),
            delays: Delays::of(worker, &pass.control.delays),
            terms: VecDeque::new(),
            state: None,
            batch: Vec::new(),
            drawn: Vec::new(),
            visits: 0,
        }
    }

    /// Ends the current batch and returns the next one, with the step state of its first term. The
    /// last batch may be smaller.
    pub(crate) fn next(&mut self) -> Option<(Block<'_>, StepState<R>)> {
        self.end_batch();
        while self.terms.len() < self.size && self.draw() {}
        let mut first = None;
        for (term, state) in self.terms.drain(..self.size.min(self.terms.len())) {
            let mut state = state.or(self.state)?;
            first = first.or(Some(state));
            self.batch.push(term);
            state.advance();
            self.state = Some(state);
        }
        first.map(|first| (Block::new(&self.batch, self.batch.len(), Order::AHEAD), first))
    }

    /// Injects the worker's delays, if it has any. Called between planning a batch and applying it.
    pub(crate) fn inject_delay(&mut self) {
        self.delays.inject_after(self.batch.len(), &|| self.pass.control.must_stop());
    }

    /// Returns the number of visits made.
    pub(crate) fn visits(&self) -> u64 {
        self.visits
    }

    fn end_batch(&mut self) {
        self.visits += self.batch.len() as u64;
        self.pass.control.progress.add(self.worker, self.batch.len());
        self.batch.clear();
    }

    /// Draws a block, and returns false if there is none left or the worker must stop.
    fn draw(&mut self) -> bool {
        let Pass { order, control, .. } = self.pass;
        if control.must_stop() {
            return false;
        }
        let Some(ticket) = self.tickets.draw() else { return false };
        self.drawn.clear();
        order.block(ticket, &mut self.drawn);
        let clock = self.pass.clock((ticket * order.block_len()) as u64);
        let mut state = Some(self.visit.step_state(clock));
        self.terms.extend(self.drawn.iter().map(|&term| (term, state.take())));
        true
    }
}
