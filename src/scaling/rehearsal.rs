//! Two threads in a part of an epoch, with one set of what is shared or a set each: what sharing takes longer.
//!
//! The visits are those of trainings, with their rule and in their order, and wait by the same locks and turns: how long a
//! visit computes between reading and writing decides how often lines are with another thread, and how long a thread waits
//! decides whether it falls asleep.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::Spread;
use super::run::{Run, Task};
use crate::error::Result;
use crate::params::{Atomic, SharedParams, Wild};
use crate::problem::{Linear, Loss};
use crate::rule::{Clock, Penalty, Schedule, Sgd, StepSize, Visit};
use crate::strategy::{
    Control, Framed, Order, Pass, Planned, Quorum, Stripes, Tickets, Topology, Turns, pin, work,
};
use crate::train::BATCH;

/// Most touches of an epoch's part: a hundredth of a second.
const MOST_TOUCHES: usize = 1_000_000;
/// Most turns that are taken: each may wake a thread up.
const MOST_TURNS: usize = 2_000;
const MOST_ROUNDS: usize = 1_000;
/// Times of which the median counts.
pub(super) const ROUNDS: usize = 5;

const START: Clock = Clock { before: 0, within: 0 };

/// How threads touch one vector.
#[derive(Clone, Copy)]
pub(super) enum Touch {
    Wild,
    Atomic,
    Locked,
}

/// Parts of an epoch, on two threads.
pub(super) struct Rehearsal<'a, 'p, L> {
    rule: Sgd<'p, Linear<'a, L>, f32>,
    /// The same with l2 at each touch, as for batches: writing takes longer.
    rule_of_batches: Sgd<'p, Linear<'a, L>, f32>,
    /// Where each measurement begins.
    weights: &'p [f32],
    order: Order,
    /// Blocks of a part.
    blocks: usize,
    /// Entries of a part.
    touches: f64,
    /// The vector and the locks that both threads use, and those of each alone.
    sets: [(SharedParams<f32>, Stripes); 3],
    /// Where threads are kept.
    places: Vec<usize>,
}

impl<'a, 'p, L: Loss> Rehearsal<'a, 'p, L> {
    /// Of epochs that go on from the end of `training`.
    ///
    /// # Errors
    /// If the system has no memory for three vectors of weights.
    pub(super) fn new(task: &'p Task<'a, L>, training: &'p Run) -> Result<Self> {
        let data = task.data;
        let rule = |folds| {
            let step = StepSize::new(training.rate, Schedule::Constant);
            Sgd::new(&task.problem, Penalty { l1: 0.0, l2: task.l2 }, step, folds)
        };
        let mut order = Order::new(data.len());
        order.shuffle(1, 0);
        let share = (MOST_TOUCHES as f64 / data.nonzeros().max(1) as f64).min(1.0);
        let blocks = ((order.blocks() as f64 * share) as usize).max(1);
        let set = || Ok((SharedParams::anonymous(data.width())?, Stripes::new(data.width())));
        Ok(Rehearsal {
            rule: rule(true),
            rule_of_batches: rule(false),
            weights: &training.weights,
            blocks,
            touches: data.nonzeros() as f64 * blocks as f64 / order.blocks() as f64,
            order,
            sets: [set()?, set()?, set()?],
            places: Topology::detect().places(&[2]),
        })
    }

    /// What a touch takes longer on one vector, with one set of locks, than on a vector and a set each.
    pub(super) fn touch(&self, touch: Touch) -> f64 {
        let control = Control::new(2);
        let pass = Pass { order: &self.order, epoch: 0, visits_before: 0, seed: 1, control: &control };
        let [shared, own] = self.times(|round| {
            // Each time on other rows, which come from where they do in an epoch.
            let first = round * self.blocks % (self.order.blocks() - self.blocks + 1);
            let tickets = Tickets::between(first..first + self.blocks);
            move |worker, set| {
                let (vector, stripes): &(_, Stripes) = &self.sets[set];
                let wild = Wild::new(vector, 0, 2);
                match touch {
                    Touch::Wild => work(worker, &self.rule, &wild, &tickets, pass, |_| ()),
                    Touch::Atomic => {
                        work(worker, &self.rule, &Atomic::new(vector, 0, 2), &tickets, pass, |_| ())
                    }
                    Touch::Locked => {
                        let framed = Framed { visit: &self.rule, frame: stripes };
                        work(worker, &framed, &wild, &tickets, pass, |_| ())
                    }
                };
            }
        });
        (shared - own).max(0.0) / (self.touches / 2.0).max(1.0)
    }

