//! Mini-batches: terms whose visits are planned on the same weights, and applied together. The step of a batch is the sum of
//! its terms' steps, so that a step size means the same whatever the batch; the search for one looks for what the sum bears.

use std::collections::VecDeque;

use super::Pass;
use super::faults::Delays;
use super::order::Order;
use super::tickets::Tickets;
use crate::params::{Real, Weights};
use crate::rule::{Block, Visit};

/// One worker's batches of an epoch.
pub(super) struct Batches<'a, V: Visit> {
    worker: usize,
    visit: &'a V,
    tickets: &'a Tickets,
    pass: Pass<'a>,
    size: usize,
    delays: Delays,
    /// Terms of drawn blocks that are in no batch yet, each with the pace of its block if it is the block's first.
    terms: VecDeque<(usize, Option<V::Pace>)>,
    pace: Option<V::Pace>,
    /// Terms in the batch that is being worked on.
    last: usize,
    visits: u64,
}

impl<'a, V: Visit> Batches<'a, V> {
    /// Batches of `size` terms for one worker.
    pub(super) fn new(
        worker: usize,
        visit: &'a V,
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
            pace: None,
            last: 0,
            visits: 0,
        }
    }

    /// Says that the last batch is done with, and gets the terms of the next one, with the pace of its first. The last batch
    /// may be smaller.
    pub(super) fn next(&mut self, batch: &mut Vec<usize>) -> Option<V::Pace> {
        self.end_batch();
        while self.terms.len() < self.size && self.draw() {}
        batch.clear();
        let mut first = None;
        for (term, pace) in self.terms.drain(..self.size.min(self.terms.len())) {
            let mut pace = pace.or(self.pace)?;
            first = first.or(Some(pace));
            batch.push(term);
            self.visit.advance(&mut pace);
            self.pace = Some(pace);
        }
        self.last = batch.len();
        first
    }

    /// Takes the time that was asked for, if the worker is a slow one: called between planning a batch and applying it.
    pub(super) fn dawdle(&mut self) {
        self.delays.after(self.last);
    }

    /// Visits made.
    pub(super) fn visits(&self) -> u64 {
        self.visits
    }

    fn end_batch(&mut self) {
        self.visits += self.last as u64;
        self.pass.control.progress.add(self.worker, self.last);
        self.last = 0;
    }

    /// Draws a block, if there is one and time for it.
    fn draw(&mut self) -> bool {
        let Pass { order, control, .. } = self.pass;
        if control.must_stop() {
            return false;
        }
        let Some(ticket) = self.tickets.draw() else { return false };
        let mut terms = Vec::with_capacity(order.block_len());
        order.block(ticket, &mut terms);
        let mut pace = Some(self.visit.pace(self.pass.clock((ticket * order.block_len()) as u64)));
        self.terms.extend(terms.into_iter().map(|term| (term, pace.take())));
        true
    }
}

/// The visits of a batch, planned on one version of the weights.
pub(crate) struct Planned<V: Visit> {
    pace: V::Pace,
    steps: Vec<(usize, V::Step)>,
}

impl<V: Visit> Planned<V> {
    /// Plans a visit to each term; reads only.
    pub(crate) fn new(
        visit: &V,
        terms: &[usize],
        pace: V::Pace,
        weights: &impl Weights<Real = V::Real>,
    ) -> Self {
        let mut steps = Vec::with_capacity(terms.len());
        for (term, ahead) in Block::new(terms, terms.len(), Order::AHEAD).visits() {
            if let Some(later) = ahead.place {
                visit.prefetch_place(later);
            }
            if let Some(later) = ahead.memory {
                visit.prefetch(later);
            }
            steps.extend(visit.plan(term, pace, weights).map(|step| (term, step)));
        }
        Planned { pace, steps }
    }

    /// Carries the visits out.
    pub(crate) fn apply(self, visit: &V, weights: &impl Weights<Real = V::Real>) {
        for (term, step) in self.steps {
            visit.apply(term, step, self.pace, V::Real::ONE, weights);
        }
    }
}
