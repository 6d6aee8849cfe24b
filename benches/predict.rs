//! Scores, measures and model files, per non-zero: `cargo bench --bench predict [-- --quick]`.
//!
//! A model trained on the repository's data set is evaluated on it; `stream` only sums the row
//! arrays, on one thread where the others use all.

mod common;

use common::{load, own, stream};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wildsgd::Model;
use wildsgd::model::ModelFormat;
use wildsgd::train::Trainer;

fn predict(criterion: &mut Criterion) {
    let data = load(&own());
    let model = Trainer::default().fit(&data).expect("the repository's data set").model;
    let folder = tempfile::tempdir().expect("a temporary folder");

    let mut group = criterion.benchmark_group("predict");
    group.throughput(Throughput::Elements(data.nonzeros() as u64)).sample_size(20);
    group.bench_function("stream", |b| b.iter(|| stream(&data)));
    group.bench_function("labels", |b| b.iter(|| model.predictions(&data)));
    group.bench_function("measures", |b| b.iter(|| model.evaluate(&data)));
    group.finish();

    let mut group = criterion.benchmark_group("model file");
    group.throughput(Throughput::Elements(model.weights().len() as u64)).sample_size(20);
    for (name, format) in [("liblinear", ModelFormat::Liblinear), ("native", ModelFormat::Native)] {
        let path = folder.path().join(name);
        model.save_as(&path, format).expect("the temporary folder takes the model");
        group.bench_function(format!("read {name}"), |b| {
            b.iter(|| Model::load(&path).expect("it was just written"));
        });
    }
}

criterion_group!(benches, predict);
criterion_main!(benches);
