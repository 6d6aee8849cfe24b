//! Tests of all strategies: one worker equals the oracle bit for bit; many lose nothing that they
//! promise to keep, and stop when interrupted.

mod baselines;
mod clusters;
mod problems;

use std::sync::Arc;

use super::{
    Block, Clock, Control, EndOfEpoch, Hogwild, HogwildPlusPlus, Layout, Order, Pass, Plan,
    Sequential, Shape, StepState, Strategy, Topology, Update, Visit, WorkerPool,
};
use crate::data::{Builder, Dataset};
use crate::error::Error;
use crate::params::{Handle, RawWeights, Real, SharedParams, with_handle};
use crate::problem::{Hinge, Linear, Logistic, Loss};
use crate::solver::sgd::{Penalty, Schedule, Sgd, StepSize};
use crate::sync::plain::{AtomicBool, Ordering::Relaxed};

fn control(workers: usize) -> Control {
    Control::new(workers)
}

/// Creates the worker pool that a strategy runs on.
fn pool<R: Real>(strategy: &impl Strategy<R>) -> WorkerPool {
    let profile = strategy.profile();
    WorkerPool::new(profile.workers, 1, profile.places)
}

/// Returns the pass of the first epoch, with seed 1.
fn first_pass<'a>(order: &'a Order, control: &'a Control, pool: &'a WorkerPool) -> Pass<'a> {
    Pass { order, epoch: 0, visits_before: 0, seed: 1, control, pool }
}

/// Runs `epochs` epochs from zero and returns the weights.
fn train<R: Real>(visit: &dyn Visit<R>, strategy: impl Strategy<R>, epochs: u64) -> Vec<R> {
    train_from(visit, strategy, epochs, &vec![R::ZERO; visit.shape().width])
}

fn train_from<R: Real>(
    visit: &dyn Visit<R>,
    mut strategy: impl Strategy<R>,
    epochs: u64,
    start: &[R],
) -> Vec<R> {
    let Shape { terms, width, .. } = visit.shape();
    let mut params = SharedParams::anonymous(width).unwrap();
    params.copy_from(start);
    let mut order = Order::new(terms);
    let pool = pool(&strategy);
    let control = control(pool.workers());
    let mut visits = 0;
    for epoch in 0..epochs {
        order.shuffle(5, epoch);
        let pass = Pass {
            order: &order,
            epoch,
            visits_before: visits,
            seed: 5,
            control: &control,
            pool: &pool,
        };
        visits += strategy.epoch(visit, &mut params, pass).unwrap();
    }
    assert_eq!(visits, epochs * terms as u64);
    assert_eq!(control.progress.visits() as u64, visits);
    let mut weights = vec![R::ZERO; params.len()];
    params.copy_to(&mut weights);
    weights
}

/// Returns rows of a few features each, by a fixed formula. Every third value is not 1.
fn rows(count: u32) -> (Dataset, Vec<f64>) {
    let mut builder = Builder::default();
    let mut targets = Vec::new();
    for i in 0..count {
        for k in 0..5 {
            builder.entry(k * 40 + (i * (k + 3)) % 40, if (i + k) % 3 == 0 { 0.5 } else { 1.0 });
        }
        let target = if (i * 7) % 11 < 5 { 1.0 } else { -1.0 };
        builder.end_row(target);
        targets.push(target);
    }
    (builder.finish(0), targets)
}

fn one_worker_equals_sequential<R: Real, L: Loss>(
    loss: L,
    penalty: Penalty,
    constant: Option<f32>,
) {
    let (data, targets) = rows(1000);
    let problem = Linear::new(&data, &targets, loss, constant).unwrap();
    for schedule in [Schedule::Constant, Schedule::Inverse, Schedule::Geometric { decay: 0.9 }] {
        let rule: Sgd<_, R> = Sgd::new(&problem, penalty, StepSize::new(0.3, schedule), true);
        let oracle = train(&rule, Sequential::default(), 3);
        assert!(oracle.iter().any(|&w| w != R::ZERO));
        for update in [Update::Wild, Update::Atomic, Update::Merged, Update::Split] {
            assert_eq!(train(&rule, Hogwild::new(1, update), 3), oracle, "{update:?} {schedule:?}");
            if matches!(update, Update::Merged | Update::Split) {
                continue;
            }
            let layout = Layout { update, pin: true, ..Layout::new(1, 1) };
            let ring = HogwildPlusPlus::new(layout, &Topology::detect()).unwrap();
            assert_eq!(train(&rule, ring, 3), oracle, "{update:?} {schedule:?}");
        }
    }
}

