use super::*;
use crate::data::ratings::LowRank;
use crate::params::Handle;
use crate::solver::sgd::{Penalty, Schedule, Sgd, SgdRule, StepSize};
use crate::strategy::{Block, Clock, Visit, planner};

fn problem(rank: usize) -> Factorization {
    let (ratings, _) =
        LowRank { users: 60, items: 40, ratings: 3000, ..LowRank::default() }.draw(0);
    Factorization::new(&ratings, rank, 1).unwrap()
}

#[test]
fn a_step_makes_the_error_of_its_rating_smaller_whatever_the_rate() {
    for rank in [1, 3, 4, 6, 9] {
        let problem = problem(rank);
        let mut start = vec![0.0_f64; problem.width()];
        problem.start(&mut start);
        for rate in [1e-9, 0.1, 10.0, 1e300] {
            for term in 0..200 {
                let mut weights = start.clone();
                let before = problem.loss(term..term + 1, &weights);
                let rule = Sgd::new(
                    &problem,
                    Penalty::default(),
                    StepSize::new(rate, Schedule::Constant),
                    true,
                );
                let mut state = rule.step_state(Clock::default());
                let w = Handle::plain(&mut weights, 0);
                rule.visit_block(Block::new(&[term], 1, 1), &mut state, &w);
                let touched: Vec<_> = problem.support(term).collect();
                assert_eq!(touched.len(), 2 * (rank + 1));
                assert!((0..start.len()).all(|j| weights[j] == start[j] || touched.contains(&j)));
                let after = problem.loss(term..term + 1, &weights);
                assert!(after < before, "rank {rank}, rate {rate}: {before} to {after}");
            }
        }
    }
}

#[test]
fn weights_stay_finite_at_any_rate() {
    let problem = problem(5);
    for rate in [1e-300, 1e-3, 1.0, 1e9, 1e38, 1e300] {
        for penalty in
            [Penalty::default(), Penalty { l1: 0.0, l2: 1e-3 }, Penalty { l1: 1e-4, l2: 0.0 }]
        {
            let rule: Sgd<_, f32> =
                Sgd::new(&problem, penalty, StepSize::new(rate, Schedule::Constant), true);
            let mut weights = rule.start();
            let mut state = rule.step_state(Clock::default());
            let mut planner = planner(&rule).unwrap();
            for term in (0..5).flat_map(|_| 0..problem.terms()) {
                let w = Handle::plain(&mut weights, 0);
                planner.plan(Block::new(&[term], 1, 1), state, &w);
                planner.apply(&w);
                state.advance();
                let touched = problem.support(term).map(|j| weights[j]);
                assert!(
                    touched.into_iter().all(f32::is_finite),
                    "rate {rate}, {penalty:?}, term {term}"
                );
            }
        }
    }
}

#[test]
fn a_trial_has_the_ratings_among_some_users_and_items() {
    let (ratings, _) =
        LowRank { users: 900, items: 700, ratings: 400_000, ..LowRank::default() }.draw(0);
    let problem = Factorization::new(&ratings, 2, 7).unwrap();
    let trial = problem.trial().unwrap();
    assert!((50_000..200_000).contains(&trial.terms()), "{}", trial.terms());
    assert!(
        (trial.users as f64 / 450.0 - 1.0).abs() < 0.2
            && (trial.items as f64 / 350.0 - 1.0).abs() < 0.2
    );
    let each = trial.terms() as f64 / trial.users as f64;
    assert!((each / (400_000.0 / 900.0 / 2.0) - 1.0).abs() < 0.2, "{each} ratings a user");
    let mut weights = vec![0.0_f32; trial.width()];
    trial.start(&mut weights);
    assert!(trial.loss(0..trial.terms(), &weights).is_finite());
}

#[test]
fn ratings_count_in_standard_deviations_from_their_mean() {
    let ratings = Ratings::parse(b"a x 1\na y 3\nb x 5\nb y 7\n", "r").unwrap();
    let problem = Factorization::new(&ratings, 1, 1).unwrap();
    assert_eq!((problem.mean(), problem.spread()), (4.0, 5.0_f64.sqrt()));
    let zero = vec![0.0_f64; problem.width()];
    assert!((problem.loss(0..4, &zero) / 4.0 - 0.5).abs() < 1e-7);
    let same = Ratings::parse(b"a x 2\nb x 2\n", "r").unwrap();
    assert_eq!(Factorization::new(&same, 1, 1).unwrap().spread(), 1.0);
}

#[test]
fn what_cannot_be_factorized_is_refused() {
    let ratings = Ratings::parse(b"a x 1\n", "r").unwrap();
    let error =
        |ratings: &Ratings, rank| Factorization::new(ratings, rank, 1).err().unwrap().to_string();
    assert!(error(&ratings, 0).contains("rank is 0 (expected 1 or more)"));
    assert!(error(&ratings, usize::MAX).contains("more than memory can address"));
    assert!(error(&Ratings::default(), 1).contains("there is no rating"));
}
