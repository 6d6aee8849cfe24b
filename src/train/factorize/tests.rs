use super::*;
use crate::data::ratings::LowRank;
use crate::model::Quality;
use crate::strategy::{StrategyKind, Update};

fn rmse(evaluation: &Evaluation) -> f64 {
    match evaluation.quality {
        Quality::Regression { rmse: Some(rmse), .. } => rmse,
        _ => panic!("no ratings"),
    }
}

/// The held-out error of the best biases without factors, found by alternating minimization.
fn biases_alone(train: &Ratings, test: &Ratings) -> f64 {
    let (mut users, mut items) = (vec![0.0; train.users().len()], vec![0.0; train.items().len()]);
    let all =
        || train.all().iter().map(|r| (r.user as usize, r.item as usize, f64::from(r.value) - 3.5));
    for _ in 0..20 {
        let mut sums = vec![(0.0, 0.0); users.len()];
        all().for_each(|(u, i, value)| sums[u] = (sums[u].0 + value - items[i], sums[u].1 + 1.0));
        users.iter_mut().zip(&sums).for_each(|(bias, (sum, count))| *bias = sum / (count + 1.0));
        let mut sums = vec![(0.0, 0.0); items.len()];
        all().for_each(|(u, i, value)| sums[i] = (sums[i].0 + value - users[u], sums[i].1 + 1.0));
        items.iter_mut().zip(&sums).for_each(|(bias, (sum, count))| *bias = sum / (count + 1.0));
    }
    let error = |r: &crate::data::Rating| {
        (f64::from(r.value) - 3.5 - users[r.user as usize] - items[r.item as usize]).powi(2)
    };
    (test.all().iter().map(error).sum::<f64>() / test.all().len() as f64).sqrt()
}

#[test]
fn one_and_eight_threads_come_near_the_noise_whatever_the_seed() {
    let draw = LowRank { users: 600, items: 300, ratings: 100_000, ..LowRank::default() };
    let (train, test) = draw.draw(20_000);
    assert!(biases_alone(&train, &test) > 2.0 * draw.noise);
    for seed in 1..4 {
        for (threads, strategy) in [
            (1, StrategyKind::Auto),
            (8, StrategyKind::Auto),
            (8, StrategyKind::Hogwild(Update::Wild)),
            (8, StrategyKind::Hogwild(Update::Atomic)),
            (8, StrategyKind::HogwildPlusPlus(Default::default())),
        ] {
            let settings = Settings { threads, strategy, seed, ..Settings::default() };
            let trained = Factorizer { rank: 4, settings, ..Factorizer::default() };
            let trained = trained
                .fit_watched(&train, Some(&test), &mut |_| ControlFlow::Continue(()))
                .unwrap();
            let found = rmse(&trained.test.unwrap());
            assert!(
                found < 1.05 * draw.noise,
                "{found} with {threads} threads, {strategy:?}, seed {seed}"
            );
            assert_eq!(rmse(&trained.model.evaluate(&test)), found);
        }
    }
}

#[test]
fn any_rate_ends_in_a_finite_model() {
    let (train, _) = LowRank { users: 60, items: 40, ratings: 5000, ..LowRank::default() }.draw(0);
    for rate in [1e-300, 1e-6, 1.0, 1e6, 1e300] {
        let settings =
            Settings { learning_rate: Some(rate), epochs: 30, threads: 1, ..Settings::default() };
        let trained =
            Factorizer { rank: 3, settings, ..Factorizer::default() }.fit(&train).unwrap();
        let error = rmse(&trained.train);
        assert!(error.is_finite() && error < 1.5, "{rate}: {error}");
    }
}

#[test]
fn equal_seeds_give_equal_models_and_others_others() {
    let (train, _) = LowRank { users: 60, items: 40, ratings: 5000, ..LowRank::default() }.draw(0);
    let model = |seed| {
        let settings = Settings { seed, threads: 1, ..Settings::default() };
        Factorizer { rank: 3, settings, ..Factorizer::default() }.fit(&train).unwrap().model
    };
    assert_eq!(model(1).user(7), model(1).user(7));
    assert_ne!(model(1).user(7), model(2).user(7));
}
