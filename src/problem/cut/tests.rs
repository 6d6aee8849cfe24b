use std::collections::VecDeque;
use std::ops::ControlFlow;

use rand::RngExt;

use super::*;
use crate::strategy::{StrategyKind, Update};
use crate::train::{Settings, minimize};

/// Returns the cost of the cheapest cut of a graph with two labels: a maximal flow (Edmonds & Karp,
/// 1972).
fn exact(costs: &[f32], edges: &[Edge]) -> f64 {
    let nodes = costs.len() / 2;
    let (source, sink) = (nodes, nodes + 1);
    // Arcs come in pairs, each with its reverse.
    let (mut arcs, mut from) = (Vec::new(), vec![Vec::new(); nodes + 2]);
    let mut add = |u: usize, v: usize, there: f64, back: f64| {
        from[u].push(arcs.len());
        arcs.push((v, there));
        from[v].push(arcs.len());
        arcs.push((u, back));
    };
    for v in 0..nodes {
        // A node on the source's side has label 0, and its arc to the sink is cut.
        add(source, v, costs[2 * v + 1].into(), 0.0);
        add(v, sink, costs[2 * v].into(), 0.0);
    }
    edges.iter().for_each(|e| add(e.u as usize, e.v as usize, e.cost.into(), e.cost.into()));
    let mut flow = 0.0;
    loop {
        let mut reached = vec![None; nodes + 2];
        let mut queue = VecDeque::from([source]);
        while let Some(u) = queue.pop_front() {
            for &arc in &from[u] {
                let (v, left) = arcs[arc];
                if left > 1e-9 && v != source && reached[v].is_none() {
                    reached[v] = Some(arc);
                    queue.push_back(v);
                }
            }
        }
        if reached[sink].is_none() {
            return flow;
        }
        let path: Vec<usize> =
            std::iter::successors(reached[sink], |&arc| reached[arcs[arc ^ 1].0]).collect();
        let most = path.iter().map(|&arc| arcs[arc].1).fold(f64::INFINITY, f64::min);
        for arc in path {
            arcs[arc].1 -= most;
            arcs[arc ^ 1].1 += most;
        }
        flow += most;
    }
}

/// A disc on a background under noise: the cost of a label is the squared distance to its gray.
fn picture(side: usize, seed: u64) -> (Vec<f32>, Vec<Edge>) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut costs, mut edges) = (Vec::new(), Vec::new());
    for y in 0..side {
        for x in 0..side {
            let [dx, dy] = [x, y].map(|at| at as f64 - side as f64 / 2.0);
            let inside = dx * dx + dy * dy < (side * side) as f64 / 9.0;
            let gray = if inside { 0.7 } else { 0.3 } + 0.8 * (random.random::<f64>() - 0.5);
            costs.extend([(gray - 0.3).powi(2) as f32, (gray - 0.7).powi(2) as f32]);
            let here = (y * side + x) as u32;
            let mut join = |v: u32| edges.push(Edge { u: here, v, cost: 0.08 });
            if x + 1 < side {
                join(here + 1);
            }
            if y + 1 < side {
                join(here + side as u32);
            }
        }
    }
    (costs, edges)
}

#[test]
fn a_cut_costs_as_little_as_the_exact_one_whatever_the_seed_and_the_threads() {
    let (costs, edges) = picture(24, 3);
    let least = exact(&costs, &edges);
    for seed in 1..4 {
        for (threads, update) in [(1, Update::Wild), (8, Update::Wild), (8, Update::Atomic)] {
            let cut = Cut::new(2, &costs, &edges, seed).unwrap();
            let settings = Settings {
                threads,
                strategy: StrategyKind::Hogwild(update),
                seed,
                ..Settings::default()
            };
            let fit = minimize::<_, f32>(&cut, &settings, None, &mut |_| ControlFlow::Continue(()))
                .unwrap();
            let found = cut.cost(&cut.labeling(&fit.weights));
            assert!(found >= least * (1.0 - 1e-6), "{found} below the least, {least}");
            assert!(
                found < least * 1.01,
                "{found} against {least}, {threads} threads, seed {seed}"
            );
            for x in fit.weights.chunks(2) {
                assert!(x.iter().all(|&x| x >= 0.0));
                assert!(threads > 1 || (x[0] + x[1] - 1.0).abs() < 1e-5, "{x:?}");
            }
        }
    }
}

#[test]
fn the_nearest_point_of_the_simplex_is_found() {
    for (point, expected) in [
        ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
        ([1.0, 1.0, 1.0], [1.0 / 3.0; 3]),
        ([2.0, 0.0, -5.0], [1.0, 0.0, 0.0]),
        ([0.6, 0.6, -0.3], [0.5, 0.5, 0.0]),
        ([-1e20, -1e20, -1e20], [1.0 / 3.0; 3]),
        ([-1e20, -3e20, -1e20], [0.5, 0.0, 0.5]),
    ] {
        let mut found: [f64; 3] = point;
        project(&mut found);
        found
            .iter()
            .zip(expected)
            .for_each(|(x, y)| assert!((x - y).abs() < 1e-12, "{point:?}: {found:?}"));
    }
}

/// The number to subtract from the first two equals the third but for rounding, which leaves that
/// one out and brings it back.
#[test]
fn rounding_does_not_keep_the_search_for_the_nearest_point_going() {
    for point in [
        [0.0_f32, -0.03722614, -0.51861304],
        [0.0, -0.79363424, -0.896817],
        [0.0, -0.25662923, -0.62831455],
    ] {
        let mut found = point;
        project(&mut found);
        assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{point:?}: {found:?}");
    }
}

#[test]
fn strategies_that_sum_movements_are_refused_with_the_reason() {
    let (costs, edges) = picture(4, 1);
    let cut = Cut::new(2, &costs, &edges, 1).unwrap();
    let updates = [Update::Merged, Update::Split].map(StrategyKind::Hogwild);
    for strategy in updates.into_iter().chain([StrategyKind::HogwildPlusPlus(Default::default())]) {
        let settings = Settings { strategy, threads: 2, ..Settings::default() };
        let error = minimize::<_, f32>(&cut, &settings, None, &mut |_| ControlFlow::Continue(()))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(&format!("strategy is {}", strategy.name())), "{error}");
        assert!(error.contains("each of its steps ends on a simplex"), "{error}");
    }
    let mut settings = Settings::default();
    settings.penalty.l2 = 0.1;
    let error = minimize::<_, f32>(&cut, &settings, None, &mut |_| ControlFlow::Continue(()))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("l1 or l2 is above 0"), "{error}");
}

#[test]
fn graphs_that_are_none_are_refused() {
    let edge = |u, v, cost| [Edge { u, v, cost }];
    for (labels, costs, edges, what) in [
        (1, vec![1.0; 2], edge(0, 1, 1.0), "2 costs for 1 labels"),
        (2, vec![1.0; 3], edge(0, 1, 1.0), "3 costs for 2 labels"),
        (2, vec![-1.0; 4], edge(0, 1, 1.0), "a label's cost is -1"),
        (2, vec![1.0; 4], edge(0, 2, 1.0), "an edge joins node 0 to node 2"),
        (2, vec![1.0; 4], edge(1, 1, 1.0), "an edge joins node 1 to node 1"),
        (2, vec![1.0; 4], edge(0, 1, 0.0), "the edge of nodes 0 and 1 costs 0"),
        (2, vec![1.0; 6], edge(0, 1, 1.0), "node 2 has no edge"),
    ] {
        let error = Cut::new(labels, &costs, &edges, 1).err().unwrap().to_string();
        assert!(error.contains(what), "{error}");
    }
}
