use super::*;
use crate::data::Builder;
use crate::problem::{Linear, Logistic, Problem};
use crate::train::{Trained, Trainer};

/// `copies(i)` copies of example i, of two classes that overlap; every fifth is of the first.
fn examples(copies: impl Fn(u32) -> usize) -> Dataset {
    let mut builder = Builder::default();
    for i in 0..600_u32 {
        for _ in 0..copies(i) {
            let first = i % 5 == 0;
            builder.entry(u32::from(first != (i % 7 == 0)), 1.0);
            builder.entry(2 + i % 4, 0.5);
            builder.end_row(if first { 4.0 } else { 3.0 });
        }
    }
    builder.finish(0)
}

fn trainer(l2: f64) -> Trainer {
    let mut trainer = Trainer { l2: Some(l2), ..Trainer::default() };
    trainer.settings.threads = 1;
    trainer.settings.tolerance = 1e-7;
    trainer.settings.epochs = 300;
    trainer
}

/// Checks that the objective of the training is that of the model.
fn agrees(trained: &Trained) {
    let (fit, model) = (trained.fit.objective, trained.train.objective.unwrap());
    assert!((fit / model - 1.0).abs() < 1e-5, "{fit} {model}");
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let (once, copied) = (examples(|_| 1), examples(|i| 1 + (i % 3) as usize));
    let targets = |data: &Dataset| data.labels().iter().map(|&y| y - 3.5).collect::<Vec<_>>();
    let own: Vec<f32> = (0..600).map(|i| 1.0 + (i % 3) as f32).collect();
    let w = [0.5, -0.25, 0.125, 1.0, -1.0, 0.75, 0.25];
    let loss = |data: &Dataset, weights: Option<&[f32]>| {
        let targets = targets(data);
        let problem = Linear::new(data, &targets, Logistic, Some(1.0)).unwrap();
        match weights {
            None => problem.loss(0..data.len(), &w),
            Some(weights) => problem.with_weights(weights).unwrap().loss(0..data.len(), &w),
        }
    };
    assert!((loss(&once, Some(&own)) / loss(&copied, None) - 1.0).abs() < 1e-12);

    // The mean is over 600 examples in one case and over 1200 in the other.
    let mut weighted = trainer(0.02);
    weighted.weights.examples = Some(own);
    let weighted = weighted.fit(&once).unwrap();
    let copies = trainer(0.01).fit(&copied).unwrap();
    let ratio = weighted.fit.objective / copies.fit.objective;
    assert!((ratio / 2.0 - 1.0).abs() < 0.01, "{ratio}");
    agrees(&weighted);
}

#[test]
fn classes_have_factors_and_a_balance() {
    let data = examples(|_| 1);
    let fit = |weights: ExampleWeights| {
        let own = if weights.examples.is_some() { 0.5 } else { 1.0 };
        let trained = Trainer { weights, ..trainer(0.01) }
            .fit_watched(&data, Some(&data), &mut |_| std::ops::ControlFlow::Continue(()))
            .unwrap();
        agrees(&trained);
        // Held-out examples have their class's factor alone.
        let weights = trained.model.weights().iter().chain(trained.model.bias_weights());
        let penalty = 0.01 / 2.0 * weights.map(|&w| w.powi(2)).sum::<f64>();
        let [train, test] =
            [Some(trained.train), trained.test].map(|part| part.unwrap().objective.unwrap());
        assert!(((train - penalty) / (test - penalty) / own - 1.0).abs() < 1e-6, "{train} {test}");
        trained
    };
    let given = fit(ExampleWeights {
        classes: vec![(3.0, 0.625), (4.0, 2.5)],
        ..ExampleWeights::default()
    });
    assert_eq!(given.model.labels(), [4.0, 3.0]);
    assert_eq!(given.class_weights, [2.5, 0.625]);
    let balanced = fit(ExampleWeights { balanced: true, ..ExampleWeights::default() });
    assert_eq!(balanced.model, given.model);
    let both = fit(ExampleWeights {
        balanced: true,
        classes: vec![(4.0, 2.0)],
        examples: Some(vec![0.5; 600]),
    });
    assert_eq!(both.class_weights, [5.0, 0.625]);
    let doubled = fit(ExampleWeights {
        classes: vec![(4.0, 2.5), (3.0, 0.3125)],
        ..ExampleWeights::default()
    });
    assert_eq!(both.model, doubled.model);
}

#[test]
fn weights_go_with_their_examples_whatever_the_order_and_the_classes() {
    let mut builder = Builder::default();
    for i in 0..900_u32 {
        builder.entry(i % 3, 1.0);
        builder.entry(3 + i % 10, 0.1);
        builder.end_row(if i < 300 { ((i + 1) % 3) as f32 } else { (i % 3) as f32 });
    }
    let data = builder.finish(0);
    let mut trainer = trainer(0.001);
    // Only what is labeled wrong counts.
    trainer.weights.examples = Some((0..900).map(|i| if i < 300 { 1.0 } else { 0.0 }).collect());
    let trained = trainer.fit(&data).unwrap();
    let right = |i: usize| trained.model.predict(data.row(i)) == data.labels()[i];
    assert_eq!((0..900).filter(|&i| right(i)).collect::<Vec<_>>(), (0..300).collect::<Vec<_>>());
    agrees(&trained);
    assert_eq!(trainer.fit(&data.shuffled(trainer.settings.seed)).unwrap().model, trained.model);
    assert_eq!(trainer.fit(&data.shuffled(99)).unwrap().model, trained.model);
}

