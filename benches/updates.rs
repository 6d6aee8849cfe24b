//! Accesses of a visit to the weights, by kind of handle, per non-zero:
//! `cargo bench --bench updates [-- --quick]`.
//!
//! Dot product, addition of a multiple of the row, and addition with a degree-scaled shrinkage, on
//! one thread: plain cells, relaxed atomics (wild), compare-and-swap (atomic). Then two threads on
//! one vector (`shared`) and on one each (`own`), gather and scatter: the difference is the cost of
//! contended lines.

mod common;

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wildsgd::Dataset;
use wildsgd::data::Synthetic;
use wildsgd::internal::{Atomic, Plain, RawWeights, Wild};
use wildsgd::params::SharedParams;

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

const FEATURES: usize = 47_000;

fn updates(criterion: &mut Criterion) {
    let data = Synthetic { features: FEATURES, ..Synthetic::default() }.generate();
    let mut group = criterion.benchmark_group("one thread");
    group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
    let mut plain = vec![0.5_f32; FEATURES];
    let rarity = plain.clone();
    let shared = vector();
    handle(&mut group, "plain", &Plain::new(&mut plain, 0), &data, &rarity);
    handle(&mut group, "wild", &Wild::new(&shared, 0, 2), &data, &rarity);
    handle(&mut group, "atomic", &Atomic::new(&shared, 0, 2), &data, &rarity);
    group.finish();

    for (name, skew) in [("zipf", 1.1), ("uniform", 0.0)] {
        let data = Synthetic { features: FEATURES, skew, ..Synthetic::default() }.generate();
        let mut group = criterion.benchmark_group(format!("two threads, {name}"));
        group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
        let (one, two) = (vector(), vector());
        for (place, vectors) in [("shared", [&one, &one]), ("own", [&one, &two])] {
            group.bench_function(format!("wild, {place}"), |b| {
                b.iter_custom(|rounds| {
                    pair(rounds, |k| visit(&Wild::new(vectors[k], 0, 2), &data, k))
                });
            });
            group.bench_function(format!("atomic, {place}"), |b| {
                b.iter_custom(|rounds| {
                    pair(rounds, |k| visit(&Atomic::new(vectors[k], 0, 2), &data, k))
                });
            });
        }
    }
}

fn vector() -> SharedParams<f32> {
    let vector = SharedParams::anonymous(FEATURES).expect("memory");
    vector.fill(0.5);
    vector
}

fn handle(
    group: &mut Group<'_>,
    name: &str,
    weights: &impl RawWeights<Real = f32>,
    data: &Dataset,
    rarity: &[f32],
) {
    group.bench_function(format!("dot {name}"), |b| {
        b.iter(|| data.iter().map(|(row, _)| weights.dot(row)).sum::<f32>());
    });
    group.bench_function(format!("add {name}"), |b| {
        b.iter(|| data.iter().for_each(|(row, _)| weights.add(black_box(1e-9), row)));
    });
    group.bench_function(format!("shrink {name}"), |b| {
        b.iter(|| {
            let a: f32 = black_box(1e-9);
            data.iter().for_each(|(row, _)| {
                weights.update_row(row, rarity, |x, &rarity, w| (w + a * x) / (1.0 + a * rarity));
            });
        });
    });
}

/// Visits every second row, from the `k`-th on.
fn visit(weights: &impl RawWeights<Real = f32>, data: &Dataset, k: usize) {
    for (row, _) in data.iter().skip(k).step_by(2) {
        let score = weights.dot(row);
        weights.add(1e-6 * (1.0 - score), row);
    }
}

/// Returns the time in which two threads each run `task` this many times.
fn pair(rounds: u64, task: impl Fn(usize) + Sync) -> Duration {
    let started = Instant::now();
    thread::scope(|scope| {
        let task = &task;
        for k in 0..2 {
            scope.spawn(move || (0..rounds).for_each(|_| task(k)));
        }
    });
    started.elapsed()
}

criterion_group!(benches, updates);
criterion_main!(benches);
