//! Overlap of examples: the hypergraph measures of Niu et al. (2011, "Hogwild", section 2), with
//! the examples as its edges e in E and the features as its vertices v. A simple model estimates
//! how often threads conflict.

use serde::Serialize;

use super::Rho;
use super::ratio::ratio;
use crate::data::Dataset;

/// Numbers of threads to estimate conflicts for.
const THREADS: [u32; 6] = [2, 4, 8, 16, 32, 64];

/// Overlap of examples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflicts {
    /// Omega = max over e of |e|: the entries of the longest example.
    pub omega: usize,
    /// Delta = max over v of |{e : v in e}| / |E|: the fraction of the examples that have the most
    /// frequent feature.
    pub delta: f64,
    /// rho = max over e of |{e' : e' meets e}| / |E|: the fraction of the examples that share a
    /// feature with the one that has most such neighbors.
    pub rho: Rho,
    /// Conflicts of 2, 4, 8, 16, 32 and 64 threads.
    pub collisions: Vec<Collisions>,
}

/// Expected conflicts of a number of threads.
///
/// Let `c(v)` of `n` examples have feature `v`, and let there be `N` entries in all. This is the
/// expected fraction of weight updates whose weight also belongs to an example that one of the
/// other `P - 1` threads holds at that moment:
///
/// ```text
/// sum over v of c(v)/N * (1 - (1 - c(v)/n)^(P - 1))
/// ```
///
/// An update is one entry of the current example, so that it is one of feature `v` with probability
/// `c(v)/N`. Each other thread holds an example of its own, drawn at random, which has `v` with
/// probability `c(v)/n`. This is not the fraction of lost updates: for one, two threads must be
/// between reading and writing the same weight at the same time, a small part of the time that an
/// example is held. It does estimate how often a weight moves from core to core. Weights of
/// different features that share a cache line are left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Collisions {
    /// Number of threads, P.
    pub threads: u32,
    /// Expected fraction of the updates, from 0 to 1.
    pub share: f64,
}

impl Conflicts {
    /// Measures `data`. `counts` holds the number of examples that have a feature, by feature;
    /// `frequencies` holds these in ascending order.
    pub(super) fn of(data: &Dataset, counts: &[u32], frequencies: &[u32], rho_work: u64) -> Self {
        let examples = data.len();
        let collisions = |&threads: &u32| Collisions {
            threads,
            share: fraction(frequencies, examples, threads),
        };
        Conflicts {
            omega: (0..examples).map(|i| data.row(i).len()).max().unwrap_or(0),
            delta: f64::from(frequencies.last().copied().unwrap_or(0)) / examples as f64,
            rho: Rho::of(data, counts, rho_work),
            collisions: THREADS.iter().map(collisions).collect(),
        }
    }

    /// The factor by which the bound on the number of steps grows if weights may be `tau` steps
    /// old: 1 + 6 rho tau + 6 tau^2 Omega Delta^(1/2) (Niu et al. 2011, proposition 4.1). `tau` is
    /// at least the number of threads. This is a worst case for convex problems; practice mostly
    /// stays far below it. Uses the upper bound on rho.
    pub fn worst_case(&self, tau: f64) -> f64 {
        1.0 + 6.0 * self.rho.upper * tau + 6.0 * tau * tau * self.omega as f64 * self.delta.sqrt()
    }
}

/// The formula of [`Collisions`].
fn fraction(frequencies: &[u32], examples: usize, threads: u32) -> f64 {
    let others = threads as i32 - 1;
    let (mut entries, mut shared) = (0.0, 0.0);
    // There are many equal counts, side by side.
    for group in frequencies.chunk_by(|a, b| a == b) {
        let count = f64::from(group[0]);
        let held = group.len() as f64 * count;
        entries += held;
        shared += held * (1.0 - (1.0 - count / examples as f64).powi(others));
    }
    ratio(shared, entries)
}
