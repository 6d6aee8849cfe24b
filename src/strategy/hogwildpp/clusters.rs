//! A user's settings for hogwild++'s clusters and their ring.

use super::{Layout, Topology, Update};

/// Settings of hogwild++'s clusters and their ring.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClusterConfig {
    /// Kind of write to a weight of the cluster's replica: wild (default) or atomic.
    pub update: Update,
    /// The clusters' number or size. Default by the machine's topology.
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

/// The number or the size of clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clusters {
    /// The number that suits the machine: [`Topology::clusters`].
    #[default]
    Auto,
    /// This many, at least 1 and at most one per thread.
    Count(usize),
    /// The least number of clusters with at most this many threads each, at least 1.
    Size(usize),
}

impl ClusterConfig {
    /// The default settings, as a constant.
    pub(crate) const DEFAULT: ClusterConfig = ClusterConfig {
        update: Update::Wild,
        clusters: Clusters::Auto,
        update_delay: None,
        beta: None,
        lambda: None,
    };

    /// Returns the layout of `workers` workers under these settings, for a problem of `terms` terms
    /// and `width` weights.
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
