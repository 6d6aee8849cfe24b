//! The loops over one row's entries, per non-zero: `cargo bench --bench kernels [-- --quick]`.
//!
//! Rows are visited in memory order, on a vector in the second-level cache (47,000 weights) and on one that is not
//! (1,300,000), with features drawn from Zipf's law as in text. `stream` sums the row arrays alone: the floor.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::Dataset;
use wildsgd::data::Builder;
use wildsgd::kernel;
use wildsgd::params::{Atomic, Plain, SharedParams, Weights, Wild};

const ROWS: usize = 20_000;
const ENTRIES: usize = 100;

/// Rows of distinct features; feature j is about as likely as 1/(j + 10).
fn zipf(features: u32) -> Dataset {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut builder = Builder::default();
    let ratio = (f64::from(features) + 10.0) / 10.0;
    let mut row: Vec<u32> = Vec::new();
    for _ in 0..ROWS {
        row.clear();
        row.extend((0..ENTRIES).map(|_| (10.0 * ratio.powf(random.random::<f64>()) - 10.0) as u32));
        row.sort_unstable();
        row.dedup();
        for &j in &row {
            builder.entry(j, 0.1);
        }
        builder.end_row(1.0);
    }
    builder.finish(features as usize)
}

fn passes(criterion: &mut Criterion) {
    for features in [47_000, 1_300_000] {
        let data = zipf(features);
        let mut group = criterion.benchmark_group(format!("{features} weights"));
        group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
        group.bench_function("stream", |b| b.iter(|| stream(&data)));
        let plain = vec![0.5_f32; features as usize];
        group.bench_function("score in f64", |b| {
            b.iter(|| data.iter().map(|(row, _)| kernel::score(&plain, row)).sum::<f64>());
        });
        let (mut cells, shared) = (plain.clone(), SharedParams::<f32>::anonymous(features as usize).unwrap());
        shared.fill(0.5);
        let rarity = plain;
        handle(&mut group, "plain", &Plain::new(&mut cells, 0), &data, &rarity);
        handle(&mut group, "wild", &Wild::new(&shared, 0, 2), &data, &rarity);
        handle(&mut group, "atomic", &Atomic::new(&shared, 0, 2), &data, &rarity);
    }
}

fn stream(data: &Dataset) -> u64 {
    data.iter()
        .map(|(row, _)| {
            let indices: u64 = row.indices().iter().map(|&j| u64::from(j)).sum();
            let values: u64 = row.values().unwrap_or(&[]).iter().map(|x| u64::from(x.to_bits())).sum();
            indices ^ values
        })
        .sum()
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Dot product, addition of a multiple of the row, and addition with a degree-scaled shrinkage: gather, scatter, and
/// the scatter of a visit.
fn handle(
    group: &mut Group<'_>,
    name: &str,
    weights: &impl Weights<Real = f32>,
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

criterion_group!(benches, passes);
criterion_main!(benches);
