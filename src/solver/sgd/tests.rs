//! A scale beside the vector equals shrinking all weights at each visit, and shrinking on touch
//! leads to the same objective.

use super::{Penalty, Schedule, Sgd, SgdRule, StepSize};
use crate::data::{Builder, Dataset};
use crate::params::{Handle, SharedParams};
use crate::problem::{Hinge, Linear, Logistic, Loss};
use crate::strategy::{
    Block, Clock, Control, Hogwild, Order, Pass, Shape, Strategy, Update, Visit, WorkerPool,
    planner, visit_alone,
};

fn rows() -> (Dataset, Vec<f64>) {
    let mut builder = Builder::default();
    let mut targets = Vec::new();
    for i in 0..700_u32 {
        for k in 0..4 {
            builder.entry(k * 30 + (i * (2 * k + 3)) % 30, 0.25 * (k + 1) as f32);
        }
        targets.push(if (i * 5) % 13 < 6 { 1.0 } else { -1.0 });
        builder.end_row(targets[i as usize]);
    }
    (builder.finish(0), targets)
}

const PENALTY: Penalty = Penalty { l1: 0.0, l2: 1e-2 };

fn control() -> Control {
    Control::new(1)
}

fn pool() -> WorkerPool {
    WorkerPool::new(1, 1, Vec::new())
}

/// Runs stochastic gradient descent as in a textbook: each visit moves the row's weights and
/// shrinks all weights. `bias` is the step ratio of the last weight, that of a constant feature of
/// value 1.
fn textbook(
    data: &Dataset,
    targets: &[f64],
    terms: impl Iterator<Item = usize>,
    rate: f64,
    bias: f64,
) -> Vec<f64> {
    let width = data.width();
    let mut w = vec![0.0; width + 1];
    for term in terms {
        let row = data.row(term);
        let s = row.iter().map(|(j, x)| w[j] * f64::from(x)).sum::<f64>() + w[width];
        let a = Logistic.step(targets[term], s, rate, f64::from((row.norm2() + bias) as f32));
        row.iter().for_each(|(j, x)| w[j] += a * f64::from(x));
        w[width] += a * bias;
        w[..width].iter_mut().for_each(|w| *w /= 1.0 + rate * PENALTY.l2);
        w[width] /= 1.0 + rate * bias * PENALTY.l2;
    }
    w
}

#[test]
fn a_visit_equals_its_applied_plan_and_a_block_its_visits() {
    let (data, targets) = rows();
    for penalty in [Penalty::default(), PENALTY, Penalty { l1: 1e-3, l2: 1e-2 }] {
        for constant in [None, Some(1.0)] {
            // At terms without a hinge loss, a visit applies the regularizer alone.
            let problem = Linear::new(&data, &targets, Hinge, constant).unwrap();
            let rule: Sgd<_, f32> =
                Sgd::new(&problem, penalty, StepSize::new(2.0, Schedule::Constant), true);
            let Shape { terms, width, common } = rule.shape();
            let terms: Vec<usize> = (0..terms).chain(0..terms).collect();
            let mut in_a_block = vec![0.0; width];
            let mut state = rule.step_state(Clock::default());
            let plain = Handle::plain(&mut in_a_block, common);
            rule.visit_block(Block::new(&terms, terms.len(), 4), &mut state, &plain);
            let [planned, visited] = [false, true].map(|whole| {
                let mut weights = vec![0.0; width];
                let mut planner = planner(&rule).unwrap();
                let (mut state, mut moves) = (rule.step_state(Clock::default()), 0);
                for term in &terms {
                    let (before, block) =
                        (weights.clone(), Block::new(std::slice::from_ref(term), 1, 4));
                    let plain = Handle::plain(&mut weights, common);
                    if whole {
                        rule.visit_block(block, &mut state, &plain);
                    } else {
                        planner.plan(block, state, &plain);
                        planner.apply(&plain);
                        state.advance();
                    }
                    moves += usize::from(weights != before);
                }
                assert!(moves > 0 && weights.iter().any(|&w| w != 0.0));
                weights
            });
            assert_eq!(planned, visited, "{penalty:?} {constant:?}");
            assert_eq!(planned, in_a_block, "{penalty:?} {constant:?}");
        }
    }
}

