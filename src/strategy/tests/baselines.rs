//! Tests of the baselines' guarantees: with one worker the oracle's bits; with many, no update lost
//! or counted twice, the same bits in every run where that is promised, bounds that hold when
//! workers are slow, and an end in any case.

use std::time::Duration;

use super::{Count, control, crowd, first_pass, pool, rows, train};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::params::{Real, SharedParams};
use crate::problem::{Hinge, Linear, Logistic, Loss, Problem, Squared};
use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};
use crate::strategy::{
    Access, AllReduce, Averaging, BoundedStaleness, Bounds, Control, Delay, Layout, Locked, Order,
    Pass, Profile, RoundRobin, Sequential, Shape, Strategy, StrategyKind, Synchronous, Topology,
    Visit,
};
use crate::sync::plain::Ordering::Relaxed;

fn bounds(staleness: usize) -> Bounds {
    Bounds { staleness: Some(staleness), ..Bounds::default() }
}

/// Runs the body with each baseline that has batches, and its name.
macro_rules! with_batches {
    ($workers:expr, $batch:expr, |$name:ident, $make:ident| $body:expr) => {{
        let (workers, batch) = ($workers, $batch);
        let backups = usize::from(workers > 1);
        with_batches!(@one "sync", Synchronous::new(workers, batch, 0), $name, $make, $body);
        with_batches!(@one "backups", Synchronous::new(workers, batch, backups), $name, $make, $body);
        with_batches!(@one "ssp", BoundedStaleness::new(workers, batch, bounds(2)), $name, $make, $body);
        with_batches!(@one "allreduce", AllReduce::new(workers, batch), $name, $make, $body);
    }};
    (@one $text:expr, $strategy:expr, $name:ident, $make:ident, $body:expr) => {{
        let ($name, $make) = ($text, || $strategy);
        $body
    }};
}

/// Runs the body with each other baseline.
macro_rules! with_others {
    ($workers:expr, |$name:ident, $make:ident| $body:expr) => {{
        let workers = $workers;
        with_batches!(@one "averaging", Averaging::new(workers, 2), $name, $make, $body);
        with_batches!(@one "locked", Locked::new(workers), $name, $make, $body);
        with_batches!(@one "round-robin", RoundRobin::new(workers), $name, $make, $body);
    }};
}

/// A strategy of the table.
struct Made<R: Real>(Box<dyn Strategy<R>>);

impl<R: Real> Strategy<R> for Made<R> {
    fn profile(&self) -> Profile {
        self.0.profile()
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        self.0.epoch(visit, params, pass)
    }
}

fn one_worker_equals_sequential<R: Real, L: Loss>(
    loss: L,
    penalty: Penalty,
    constant: Option<f32>,
) {
    let (data, targets) = rows(1000);
    let problem = Linear::new(&data, &targets, loss, constant).unwrap();
    for schedule in [Schedule::Constant, Schedule::Inverse] {
        let step = StepSize::new(0.3, schedule);
        let rule: Sgd<_, R> = Sgd::new(&problem, penalty, step, true);
        let oracle = train(&rule, Sequential::default(), 3);
        assert!(oracle.iter().any(|&w| w != R::ZERO));
        for kind in StrategyKind::ALL {
            let layout = |_: &_, topology: &Topology| Layout::new(1, topology.clusters(1));
            let made = Made(kind.make(1, 1, &layout).unwrap());
            assert_eq!(train(&rule, made, 3), oracle, "{kind:?} {schedule:?}");
        }
        for batch in [7, 64, 300] {
            let rule: Sgd<_, R> = Sgd::new(&problem, penalty, step, false);
            let oracle = train(&rule, Sequential::batched(batch), 3);
            with_batches!(1, batch, |name, make| {
                assert_eq!(train(&rule, make(), 3), oracle, "{name} {batch} {schedule:?}");
            });
        }
    }
}