#[test]
fn a_free_bias_is_not_shrunk() {
    let data = examples(|_| 1);
    let mean_probability = |trained: &Trained| {
        agrees(trained);
        trained.model.probabilities(&data).unwrap().iter().step_by(2).sum::<f64>()
            / data.len() as f64
    };
    for l1 in [0.0, 0.01] {
        let mut trainer = trainer(0.5);
        trainer.settings.penalty.l1 = l1;
        let shrunk = mean_probability(&trainer.fit(&data).unwrap());
        trainer.free_bias = true;
        let free = trainer.fit(&data).unwrap();
        // Where the derivative by the bias is 0, the mean probability is the fraction of the class,
        // 0.2.
        assert!((mean_probability(&free) - 0.2).abs() < 0.01, "{}", mean_probability(&free));
        assert!(shrunk > 0.3, "{shrunk}");
    }
}

#[test]
fn a_free_bias_in_each_of_many_classes() {
    let mut builder = Builder::default();
    for i in 0..600_u32 {
        builder.entry(i % 4, 1.0);
        builder.end_row([5.0, 5.0, 5.0, 6.0, 6.0, 7.0][(i * 5 % 6) as usize]);
    }
    let data = builder.finish(0);
    let trained = Trainer { free_bias: true, ..trainer(1.0) }.fit(&data).unwrap();
    agrees(&trained);
    let probability = |score: f64| 1.0 / (1.0 + (-score).exp());
    let scores = trained.model.decisions(&data);
    for (k, class) in trained.classes.iter().enumerate() {
        let mean =
            scores.iter().skip(k).step_by(3).map(|&score| probability(score)).sum::<f64>() / 600.0;
        assert!((mean - class.examples as f64 / 600.0).abs() < 0.01, "{} {mean}", class.label);
    }
}

#[test]
fn weights_that_make_no_sense_are_refused() {
    let data = examples(|_| 1);
    let classes = |classes: &[(f64, f64)]| ExampleWeights {
        classes: classes.to_vec(),
        ..ExampleWeights::default()
    };
    let own = |own: Vec<f32>| ExampleWeights { examples: Some(own), ..ExampleWeights::default() };
    let mut negative = vec![1.0; 600];
    negative[0] = -1.0;
    for (weights, expected) in [
        (
            classes(&[(4.0, 0.0)]),
            "class weight is 0 for label 4 (expected a finite number above 0)",
        ),
        (classes(&[(4.0, f64::NAN)]), "class weight is NaN for label 4"),
        (
            classes(&[(4.0, 1.0), (4.0, 2.0)]),
            "class weight is given twice for label 4 (expected one a label)",
        ),
        (classes(&[(4.1, 2.0)]), "data set: no example has the label 4.1 of a class weight"),
        (
            own(vec![1.0; 599]),
            "data set: 599 weights for 600 examples (expected one weight an example",
        ),
        (own(vec![0.0; 600]), "data set: the weights of all examples are 0"),
        (own(negative), "data set: the weight of example"),
    ] {
        let message = Trainer { weights, ..trainer(0.1) }.fit(&data).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    let balanced = ExampleWeights { balanced: true, ..ExampleWeights::default() };
    let regression =
        Trainer { loss: crate::model::LossKind::Huber, weights: balanced, ..trainer(0.1) };
    let message = regression.fit(&data).unwrap_err().to_string();
    assert!(message.starts_with("class weight is given with a loss for regression"), "{message}");
}

#[test]
fn classes_are_balanced_by_the_weights_of_their_examples() {
    let (once, copied) = (examples(|_| 1), examples(|i| 1 + (i % 3) as usize));
    let balanced = |data: &Dataset, own: Option<Vec<f32>>| {
        let mut trainer = trainer(0.01);
        trainer.weights = ExampleWeights { balanced: true, examples: own, ..Default::default() };
        trainer.fit(data)
    };
    let own: Vec<f32> = (0..600).map(|i| 1.0 + (i % 3) as f32).collect();
    let weighted = balanced(&once, Some(own)).unwrap();
    let copies = balanced(&copied, None).unwrap();
    assert_eq!(weighted.class_weights, copies.class_weights);
    let none = (0..600).map(|i| if i % 5 == 0 { 0.0 } else { 1.0 }).collect();
    let message = balanced(&once, Some(none)).unwrap_err().to_string();
    assert!(message.contains("all examples with the label 4 weigh 0"), "{message}");
}

#[test]
fn a_trainer_that_was_interrupted_trains_again() {
    let data = examples(|_| 1);
    let trainer = trainer(0.01);
    trainer.settings.interrupt.store(true, crate::sync::plain::Ordering::Relaxed);
    assert_eq!(trainer.fit(&data).unwrap().fit.stop, crate::train::StopReason::Interrupted);
    assert_eq!(trainer.fit(&data).unwrap().fit.stop, crate::train::StopReason::Tolerance);
}