#[test]
fn one_worker_equals_sequential_bit_for_bit() {
    let elastic = Penalty { l1: 1e-4, l2: 1e-3 };
    one_worker_equals_sequential::<f32, _>(Logistic, elastic, Some(1.0));
    one_worker_equals_sequential::<f64, _>(Logistic, elastic, None);
    one_worker_equals_sequential::<f32, _>(Hinge, Penalty::default(), Some(0.1));
    one_worker_equals_sequential::<f32, _>(Hinge, Penalty { l1: 0.0, l2: 1e-3 }, None);
}

/// A rule that adds 1 to each of a term's coordinates and to the common one. Sums of whole numbers
/// below 2^24 are exact in f32.
struct Count<'d> {
    data: &'d Dataset,
    panics_at: Option<usize>,
}

impl Count<'_> {
    /// Makes the reading half of a visit.
    fn plan(&self, term: usize) {
        assert_ne!(Some(term), self.panics_at, "this term panics");
    }

    fn apply(&self, term: usize, weights: &Handle<'_, f32>) {
        let row = self.data.row(term);
        let others = vec![(); self.data.width()];
        with_handle!(weights, w => {
            w.update_row(row, &others, |_, (), weight| weight + 1.0);
            w.set_common(0, w.common(0) + 1.0);
        });
    }
}

impl Visit<f32> for Count<'_> {
    fn shape(&self) -> Shape {
        Shape { terms: self.data.len(), width: self.data.width() + 1, common: 1 }
    }

    fn support(&self, terms: &[usize], into: &mut Vec<usize>) {
        let indices = terms.iter().flat_map(|&term| self.data.row(term).indices());
        into.extend(indices.map(|&j| j as usize));
    }

    fn step_state(&self, _: Clock) -> StepState<f32> {
        StepState::constant(1.0)
    }

    fn visit_block(&self, block: Block<'_>, state: &mut StepState<f32>, weights: &Handle<'_, f32>) {
        for &term in block.terms() {
            self.plan(term);
            self.apply(term, weights);
            state.advance();
        }
    }

    fn planner(&self) -> Option<Box<dyn Plan<f32> + Send + '_>> {
        Some(Box::new(CountPlan { count: self, terms: Vec::new() }))
    }

    fn end_of_epoch(&self, _: Clock, _: usize) -> EndOfEpoch<f32> {
        EndOfEpoch { scale: None, published_fraction: 1.0 }
    }
}

/// Planned visits of [`Count`].
struct CountPlan<'v, 'd> {
    count: &'v Count<'d>,
    terms: Vec<usize>,
}

impl Plan<f32> for CountPlan<'_, '_> {
    fn plan(&mut self, block: Block<'_>, _: StepState<f32>, _: &Handle<'_, f32>) {
        self.terms.clear();
        for &term in block.terms() {
            self.count.plan(term);
            self.terms.push(term);
        }
    }

    fn apply(&mut self, weights: &Handle<'_, f32>) {
        self.terms.drain(..).for_each(|term| self.count.apply(term, weights));
    }
}

/// Returns many rows on few features, so that threads contend for each weight all the time.
fn crowd() -> Dataset {
    let mut builder = Builder::default();
    for i in 0..20_000 {
        builder.entry(0, 1.0);
        builder.entry(1 + i % 3, 1.0);
        builder.end_row(1.0);
    }
    builder.finish(0)
}

#[test]
fn atomic_updates_are_never_lost() {
    let data = crowd();
    let weights =
        train(&Count { data: &data, panics_at: None }, Hogwild::new(8, Update::Atomic), 10);
    assert_eq!(weights[..4], [200_000.0, 66_670.0, 66_670.0, 66_660.0]);
    // Each worker's count of the common coordinate is merged by the mean over 8 workers.
    assert_eq!(weights[4], 200_000.0 / 8.0);
}

#[test]
fn merged_copies_lose_nothing_and_count_nothing_twice() {
    let data = crowd();
    for (workers, update) in [2, 3, 8]
        .into_iter()
        .flat_map(|workers| [Update::Merged, Update::Split].map(|update| (workers, update)))
    {
        let weights =
            train(&Count { data: &data, panics_at: None }, Hogwild::new(workers, update), 10);
        assert_eq!(weights, [200_000.0, 66_670.0, 66_670.0, 66_660.0, 200_000.0], "{update:?}");
    }
}