#[test]
fn one_worker_equals_sequential_bit_for_bit() {
    let elastic = Penalty { l1: 1e-4, l2: 1e-3 };
    one_worker_equals_sequential::<f32, _>(Logistic, elastic, Some(1.0));
    one_worker_equals_sequential::<f64, _>(Hinge, Penalty::default(), Some(0.1));
    one_worker_equals_sequential::<f32, _>(Hinge, Penalty { l1: 0.0, l2: 1e-3 }, None);
}

#[test]
fn a_batch_is_the_sum_of_steps_from_one_point() {
    // Mini-batch descent as in a textbook, with implicit steps of the squared loss.
    let (data, targets) = rows(500);
    let problem = Linear::new(&data, &targets, Squared, None).unwrap();
    let (rate, batch) = (0.5, 24);
    let rule: Sgd<_, f64> =
        Sgd::new(&problem, Penalty::default(), StepSize::new(rate, Schedule::Constant), false);
    let found = train(&rule, Sequential::batched(batch), 1);

    let mut order = Order::new(500);
    order.shuffle(5, 0);
    let mut terms = Vec::new();
    (0..order.blocks()).for_each(|k| order.block(k, &mut terms));
    let mut w = vec![0.0; problem.width()];
    for batch_terms in terms.chunks(batch) {
        let old = w.clone();
        for &i in batch_terms {
            let row = data.row(i);
            let (s, q) = row.iter().fold((0.0, 0.0), |(s, q), (j, x)| {
                (s + old[j] * f64::from(x), q + f64::from(x) * f64::from(x))
            });
            let step = rate * (targets[i] - s) / (1.0 + rate * q);
            row.iter().for_each(|(j, x)| w[j] += step * f64::from(x));
        }
    }
    for (found, expected) in found.iter().zip(&w) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}

fn near(found: &[f64], expected: &[f64], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{what}: {found} {expected}");
    }
}

#[test]
fn synchronous_strategies_take_the_same_steps() {
    // Rounds of the same batches, by three protocols.
    let (data, targets) = rows(5000);
    let problem = Linear::new(&data, &targets, Logistic, Some(1.0)).unwrap();
    let penalty = Penalty { l1: 0.0, l2: 1e-3 };
    let rule: Sgd<_, f64> =
        Sgd::new(&problem, Penalty::default(), StepSize::new(0.1, Schedule::Constant), false);
    let shrinking: Sgd<_, f64> =
        Sgd::new(&problem, penalty, StepSize::new(0.01, Schedule::Constant), false);
    for workers in [2, 3, 4] {
        for batch in [1, 5, 64] {
            let expected = train(&rule, Synchronous::new(workers, batch, 0), 2);
            let what = format!("{workers} workers, batches of {batch}");
            near(&train(&rule, AllReduce::new(workers, batch), 2), &expected, &what);
            // Shrinking one by one and shrinking at once differ by the square of the shrinkage.
            let (found, expected) = (
                train(&shrinking, AllReduce::new(workers, batch), 2),
                train(&shrinking, Synchronous::new(workers, batch, 0), 2),
            );
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() < 1e-2 * expected.abs().max(0.1),
                    "{what}: {found} {expected}"
                );
            }
        }
        // One block per batch: it does not matter which worker draws it.
        let expected = train(&rule, Synchronous::new(workers, 64, 0), 2);
        near(
            &train(&rule, BoundedStaleness::new(workers, 64, bounds(0)), 2),
            &expected,
            "staleness 0",
        );
    }
}

/// Runs one epoch with one slow worker.
fn with_slow_worker<R: Real>(
    visit: &dyn Visit<R>,
    mut strategy: impl Strategy<R>,
    worker: usize,
) -> (Vec<R>, Control) {
    let Shape { terms, width, .. } = visit.shape();
    let mut params = SharedParams::anonymous(width).unwrap();
    let delay = Delay { worker, every: 300, time: Duration::from_micros(200) };
    let pool = pool(&strategy);
    let control = Control { delays: vec![delay], ..control(pool.workers()) };
    let mut order = Order::new(terms);
    order.shuffle(1, 0);
    let pass = first_pass(&order, &control, &pool);
    assert_eq!(strategy.epoch(visit, &mut params, pass).unwrap(), terms as u64);
    let mut weights = vec![R::ZERO; params.len()];
    params.copy_to(&mut weights);
    (weights, control)
}