    /// What a visit takes longer than the half of it that writes, where each waits for its turn to write.
    pub(super) fn turn(&self) -> f64 {
        let (terms, rule) = (&self.terms(MOST_TURNS), &self.rule);
        let pace = rule.pace(START);
        let [shared, own] = self.times(|_| {
            let turns = [2, 1, 1].map(Turns::new);
            move |worker, set| {
                let (weights, turns) = (Wild::new(&self.sets[set].0, 0, 2), &turns[set]);
                let (seat, seats) = if set == 0 { (worker, 2) } else { (0, 1) };
                for (k, &term) in terms.iter().skip(worker).step_by(2).enumerate() {
                    // How many turns were over when a visit was planned is counted.
                    black_box(turns.now());
                    let step = rule.plan(term, pace, &weights);
                    turns.wait(seat + k * seats);
                    if let Some(step) = step {
                        rule.apply(term, step, pace, 1.0, &weights);
                    }
                    turns.pass(seat + k * seats);
                }
            }
        });
        (shared - own).max(0.0) / terms.len() as f64
    }

    /// What a round of two batches takes longer than planning one of them and writing both.
    pub(super) fn round(&self) -> f64 {
        let (terms, rule) = (&self.terms(MOST_ROUNDS * BATCH), &self.rule_of_batches);
        let pace = rule.pace(START);
        let [shared, own] = self.times(|_| {
            let quorums = [2, 1, 1].map(|workers| Quorum::new(workers, workers));
            move |worker, set| {
                let (weights, quorum) = (Wild::new(&self.sets[set].0, 0, 2), &quorums[set]);
                let apply = |parts: Vec<(usize, Planned<_>)>| {
                    parts.into_iter().for_each(|(_, planned)| planned.apply(rule, &weights));
                };
                for batch in terms.chunks(BATCH).skip(worker).step_by(2) {
                    let version = quorum.version();
                    let planned = Planned::new(rule, batch, pace, &weights);
                    if quorum.hand_in(worker, version, planned, apply).is_ok() {
                        quorum.wait(version);
                    }
                }
                quorum.leave(apply);
            }
        });
        // With a set each, both plan and write half of the batches at the same time.
        (shared - 1.5 * own).max(0.0) / (terms.len() as f64 / BATCH as f64 / 2.0)
    }

    /// The first terms of an epoch, so many at most.
    fn terms(&self, most: usize) -> Vec<usize> {
        let mut terms = Vec::new();
        (0..self.blocks).for_each(|k| self.order.block(k, &mut terms));
        terms.truncate(most);
        terms
    }

    /// Seconds that two threads take on the first of the sets, and on one each. `begin` makes a task for a worker and its
    /// set.
    fn times<T: Fn(usize, usize) + Sync>(&self, begin: impl Fn(usize) -> T) -> [f64; 2] {
        self.sets.iter().for_each(|(vector, _)| vector.copy_from(self.weights));
        let time = |round, sets: [usize; 2]| {
            let task = begin(round);
            both(&self.places, |worker| task(worker, sets[worker]))
        };
        // Interleaved, so that both see the same load of the machine.
        let rounds: Vec<[f64; 2]> =
            (0..ROUNDS).map(|k| [time(2 * k, [0, 0]), time(2 * k + 1, [1, 2])]).collect();
        [0, 1].map(|k| median(rounds.iter().map(|round| round[k])))
    }
}

/// Seconds until two threads, each on its processor of `places`, have done `task`.
pub(super) fn both(places: &[usize], task: impl Fn(usize) + Sync) -> f64 {
    let barrier = Barrier::new(2);
    let work = |worker: usize| {
        let _pin = places.get(worker).map(|&cpu| pin(cpu));
        barrier.wait();
        let started = Instant::now();
        task(worker);
        started.elapsed().as_secs_f64()
    };
    let work = &work;
    let times = thread::scope(|scope| {
        [0, 1].map(|worker| scope.spawn(move || work(worker))).map(|thread| thread.join().expect("no panic"))
    });
    times[0].max(times[1])
}

pub(super) fn median(runs: impl Iterator<Item = f64>) -> f64 {
    Spread::of(runs).map_or(0.0, |spread| spread.median)
}
