//! Kernels over the entries of one row, per non-zero: `cargo bench --bench kernels [-- --quick]`.
//!
//! Rows are visited in memory order, on a vector in the second-level cache (47,000 weights) and on
//! one outside it (1,300,000), with Zipf-distributed features as in text. `stream` only sums the
//! row arrays: the floor. For writes through racing handles see `--bench updates`.

mod common;

use std::cell::Cell;
use std::hint::black_box;

use common::stream;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wildsgd::data::Synthetic;
use wildsgd::internal::kernel;

fn kernels(criterion: &mut Criterion) {
    for features in [47_000, 1_300_000] {
        let data = Synthetic { features, ..Synthetic::default() }.generate();
        let mut group = criterion.benchmark_group(format!("{features} weights"));
        group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
        group.bench_function("stream", |b| b.iter(|| stream(&data)));
        let mut weights = vec![0.5_f32; features];
        group.bench_function("score in f64", |b| {
            b.iter(|| data.iter().map(|(row, _)| kernel::score(&weights, row)).sum::<f64>());
        });
        let cells = Cell::from_mut(weights.as_mut_slice()).as_slice_of_cells();
        group.bench_function("dot", |b| {
            b.iter(|| data.iter().map(|(row, _)| kernel::dot(cells, row)).sum::<f32>());
        });
        group.bench_function("add", |b| {
            b.iter(|| {
                let a: f32 = black_box(1e-9);
                data.iter().for_each(|(row, _)| {
                    kernel::for_each(cells, row, |w, x| w.set(w.get() + a * x))
                });
            });
        });
    }
}

criterion_group!(benches, kernels);
criterion_main!(benches);
