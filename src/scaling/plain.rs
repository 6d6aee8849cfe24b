//! The best loop there is for one thread: no strategy, no handles, nothing shared, on weights that are a `&mut [f32]`.
//!
//! It is a training like the others: the same first step size and schedule, blocks in the same order, the next rows
//! asked for ahead, the scale of l2 beside the vector. What it leaves out is what sharing needs: tickets, progress, an
//! interrupt, private copies, generic weights.

use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::kernel;
use crate::params::{Plain, Weights};
use crate::problem::Loss;
use crate::rule::{Clock, Schedule, StepSize};
use crate::strategy::Order;

/// A training in the plain loop.
pub(super) struct PlainLoop<'a, L> {
    data: &'a Dataset,
    targets: &'a [f32],
    norms2: Vec<f32>,
    loss: L,
    l2: f64,
    step: StepSize,
    order: Order,
    seed: u64,
    epoch: u64,
    pub(super) weights: &'a mut [f32],
}

impl<'a, L: Loss> PlainLoop<'a, L> {
    /// From `weights`, with the first step size `rate`.
    pub(super) fn new(
        data: &'a Dataset,
        targets: &'a [f32],
        loss: L,
        l2: f64,
        (rate, seed): (f64, u64),
        weights: &'a mut [f32],
    ) -> Self {
        PlainLoop {
            data,
            targets,
            norms2: data.iter().map(|(row, _)| row.norm2() as f32).collect(),
            loss,
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
        let clock = Clock { before: self.epoch * self.data.len() as u64, within: 0 };
        let (rows, rate) = (self.data.rows(), self.step.at(clock, self.data.len(), self.l2) as f32);
        let (shrink, grow) = (1.0 / (1.0 + rate * self.l2 as f32), 1.0 + rate * self.l2 as f32);
        let (mut scale, mut inverse) = (1.0_f32, 1.0_f32);
        let weights = Plain::new(self.weights, 0);
        let mut terms = Vec::with_capacity(2 * self.order.block_len());
        self.order.block(0, &mut terms);
        for k in 0..self.order.blocks() {
            let count = terms.len();
            if k + 1 < self.order.blocks() {
                self.order.block(k + 1, &mut terms);
            }
            for (at, &term) in terms[..count].iter().enumerate() {
                if let Some(&ahead) = terms.get(at + Order::AHEAD) {
                    kernel::prefetch(rows.row(ahead));
                }
                let row = rows.row(term);
                let score = scale * weights.dot(row);
                let step = self.loss.step(self.targets[term], score, rate, self.norms2[term]);
                if step != 0.0 {
                    weights.add(step * inverse, row);
                }
                scale *= shrink;
                inverse *= grow;
            }
            terms.drain(..count);
            if inverse > MOST_SCALE {
                (0..self.data.width()).for_each(|j| weights.update(j, |w| w * scale));
                (scale, inverse) = (1.0, 1.0);
            }
        }
        self.weights.iter_mut().for_each(|w| *w *= scale);
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
