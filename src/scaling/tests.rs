use std::time::Duration;

use super::*;
use crate::data::{Builder, Dataset};
use crate::problem::LossKind;
use crate::strategy::{StrategyKind, Update};

/// Generates two classes, distinguished by two of the features, with noise.
pub(crate) fn examples(count: usize) -> Dataset {
    let mut builder = Builder::default();
    for i in 0..count as u64 {
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (label, signal) = if mixed >> 63 == 1 { (1.0, 0) } else { (-1.0, 1) };
        builder.entry(signal, 1.0);
        builder.entry(2 + (mixed >> 40) as u32 % 97, 0.5);
        // One label in sixteen is wrong.
        builder.end_row(if mixed % 16 == 0 { -label } else { label });
    }
    builder.finish(0)
}

fn plan() -> Plan {
    Plan {
        threads: vec![2, 4],
        strategies: [Update::Merged, Update::Wild].map(StrategyKind::Hogwild).into(),
        repeats: Some(2),
        ..Plan::default()
    }
}

fn input(data: &Dataset) -> Input<'_> {
    Input { data, name: "a", test: Some(data), load_time: Duration::from_secs(1) }
}

#[test]
fn each_strategy_has_a_point_for_each_number_of_threads() {
    let data = examples(2000);
    let plan = Plan { weak: true, target: Some(Target::Accuracy(0.8)), ..plan() };
    let mut stages = Vec::new();
    let scaling = plan.run(input(&data), &mut |stage| stages.push(stage)).unwrap();
    let names: Vec<(&str, usize)> =
        scaling.strong.iter().map(|point| (&*point.strategy, point.threads)).collect();
    let of = |name| [(name, 1), (name, 2), (name, 4)];
    assert_eq!(names, [&[("sequential", 1)][..], &of("hogwild"), &of("hogwild-wild")].concat());
    let sizes: Vec<usize> = scaling.weak.iter().map(|point| point.examples).collect();
    assert_eq!(sizes, [500, 500, 1000, 2000, 500, 1000, 2000]);
    let trainings = stages.iter().filter(|stage| matches!(stage, Stage::Training { .. })).count();
    assert_eq!(trainings, 2 * 2 * (7 + 1));
    assert!(matches!(stages.last(), Some(Stage::Training { done: 31, of: 32, .. })), "{stages:?}");
    for point in scaling.strong.iter().chain(&scaling.weak) {
        assert_eq!(point.oversubscribed, point.threads > scaling.processors);
        assert!(point.to_gaps[0].arrived == 2 && point.to_gaps[0].seconds.is_some(), "{point:?}");
        assert!(point.test_accuracy.unwrap().median > 0.8, "{point:?}");
        let target = point.to_target.unwrap();
        let (train, total) = (target.train_seconds.unwrap(), target.total_seconds.unwrap());
        assert_eq!((target.load_seconds, total.median), (1.0, train.median + 1.0));
        assert!(point.epochs.windows(2).all(|pair| pair[0].seconds < pair[1].seconds));
    }
    assert!(scaling.optimum.gap <= 1e-5, "{:?}", scaling.optimum);
}

#[test]
fn the_best_single_thread_has_speed_up_1_and_the_plain_loop_trains_as_sequential_does() {
    let data = examples(2000);
    let scaling = plan().run(input(&data), &mut |_| ()).unwrap();
    let singles =
        || scaling.strong.iter().chain([&scaling.plain]).filter(|point| point.threads == 1);
    let best = |of: fn(&Point) -> f64| singles().map(of).fold(0.0, f64::max);
    assert_eq!(best(|point| point.speed_up), 1.0);
    assert_eq!(best(|point| point.to_gaps[0].speed_up.unwrap()), 1.0);
    for point in &scaling.strong {
        assert!((point.efficiency * point.threads as f64 - point.speed_up).abs() < 1e-9);
        let speed = point.nonzeros as f64 / point.epoch_seconds.median;
        assert!((point.nonzeros_per_second.median / speed - 1.0).abs() < 1e-9);
    }
    // Step sizes and rows are equal; blocks are shuffled inside by other streams.
    let [sequential, plain] =
        [&scaling.strong[0], &scaling.plain].map(|point| point.objective.median);
    assert!((sequential / plain - 1.0).abs() < 5e-3, "{sequential} {plain}");
}

#[test]
fn plans_that_cannot_be_measured_are_refused() {
    let data = examples(200);
    let refusal =
        |plan: Plan, data: &Dataset| plan.run(input(data), &mut |_| ()).unwrap_err().to_string();
    assert!(
        refusal(Plan { l2: Some(0.0), ..plan() }, &data)
            .starts_with("l2 is 0 (expected a finite number above 0)")
    );
    let softmax = refusal(Plan { loss: LossKind::Softmax, ..plan() }, &data);
    assert!(softmax.starts_with("loss is softmax (expected a loss whose optimum"), "{softmax}");
    assert!(refusal(Plan { threads: vec![0], ..plan() }, &data).starts_with("threads is 0"));
    assert!(refusal(Plan { repeats: Some(0), ..plan() }, &data).starts_with("repeats is 0"));
    let target = |target| refusal(Plan { target: Some(target), ..plan() }, &data);
    assert!(target(Target::Accuracy(88.0)).starts_with("target is 88 (expected a fraction"));
    assert!(
        target(Target::Objective(0.01)).contains("expected an objective that some weights reach")
    );
    let mut builder = Builder::default();
    (0..3).for_each(|label| builder.end_row(label as f32));
    assert!(refusal(plan(), &builder.finish(1)).starts_with("a: there are 3 labels (expected two"));
}
