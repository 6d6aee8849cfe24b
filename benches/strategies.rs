//! One epoch of each strategy, per non-zero, beside the memory's speed: `cargo bench --bench strategies [-- --quick]`.
//!
//! Logistic loss, l2 = 1/n, constant step, on rows with Zipf's law as in text (47,000 features) and on short rows of few
//! features; `stream` sums the row arrays alone: the floor of one thread. More workers than cores share these. Time alone
//! says little of a strategy: `--bench target` says how far an epoch comes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::Dataset;
use wildsgd::data::Builder;
use wildsgd::params::SharedParams;
use wildsgd::problem::{Linear, Logistic};
use wildsgd::rule::{Penalty, Schedule, Sgd, StepSize, Visit};
use wildsgd::strategy::{
    Control, Hogwild, HogwildPlusPlus, Layout, Order, Pass, Sequential, Strategy, Topology, Update,
};

/// `rows` rows of up to `entries` features; feature j is about as likely as 1/(j + 10).
fn zipf(rows: usize, entries: usize, features: u32) -> Dataset {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut builder = Builder::default();
    let ratio = (f64::from(features) + 10.0) / 10.0;
    for i in 0..rows {
        let mut row: Vec<u32> =
            (0..entries).map(|_| (10.0 * ratio.powf(random.random::<f64>()) - 10.0) as u32).collect();
        row.sort_unstable();
        row.dedup();
        row.iter().for_each(|&j| assert!(builder.entry(j, 0.1)));
        builder.end_row(if i % 3 == 0 { 1.0 } else { -1.0 });
    }
    builder.finish(features as usize)
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn epochs(criterion: &mut Criterion) {
    for (name, data) in [("text", zipf(20_000, 100, 47_000)), ("few features", zipf(100_000, 15, 100))] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
        group.bench_function("stream", |b| b.iter(|| black_box(stream(&data))));
        epoch(&mut group, "sequential", &data, Sequential::default());
        for workers in [1, 2, 4] {
            for update in [Update::Wild, Update::Atomic, Update::Merged] {
                epoch(
                    &mut group,
                    &format!("hogwild {update:?} {workers}"),
                    &data,
                    Hogwild::new(workers, update),
                );
            }
            let layout = Layout::new(workers, workers).for_problem(data.len(), data.width());
            let ring = HogwildPlusPlus::new(layout, &Topology::detect()).expect("no pins");
            epoch(&mut group, &format!("hogwild++ {workers}"), &data, ring);
        }
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

fn epoch(group: &mut Group<'_>, name: &str, data: &Dataset, mut strategy: impl Strategy<f32>) {
    let targets: Vec<f32> = data.labels().to_vec();
    let problem = Linear::new(data, &targets, Logistic, None).expect("a problem");
    let penalty = Penalty { l1: 0.0, l2: 1.0 / data.len() as f64 };
    let rule: Sgd<_, f32> =
        Sgd::new(&problem, penalty, StepSize::new(0.5, Schedule::Constant), strategy.folds());
    let params = SharedParams::anonymous(rule.width()).expect("memory");
    let control = Control::new(strategy.workers());
    let (mut order, mut epoch) = (Order::new(data.len()), 0);
    group.bench_function(name, |b| {
        b.iter(|| {
            order.shuffle(1, epoch);
            let visits_before = epoch * data.len() as u64;
            let pass = Pass { order: &order, epoch, visits_before, seed: 1, control: &control };
            epoch += 1;
            strategy.epoch(&rule, &params, pass).expect("no worker panics")
        });
    });
}

criterion_group!(benches, epochs);
criterion_main!(benches);
