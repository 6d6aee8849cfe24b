//! The best loop there is for one thread: no strategy, no handles, nothing shared, on weights that
//! are a `&mut [f32]`.
//!
//! It is a training like the others: the same first step size and schedule, blocks in the same
//! order, the next rows asked for ahead, the scale of l2 beside the vector. What it leaves out is
//! what sharing needs: tickets, progress, an interrupt, private copies, generic weights.

use std::time::{Duration, Instant};

use crate::data::{Dataset, Records};
use crate::params::{Plain, RawWeights};
use crate::problem::{Loss, LossKind, with_loss};
use crate::solver::{Schedule, StepSize};
use crate::strategy::{Block, Clock, Order};

/// A training in the plain loop.
pub(super) struct PlainLoop<'a> {
    /// The rows with the target and the squared norm of each.
    examples: Records<'a, (f32, f32)>,
    /// The loop over a block, compiled for the loss; returns the pace after it.
    visit_block: Box<VisitBlock>,
    l2: f64,
    step: StepSize,
    order: Order,
    seed: u64,
    epoch: u64,
    pub(super) weights: &'a mut [f32],
}

impl<'a> PlainLoop<'a> {
    /// From `weights`, with the first step size `rate`.
    pub(super) fn new(
        data: &'a Dataset,
        targets: &'a [f32],
        loss: LossKind,
        l2: f64,
        (rate, seed): (f64, u64),
        weights: &'a mut [f32],
    ) -> Self {
        PlainLoop {
            examples: Records::new(data.rows(), |i, row| (targets[i], row.norm2() as f32)),
            visit_block: of_loss(loss),
            l2,
            step: StepSize::new(rate, Schedule::default()),
            order: Order::new(data.len()),
            seed,
            epoch: 0,
            weights,
        }
    }

    /// One epoch; returns its time, the order of the blocks left out as it is with the strategies.
    pub(super) fn epoch(&mut self) -> Duration {
        self.order.shuffle(self.seed, self.epoch);
        let started = Instant::now();
        let examples = self.examples.rows().len();
        let clock = Clock { before: self.epoch * examples as u64, within: 0 };
        let rate = self.step.at(clock, examples, self.l2) as f32;
        let growth = 1.0 + rate * self.l2 as f32;
        let mut pace = Pace { rate, shrink: 1.0 / growth, grow: growth, scale: 1.0, inverse: 1.0 };
        let mut terms = Vec::with_capacity(2 * self.order.block_len());
        self.order.block(0, &mut terms);
        for k in 0..self.order.blocks() {
            let count = terms.len();
            if k + 1 < self.order.blocks() {
                self.order.block(k + 1, &mut terms);
            }
            let block = Block::new(&terms, count, Order::AHEAD);
            pace = (self.visit_block)(&self.examples, self.weights, block, pace);
            terms.drain(..count);
            if pace.inverse > MOST_SCALE {
                self.weights.iter_mut().for_each(|w| *w *= pace.scale);
                (pace.scale, pace.inverse) = (1.0, 1.0);
            }
        }
        self.weights.iter_mut().for_each(|w| *w *= pace.scale);
        self.epoch += 1;
        started.elapsed()
    }

    /// Tells the schedule what the last epoch gained.
    pub(super) fn after_epoch(&mut self, before: f64, after: f64) {
        self.step.after_epoch(before, after);
    }
}

/// Far from overflow; reached within an epoch only where l2 is far above 1/n.
const MOST_SCALE: f32 = 1e6;

/// The step size, the scale beside the vector and its inverse, and what a visit multiplies these
/// with.
#[derive(Clone, Copy)]
struct Pace {
    rate: f32,
    shrink: f32,
    grow: f32,
    scale: f32,
    inverse: f32,
}

/// Targets and squared norms beside the rows.
type Examples<'a> = Records<'a, (f32, f32)>;
type VisitBlock = dyn Fn(&Examples<'_>, &mut [f32], Block<'_>, Pace) -> Pace + Send;

/// The loop for a loss. Losses of the caller's own are not measured.
fn of_loss(loss: LossKind) -> Box<VisitBlock> {
    fn of(loss: impl Loss + 'static) -> Box<VisitBlock> {
        Box::new(move |examples, weights, block, pace| {
            visit_block(examples, weights, loss, block, pace)
        })
    }
    with_loss!(loss, loss => of(loss))
}

/// Visits the terms of a block; returns the pace after it.
#[inline(never)]
fn visit_block<L: Loss>(
    examples: &Examples<'_>,
    weights: &mut [f32],
    loss: L,
    block: Block<'_>,
    mut pace: Pace,
) -> Pace {
    let weights = Plain::new(weights, 0);
    for (term, ahead) in block.visits() {
        if let Some(later) = ahead.offset {
            examples.prefetch_record(later);
        }
        if let Some(later) = ahead.memory {
            examples.prefetch(later);
        }
        let (row, (target, norm2)) = (examples.row(term), examples.fact(term));
        let step = loss.step(target, pace.scale * weights.dot(row), pace.rate, norm2);
        if step != 0.0 {
            weights.add(step * pace.inverse, row);
        }
        pace.scale *= pace.shrink;
        pace.inverse *= pace.grow;
    }
    pace
}
