//! The numbers of hogwild++'s ring: the weight of a change at each hop, and the consensus of the
//! replicas in the end.
//!
//! Letters as in Zhang, Hsieh & Akella (ICDM 2016), section 4: K clusters, beta and lambda; w_k is
//! the replica of cluster k, s_k its snapshot from its last sync.

/// Weights of a sync (`Replica::sync`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixing {
    /// Weight of a change that is passed on, above 0 and below 1.
    pub beta: f64,
    /// Weight of the next cluster's replica, from 0 to 1.
    pub lambda: f64,
}

/// Weights of the consensus, by distance from the token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::strategy) struct Consensus {
    /// Weight of the replica of the cluster whose turn it is.
    pub(in crate::strategy) at_token: f64,
    /// Weight of each other replica.
    pub(in crate::strategy) elsewhere: f64,
    /// Weight of each snapshot.
    pub(in crate::strategy) snapshot: f64,
}

impl Mixing {
    /// Returns the authors' choice for K = `clusters`: beta + beta^K = 1, so that a change that
    /// went once round the ring has full weight where it came from, and lambda = 1 - beta^(K-1).
    pub fn of(clusters: usize) -> Self {
        let power = i32::try_from(clusters).unwrap_or(i32::MAX);
        let (mut low, mut high) = (0.0, 1.0);
        // Halving leaves an interval below the last bit of an f64.
        for _ in 0..f64::MANTISSA_DIGITS {
            let middle: f64 = (low + high) / 2.0;
            *(if middle + middle.powi(power) < 1.0 { &mut low } else { &mut high }) = middle;
        }
        Mixing { beta: low, lambda: 1.0 - low.powi(power - 1) }
    }

    /// Weights for a token that goes round so rarely that each cluster learns by itself what the
    /// others have learned already. With the authors' weights these changes would nearly add up.
    /// With beta = lambda = 1/2 the replicas agree on about their mean.
    /// Record: D048.
    pub const RARE: Mixing = Mixing { beta: 0.5, lambda: 0.5 };

    /// Returns the weights of the consensus that K = `clusters` replicas, at least 2, would reach
    /// if the token went on forever and no visit was made.
    ///
    /// A sync maps (w, s) linearly, so the limit is a linear form that a sync does not change,
    /// except that the token is one cluster further: its weights go round with it. Let a_j and b_j
    /// be the weights of w and s at distance j from the token. Equating the coefficients before and
    /// after a sync leaves b_j = b and a_j = a for all j >= 1, with a_0 = beta*(c + a_0), a = a_0 +
    /// lambda*c, b = (1 - lambda)*c - a_0 and c = a + b; and since replicas that agree stay as they
    /// are, all weights add up to 1, which gives c = 1/(K - lambda).
    pub(in crate::strategy) fn consensus(self, clusters: usize) -> Consensus {
        let c = 1.0 / (clusters as f64 - self.lambda);
        let at_token = c * self.beta / (1.0 - self.beta);
        Consensus {
            at_token,
            elsewhere: at_token + c * self.lambda,
            snapshot: c * (1.0 - self.lambda) - at_token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_and_lambda_are_those_of_the_paper() {
        for (clusters, beta, lambda) in [
            (2, 0.618, 0.382),
            (3, 0.682, 0.534),
            (4, 0.725, 0.620),
            (5, 0.755, 0.675),
            (8, 0.812, 0.768),
            (10, 0.835, 0.803),
            (20, 0.894, 0.881),
            (40, 0.934, 0.930),
        ] {
            let mixing = Mixing::of(clusters);
            assert!((mixing.beta - beta).abs() < 1e-3, "{clusters}: {mixing:?}");
            assert!((mixing.lambda - lambda).abs() < 1.5e-3, "{clusters}: {mixing:?}");
        }
    }

    /// Syncs replicas of one number each until all agree.
    fn simulate(mixing: Mixing, mut w: Vec<f64>, mut s: Vec<f64>, turn: usize) -> f64 {
        let clusters = w.len();
        for sync in turn..turn + clusters * 100_000 {
            let (k, next) = (sync % clusters, (sync + 1) % clusters);
            let d = w[k] - s[k];
            w[k] = mixing.lambda * w[next] + (1.0 - mixing.lambda) * s[k] + mixing.beta * d;
            w[next] += mixing.beta * d;
            s[k] = w[k];
        }
        assert!(w.iter().all(|x| (x - w[0]).abs() < 1e-9), "they do not agree: {w:?}");
        w[0]
    }

    #[test]
    fn the_consensus_is_where_a_simulated_tour_ends() {
        for clusters in [2, 3, 4, 8, 10, 20] {
            for mixing in [Mixing::of(clusters), Mixing::RARE, Mixing { beta: 0.3, lambda: 0.6 }] {
                for turn in [0, clusters - 1] {
                    let w: Vec<f64> =
                        (0..clusters).map(|k| ((k * 7 + 3) % 5) as f64 - 1.5).collect();
                    let s: Vec<f64> =
                        (0..clusters).map(|k| ((k * 3 + 1) % 7) as f64 / 2.0).collect();
                    let weights = mixing.consensus(clusters);
                    let agreed: f64 = (0..clusters)
                        .map(|k| {
                            let a = if k == turn { weights.at_token } else { weights.elsewhere };
                            a * w[k] + weights.snapshot * s[k]
                        })
                        .sum();
                    let simulated = simulate(mixing, w, s, turn);
                    assert!(
                        (agreed - simulated).abs() < 1e-8,
                        "{clusters} {mixing:?}: {agreed} {simulated}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_consensus_of_the_authors_weights() {
        let near = |x: f64, y: f64| (x - y).abs() < 2e-3;
        for (clusters, at_token, elsewhere, snapshot) in
            [(2, 1.0, 1.236, -0.618), (4, 0.778, 0.961, -0.665), (8, 0.596, 0.702, -0.564)]
        {
            let found = Mixing::of(clusters).consensus(clusters);
            let same = near(found.at_token, at_token)
                && near(found.elsewhere, elsewhere)
                && near(found.snapshot, snapshot);
            assert!(same, "{clusters}: {found:?}");
        }
    }
}
