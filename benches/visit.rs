//! One epoch of training per non-zero, beside what bounds it:
//! `cargo bench --bench visit -- [DATA ...]`.
//!
//! For each data set (default: synthetic Zipf-distributed rows, and
//! `data/debian-packages.train.svm.zst`), in one interleaved run, medians of ns per non-zero of
//! - `stream`: reading the row arrays once,
//! - `dot`: the dot product of each row in memory order with a vector that is not written,
//! - `plain`: the epoch as a loop over plain `&mut [f32]`, with the same order and prefetching,
//! - the strategies, logistic and hinge loss, l2 = 1/n, constant step.
//!
//! `--row NAME PASSES` runs that many passes of that row alone, without timing, for
//! `compare/instructions.py`.

mod common;

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use common::{arguments, epochs, number, own, shuffled, signs, stream, text};
use wildsgd::Dataset;
use wildsgd::internal::kernel;
use wildsgd::internal::strategy::{Hogwild, Sequential};
use wildsgd::problem::{Hinge, Logistic, Loss};
use wildsgd::strategy::{Order, Update};

const ROUNDS: usize = 15;
const RATE: f64 = 0.5;

fn main() {
    let mut paths: Vec<String> = arguments().collect();
    let only = paths.iter().position(|argument| argument == "--row").map(|at| {
        let given: Vec<String> = paths.drain(at..at + 3).collect();
        Only { row: given[1].clone(), passes: number(&given[2]) }
    });
    if paths.is_empty() {
        measure("zipf 47k", &text(), only.as_ref());
        measure("debian-packages", &shuffled(&own()), only.as_ref());
    }
    for path in paths {
        measure(&path, &shuffled(Path::new(&path)), only.as_ref());
    }
}

/// A row to run alone.
struct Only {
    row: String,
    passes: usize,
}

/// A named pass over the data.
type Timed<'a> = (&'static str, Box<dyn FnMut() + 'a>);

fn measure(name: &str, data: &Dataset, only: Option<&Only>) {
    let targets = signs(data);
    let constant = vec![0.01_f32; data.width()];
    let mut passes: Vec<Timed<'_>> = vec![
        ("stream", Box::new(|| stream(data))),
        (
            "dot",
            Box::new(|| {
                black_box(data.iter().map(|(row, _)| dot(&constant, row)).sum::<f32>());
            }),
        ),
    ];
    add_epochs(
        &mut passes,
        data,
        &targets,
        Logistic,
        ["logistic plain", "logistic sequential", "logistic hogwild 1", "logistic hogwild 2"],
    );
    add_epochs(
        &mut passes,
        data,
        &targets,
        Hinge,
        ["hinge plain", "hinge sequential", "hinge hogwild 1", "hinge hogwild 2"],
    );

    if let Some(only) = only {
        let row = passes.iter_mut().find(|(name, _)| *name == only.row);
        let (_, pass) = row.unwrap_or_else(|| panic!("no row `{}`", only.row));
        return (0..only.passes).for_each(|_| pass());
    }
    let mut times = vec![Vec::new(); passes.len()];
    for round in 0..=ROUNDS {
        for ((_, pass), times) in passes.iter_mut().zip(&mut times) {
            let started = Instant::now();
            pass();
            if round > 0 {
                times.push(started.elapsed().as_secs_f64() * 1e9 / data.nonzeros() as f64);
            }
        }
    }
    println!(
        "{name}: {} x {}, {} non-zeros; median, min and max ns per non-zero",
        data.len(),
        data.width(),
        data.nonzeros()
    );
    for ((name, _), mut times) in passes.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        println!(
            "  {name:<20} {:>7.3} {:>7.3} {:>7.3}",
            times[times.len() / 2],
            times[0],
            times[times.len() - 1]
        );
    }
}

fn add_epochs<'a, L: Loss + 'a>(
    passes: &mut Vec<Timed<'a>>,
    data: &'a Dataset,
    targets: &'a [f64],
    loss: L,
    names: [&'static str; 4],
) {
    let mut plain = Textbook { data, targets, loss, weights: vec![0.0; data.width()], epoch: 0 };
    passes.push((names[0], Box::new(move || plain.epoch())));
    passes.push((names[1], epochs(data, targets, loss, RATE, Sequential::default())));
    passes.push((names[2], epochs(data, targets, loss, RATE, Hogwild::new(1, Update::Wild))));
    passes.push((names[3], epochs(data, targets, loss, RATE, Hogwild::new(2, Update::Wild))));
}

/// The epoch written out over plain memory, with nothing generic and nothing shared.
struct Textbook<'a, L> {
    data: &'a Dataset,
    targets: &'a [f64],
    loss: L,
    weights: Vec<f32>,
    epoch: u64,
}

impl<L: Loss> Textbook<'_, L> {
    fn epoch(&mut self) {
        let (rate, l2) = (RATE as f32, 1.0 / self.data.len() as f32);
        let mut order = Order::new(self.data.len());
        order.shuffle(1, self.epoch);
        let (mut scale, mut terms) = (1.0_f32, Vec::new());
        order.block(0, &mut terms);
        for k in 0..order.blocks() {
            let count = terms.len();
            if k + 1 < order.blocks() {
                order.block(k + 1, &mut terms);
            }
            for (at, &term) in terms[..count].iter().enumerate() {
                if let Some(&ahead) = terms.get(at + Order::AHEAD) {
                    kernel::prefetch(self.data.row(ahead));
                }
                let row = self.data.row(term);
                let s = scale * dot(&self.weights, row);
                let a =
                    self.loss.step(self.targets[term] as f32, s, rate, row.norm2() as f32) / scale;
                if a != 0.0 {
                    axpy(&mut self.weights, a, row);
                }
                scale /= 1.0 + rate * l2;
            }
            terms.drain(..count);
        }
        self.weights.iter_mut().for_each(|w| *w *= scale);
        self.epoch += 1;
    }
}

fn dot(weights: &[f32], row: wildsgd::Row<'_>) -> f32 {
    let mut sums = [0.0; 4];
    let each =
        |sums: &mut [f32; 4], k: usize, j: u32, x: f32| sums[k % 4] += weights[j as usize] * x;
    match row.values() {
        None => row.indices().iter().enumerate().for_each(|(k, &j)| each(&mut sums, k, j, 1.0)),
        Some(values) => {
            let (groups, rest) = row.indices().as_chunks::<4>();
            let (value_groups, value_rest) = values.as_chunks::<4>();
            for (group, x) in groups.iter().zip(value_groups) {
                for k in 0..4 {
                    each(&mut sums, k, group[k], x[k]);
                }
            }
            rest.iter().zip(value_rest).for_each(|(&j, &x)| each(&mut sums, 0, j, x));
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

fn axpy(weights: &mut [f32], a: f32, row: wildsgd::Row<'_>) {
    match row.values() {
        None => row.indices().iter().for_each(|&j| weights[j as usize] += a),
        Some(values) => {
            row.indices().iter().zip(values).for_each(|(&j, &x)| weights[j as usize] += a * x)
        }
    }
}
