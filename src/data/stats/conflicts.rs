//! How much examples have in common: the hypergraph measures of Niu et al. (2011, "Hogwild",
//! section 2), with the examples as its edges e in E and the features as its vertices v, and a
//! simple model of how often threads meet.

use serde::Serialize;

use super::{Rho, ratio};
use crate::data::Dataset;

/// Numbers of threads that are of interest.
const THREADS: [u32; 6] = [2, 4, 8, 16, 32, 64];

/// How much examples have in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Conflicts {
    /// Omega = max over e of |e|: the entries of the longest example.
    pub omega: usize,
    /// Delta = max over v of |{e : v in e}| / |E|: the share of the examples that have the most
    /// frequent feature.
    pub delta: f64,
    /// rho = max over e of |{e' : e' meets e}| / |E|: the share of the examples that have a feature
    /// in common with the one that meets most.
    pub rho: Rho,
    /// How often threads meet, for 2, 4, 8, 16, 32 and 64 of them.
    pub collisions: Vec<Collisions>,
}

/// How often threads meet.
///
/// With `c(v)` of `n` examples having feature `v`, and `N` entries in all, the expected share of
/// weight updates whose weight also belongs to an example that one of the other `P - 1` threads
/// holds at that moment is
///
/// ```text
/// sum over v of c(v)/N * (1 - (1 - c(v)/n)^(P - 1))
/// ```
///
/// An update is one entry of the example at hand, so that it is one of feature `v` with probability
/// `c(v)/N`; each other thread holds an example of its own, drawn at random, which has `v` with
/// probability `c(v)/n`. This is no share of lost updates: for that, two threads must be between
/// reading and writing the same weight at the same time, a small part of the time that an example
/// is held. It does say how often a weight moves from core to core. That weights of different
/// features share cache lines is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Collisions {
    /// Number of threads, P.
    pub threads: u32,
    /// Expected share of the updates, from 0 to 1.
    pub share: f64,
}

impl Conflicts {
    /// `counts`: examples that have a feature, by feature; `frequencies`: the same in ascending
    /// order.
    pub(super) fn of(data: &Dataset, counts: &[u32], frequencies: &[u32], rho_work: u64) -> Self {
        let examples = data.len();
        let collisions =
            |&threads: &u32| Collisions { threads, share: share(frequencies, examples, threads) };
        Conflicts {
            omega: (0..examples).map(|i| data.row(i).len()).max().unwrap_or(0),
            delta: f64::from(frequencies.last().copied().unwrap_or(0)) / examples as f64,
            rho: Rho::of(data, counts, rho_work),
            collisions: THREADS.iter().map(collisions).collect(),
        }
    }

    /// The factor by which the bound on the number of steps grows when weights may be `tau` steps
    /// old: 1 + 6 rho tau + 6 tau^2 Omega Delta^(1/2) (Niu et al. 2011, proposition 4.1). With
    /// `tau` at least the number of threads; a worst case for convex problems that practice mostly
    /// stays far below. Uses the upper bound on rho.
    pub fn worst_case(&self, tau: f64) -> f64 {
        1.0 + 6.0 * self.rho.upper * tau + 6.0 * tau * tau * self.omega as f64 * self.delta.sqrt()
    }
}

/// The formula of [`Collisions`].
fn share(frequencies: &[u32], examples: usize, threads: u32) -> f64 {
    let others = threads as i32 - 1;
    let (mut entries, mut shared) = (0.0, 0.0);
    // Equal counts are many and stand side by side.
    for group in frequencies.chunk_by(|a, b| a == b) {
        let count = f64::from(group[0]);
        let held = group.len() as f64 * count;
        entries += held;
        shared += held * (1.0 - (1.0 - count / examples as f64).powi(others));
    }
    ratio(shared, entries)
}
