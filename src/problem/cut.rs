//! Cuts of a graph into parts: each node's label as a point of the simplex, each edge a term.

use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Problem;
use crate::error::{Error, Result};
use crate::parallel;
use crate::params::{Real, Weights};

/// Two nodes, and the cost of giving them different labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// One node.
    pub u: u32,
    /// The other one.
    pub v: u32,
    /// Finite and above 0.
    pub cost: f32,
}

/// The relaxed multi-way cut (Niu et al., 2011, section 2): the sum over nodes of cost.x_v, and
/// over edges of cost/2 * ||x_u - x_v||_1, where x_v holds the K fractions of node v's labels, at
/// least 0 and of sum 1.
///
/// The vector w has K adjacent coordinates for each node. A visit to an edge first moves both nodes
/// by a part of their own costs, then toward each other as far as the edge's cost reaches, and
/// finally to the nearest points of the simplex. A node's costs are divided evenly among its edges.
/// With fractions of 0 and 1 the sum is the cost of a labeling. With two labels no other fractions
/// are cheaper than the best labeling.
pub struct Cut {
    labels: usize,
    /// In random order.
    edges: Vec<Edge>,
    /// K for each node, divided by its number of edges.
    costs: Vec<f32>,
    /// Factor of all costs in the terms: the mean loss is the whole cost.
    scale: f32,
}

impl Cut {
    /// Creates a cut of a graph into `labels` parts. `costs` has `labels` numbers for each node:
    /// the costs of giving it each of the labels. `seed` determines the order of the edges.
    ///
    /// # Errors
    /// [`Error::Input`] if there are fewer than two labels, costs are missing, negative or not
    /// finite, an edge names a node that does not exist or one node twice, or a node has no edge
    /// (its cheapest label is the best one).
    pub fn new(labels: usize, costs: &[f32], edges: &[Edge], seed: u64) -> Result<Self> {
        let wrong = |what: String, expected: &str| {
            Err(Error::input("graph", what, expected, "check the graph"))
        };
        if labels < 2 || costs.is_empty() || !costs.len().is_multiple_of(labels) {
            let what = format!("{} costs for {labels} labels", costs.len());
            return wrong(what, "two labels or more, and a cost of each for every node");
        }
        if let Some(cost) = costs.iter().find(|cost| !(cost.is_finite() && **cost >= 0.0)) {
            return wrong(format!("a label's cost is {cost}"), "finite costs of at least 0");
        }
        let mut degrees = vec![0_u32; costs.len() / labels];
        for &Edge { u, v, cost } in edges {
            let nodes = degrees.len();
            if u == v || u as usize >= nodes || v as usize >= nodes {
                return wrong(
                    format!("an edge joins node {u} to node {v}"),
                    "two different nodes of the graph",
                );
            }
            if !(cost.is_finite() && cost > 0.0) {
                return wrong(
                    format!("the edge of nodes {u} and {v} costs {cost}"),
                    "a finite cost above 0",
                );
            }
            degrees[u as usize] += 1;
            degrees[v as usize] += 1;
        }
        if let Some(alone) = degrees.iter().position(|&degree| degree == 0) {
            return wrong(format!("node {alone} has no edge"), "an edge for each node");
        }
        let per_edge = |(k, cost): (usize, &f32)| cost / degrees[k / labels] as f32;
        let mut edges = edges.to_vec();
        edges.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let scale = edges.len() as f32;
        Ok(Cut { labels, edges, costs: costs.iter().enumerate().map(per_edge).collect(), scale })
    }

    /// Returns the label of each node with the largest fraction in `w`, the first of equal ones.
    ///
    /// # Panics
    /// If `w` does not have one weight for each coordinate.
    pub fn labeling<R: Real>(&self, w: &[R]) -> Vec<usize> {
        assert_eq!(w.len(), self.costs.len(), "one weight a coordinate");
        let largest =
            |x: &[R]| (1..x.len()).fold(0, |best, k| if x[k] > x[best] { k } else { best });
        w.chunks(self.labels).map(largest).collect()
    }

    /// Returns the cost of a labeling, which has one label for each node.
    ///
    /// # Panics
    /// If there is not one label a node, or a label does not exist.
    pub fn cost(&self, labeling: &[usize]) -> f64 {
        let mut w = vec![0.0_f64; self.costs.len()];
        assert_eq!(labeling.len() * self.labels, w.len(), "one label a node");
        for (node, &label) in labeling.iter().enumerate() {
            assert!(label < self.labels, "label {label} of {}", self.labels);
            w[node * self.labels + label] = 1.0;
        }
        self.loss(0..self.edges.len(), &w) / self.edges.len() as f64
    }

    #[inline(always)]
    fn node(&self, node: u32) -> usize {
        node as usize * self.labels
    }
}

