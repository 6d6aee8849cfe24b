//! What single steps cost on this machine: the pieces that the model of an epoch is put together
//! from.

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

/// Measured pieces, in seconds: medians of measurements between the trainings. What takes two
/// processors is `None` where there is but one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Pieces {
    /// What a touch of a weight costs more when two threads visit rows on one vector, with a load
    /// and a store, than on a vector each.
    pub contended_touch: Option<f64>,
    /// The same with compare-and-swap.
    pub contended_swap: Option<f64>,
    /// The same for visits that hold the locks of all their weights.
    pub contended_lock: Option<f64>,
    /// What a visit takes longer than half of one, which writes, where two threads plan at any time
    /// and write in turn: seeing that a turn has come, and fetching what the other thread wrote.
    pub turn: Option<f64>,
    /// What a round takes longer than planning a batch and writing two, where two threads plan a
    /// batch of the usual size each on the same weights, and one writes both.
    pub round: Option<f64>,
    /// Adding to a weight by compare-and-swap that another thread added to before, with its line
    /// asked for ahead.
    pub meeting: Option<f64>,
    /// A weight of a worker's own copy that meets at a place where another worker was before
    /// (`params/merged.rs`).
    pub place: Option<f64>,
    /// A weight in a dense pass over two vectors, on one thread.
    pub sweep: f64,
}

/// Most coordinates that meet.
const MOST_MEETINGS: usize = 1 << 16;

impl Pieces {
    /// The medians of several measurements.
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
            meeting: of(|pieces| pieces.meeting),
            place: of(|pieces| pieces.place),
            sweep: of(|pieces| Some(pieces.sweep)).unwrap_or(0.0),
        }
    }

    /// Measures on the rows of `task`, whose features tell how often threads meet, with the weights
    /// of a training.
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
            meeting: Some(meeting(width)?),
            place: Some(place(width)),
            ..alone
        })
    }
}

fn meeting(width: usize) -> Result<f64> {
    const AHEAD: usize = 12;
    let (vector, places) =
        (SharedParams::<f32>::anonymous(width)?, Topology::detect().places(&[2]));
    let slots = vector.slots();
    let count = slots.len().min(MOST_MEETINGS);
    let rounds = (0..ROUNDS).map(|_| {
        both(&places, |worker| {
            // Half a turn apart, so that each takes what the other had last.
            let place = |k: usize| (k + worker * count / 2) % count;
            for k in 0..count {
                prefetch::at_for_write(slots, place(k + AHEAD));
                slots[place(k)].add(1e-6);
            }
        })
    });
    Ok(median(rounds) / count as f64)
}

fn place(width: usize) -> f64 {
    let (weights, places) = (vec![0.0_f32; width], Topology::detect().places(&[2]));
    let count = width.min(MOST_MEETINGS);
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
        both(&places, |worker| {
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

/// Seconds of an epoch of one term: `threads` threads begin, find nothing to do, and meet at the
/// end. Between two epochs all of them compute, as they do where it is an objective.
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

/// How often each feature occurs.
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
            meeting,
            place,
            ..
        } = pieces;
        for piece in [contended_touch, contended_swap, contended_lock, turn, round, meeting, place]
        {
            assert_eq!(piece.is_some(), Topology::detect().processors() > 1);
            assert!(piece.is_none_or(|seconds| (0.0..1e-3).contains(&seconds)), "{pieces:?}");
        }
        assert!(barrier(2).unwrap() > 0.0);
        let counts = frequencies(&data);
        assert_eq!((counts.len(), counts[0], counts.iter().sum::<u32>()), (38, 72, 1000));
    }
}