#[test]
fn deterministic_strategies_have_the_same_bits_in_every_run() {
    let (data, targets) = rows(3000);
    let problem = Linear::new(&data, &targets, Logistic, Some(1.0)).unwrap();
    let penalty = Penalty { l1: 0.0, l2: 1e-3 };
    let rule: Sgd<_, f32> =
        Sgd::new(&problem, penalty, StepSize::new(0.1, Schedule::Constant), false);
    fn same<S: Strategy<f32>>(visit: &dyn Visit<f32>, make: impl Fn() -> S, name: &str) {
        let workers = make().profile().workers;
        let first = with_slow_worker(visit, make(), 0).0;
        (1..10).for_each(|run| {
            assert_eq!(with_slow_worker(visit, make(), run % workers).0, first, "{name}, run {run}")
        });
    }
    for batch in [1, 40] {
        same(&rule, || Synchronous::new(4, batch, 0), "sync");
        same(&rule, || AllReduce::new(4, batch), "allreduce");
    }
    same(&rule, || Averaging::new(4, 1), "averaging");
}

#[test]
fn no_update_is_lost_or_counted_twice() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    let counts = [40_000.0, 13_334.0, 13_334.0, 13_332.0, 40_000.0];
    for batch in [1, 4, 50] {
        assert_eq!(train(&visit, Synchronous::new(4, batch, 0), 2), counts);
        assert_eq!(train(&visit, BoundedStaleness::new(4, batch, bounds(1)), 2), counts);
        assert_eq!(train(&visit, AllReduce::new(4, batch), 2), counts);
    }
    assert_eq!(train(&visit, RoundRobin::new(4), 2), counts);
    assert_eq!(train(&visit, Locked::new(4), 2)[..4], counts[..4]);
    for every in [1, 2] {
        let found = train(&visit, Averaging::new(4, every), 2);
        assert_eq!([found[0], found[4]], [10_000.0, 10_000.0]);
    }
}

#[test]
fn dense_sums_lose_nothing() {
    // Rows that share nearly all of many coordinates: the vector goes round in chunks.
    let mut builder = crate::data::Builder::default();
    for i in 0..700 {
        (0..5_000).filter(|j| (i + j) % 10 < 7).for_each(|j| assert!(builder.entry(j, 1.0)));
        builder.end_row(1.0);
    }
    let data = builder.finish(0);
    let visit = Count { data: &data, panics_at: None };
    for workers in [2, 3] {
        let weights = train(&visit, AllReduce::new(workers, 16), 2);
        assert!(weights[..5_000].iter().all(|&w| w == 980.0), "{:?}", &weights[..20]);
        assert_eq!(weights[5_000], 1_400.0);
    }
    ends_with_an_error(&data, || AllReduce::new(3, 16), "dense allreduce", &[0, 350, 699]);
    ends_when_interrupted(&data, AllReduce::new(3, 8), "dense allreduce");
}

#[test]
fn sparse_sums_lose_nothing() {
    // Rows with a coordinate of their own: lists are shorter than the vector.
    let mut builder = crate::data::Builder::default();
    for j in 0..5_001 {
        builder.entry(j, 1.0);
        builder.end_row(1.0);
    }
    let data = builder.finish(0);
    let visit = Count { data: &data, panics_at: None };
    let weights = train(&visit, AllReduce::new(4, 8), 2);
    assert!(weights[..5_001].iter().all(|&w| w == 2.0), "{:?}", &weights[..20]);
    assert_eq!(weights[5_001], 2.0 * 5_001.0);
}