#[test]
fn a_scale_equals_shrinking_everything() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, Some(1.0)).unwrap();
    let rule: Sgd<_, f64> =
        Sgd::new(&problem, PENALTY, StepSize::new(0.5, Schedule::Constant), true);

    // The rule itself, term by term, without a strategy.
    let Shape { terms, width, .. } = rule.shape();
    let mut weights = vec![0.0; width];
    let plain = Handle::plain(&mut weights, 1);
    let mut planner = planner(&rule).unwrap();
    let mut state = rule.step_state(Clock::default());
    for term in 0..terms {
        planner.plan(Block::new(&[term], 1, 1), state, &plain);
        planner.apply(&plain);
        state.advance();
    }
    let end = rule.end_of_epoch(Clock { before: 0, within: terms as u64 }, 1);
    let factor = end.scale.expect("the rule keeps a scale");
    weights[..data.width()].iter_mut().for_each(|w| *w *= factor);

    let bias = f64::from(0.03_f32);
    let expected = textbook(&data, &targets, 0..terms, 0.5, bias);
    for (found, expected) in weights.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{found} {expected}");
    }
}

#[test]
fn a_scale_and_shrinking_on_touch_reach_the_same_objective() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, None).unwrap();
    let objective = |applies_scale: bool| {
        let step = StepSize::new(0.5, Schedule::Geometric { decay: 0.9 });
        let rule: Sgd<_, f64> = Sgd::new(&problem, PENALTY, step, applies_scale);
        let Shape { terms, width, .. } = rule.shape();
        let mut weights = vec![0.0; width];
        let (mut order, pool) = (Order::new(terms), pool());
        for epoch in 0..100 {
            order.shuffle(1, epoch);
            let visits_before = epoch * terms as u64;
            let pass = Pass {
                order: &order,
                epoch,
                visits_before,
                seed: 1,
                control: &control(),
                pool: &pool,
            };
            visit_alone(&rule, &mut weights, pass, 1).unwrap();
        }
        rule.objective(terms, &weights)
    };
    let (scaled, on_touch) = (objective(true), objective(false));
    assert!((scaled / on_touch - 1.0).abs() < 1e-6, "{scaled} {on_touch}");
}

#[test]
fn a_strategy_that_applies_the_scale_leaves_the_weights_and_not_the_vector() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, Some(1.0)).unwrap();
    let rule: Sgd<_, f64> =
        Sgd::new(&problem, PENALTY, StepSize::new(0.5, Schedule::Constant), true);
    let Shape { terms, width, .. } = rule.shape();
    let (order, control, pool) = (Order::new(terms), control(), pool());
    let pass =
        Pass { order: &order, epoch: 0, visits_before: 0, seed: 1, control: &control, pool: &pool };
    let mut alone = vec![0.0; width];
    visit_alone(&rule, &mut alone, pass, 1).unwrap();
    let mut params = SharedParams::anonymous(width).unwrap();
    Hogwild::new(1, Update::Wild).epoch(&rule, &mut params, pass).unwrap();
    let mut shared = vec![0.0; width];
    params.copy_to(&mut shared);
    assert_eq!(alone, shared);
    let scale = rule.end_of_epoch(pass.clock(terms as u64), 1).scale.unwrap();
    assert!(scale < 0.05, "the scale is far from 1 in this test: {scale}");
}

#[test]
fn a_scale_is_not_kept_where_it_cannot_be() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, None).unwrap();
    let scale = |penalty, schedule, applies_scale| {
        Sgd::<_, f32>::new(&problem, penalty, StepSize::new(0.5, schedule), applies_scale)
            .end_of_epoch(Clock { before: 0, within: 10 }, 1)
            .scale
    };
    assert!(scale(PENALTY, Schedule::Constant, true).is_some());
    assert!(scale(PENALTY, Schedule::Constant, false).is_none(), "the strategy does not apply it");
    assert!(scale(PENALTY, Schedule::Inverse, true).is_none(), "the step changes within an epoch");
    assert!(
        scale(Penalty { l1: 1e-4, l2: 1e-2 }, Schedule::Constant, true).is_none(),
        "l1 needs each weight"
    );
    assert!(
        scale(Penalty { l1: 0.0, l2: 1e3 }, Schedule::Constant, true).is_none(),
        "the scale would underflow"
    );
    assert!(scale(Penalty::default(), Schedule::Constant, true).is_none(), "nothing shrinks");
}
