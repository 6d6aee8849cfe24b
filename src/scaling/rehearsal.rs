//! Two threads in a part of an epoch, with one set of shared state or a set each: the extra cost of
//! sharing.
//!
//! The visits are those of trainings, with the same rule and in the same order, and wait by the
//! same locks and turns. The time that a visit computes between reading and writing determines how
//! often lines are with another thread, and the time that a thread waits determines whether it
//! falls asleep.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::Spread;
use super::run::{Run, Task};
use crate::error::Result;
use crate::params::{Handle, SharedParams};
use crate::solver::sgd::SgdRule;
use crate::solver::{Penalty, RulesOf, Schedule, StepSize};
use crate::strategy::{
    BATCH, Block, Clock, Control, Gate, Locker, Order, Pass, Plan, Quorum, Stripes, Tickets,
    Topology, Visit, WorkerPool, pin, work,
};

/// Maximum number of touches in a part of an epoch: a hundredth of a second.
const MOST_TOUCHES: usize = 1_000_000;
/// Maximum number of turns: each may wake up a thread.
const MOST_TURNS: usize = 2_000;
/// Maximum number of rounds.
const MOST_ROUNDS: usize = 1_000;
/// Number of times; their median counts.
pub(super) const ROUNDS: usize = 5;

const START: Clock = Clock { before: 0, within: 0 };

/// Kind of access to a shared vector.
#[derive(Clone, Copy)]
pub(super) enum Touch {
    Wild,
    Atomic,
    Locked,
}

/// Parts of an epoch, on two threads.
pub(super) struct Rehearsal<'p> {
    rule: Box<dyn SgdRule<f32> + 'p>,
    /// The rule with l2 at each touch, as for batches: writing takes longer.
    rule_of_batches: Box<dyn SgdRule<f32> + 'p>,
    /// Weights from which each measurement starts.
    weights: &'p [f32],
    order: Order,
    /// Number of blocks in a part.
    blocks: usize,
    /// Number of entries in a part.
    touches: f64,
    /// Vector and locks that both threads use, and those of each alone.
    sets: [(SharedParams<f32>, Stripes); 3],
    /// Processors to which the threads are pinned.
    cpus: Vec<usize>,
}

impl<'p> Rehearsal<'p> {
    /// Prepares parts of epochs that continue from the end of `training`.
    ///
    /// # Errors
    /// If the system has no memory for three vectors of weights.
    pub(super) fn new(task: &'p Task<'_>, training: &'p Run) -> Result<Self> {
        let data = task.data;
        let problem: &dyn RulesOf<f32> = &*task.problem;
        let rule = |applies_scale| {
            let step = StepSize::new(training.rate, Schedule::Constant);
            problem.sgd(Penalty { l1: 0.0, l2: task.l2 }, step, applies_scale)
        };
        let mut order = Order::new(data.len());
        order.shuffle(1, 0);
        let fraction = (MOST_TOUCHES as f64 / data.nonzeros().max(1) as f64).min(1.0);
        let blocks = ((order.blocks() as f64 * fraction) as usize).max(1);
        let set = || Ok((SharedParams::anonymous(data.width())?, Stripes::new(data.width())));
        Ok(Rehearsal {
            rule: rule(true),
            rule_of_batches: rule(false),
            weights: &training.weights,
            blocks,
            touches: data.nonzeros() as f64 * blocks as f64 / order.blocks() as f64,
            order,
            sets: [set()?, set()?, set()?],
            cpus: Topology::detect().places(&[2]),
        })
    }

    /// Returns the extra seconds per touch on one vector, with one set of locks, compared with a
    /// vector and a set each.
    pub(super) fn touch(&self, touch: Touch) -> f64 {
        let (control, pool) = (&Control::new(2), &WorkerPool::new(1, 1, Vec::new()));
        let pass = Pass { order: &self.order, epoch: 0, visits_before: 0, seed: 1, control, pool };
        let visit: &dyn Visit<f32> = &*self.rule;
        let [shared, own] = self.times(|round| {
            // Other rows each time, loaded from the same level of memory as in an epoch.
            let first = round * self.blocks % (self.order.blocks() - self.blocks + 1);
            let tickets = Tickets::between(first..first + self.blocks);
            move |worker, set| {
                let (vector, stripes): &(_, Stripes) = &self.sets[set];
                let weights = match touch {
                    Touch::Wild | Touch::Locked => Handle::wild(vector, 0, 2),
                    Touch::Atomic => Handle::atomic(vector, 0, 2),
                };
                let mut locker = Locker::new(stripes);
                work(worker, visit, &tickets, pass, |block, state| {
                    match touch {
                        Touch::Wild | Touch::Atomic => visit.visit_block(block, state, &weights),
                        Touch::Locked => {
                            block
                                .singles()
                                .for_each(|term| locker.visit(visit, term, state, &weights));
                        }
                    }
                    weights.merge();
                });
            }
        });
        (shared - own).max(0.0) / (self.touches / 2.0).max(1.0)
    }

