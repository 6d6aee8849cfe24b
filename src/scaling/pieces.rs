//! Times of single operations on this machine, from which the model of an epoch is composed.

use std::hint::{black_box, spin_loop};
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::rehearsal::{ROUNDS, Rehearsal, Touch, both, median};
use super::run::{Run, Task};
use crate::data::{Builder, Dataset};
use crate::error::Result;
use crate::params::{MergeSchedule, Merger, OwnWeights, SharedParams, SharedReal};
use crate::problem::{Linear, Logistic};
use crate::row::prefetch;
use crate::solver::sgd::Sgd;
use crate::solver::{Penalty, Schedule, StepSize};
use crate::strategy::{Control, Hogwild, Order, Pass, Strategy, Topology, Update, WorkerPool};

/// Measured times in seconds: medians of measurements between the trainings. Those that need two
/// processors are `None` if there is only one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pieces {
    /// Extra time per touched weight if two threads visit rows on one vector, with a load and a
    /// store, instead of on a vector each.
    pub contended_touch: Option<f64>,
    /// Extra time per touched weight on one vector, with compare-and-swap.
    pub contended_swap: Option<f64>,
    /// Extra time per touched weight on one vector, for visits that hold the locks of all their
    /// weights.
    pub contended_lock: Option<f64>,
    /// Extra time per visit, beyond half of one, which writes, if two threads plan at any time and
    /// write in turn: detecting the turn, and fetching what the other thread wrote.
    pub turn: Option<f64>,
    /// Extra time per round, beyond planning a batch and writing two, if two threads each plan a
    /// batch of the default size on the same weights, and one writes both.
    pub round: Option<f64>,
    /// Time to add to a weight by compare-and-swap after another thread did, with its line
    /// prefetched.
    #[serde(rename = "meeting")]
    pub merge: Option<f64>,
    /// Time to merge one weight of a worker's copy in a bucket that another worker used before
    /// (`params/merged.rs`).
    #[serde(rename = "place")]
    pub bucket: Option<f64>,
    /// Time per weight of a dense pass over two vectors, on one thread.
    pub sweep: f64,
}

/// Maximum number of coordinates that are merged.
const MOST_MERGED: usize = 1 << 16;

impl Pieces {
    /// Returns the medians of several measurements.
    pub(super) fn medians(all: &[Pieces]) -> Pieces {
        let of = |piece: fn(&Pieces) -> Option<f64>| {
            super::Spread::of(all.iter().filter_map(piece)).map(|spread| spread.median)
        };
        Pieces {
            contended_touch: of(|pieces| pieces.contended_touch),
            contended_swap: of(|pieces| pieces.contended_swap),
            contended_lock: of(|pieces| pieces.contended_lock),
            turn: of(|pieces| pieces.turn),
            round: of(|pieces| pieces.round),
            merge: of(|pieces| pieces.merge),
            bucket: of(|pieces| pieces.bucket),
            sweep: of(|pieces| Some(pieces.sweep)).unwrap_or(0.0),
        }
    }

    /// Measures on the rows of `task`, whose features determine how often threads conflict, with
    /// the weights of a training.
    ///
    /// # Errors
    /// If the system has no memory for three vectors of weights.
    pub(super) fn measure(task: &Task<'_>, training: &Run) -> Result<Self> {
        let width = task.data.width();
        let alone = Pieces { sweep: sweep(width), ..Pieces::default() };
        if Topology::detect().processors() == 1 {
            return Ok(alone);
        }
        let rehearsal = Rehearsal::new(task, training)?;
        Ok(Pieces {
            contended_touch: Some(rehearsal.touch(Touch::Wild)),
            contended_swap: Some(rehearsal.touch(Touch::Atomic)),
            contended_lock: Some(rehearsal.touch(Touch::Locked)),
            turn: Some(rehearsal.turn()),
            round: Some(rehearsal.round()),
            merge: Some(merge(width)?),
            bucket: Some(bucket(width)),
            ..alone
        })
    }
}

fn merge(width: usize) -> Result<f64> {
    const AHEAD: usize = 12;
    let (vector, cpus) = (SharedParams::<f32>::anonymous(width)?, Topology::detect().places(&[2]));
    let slots = vector.slots();
    let count = slots.len().min(MOST_MERGED);
    let rounds = (0..ROUNDS).map(|_| {
        both(&cpus, |worker| {
            // Half the vector apart, so that each thread takes what the other had last.
            let slot = |k: usize| (k + worker * count / 2) % count;
            for k in 0..count {
                prefetch::at_for_write(slots, slot(k + AHEAD));
                slots[slot(k)].add(1e-6);
            }
        })
    });
    Ok(median(rounds) / count as f64)
}

