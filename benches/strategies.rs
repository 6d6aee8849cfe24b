//! One epoch of each strategy, per non-zero, beside the memory's speed:
//! `cargo bench --bench strategies [-- --quick]`.
//!
//! Logistic loss, l2 = 1/n, constant step, on Zipf-distributed rows as in text (47,000 features)
//! and on short rows of few features; `stream` only sums the row arrays: the floor of one thread.
//! More workers than cores share the cores. Time alone says little about a strategy: for the
//! progress of an epoch see `--bench target` and `wildsgd bench scaling`.

mod common;

use common::{epochs, short, signs, stream, text};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wildsgd::internal::strategy::{Hogwild, HogwildPlusPlus, Sequential, Topology};
use wildsgd::problem::Logistic;
use wildsgd::strategy::{Layout, Update};

const RATE: f64 = 0.5;

fn strategies(criterion: &mut Criterion) {
    for (name, data) in [("text", text()), ("few features", short())] {
        let targets = signs(&data);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
        group.bench_function("stream", |b| b.iter(|| stream(&data)));
        let mut pass = epochs(&data, &targets, Logistic, RATE, Sequential::default());
        group.bench_function("sequential", |b| b.iter(&mut pass));
        for workers in [1, 2, 4] {
            for update in [Update::Wild, Update::Atomic, Update::Merged] {
                let mut pass =
                    epochs(&data, &targets, Logistic, RATE, Hogwild::new(workers, update));
                group
                    .bench_function(format!("hogwild {update:?} {workers}"), |b| b.iter(&mut pass));
            }
            let layout = Layout::new(workers, workers).for_problem(data.len(), data.width());
            let ring = HogwildPlusPlus::new(layout, &Topology::detect()).expect("no pins");
            let mut pass = epochs(&data, &targets, Logistic, RATE, ring);
            group.bench_function(format!("hogwild++ {workers}"), |b| b.iter(&mut pass));
        }
    }
}

criterion_group!(benches, strategies);
criterion_main!(benches);
