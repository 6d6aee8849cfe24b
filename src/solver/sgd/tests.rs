//! A scale beside the vector is the same as shrinking all weights at each visit, and shrinking on touch comes to the same
//! objective.

use super::{Block, Clock, Penalty, Schedule, Sgd, StepSize, Visit};
use crate::data::{Builder, Dataset};
use crate::params::{Plain, SharedParams};
use crate::problem::{Hinge, Linear, Logistic, Loss};
use crate::strategy::{Control, Hogwild, Order, Pass, Strategy, Update, visit_alone};

fn rows() -> (Dataset, Vec<f32>) {
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

/// Stochastic gradient descent as in a textbook: each visit moves the row's weights and shrinks all of them. `bias` is
/// the pace of the last weight, which is that of a constant feature of value 1.
fn textbook(
    data: &Dataset,
    targets: &[f32],
    terms: impl Iterator<Item = usize>,
    rate: f64,
    bias: f64,
) -> Vec<f64> {
    let width = data.width();
    let mut w = vec![0.0; width + 1];
    for term in terms {
        let row = data.row(term);
        let s = row.iter().map(|(j, x)| w[j] * f64::from(x)).sum::<f64>() + w[width];
        let a = Logistic.step(f64::from(targets[term]), s, rate, f64::from((row.norm2() + bias) as f32));
        row.iter().for_each(|(j, x)| w[j] += a * f64::from(x));
        w[width] += a * bias;
        w[..width].iter_mut().for_each(|w| *w /= 1.0 + rate * PENALTY.l2);
        w[width] /= 1.0 + rate * bias * PENALTY.l2;
    }
    w
}

#[test]
fn a_visit_is_its_plan_carried_out_and_a_block_is_its_visits() {
    let (data, targets) = rows();
    for penalty in [Penalty::default(), PENALTY, Penalty { l1: 1e-3, l2: 1e-2 }] {
        for constant in [None, Some(1.0)] {
            // Terms that the hinge does not move anything at are visits of the regularizer alone.
            let problem = Linear::new(&data, &targets, Hinge, constant).unwrap();
            let rule: Sgd<_, f32> = Sgd::new(&problem, penalty, StepSize::new(2.0, Schedule::Constant), true);
            let terms: Vec<usize> = (0..rule.terms()).chain(0..rule.terms()).collect();
            let mut in_a_block = vec![0.0; rule.width()];
            let plain = Plain::new(&mut in_a_block, rule.common());
            rule.visit_block(Block::new(&terms, terms.len(), 4), rule.pace(Clock::default()), &plain);
            let [planned, visited] = [false, true].map(|whole| {
                let mut weights = vec![0.0; rule.width()];
                let plain = Plain::new(&mut weights, rule.common());
                let (mut pace, mut moves) = (rule.pace(Clock::default()), 0);
                for &term in &terms {
                    let step = rule.plan(term, pace, &plain);
                    moves += usize::from(step.is_some());
                    if whole {
                        rule.visit(term, pace, &plain);
                    } else if let Some(step) = step {
                        rule.apply(term, step, pace, 1.0, &plain);
                    }
                    rule.advance(&mut pace);
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
fn a_scale_is_the_same_as_shrinking_everything() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, Some(1.0)).unwrap();
    let rule: Sgd<_, f64> = Sgd::new(&problem, PENALTY, StepSize::new(0.5, Schedule::Constant), true);

    // The rule itself, term after term, without a strategy.
    let mut weights = vec![0.0; rule.width()];
    let plain = Plain::new(&mut weights, 1);
    let mut pace = rule.pace(Clock::default());
    for term in 0..rule.terms() {
        let step = rule.plan(term, pace, &plain).unwrap();
        rule.apply(term, step, pace, 1.0, &plain);
        rule.advance(&mut pace);
    }
    let factor = rule.fold(Clock { before: 0, within: rule.terms() as u64 }).expect("the rule keeps a scale");
    weights[..data.width()].iter_mut().for_each(|w| *w *= factor);

    let bias = f64::from(0.03_f32);
    let expected = textbook(&data, &targets, 0..rule.terms(), 0.5, bias);
    for (found, expected) in weights.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{found} {expected}");
    }
}

#[test]
fn a_scale_and_shrinking_on_touch_meet() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, None).unwrap();
    let objective = |folds: bool| {
        let rule: Sgd<_, f64> =
            Sgd::new(&problem, PENALTY, StepSize::new(0.5, Schedule::Geometric { decay: 0.9 }), folds);
        let mut weights = vec![0.0; rule.width()];
        let mut order = Order::new(rule.terms());
        for epoch in 0..100 {
            order.shuffle(1, epoch);
            let visits_before = epoch * rule.terms() as u64;
            visit_alone(
                &rule,
                &mut weights,
                Pass { order: &order, epoch, visits_before, seed: 1, control: &control() },
                1,
            );
        }
        rule.objective(0..rule.terms(), &weights)
    };
    let (scaled, on_touch) = (objective(true), objective(false));
    assert!((scaled / on_touch - 1.0).abs() < 1e-6, "{scaled} {on_touch}");
}

#[test]
fn a_strategy_that_folds_leaves_the_weights_and_not_the_vector() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, Some(1.0)).unwrap();
    let rule: Sgd<_, f64> = Sgd::new(&problem, PENALTY, StepSize::new(0.5, Schedule::Constant), true);
    let order = Order::new(rule.terms());
    let pass = Pass { order: &order, epoch: 0, visits_before: 0, seed: 1, control: &control() };
    let mut alone = vec![0.0; rule.width()];
    visit_alone(&rule, &mut alone, pass, 1);
    let mut params = SharedParams::anonymous(rule.width()).unwrap();
    Hogwild::new(1, Update::Wild).epoch(&rule, &mut params, pass).unwrap();
    let mut shared = vec![0.0; rule.width()];
    params.copy_to(&mut shared);
    assert_eq!(alone, shared);
    let fold = rule.fold(pass.clock(rule.terms() as u64)).unwrap();
    assert!(fold < 0.05, "the scale is far from 1 in this test: {fold}");
}

#[test]
fn a_scale_is_not_kept_where_it_cannot_be() {
    let (data, targets) = rows();
    let problem = Linear::new(&data, &targets, Logistic, None).unwrap();
    let fold = |penalty, schedule, folds| {
        Sgd::<_, f32>::new(&problem, penalty, StepSize::new(0.5, schedule), folds)
            .fold(Clock { before: 0, within: 10 })
    };
    assert!(fold(PENALTY, Schedule::Constant, true).is_some());
    assert!(fold(PENALTY, Schedule::Constant, false).is_none(), "the strategy does not fold");
    assert!(fold(PENALTY, Schedule::Inverse, true).is_none(), "the step changes within an epoch");
    assert!(fold(Penalty { l1: 1e-4, l2: 1e-2 }, Schedule::Constant, true).is_none(), "l1 needs each weight");
    assert!(
        fold(Penalty { l1: 0.0, l2: 1e3 }, Schedule::Constant, true).is_none(),
        "the scale would underflow"
    );
    assert!(fold(Penalty::default(), Schedule::Constant, true).is_none(), "nothing shrinks");
}