    /// Returns the extra seconds per visit, beyond the half that writes, if each thread waits for
    /// its turn to write.
    pub(super) fn turn(&self) -> f64 {
        let (terms, rule) = (&self.terms(MOST_TURNS), &self.rule);
        let state = rule.step_state(START);
        let [shared, own] = self.times(|_| {
            let gates = [2, 1, 1].map(Gate::new);
            move |worker, set| {
                let (weights, gate) = (Handle::wild(&self.sets[set].0, 0, 2), &gates[set]);
                let mut planner = planner(&**rule);
                let (seat, seats) = if set == 0 { (worker, 2) } else { (0, 1) };
                for (k, term) in terms.chunks(1).skip(worker).step_by(2).enumerate() {
                    // The strategy reads the number of past turns when it plans a visit, to measure
                    // staleness.
                    black_box(gate.now());
                    planner.plan(Block::new(term, 1, Order::AHEAD), state, &weights);
                    gate.wait(seat + k * seats);
                    planner.apply(&weights);
                    gate.pass(seat + k * seats);
                }
            }
        });
        (shared - own).max(0.0) / terms.len() as f64
    }

    /// Returns the extra seconds per round of two batches, beyond planning one of them and writing
    /// both.
    pub(super) fn round(&self) -> f64 {
        let (terms, rule) = (&self.terms(MOST_ROUNDS * BATCH), &self.rule_of_batches);
        let state = rule.step_state(START);
        let [shared, own] = self.times(|_| {
            let quorums = [2, 1, 1].map(|workers| Quorum::new(workers, workers));
            move |worker, set| {
                let (weights, quorum) = (Handle::wild(&self.sets[set].0, 0, 2), &quorums[set]);
                let apply = |parts: Vec<(usize, Planned<'_>)>| {
                    parts.into_iter().for_each(|(_, mut planned)| planned.apply(&weights));
                };
                for batch in terms.chunks(BATCH).skip(worker).step_by(2) {
                    let version = quorum.version();
                    let mut planned = planner(&**rule);
                    planned.plan(Block::new(batch, batch.len(), Order::AHEAD), state, &weights);
                    if quorum.hand_in(worker, version, planned, apply).is_ok() {
                        quorum.wait(version);
                    }
                }
                quorum.leave(apply);
            }
        });
        // With a set each, both threads plan and write half of the batches at the same time.
        (shared - 1.5 * own).max(0.0) / (terms.len() as f64 / BATCH as f64 / 2.0)
    }

    /// Returns the first terms of an epoch, at most `most`.
    fn terms(&self, most: usize) -> Vec<usize> {
        let mut terms = Vec::new();
        (0..self.blocks).for_each(|k| self.order.block(k, &mut terms));
        terms.truncate(most);
        terms
    }

    /// Returns the seconds that two threads take on the first set, and on one set each. `begin`
    /// makes a task for a worker and its set.
    fn times<T: Fn(usize, usize) + Sync>(&self, begin: impl Fn(usize) -> T) -> [f64; 2] {
        self.sets.iter().for_each(|(vector, _)| vector.copy_from(self.weights));
        let time = |round, sets: [usize; 2]| {
            let task = begin(round);
            both(&self.cpus, |worker| task(worker, sets[worker]))
        };
        // Interleaved, so that both run under the same load of the machine.
        let rounds: Vec<[f64; 2]> =
            (0..ROUNDS).map(|k| [time(2 * k, [0, 0]), time(2 * k + 1, [1, 2])]).collect();
        [0, 1].map(|k| median(rounds.iter().map(|round| round[k])))
    }
}

type Planned<'v> = Box<dyn Plan<f32> + Send + 'v>;

fn planner(rule: &dyn SgdRule<f32>) -> Planned<'_> {
    rule.planner().expect("visits of sgd can be planned")
}

/// Returns the seconds until two threads, pinned to `cpus`, have done `task`.
pub(super) fn both(cpus: &[usize], task: impl Fn(usize) + Sync) -> f64 {
    let barrier = Barrier::new(2);
    let work = |worker: usize| {
        let _pin = cpus.get(worker).map(|&cpu| pin(cpu));
        barrier.wait();
        let started = Instant::now();
        task(worker);
        started.elapsed().as_secs_f64()
    };
    let work = &work;
    let times = thread::scope(|scope| {
        [0, 1]
            .map(|worker| scope.spawn(move || work(worker)))
            .map(|thread| thread.join().expect("no panic"))
    });
    times[0].max(times[1])
}

pub(super) fn median(runs: impl Iterator<Item = f64>) -> f64 {
    Spread::of(runs).map_or(0.0, |spread| spread.median)
}
