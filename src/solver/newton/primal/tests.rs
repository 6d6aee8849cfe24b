//! The dense and the sparse model find the minimum, and steps lower the objective.

use super::subspace::{Start, Subspace, curvatures};
use super::{dense, sparse, step};
use crate::data::{Builder, Dataset};
use crate::problem::{Examples, Linear, Logistic};
use crate::solver::newton::hessian::Assembly;
use crate::solver::saga::Certificate;
use crate::solver::sgd::Penalty;

const PENALTY: Penalty = Penalty { l1: 5e-3, l2: 1e-3 };

fn data() -> Dataset {
    let mut builder = Builder::default();
    for i in 0..300_u32 {
        for k in 0..5 {
            builder.entry(k * 9 + (i * (k + 3) + i / 7) % 9, 0.5 + (i % (k + 2)) as f32);
        }
        builder.end_row(if (i * 5) % 13 < 6 { 1.0 } else { -1.0 });
    }
    builder.finish(0)
}

/// Returns the largest violation of the optimality conditions of the model at `point`.
fn violation(
    examples: &Examples<'_>,
    subspace: &Subspace,
    curvatures: &[f64],
    start: Start<'_>,
    point: &[f64],
) -> f64 {
    let direction: Vec<f64> = point.iter().zip(start.point).map(|(z, w)| z - w).collect();
    let mut slope: Vec<f64> =
        start.slope.iter().zip(&direction).map(|(slope, d)| slope + start.penalty.l2 * d).collect();
    for (i, curvature) in curvatures.iter().enumerate() {
        let row = || subspace.entries(examples, i);
        let moved: f64 = row().map(|(k, x)| direction[k as usize] * x).sum();
        row().for_each(|(k, x)| slope[k as usize] += curvature * moved * x);
    }
    let l1 = start.penalty.l1;
    let violation = |(&z, &slope): (&f64, &f64)| match z {
        0.0 => (slope.abs() - l1).max(0.0),
        z => (slope + l1 * z.signum()).abs(),
    };
    point.iter().zip(&slope).map(violation).fold(0.0, f64::max)
}

#[test]
fn both_models_are_minimized() {
    let data = data();
    for bias in [None, Some(1.0)] {
        let problem = Linear::new(&data, data.labels(), Logistic, bias).unwrap();
        let examples = problem.examples();
        let mut current: Certificate<f64> = Certificate::zero(examples);
        current
            .weights
            .iter_mut()
            .enumerate()
            .for_each(|(j, w)| *w = ((j * 7) % 5) as f64 * 0.1 - 0.2);
        current.certify(problem.examples(), &Logistic, PENALTY);
        let subspace = Subspace::of(examples, PENALTY.l1, &current).unwrap();
        let curvatures = curvatures(examples, &Logistic, &current.scores);
        let point = subspace.at(|j| current.weights[j]);
        let slope = subspace.at(|j| current.gradient[j] + PENALTY.l2 * current.weights[j]);
        let start = Start { slope: &slope, point: &point, penalty: PENALTY, budget: 1 << 24 };
        let entries = sparse::Entries::of(examples, &subspace);
        let model = dense::model(
            examples,
            &Logistic,
            &subspace,
            &current.scores,
            start,
            &mut Assembly::default(),
        )
        .unwrap();
        let dense = dense::minimize(model, start.budget);
        let sparse = sparse::Model::new(&entries, curvatures.clone(), start).minimize(start.budget);
        let [before, dense, sparse] = [&point, &dense, &sparse]
            .map(|point| violation(examples, &subspace, &curvatures, start, point));
        assert!(dense < 1e-6 * before, "{dense} of {before}");
        assert!(sparse < 1e-2 * before, "{sparse} of {before}");
    }
}

#[test]
fn a_few_steps_reach_the_optimum() {
    let data = data();
    let problem = Linear::new(&data, data.labels(), Logistic, Some(1.0)).unwrap();
    let mut current: Certificate<f64> = Certificate::zero(problem.examples());
    current.certify(problem.examples(), &Logistic, PENALTY);
    let mut assembly = Assembly::default();
    for _ in 0..12 {
        let mut next = Certificate::zero(problem.examples());
        let Some(_) =
            step(problem.examples(), &Logistic, PENALTY, &current, &mut next, &mut assembly)
        else {
            break;
        };
        assert!(
            next.objective <= current.objective * (1.0 + 1e-14),
            "{} {current:?}",
            next.objective
        );
        current = next;
    }
    assert!(current.objective - current.bound < 1e-9 * current.objective, "{current:?}");
}
