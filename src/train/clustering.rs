//! What a user may choose about hogwild++'s clusters and their ring.

use crate::error::{Error, Result};
use crate::problem::Problem;
use crate::strategy::{Layout, Topology, Update};

/// Settings of hogwild++.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clustering {
    /// How threads write a weight of their cluster's replica. Default wild.
    pub update: Update,
    /// The clusters. Default by the machine's topology.
    pub clusters: Clusters,
    /// [`Layout::update_delay`], at least 1. Default by the number of clusters. Larger costs less time and spreads
    /// changes later.
    pub update_delay: Option<usize>,
    /// [`Mixing::beta`](crate::strategy::Mixing::beta), above 0 and below 1. Default by the number of clusters.
    pub beta: Option<f64>,
    /// [`Mixing::lambda`](crate::strategy::Mixing::lambda), from 0 to 1. Default by the number of clusters.
    pub lambda: Option<f64>,
    /// Whether each thread is kept on one processor. Default no.
    pub pin: bool,
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

impl Clustering {
    /// The same as the default one.
    pub(super) const DEFAULT: Clustering = Clustering {
        update: Update::Wild,
        clusters: Clusters::Auto,
        update_delay: None,
        beta: None,
        lambda: None,
        pin: false,
    };

    /// The layout that these settings lead to with `workers` workers for a problem.
    pub(super) fn layout(&self, workers: usize, topology: &Topology, problem: &impl Problem) -> Layout {
        let clusters = match self.clusters {
            Clusters::Auto => topology.clusters(workers),
            Clusters::Count(count) => count,
            Clusters::Size(size) => workers.div_ceil(size.max(1)),
        };
        let layout = Layout::new(workers, clusters).for_problem(problem.terms(), problem.width());
        let mut layout = Layout { update: self.update, pin: self.pin, ..layout };
        layout.update_delay = self.update_delay.unwrap_or(layout.update_delay);
        for mixing in [&mut layout.mixing, &mut layout.rare] {
            mixing.beta = self.beta.unwrap_or(mixing.beta);
            mixing.lambda = self.lambda.unwrap_or(mixing.lambda);
        }
        layout
    }

    pub(super) fn check(&self, workers: usize) -> Result<()> {
        let at_least_1 = |name, value: Option<usize>, hint| match value {
            Some(0) => Err(Error::Parameter { name, value: "0".into(), expected: "1 or more", hint }),
            _ => Ok(()),
        };
        if !matches!(self.update, Update::Wild | Update::Atomic) {
            return Err(Error::Parameter {
                name: "update",
                value: self.update.name().into(),
                expected: "wild or atomic with hogwild++, whose clusters have their own way to merge",
                hint: "leave it out, or choose hogwild",
            });
        }
        let topology = "leave it out, and clusters follow the machine's sockets and caches";
        at_least_1("update delay", self.update_delay, "64 is usual for up to 4 clusters")?;
        match self.clusters {
            Clusters::Auto => (),
            Clusters::Size(size) => at_least_1("cluster size", Some(size), topology)?,
            Clusters::Count(count) if (1..=workers).contains(&count) => (),
            Clusters::Count(count) => {
                return Err(Error::Parameter {
                    name: "clusters",
                    value: count.to_string(),
                    expected: "1 or more, and at most the number of threads",
                    hint: topology,
                });
            }
        }
        let by_clusters = "leave it out, and it follows from the number of clusters";
        let beta = self.beta.filter(|&beta| !(beta > 0.0 && beta < 1.0));
        let lambda = self.lambda.filter(|lambda| !(0.0..=1.0).contains(lambda));
        for (name, wrong, expected) in [
            ("ring beta", beta, "a number above 0 and below 1"),
            ("ring lambda", lambda, "a number from 0 to 1"),
        ] {
            if let Some(value) = wrong {
                return Err(Error::Parameter { name, value: value.to_string(), expected, hint: by_clusters });
            }
        }
        Ok(())
    }
}
