//! What single steps cost on this machine: the pieces that the model of an epoch is put together from.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use serde::Serialize;

use crate::data::{Builder, Dataset};
use crate::error::Result;
use crate::kernel;
use crate::params::{Atomic, SharedParams, SharedReal, Weights, Wild};
use crate::problem::{Linear, Logistic, Loss};
use crate::rule::{Penalty, Schedule, Sgd, StepSize};
use crate::strategy::{Control, Hogwild, Order, Pass, Strategy, Topology, Update, pin};

/// Measured pieces, in seconds: medians of measurements between the trainings. What takes two processors is `None` where there is but one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pieces {
    /// What a touch of a weight costs more when two threads visit the rows on one vector, with a load and a store, than
    /// on a vector each.
    pub contended_touch: Option<f64>,
    /// The same with compare-and-swap.
    pub contended_swap: Option<f64>,
    /// Adding to a weight by compare-and-swap that another thread added to before, with its line asked for ahead.
    pub meeting: Option<f64>,
    /// A weight in a dense pass over two vectors, on one thread.
    pub sweep: f64,
}

/// Most touches that are measured: a fraction of a second.
const MOST_TOUCHES: usize = 1_000_000;
/// Most coordinates that meet.
const MOST_MEETINGS: usize = 1 << 16;
/// Rounds of which the median counts.
const ROUNDS: usize = 5;

impl Pieces {
    /// The medians of several measurements.
    pub(super) fn medians(all: &[Pieces]) -> Pieces {
        let of = |piece: fn(&Pieces) -> Option<f64>| {
            super::Spread::of(all.iter().filter_map(piece)).map(|spread| spread.median)
        };
        Pieces {
            contended_touch: of(|pieces| pieces.contended_touch),
            contended_swap: of(|pieces| pieces.contended_swap),
            meeting: of(|pieces| pieces.meeting),
            sweep: of(|pieces| Some(pieces.sweep)).unwrap_or(0.0),
        }
    }

    /// Measures on the rows of `data`, whose features tell how often threads meet.
    ///
    /// # Errors
    /// If the system has no memory for three vectors of weights.
    pub(super) fn measure(data: &Dataset) -> Result<Self> {
        let topology = Topology::detect();
        let pair = topology.processors() > 1;
        let rows = rows_of(data);
        let vectors = [(); 3].map(|()| SharedParams::<f32>::anonymous(data.width()));
        let [one, two, three] = vectors;
        let (one, two, three) = (one?, two?, three?);
        [&one, &two, &three].iter().for_each(|vector| vector.fill(0.5));
        let places = topology.places(&[2]);
        let touches: usize = (0..rows).map(|i| data.rows().row(i).len()).sum();
        let extra = |visit: fn(&SharedParams<f32>, &Dataset, usize)| {
            let time = |vectors: [&SharedParams<f32>; 2]| {
                both(&places, |worker| {
                    (worker..rows).step_by(2).for_each(|i| visit(vectors[worker], data, i));
                })
            };
            // Interleaved, so that both see the same load of the machine.
            let rounds: Vec<[f64; 2]> =
                (0..ROUNDS).map(|_| [time([&one, &one]), time([&two, &three])]).collect();
            let [shared, own] = [0, 1].map(|k| median(rounds.iter().map(|round| round[k])));
            (shared - own).max(0.0) / (touches as f64 / 2.0).max(1.0)
        };
        Ok(Pieces {
            contended_touch: pair.then(|| extra(|w, data, i| touch(&Wild::new(w, 0, 2), data, i))),
            contended_swap: pair.then(|| extra(|w, data, i| touch(&Atomic::new(w, 0, 2), data, i))),
            meeting: pair.then(|| meeting(&one, &places)),
            sweep: sweep(data.width()),
        })
    }
}

/// How many rows make the touches that are measured.
fn rows_of(data: &Dataset) -> usize {
    let mean = data.nonzeros().max(1) as f64 / data.len() as f64;
    data.len().min((MOST_TOUCHES as f64 / mean) as usize).max(1)
}

/// A visit with a step that changes little: how long it computes between reading and writing decides how often lines are
/// with another thread.
#[inline(always)]
fn touch(weights: &impl Weights<Real = f32>, data: &Dataset, i: usize) {
    let row = data.rows().row(i);
    let step = Logistic.step(1.0, weights.dot(row), 1e-3, row.len() as f32);
    weights.add(step, row);
}

