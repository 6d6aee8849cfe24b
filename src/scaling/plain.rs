//! The fastest loop for one thread: no strategy, no handles, nothing shared, on weights that are a
//! `&mut [f32]`.
//!
//! It is a training like the others: the same first step size and schedule, blocks in the same
//! order, the next rows prefetched, the scale of l2 beside the vector. It omits what sharing needs:
//! tickets, progress, an interrupt, private copies, generic weights.

use std::time::{Duration, Instant};

use crate::data::{Dataset, Records};
use crate::params::{Plain, RawWeights};
use crate::problem::{Loss, LossKind, with_loss};
use crate::solver::{Schedule, StepSize};
use crate::strategy::{Block, Clock, Order};

/// A training by the plain loop.
pub(super) struct PlainLoop<'a> {
    examples: Examples<'a>,
    /// The loop over a block, compiled for the loss; returns the step state after it.
    visit_block: Box<VisitBlock>,
    l2: f64,
    step: StepSize,
    order: Order,
    seed: u64,
    epoch: u64,
    pub(super) weights: &'a mut [f32],
}

impl<'a> PlainLoop<'a> {
    /// Starts from `weights`, with the first step size `rate`.
    pub(super) fn new(
        data: &'a Dataset,
        targets: &'a [f64],
        loss: LossKind,
        l2: f64,
        (rate, seed): (f64, u64),
        weights: &'a mut [f32],
    ) -> Self {
        PlainLoop {
            examples: Records::new(data.rows(), |i, row| (targets[i] as f32, row.norm2() as f32)),
            visit_block: of_loss(loss),
            l2,
            step: StepSize::new(rate, Schedule::default()),
            order: Order::new(data.len()),
            seed,
            epoch: 0,
            weights,
        }
    }

    /// Runs one epoch and returns its time, which excludes ordering the blocks, as it does for the
    /// strategies.
    pub(super) fn epoch(&mut self) -> Duration {
        self.order.shuffle(self.seed, self.epoch);
        let started = Instant::now();
        let examples = self.examples.rows().len();
        let clock = Clock { before: self.epoch * examples as u64, within: 0 };
        let rate = self.step.at(clock, examples, self.l2) as f32;
        let growth = 1.0 + rate * self.l2 as f32;
        let mut state =
            StepState { rate, shrink: 1.0 / growth, grow: growth, scale: 1.0, inverse: 1.0 };
        let mut terms = Vec::with_capacity(2 * self.order.block_len());
        self.order.block(0, &mut terms);
        for k in 0..self.order.blocks() {
            let count = terms.len();
            if k + 1 < self.order.blocks() {
                self.order.block(k + 1, &mut terms);
            }
            let block = Block::new(&terms, count, Order::AHEAD);
            state = (self.visit_block)(&self.examples, self.weights, block, state);
            terms.drain(..count);
            if state.inverse > MOST_SCALE {
                self.weights.iter_mut().for_each(|w| *w *= state.scale);
                (state.scale, state.inverse) = (1.0, 1.0);
            }
        }
        self.weights.iter_mut().for_each(|w| *w *= state.scale);
        self.epoch += 1;
        started.elapsed()
    }

    /// Updates the schedule by the objectives before and after the last epoch.
    pub(super) fn after_epoch(&mut self, before: f64, after: f64) {
        self.step.after_epoch(before, after);
    }
}

/// Bound on the inverse scale, far from overflow; reached within an epoch only if l2 is far above
/// 1/n.
const MOST_SCALE: f32 = 1e6;

/// The step size, the scale beside the vector and its inverse, and the factors of these per visit.
#[derive(Clone, Copy)]
struct StepState {
    rate: f32,
    shrink: f32,
    grow: f32,
    scale: f32,
    inverse: f32,
}

/// The rows with the target and the squared norm of each.
type Examples<'a> = Records<'a, (f32, f32)>;
type VisitBlock = dyn Fn(&Examples<'_>, &mut [f32], Block<'_>, StepState) -> StepState + Send;

/// Returns the loop for a loss. Custom losses are not measured.
fn of_loss(loss: LossKind) -> Box<VisitBlock> {
    fn of(loss: impl Loss + 'static) -> Box<VisitBlock> {
        Box::new(move |examples, weights, block, state| {
            visit_block(examples, weights, loss, block, state)
        })
    }
    with_loss!(loss, loss => of(loss))
}

/// Visits the terms of a block; returns the step state after it.
#[inline(never)]
fn visit_block<L: Loss>(
    examples: &Examples<'_>,
    weights: &mut [f32],
    loss: L,
    block: Block<'_>,
    mut state: StepState,
) -> StepState {
    let weights = Plain::new(weights, 0);
    for (term, ahead) in block.visits() {
        if let Some(later) = ahead.offset {
            examples.prefetch_record(later);
        }
        if let Some(later) = ahead.memory {
            examples.prefetch(later);
        }
        let (row, (target, norm2)) = (examples.row(term), examples.fact(term));
        let step = loss.step(target, state.scale * weights.dot(row), state.rate, norm2);
        if step != 0.0 {
            weights.add(step * state.inverse, row);
        }
        state.scale *= state.shrink;
        state.inverse *= state.grow;
    }
    state
}