#[test]
fn split_updates_share_rare_weights_and_copy_the_others() {
    // One feature that each term touches, and one per term that no other term touches.
    let mut builder = Builder::default();
    for j in 1..=20_000 {
        builder.entry(0, 1.0);
        builder.entry(j, 1.0);
        builder.end_row(1.0);
    }
    let data = builder.finish(0);
    let weights = train(&Count { data: &data, panics_at: None }, Hogwild::new(3, Update::Split), 4);
    assert_eq!((weights[0], weights[20_001]), (80_000.0, 80_000.0));
    assert!(weights[1..=20_000].iter().all(|&w| w == 4.0));
}

#[test]
fn many_weights_of_merged_copies_are_published_in_parts() {
    // Rows of one feature each, enough that the weights are published in parts.
    let mut builder = Builder::default();
    for j in 0..120_001 {
        builder.entry(j, 1.0);
        builder.end_row(1.0);
    }
    let data = builder.finish(0);
    let weights =
        train(&Count { data: &data, panics_at: None }, Hogwild::new(3, Update::Merged), 2);
    assert!(weights[..120_001].iter().all(|&w| w == 2.0));
    assert_eq!(weights[120_001], 240_002.0);
}

#[test]
fn each_epoch_of_merged_copies_starts_from_the_weights_that_are_set() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    let Shape { terms, width, .. } = visit.shape();
    let mut params = SharedParams::anonymous(width).unwrap();
    let mut strategy = Hogwild::new(2, Update::Merged);
    let (order, control, pool) = (Order::new(terms), control(2), pool(&strategy));
    let pass = first_pass(&order, &control, &pool);
    let mut after = |params: &mut SharedParams<f32>| {
        strategy.epoch(&visit, params, pass).unwrap();
        let mut weights = vec![0.0; width];
        params.copy_to(&mut weights);
        weights[0]
    };
    params.fill(-5_000.0);
    assert_eq!([after(&mut params), after(&mut params)], [15_000.0, 35_000.0]);
    params.fill(7_000.0);
    assert_eq!(after(&mut params), 27_000.0);
}

#[test]
fn a_panic_becomes_an_error_and_stops_the_others() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: Some(12_345) };
    for (workers, update) in [1, 2, 8].into_iter().flat_map(|workers| {
        [Update::Wild, Update::Merged, Update::Split].map(|update| (workers, update))
    }) {
        let Shape { terms, width, .. } = visit.shape();
        let mut params = SharedParams::anonymous(width).unwrap();
        let mut strategy = Hogwild::new(workers, update);
        let (order, control, pool) = (Order::new(terms), control(workers), pool(&strategy));
        let pass = first_pass(&order, &control, &pool);
        let error = strategy.epoch(&visit, &mut params, pass).unwrap_err();
        assert!(
            matches!(&error, Error::Worker { message, .. } if message.contains("this term panics")),
            "{error}"
        );
        assert!(control.progress.visits() < terms);
        params.fill(0.0);
        let visit = Count { data: &data, panics_at: None };
        assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), 20_000);
    }
}

#[test]
fn an_interrupt_ends_an_epoch_between_blocks() {
    let data = crowd();
    let visit = Count { data: &data, panics_at: None };
    let Shape { terms, width, .. } = visit.shape();
    let mut params = SharedParams::anonymous(width).unwrap();
    let control = Control { interrupted: Arc::new(AtomicBool::new(true)), ..control(2) };
    let mut strategy = Hogwild::new(2, Update::Wild);
    let (order, pool) = (Order::new(terms), pool(&strategy));
    let pass = first_pass(&order, &control, &pool);
    assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), 0);
    control.interrupted.store(false, Relaxed);
    assert_eq!(strategy.epoch(&visit, &mut params, pass).unwrap(), 20_000);
}

#[test]
fn an_order_covers_each_term_once() {
    for terms in [1, 2, 63, 64, 65, 4_095, 4_096, 4_097, 10_000] {
        let mut order = Order::new(terms);
        order.shuffle(3, 9);
        let mut all = Vec::new();
        (0..order.blocks()).for_each(|k| order.block(k, &mut all));
        all.sort_unstable();
        assert_eq!(all, (0..terms).collect::<Vec<_>>());
    }
}