fn meeting(vector: &SharedParams<f32>, places: &[usize]) -> f64 {
    const AHEAD: usize = 12;
    let slots = vector.slots();
    let count = slots.len().min(MOST_MEETINGS);
    let rounds = (0..ROUNDS).map(|_| {
        both(places, |worker| {
            // Half a turn apart, so that each takes what the other had last.
            let place = |k: usize| (k + worker * count / 2) % count;
            for k in 0..count {
                kernel::prefetch_for_write(slots, place(k + AHEAD));
                slots[place(k)].add(1e-6);
            }
        })
    });
    median(rounds) / count as f64
}

fn sweep(width: usize) -> f64 {
    let (mut to, from) = (vec![0.5_f32; width], vec![0.25_f32; width]);
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        black_box(&mut to).iter_mut().zip(black_box(&from)).for_each(|(to, from)| *to = 0.5 * (*to + from));
        started.elapsed().as_secs_f64()
    });
    median(rounds) / width.max(1) as f64
}

/// Seconds until two threads, each on its processor, have done `task`.
fn both(places: &[usize], task: impl Fn(usize) + Sync) -> f64 {
    let barrier = Barrier::new(2);
    let work = |worker: usize| {
        let _pin = places.get(worker).map(|&cpu| pin(cpu));
        barrier.wait();
        let started = Instant::now();
        task(worker);
        started.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| work(1));
        let own = thread::scope(|inner| inner.spawn(|| work(0)).join().expect("touching does not panic"));
        own.max(other.join().expect("touching does not panic"))
    })
}

fn median(runs: impl Iterator<Item = f64>) -> f64 {
    super::Spread::of(runs).map_or(0.0, |spread| spread.median)
}

/// Seconds of an epoch of one term: `threads` threads wake up, find nothing to do, and meet at the end.
///
/// # Errors
/// If the system refuses memory or threads.
pub(super) fn barrier(threads: usize) -> Result<f64> {
    const EPOCHS: u64 = 200;
    let mut builder = Builder::default();
    builder.entry(0, 1.0);
    builder.end_row(1.0);
    let data = builder.finish(1);
    let problem = Linear::new(&data, &[1.0], Logistic, None)?;
    let rule: Sgd<'_, _, f32> =
        Sgd::new(&problem, Penalty::default(), StepSize::new(1e-6, Schedule::Constant), false);
    let params = SharedParams::<f32>::anonymous(1)?;
    let mut strategy = Hogwild::<f32>::new(threads, Update::Wild);
    strategy.keep(&Topology::detect());
    let control = Control::new(threads);
    let order = Order::new(1);
    let mut seconds = Vec::new();
    for epoch in 0..EPOCHS {
        let pass = Pass { order: &order, epoch, visits_before: epoch, seed: 1, control: &control };
        let started = Instant::now();
        strategy.epoch(&rule, &params, pass)?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    Ok(median(seconds.into_iter().skip(1)))
}

/// How often each feature occurs.
pub(super) fn frequencies(data: &Dataset) -> Vec<u32> {
    let mut counts = vec![0; data.width()];
    data.rows().indices().iter().for_each(|&j| counts[j as usize] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_times() {
        let mut builder = Builder::default();
        for i in 0..500 {
            builder.entry(i % 7, 1.0);
            builder.entry(7 + i % 31, 0.5);
            builder.end_row(1.0);
        }
        let data = builder.finish(0);
        let pieces = Pieces::measure(&data).unwrap();
        assert!(pieces.sweep > 0.0 && pieces.sweep < 1e-3, "{pieces:?}");
        for piece in [pieces.contended_touch, pieces.contended_swap, pieces.meeting] {
            assert_eq!(piece.is_some(), Topology::detect().processors() > 1);
            assert!(piece.is_none_or(|seconds| (0.0..1e-3).contains(&seconds)), "{pieces:?}");
        }
        assert!(barrier(2).unwrap() > 0.0);
        let counts = frequencies(&data);
        assert_eq!((counts.len(), counts[0], counts.iter().sum::<u32>()), (38, 72, 1000));
    }
}