/// The longest step size: beyond it, nothing changes but rounding.
const LONGEST: f64 = 1e20;

/// Number of edges whose costs one task sums. It is fixed, so the sum's order does not depend on
/// the threads.
const EDGES_PER_TASK: usize = 4096;

impl Problem for Cut {
    /// The new fractions of both nodes: K of the one, then K of the other.
    type Step<R: Real> = Vec<R>;

    fn terms(&self) -> usize {
        self.edges.len()
    }

    fn width(&self) -> usize {
        self.costs.len()
    }

    fn touches(&self) -> usize {
        2 * self.labels * self.edges.len()
    }

    fn averages_only(&self) -> Option<&'static str> {
        Some(
            "each of its steps ends on a simplex, which a sum of several workers' movements leaves",
        )
    }

    /// Sets equal fractions of all labels.
    fn start<R: Real>(&self, w: &mut [R]) {
        w.fill(R::of(1.0 / self.labels as f64));
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        let Edge { u, v, .. } = self.edges[term];
        let [first, second] = [self.node(u.min(v)), self.node(u.max(v))];
        (first..first + self.labels).chain(second..second + self.labels)
    }

    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let cost = |&Edge { u, v, cost }: &Edge| -> f64 {
            let (u, v) = (self.node(u), self.node(v));
            let of_label = |k: usize| {
                let (x, y) = (w[u + k].to_f64(), w[v + k].to_f64());
                let own = f64::from(self.costs[u + k]) * x + f64::from(self.costs[v + k]) * y;
                own + f64::from(cost) / 2.0 * (x - y).abs()
            };
            (0..self.labels).map(of_label).sum()
        };
        let edges = &self.edges[terms];
        let sum = |range: Range<usize>| edges[range].iter().map(cost).sum();
        parallel::sum(edges.len(), EDGES_PER_TASK, &sum) * f64::from(self.scale)
    }

    #[inline(always)]
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<Vec<W::Real>> {
        let Edge { u, v, cost } = self.edges[term];
        let rate = (rate * W::Real::of_f32(self.scale)).min(W::Real::of(LONGEST));
        let half = W::Real::of(0.5);
        let reach = rate * W::Real::of_f32(cost) * half;
        let (u, v) = (self.node(u), self.node(v));
        let mut goal = vec![W::Real::ZERO; 2 * self.labels];
        let (x, y) = goal.split_at_mut(self.labels);
        let mut moves = false;
        for k in 0..self.labels {
            let (from_x, from_y) = (w.get(u + k), w.get(v + k));
            let at_x = from_x - rate * W::Real::of_f32(self.costs[u + k]);
            let at_y = from_y - rate * W::Real::of_f32(self.costs[v + k]);
            // They meet halfway if the edge's cost reaches that far.
            let apart = (at_x - at_y) * half;
            let step = apart.max(-reach).min(reach);
            (x[k], y[k]) = (at_x - step, at_y + step);
        }
        for (goal, node) in [(x, u), (y, v)] {
            project(goal);
            moves |= goal.iter().enumerate().any(|(k, &x)| x != w.get(node + k));
        }
        moves.then_some(goal)
    }

    #[inline(always)]
    fn apply<W: Weights>(&self, term: usize, step: Vec<W::Real>, w: &W) {
        let Edge { u, v, .. } = self.edges[term];
        for (goal, node) in step.chunks(self.labels).zip([u, v]) {
            goal.iter().zip(self.node(node)..).for_each(|(&goal, k)| w.update(k, |_| goal));
        }
    }
}

/// Moves `point` to the nearest point of the simplex: numbers of at least 0 that sum to 1. A common
/// number is subtracted from all, and negative results become 0 (Duchi et al., ICML 2008).
fn project<R: Real>(point: &mut [R]) {
    let count = |n: usize| R::of(n as f64);
    // A common number changes nothing; without it, sums of large numbers keep the small ones.
    let largest = point.iter().fold(point[0], |largest, &x| largest.max(x));
    let mut sum = R::ZERO;
    for x in point.iter_mut() {
        *x = *x - largest;
        sum += *x;
    }
    let mut remaining = point.len();
    let mut subtracted = (sum - R::ONE) / count(remaining);
    // Numbers at or below the subtracted one become 0: each round leaves out some, and there are
    // few labels.
    loop {
        let (mut sum, mut above) = (R::ZERO, 0);
        for &x in point.iter().filter(|&&x| x > subtracted) {
            sum += x;
            above += 1;
        }
        // Rounding may bring back a number that was left out: the rounds would never end.
        if above >= remaining {
            break;
        }
        remaining = above;
        subtracted = (sum - R::ONE) / count(remaining);
    }
    point.iter_mut().for_each(|x| *x = (*x - subtracted).max(R::ZERO));
}

#[cfg(test)]
mod tests;
