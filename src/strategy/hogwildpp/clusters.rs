//! What a user may choose about hogwild++'s clusters and their ring.

use super::{Layout, Topology, Update};

/// Settings of hogwild++.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClusterConfig {
    /// How threads write a weight of their cluster's replica. Default wild.
    pub update: Update,
    /// The clusters. Default by the machine's topology.
    pub clusters: Clusters,
    /// [`Layout::update_delay`], at least 1. Default by the number of clusters. Larger costs less
    /// time and spreads changes later.
    pub update_delay: Option<usize>,
    /// [`Mixing::beta`](super::Mixing::beta), above 0 and below 1. Default by the number of
    /// clusters.
    pub beta: Option<f64>,
    /// [`Mixing::lambda`](super::Mixing::lambda), from 0 to 1. Default by the number of clusters.
    pub lambda: Option<f64>,
}

/// How threads form clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clusters {
    /// As suits the machine: [`Topology::clusters`].
    #[default]
    Auto,
    /// That many, at least 1 and at most one a thread.
    Count(usize),
    /// As many as it takes for each to have at most that many threads, at least 1.
    Size(usize),
}

impl ClusterConfig {
    /// The default, as a constant.
    pub(crate) const DEFAULT: ClusterConfig = ClusterConfig {
        update: Update::Wild,
        clusters: Clusters::Auto,
        update_delay: None,
        beta: None,
        lambda: None,
    };

    /// The layout that these settings lead to with `workers` workers for a problem.
    pub(crate) fn layout(
        &self,
        workers: usize,
        topology: &Topology,
        terms: usize,
        width: usize,
        pin: bool,
    ) -> Layout {
        let clusters = match self.clusters {
            Clusters::Auto => topology.clusters(workers),
            Clusters::Count(count) => count,
            Clusters::Size(size) => workers.div_ceil(size.max(1)),
        };
        let layout = Layout::new(workers, clusters).for_problem(terms, width);
        let mut layout = Layout { update: self.update, pin, ..layout };
        layout.update_delay = self.update_delay.unwrap_or(layout.update_delay);
        for mixing in [&mut layout.mixing, &mut layout.rare] {
            mixing.beta = self.beta.unwrap_or(mixing.beta);
            mixing.lambda = self.lambda.unwrap_or(mixing.lambda);
        }
        layout
    }
}
