use std::time::Duration;

use super::*;
use crate::data::{Builder, Dataset};
use crate::model::{LossKind, Quality};
use crate::strategy::{ClusterConfig, Progress, Update};
use crate::train::{Began, StopReason, Trainer};

const LABELS: [f32; 4] = [3.0, -1.0, 0.0, 12.0];

/// Class k has feature k often, and a feature common to all.
fn examples(labels: impl Fn(usize) -> f32) -> Dataset {
    let mut builder = Builder::default();
    for i in 0..1200_u32 {
        let class = i * 7 % 4;
        let shown = if i % 9 == 0 { (class + 1) % 4 } else { class };
        builder.entry(shown, 1.0 + (i % 3) as f32);
        builder.entry(4, 0.5);
        builder.entry(5 + i % 11, 0.25);
        builder.end_row(labels(class as usize));
    }
    builder.finish(0)
}

fn trainer(threads: usize) -> Trainer {
    let mut trainer = Trainer::default();
    trainer.settings.threads = threads;
    trainer
}

#[test]
fn each_class_is_the_binary_problem_against_the_rest() {
    let data = examples(|class| LABELS[class]);
    let all = trainer(1).fit(&data).unwrap();
    let order = [3.0, 12.0, 0.0, -1.0];
    assert_eq!(all.model.labels(), order);
    assert_eq!(all.classes.iter().map(|class| class.label).collect::<Vec<_>>(), order);
    let (mut mean, mut visits) = (0.0, 0);
    for (k, &label) in order.iter().enumerate() {
        let binary = examples(|class| if f64::from(LABELS[class]) == label { 1.0 } else { -1.0 });
        let alone = trainer(1).fit(&binary).unwrap();
        let column: Vec<f64> = all.model.weights().iter().skip(k).step_by(4).copied().collect();
        assert_eq!(column, alone.model.weights(), "class {label}");
        assert_eq!(all.model.bias_weights()[k], alone.model.bias().unwrap().weight);
        let class = &all.classes[k];
        assert_eq!((class.epochs, class.objective), (alone.fit.epochs.len(), alone.fit.objective));
        assert_eq!((class.examples, class.stop), (300, StopReason::Tolerance));
        mean += class.objective / 4.0;
        visits += alone.fit.visits;
    }
    assert!((all.fit.objective / mean - 1.0).abs() < 1e-12);
    assert!((all.train.objective.unwrap() / mean - 1.0).abs() < 1e-5, "{:?}", all.train);
    assert_eq!(all.fit.visits, visits);
}

#[test]
fn with_as_many_classes_as_threads_the_outcome_does_not_depend_on_the_threads() {
    let data = examples(|class| LABELS[class]);
    let expected = trainer(1).fit(&data).unwrap();
    for threads in [2, 3, 4] {
        let fit = trainer(threads).fit(&data).unwrap();
        assert_eq!(fit.model, expected.model, "{threads} threads");
        assert_eq!(fit.fit.began.workers, threads);
        assert_eq!(fit.fit.began.reason.as_deref(), Some("each thread trains classes of its own"));
    }
    let Quality::ManyClasses { accuracy, .. } = expected.train.quality else {
        panic!("{:?}", expected.train)
    };
    assert!(accuracy > 0.87, "{accuracy}");
}

#[test]
fn threads_go_to_classes_or_classes_to_threads() {
    let classes = |count, strategy, threads| {
        let settings = Settings { strategy, threads, ..Settings::default() };
        let Classes { at_once, threads, .. } = plan(count, &settings);
        (at_once, threads)
    };
    let hogwild = StrategyKind::Hogwild(Update::Wild);
    assert_eq!(classes(26, hogwild, 8), (8, 1));
    assert_eq!(classes(26, StrategyKind::Auto, 8), (8, 1));
    assert_eq!(classes(8, hogwild, 8), (8, 1));
    assert_eq!(classes(3, hogwild, 8), (1, 8));
    assert_eq!(classes(3, StrategyKind::Sequential, 8), (1, 1));
    assert_eq!(classes(26, StrategyKind::HogwildPlusPlus(ClusterConfig::default()), 8), (1, 8));
    let data = examples(|class| LABELS[class]);
    for strategy in [hogwild, StrategyKind::HogwildPlusPlus(ClusterConfig::default())] {
        let mut trainer = trainer(5);
        trainer.settings.strategy = strategy;
        let Quality::ManyClasses { accuracy, .. } = trainer.fit(&data).unwrap().train.quality
        else {
            panic!()
        };
        assert!(accuracy > 0.85, "{strategy:?} {accuracy}");
    }
}