#[test]
fn staleness_stays_within_its_bound_whoever_is_slow() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    for staleness in [0, 1, 5] {
        for (reads, writes, most) in [
            (Access::Blocking, Access::Blocking, staleness),
            (Access::Blocking, Access::NonBlocking, staleness),
            (Access::NonBlocking, Access::Blocking, staleness + 1),
        ] {
            for worker in [0, 3] {
                let bounds = Bounds { staleness: Some(staleness), reads, writes };
                let (_, control) =
                    with_slow_worker(&visit, BoundedStaleness::new(4, 32, bounds), worker);
                let seen = control.progress.staleness().unwrap();
                assert!(
                    seen.most <= most && seen.mean <= seen.most as f64,
                    "{seen:?} with {bounds:?}"
                );
                assert_eq!(control.progress.dropped(), Some(0.0));
            }
        }
    }
    let (_, control) = with_slow_worker(&visit, RoundRobin::new(4), 1);
    assert!(control.progress.staleness().unwrap().most <= 3, "{:?}", control.progress.staleness());
}

#[test]
fn a_slow_worker_is_not_waited_for_by_rounds_with_a_backup() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    let (weights, control) = with_slow_worker(&visit, Synchronous::new(4, 16, 1), 2);
    let dropped = control.progress.dropped().unwrap();
    assert!((0.0..0.5).contains(&dropped), "{dropped}");
    // Dropped batches changed nothing.
    let applied = f64::from(weights[0]) / 20_000.0;
    assert!((applied - (1.0 - dropped)).abs() < 0.05, "{applied} applied, {dropped} dropped");
    assert_eq!(control.progress.staleness().map(|seen| seen.most), Some(0));
}

fn ends_with_an_error<S: Strategy<f32>>(
    data: &Dataset,
    make: impl Fn() -> S,
    name: &str,
    terms: &[usize],
) {
    for &term in terms {
        let mut strategy = make();
        let visit = Count { data, panics_at: Some(term) };
        let Shape { terms, width, .. } = visit.shape();
        let mut params = SharedParams::anonymous(width).unwrap();
        let pool = pool(&strategy);
        let (order, control) = (Order::new(terms), control(pool.workers()));
        let pass = first_pass(&order, &control, &pool);
        let error = strategy.epoch(&visit, &mut params, pass).unwrap_err();
        assert!(
            matches!(&error, Error::Worker { message, .. } if message.contains("this term panics")),
            "{name}, term {term}: {error}"
        );
        params.fill(0.0);
        strategy.restart();
        let visit = Count { data, panics_at: None };
        assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), data.len() as u64, "{name}");
    }
}

#[test]
fn a_panic_becomes_an_error_and_nobody_waits_forever() {
    let (data, terms) = (crowd(), [0, 12_345, 19_999]);
    for (workers, batch) in [(1, 1), (2, 50), (4, 1), (7, 20)] {
        with_batches!(workers, batch, |name, make| ends_with_an_error(&data, make, name, &terms));
        with_others!(workers, |name, make| ends_with_an_error(&data, make, name, &terms));
    }
}

fn ends_when_interrupted<S: Strategy<f32>>(data: &Dataset, mut strategy: S, name: &str) {
    let visit = Count { data, panics_at: None };
    let Shape { terms, width, .. } = visit.shape();
    let mut params = SharedParams::anonymous(width).unwrap();
    let (order, control, pool) = (Order::new(terms), control(3), pool(&strategy));
    let pass = first_pass(&order, &control, &pool);
    control.interrupted.store(true, Relaxed);
    assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), 0, "{name}");
    control.interrupted.store(false, Relaxed);
    let interrupt = control.interrupted.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(1));
            interrupt.store(true, Relaxed);
        });
        let visits = strategy.epoch(&visit, &mut params, pass).unwrap();
        assert!(visits <= data.len() as u64, "{name}");
    });
    control.interrupted.store(false, Relaxed);
    strategy.restart();
    assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), data.len() as u64, "{name}");
}

#[test]
fn an_interrupt_ends_an_epoch_under_every_protocol() {
    let data = crowd();
    for _ in 0..3 {
        with_batches!(3, 8, |name, make| ends_when_interrupted(&data, make(), name));
        with_others!(3, |name, make| ends_when_interrupted(&data, make(), name));
    }
}
