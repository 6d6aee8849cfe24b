//! Parsing text, per byte: `cargo bench --bench parse [-- --quick]`.
//!
//! Parses the repository's data set, decompressed, from memory by `libsvm::parse` on one thread,
//! and loads whole files from the page cache on one thread and on two: text, zstd, and the binary
//! cache. `copy` is the floor. For large files see `--bench load`.

mod common;

use std::fs;
use std::hint::black_box;

use common::own;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wildsgd::data::{LoadOptions, ParseOptions, libsvm, load, source};
use wildsgd::internal::cache;

fn parse(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = source::read(own()).expect("the repository's data set");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("text"), &text).expect("the temporary folder takes the text");
    fs::copy(own(), path("zstd")).expect("the temporary folder takes the file");
    let options = |threads| LoadOptions { threads, shuffle: Some(1), ..LoadOptions::default() };
    let data = load(path("text"), &options(1)).expect("the repository's data set");
    cache::write(&data, path("cache")).expect("the temporary folder takes the cache");

    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
    let mut copied = text.clone();
    group.bench_function("copy", |b| {
        b.iter(|| black_box(&mut copied).copy_from_slice(black_box(&text)))
    });
    group.bench_function("from memory", |b| {
        b.iter(|| {
            libsvm::parse(black_box(&text), &ParseOptions::default()).expect("it was parsed before")
        });
    });
    for format in ["text", "zstd", "cache"] {
        for threads in [1, 2] {
            group.bench_function(format!("{format}, {threads}"), |b| {
                b.iter(|| {
                    let data = load(path(format), &options(threads)).expect("it was parsed before");
                    data.verify().expect("nobody writes to it");
                    data
                });
            });
        }
    }
}

criterion_group!(benches, parse);
criterion_main!(benches);
