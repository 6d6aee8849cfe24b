//! Lower bound on the time of an epoch: reading the arrays of the rows once.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crate::data::Dataset;
use crate::strategy::{Topology, pin};

/// Number of passes; their median counts.
const PASSES: usize = 7;

/// Returns the seconds in which `threads` threads read all indices and values of `data`: the median
/// of a few passes. Each thread reads its own part of the arrays, pinned to its own processor as
/// far as there are enough.
pub(super) fn stream(data: &Dataset, threads: usize) -> f64 {
    let cpus = Topology::detect().places(&[threads]);
    let barrier = Barrier::new(threads);
    let begin = Instant::now();
    let read = |worker: usize| {
        let _pin = cpus.get(worker).map(|&cpu| pin(cpu));
        let total = data.nonzeros();
        let part = worker * total / threads..(worker + 1) * total / threads;
        let pass = || {
            barrier.wait();
            let start = begin.elapsed();
            sum(data, part.clone());
            (start, begin.elapsed())
        };
        // The first pass fills the caches with what fits.
        (0..=PASSES).map(|_| pass()).skip(1).collect::<Vec<_>>()
    };
    let times: Vec<Vec<_>> = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|worker| scope.spawn(move || read(worker))).collect();
        workers.into_iter().map(|worker| worker.join().expect("reading does not panic")).collect()
    });
    let pass = |k: usize| {
        let start = times.iter().map(|worker| worker[k].0).min().unwrap_or_default();
        let end = times.iter().map(|worker| worker[k].1).max().unwrap_or_default();
        (end - start).as_secs_f64()
    };
    let mut seconds: Vec<f64> = (0..PASSES).map(pass).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[PASSES / 2]
}

/// Sums a part of the arrays by code that vectorizes, so that memory is the bottleneck.
fn sum(data: &Dataset, part: Range<usize>) {
    let rows = data.rows();
    let indices = rows.indices()[part.clone()].iter().fold(0_u32, |sum, &j| sum.wrapping_add(j));
    let bits = |sum: u32, x: &f32| sum.wrapping_add(x.to_bits());
    let values = rows.values().map_or(0, |values| values[part].iter().fold(0, bits));
    black_box((indices, values));
}