#[test]
fn each_class_gets_its_share_of_the_time() {
    let data = examples(|class| LABELS[class]);
    let mut trainer = trainer(2);
    trainer.settings.tolerance = 0.0;
    trainer.settings.epochs = usize::MAX;
    trainer.settings.time_limit = Some(Duration::from_millis(400));
    let trained = trainer.fit(&data).unwrap();
    assert!(
        trained.classes.iter().all(|class| class.stop == StopReason::TimeLimit && class.epochs > 0)
    );
    assert!(trained.fit.visits > 0);
}

#[test]
fn an_interrupt_that_leaves_a_class_out_leaves_no_visits() {
    let data = examples(|class| LABELS[class]);
    let trainer = trainer(1);
    let flag = trainer.settings.interrupt.clone();
    let trained = trainer
        .fit_watched(&data, None, &mut |event| {
            if matches!(event, Event::Class { done: 1, .. }) {
                flag.store(true, Relaxed);
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((trained.fit.stop, trained.fit.visits), (StopReason::Interrupted, 0));
    // The second class's turn may have begun meanwhile.
    assert!((1..=2).contains(&trained.classes.len()));
}

#[test]
fn events_come_once_a_class() {
    let data = examples(|class| LABELS[class]);
    let mut events = Vec::new();
    let _ = trainer(3)
        .fit_watched(&data, Some(&data), &mut |event| {
            match event {
                Event::Classes { count, .. } => events.push(count),
                Event::Class { done, .. } => events.push(done),
                other => panic!("{other:?}"),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(events, [4, 1, 2, 3, 4]);
}

#[test]
fn one_file_cannot_hold_many_vectors() {
    let data = examples(|class| LABELS[class]);
    let mut trainer = Trainer { loss: LossKind::Hinge, ..trainer(1) };
    trainer.settings.params = Some("weights".into());
    let message = trainer.fit(&data).unwrap_err().to_string();
    assert!(
        message.starts_with("params is weights with 4 classes (expected no file where"),
        "{message}"
    );
}

#[test]
fn an_error_ends_the_training_of_all_classes() {
    let begun = AtomicUsize::new(0);
    let diverged = |what: String| Error::Diverged { what, hint: "" };
    let mut taken = Vec::new();
    let error = fit_all(
        Classes { count: 10, at_once: 1, threads: 1 },
        &Settings::default(),
        |class, settings, _| {
            begun.fetch_add(1, Relaxed);
            assert_eq!(settings.threads, 1);
            if class == 3 {
                Err(diverged(format!("at {class}")))
            } else {
                Ok(fit_of_nothing(class))
            }
        },
        |class, fit, _| {
            taken.push((class, fit.visits));
            ControlFlow::Continue(())
        },
    )
    .unwrap_err();
    assert_eq!((error.to_string(), begun.into_inner()), (diverged("at 3".into()).to_string(), 4));
    assert_eq!(taken, [(0, 0), (1, 1), (2, 2)]);
}

/// A fit with `class` visits.
fn fit_of_nothing(class: usize) -> Fit<f64> {
    let began = Began {
        workers: 1,
        strategy: StrategyKind::Sequential,
        reason: None,
        layout: None,
        learning_rate: None,
        searched: false,
        terms: 0,
        progress: Progress::new(1).into(),
    };
    Fit {
        weights: Vec::new(),
        objective: 0.0,
        gap: None,
        epochs: Vec::new(),
        stop: StopReason::Epochs,
        began,
        prepare_time: Duration::ZERO,
        train_time: Duration::ZERO,
        visits: class as u64,
        duals: None,
        continued: None,
    }
}
