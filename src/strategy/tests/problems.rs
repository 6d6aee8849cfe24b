//! With one worker, all strategies give the bits of the oracle, whatever the problem.

use super::train_from;
use crate::data::LowRank;
use crate::problem::{Factorization, Problem};
use crate::rule::{Penalty, Schedule, Sgd, StepSize};
use crate::strategy::{Hogwild, HogwildPlusPlus, Layout, Sequential, Topology, Update};

fn one_worker_equals_sequential(problem: &impl Problem) {
    for penalty in [Penalty::default(), Penalty { l1: 0.0, l2: 1e-3 }, Penalty { l1: 1e-4, l2: 1e-3 }] {
        for schedule in [Schedule::Constant, Schedule::Inverse] {
            let rule: Sgd<_, f32> = Sgd::new(problem, penalty, StepSize::new(0.1, schedule), true);
            let start = rule.start();
            let oracle = train_from(&rule, Sequential::default(), 3, &start);
            assert_ne!(oracle, start);
            for update in [Update::Wild, Update::Atomic] {
                assert_eq!(
                    train_from(&rule, Hogwild::new(1, update), 3, &start),
                    oracle,
                    "{update:?} {schedule:?}"
                );
                let layout = Layout { update, ..Layout::new(1, 1) };
                let ring = HogwildPlusPlus::new(layout, &Topology::detect()).unwrap();
                assert_eq!(train_from(&rule, ring, 3, &start), oracle, "{update:?} {schedule:?}");
            }
        }
    }
}

#[test]
fn matrix_completion() {
    let (ratings, _) = LowRank { users: 60, items: 40, ratings: 3000, ..LowRank::default() }.draw(0);
    for rank in [3, 9] {
        one_worker_equals_sequential(&Factorization::new(&ratings, rank, 1).unwrap());
    }
}
