//! Tests of all strategies on all problems: with one worker, they give the bits of the oracle.

use std::num::NonZeroUsize;

use super::{rows, train_from};
use crate::data::ratings::LowRank;
use crate::problem::{Cut, Edge, Factorization, Problem, Softmax};
use crate::solver::sgd::{Penalty, Schedule, Sgd, SgdRule, StepSize};
use crate::strategy::{
    AllReduce, Averaging, BoundedStaleness, Bounds, Hogwild, HogwildPlusPlus, Layout, Locked,
    RoundRobin, Sequential, Synchronous, Topology, Update,
};

fn one_worker_equals_sequential(problem: &impl Problem, rate: f64) {
    for penalty in
        [Penalty::default(), Penalty { l1: 0.0, l2: 1e-3 }, Penalty { l1: 1e-4, l2: 1e-3 }]
    {
        // Steps that project bear no regularizer.
        if problem.averages_only().is_some() && penalty != Penalty::default() {
            continue;
        }
        for schedule in [Schedule::Constant, Schedule::Inverse] {
            let rule: Sgd<_, f32> = Sgd::new(problem, penalty, StepSize::new(rate, schedule), true);
            let start = rule.start();
            let oracle = train_from(&rule, Sequential::default(), 3, &start);
            assert_ne!(oracle, start);
            let others = [
                train_from(&rule, Synchronous::new(1, 1, 0), 3, &start),
                train_from(&rule, BoundedStaleness::new(1, 1, Bounds::default()), 3, &start),
                train_from(&rule, AllReduce::new(1, 1), 3, &start),
                train_from(&rule, Averaging::new(1, 1), 3, &start),
                train_from(&rule, Locked::new(1), 3, &start),
                train_from(&rule, RoundRobin::new(1), 3, &start),
            ];
            for (k, other) in others.iter().enumerate() {
                assert_eq!(*other, oracle, "{k} {schedule:?}");
            }
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
    let (ratings, _) =
        LowRank { users: 60, items: 40, ratings: 3000, ..LowRank::default() }.draw(0);
    for rank in [3, 9] {
        one_worker_equals_sequential(&Factorization::new(&ratings, rank, 1).unwrap(), 0.1);
    }
}

#[test]
fn softmax() {
    let (data, _) = rows(300);
    let class_of: Vec<u32> = (0..300).map(|i| i * 7 % 3).collect();
    let problem =
        |constant| Softmax::new(&data, &class_of, NonZeroUsize::new(3).unwrap(), constant).unwrap();
    one_worker_equals_sequential(&problem(None), 0.1);
    one_worker_equals_sequential(&problem(Some(1.0)), 0.1);
    one_worker_equals_sequential(&problem(Some(1.0)).with_free_bias(), 0.1);
}

#[test]
fn graph_cuts() {
    let edge = |u: u32| Edge { u, v: (u * 7 + 1) % 100, cost: 0.1 };
    let edges: Vec<Edge> = (0..100).map(edge).filter(|edge| edge.u != edge.v).collect();
    let costs: Vec<f32> = (0..300_u16).map(|k| f32::from(k * 31 % 17) / 17.0).collect();
    one_worker_equals_sequential(&Cut::new(3, &costs, &edges, 1).unwrap(), 1e-3);
}