fn bucket(width: usize) -> f64 {
    let (weights, cpus) = (vec![0.0_f32; width], Topology::detect().places(&[2]));
    let count = width.min(MOST_MERGED);
    let mut schedule =
        MergeSchedule::new(vec![(0..count).map(|k| (k * width / count) as u32).collect()]);
    schedule.begin();
    let copies = [(); 2].map(|()| {
        let mut own = OwnWeights::default();
        own.fill(&weights, &schedule, None::<fn(usize) -> f32>);
        Mutex::new(own)
    });
    let rounds = (0..ROUNDS).map(|_| {
        let turn = AtomicUsize::new(0);
        both(&cpus, |worker| {
            let mut own = copies[worker].lock().expect("no panic");
            let (_, mut merger) = Merger::new(&mut own, &weights, &schedule, 0);
            while turn.load(Acquire) != worker {
                spin_loop();
            }
            merger.merge();
            turn.store(worker + 1, Release);
        })
    });
    median(rounds) / (2 * count) as f64
}

fn sweep(width: usize) -> f64 {
    let (mut to, from) = (vec![0.5_f32; width], vec![0.25_f32; width]);
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        black_box(&mut to)
            .iter_mut()
            .zip(black_box(&from))
            .for_each(|(to, from)| *to = 0.5 * (*to + from));
        started.elapsed().as_secs_f64()
    });
    median(rounds) / width.max(1) as f64
}

/// Returns the seconds of an epoch of one term: `threads` threads start, find nothing to do, and
/// join at the end. Between two epochs all of them compute, as they do for the objective.
///
/// # Errors
/// If the system refuses memory or threads.
pub(super) fn barrier(threads: usize) -> Result<f64> {
    const EPOCHS: u64 = 50;
    const BETWEEN: Duration = Duration::from_micros(500);
    let mut builder = Builder::default();
    builder.entry(0, 1.0);
    builder.end_row(1.0);
    let data = builder.finish(1);
    let problem = Linear::new(&data, &[1.0], Logistic, None)?;
    let rule: Sgd<'_, _, f32> =
        Sgd::new(&problem, Penalty::default(), StepSize::new(1e-6, Schedule::Constant), false);
    let mut params = SharedParams::<f32>::anonymous(1)?;
    let mut strategy = Hogwild::<f32>::new(threads, Update::Wild);
    let workers = WorkerPool::new(threads, threads, Topology::detect().places(&[threads]));
    let pool = workers.threads()?;
    let control = Control::new(threads);
    let order = Order::new(1);
    let compute = || {
        let ended = Instant::now();
        while ended.elapsed() < BETWEEN {
            spin_loop();
        }
    };
    let mut seconds_of = |epoch| {
        let pass = Pass {
            order: &order,
            epoch,
            visits_before: epoch,
            seed: 1,
            control: &control,
            pool: &workers,
        };
        rayon::broadcast(|_| compute());
        let started = Instant::now();
        strategy.epoch(&rule, &mut params, pass).map(|_| started.elapsed().as_secs_f64())
    };
    let seconds: Vec<f64> =
        pool.install(|| (0..EPOCHS).map(&mut seconds_of).collect::<Result<_>>())?;
    Ok(median(seconds.into_iter().skip(1)))
}

/// Counts the occurrences of each feature.
pub(super) fn frequencies(data: &Dataset) -> Vec<u32> {
    let mut counts = vec![0; data.width()];
    data.rows().indices().iter().for_each(|&j| counts[j as usize] += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Examples, LossKind};
    use crate::solver::linear;
    use crate::train::Optimum;

    #[test]
    fn pieces_are_times() {
        let mut builder = Builder::default();
        for i in 0..500 {
            builder.entry(i % 7, 1.0);
            builder.entry(7 + i % 31, 0.5);
            builder.end_row(1.0);
        }
        let data = builder.finish(0);
        let problem =
            linear(LossKind::Logistic, Examples::new(&data, data.labels(), None).unwrap());
        let task = Task {
            data: &data,
            targets: data.labels(),
            problem,
            loss: LossKind::Logistic,
            l2: 1e-3,
            optimum: Optimum { objective: 0.1, gap: 0.0, start: 1.0 },
            goal: 0.0,
            goal_accuracy: None,
            most_epochs: 1,
            most_time: Duration::ZERO,
        };
        let training = Run {
            epochs: Vec::new(),
            prepare: Duration::ZERO,
            workers: 1,
            rate: 0.1,
            weights: vec![0.1; data.width()],
        };
        let pieces = Pieces::measure(&task, &training).unwrap();
        assert!(pieces.sweep > 0.0 && pieces.sweep < 1e-3, "{pieces:?}");
        let Pieces {
            contended_touch,
            contended_swap,
            contended_lock,
            turn,
            round,
            merge,
            bucket,
            ..
        } = pieces;
        for piece in [contended_touch, contended_swap, contended_lock, turn, round, merge, bucket] {
            assert_eq!(piece.is_some(), Topology::detect().processors() > 1);
            assert!(piece.is_none_or(|seconds| (0.0..1e-3).contains(&seconds)), "{pieces:?}");
        }
        assert!(barrier(2).unwrap() > 0.0);
        let counts = frequencies(&data);
        assert_eq!((counts.len(), counts[0], counts.iter().sum::<u32>()), (38, 72, 1000));
    }
}
