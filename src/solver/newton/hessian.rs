//! Hessians of sums over examples, in memory, and linear systems with them.
//!
//! With many more examples than coordinates, a sample of the examples is enough for the entries off
//! the diagonal; the diagonal is summed over all examples (Byrd, Chin, Neveitt & Nocedal, SIAM J.
//! Optimization 2011).

use crate::parallel;

/// Most coordinates of a Hessian that costs about as much as a pass over the data.
const SMALL: usize = 512;
/// Fewest entries of the data per coordinate of such a Hessian.
const FEW: usize = 16;

/// Returns true if Newton steps on `width` coordinates cost about as much as passes that visit
/// `touches` entries.
pub(crate) fn is_small(width: usize, touches: usize) -> bool {
    width <= SMALL && width * width.max(FEW) <= touches
}

/// Sums the Hessians of successive steps in the same memory, from a sample of the examples far from
/// the minimum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assembly {
    pub thinning: Thinning,
    parts: Vec<Part>,
}

/// The sum over a part of the examples.
#[derive(Clone, Debug, Default)]
struct Part {
    /// Lower triangle, row by row in a square matrix; the entries above the diagonal are unused.
    sum: Vec<f64>,
    /// Sum over the other examples, of the diagonal alone.
    diagonal: Vec<f64>,
    /// Buffer for an example's entries.
    row: Vec<(u32, f64)>,
}

/// Sampling rate of a step's Hessian: one in this many examples counts off the diagonal. The first
/// steps are so far from the minimum that few examples are enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thinning {
    /// Upper limit of `every`, by the steps so far.
    most: usize,
    /// The last `every`, and the decrease of the objective by its step.
    last: (usize, f64),
}

/// Fewest examples per coordinate in a thinned sum.
/// Record: D110.
const PER_COORDINATE: usize = 128;
/// Products that cost about as much as an entry in a pass over the data.
/// Record: D110.
const PRODUCTS: f64 = 3.0;
/// A step with a good Hessian decreases the objective by at most this fraction of the previous
/// step's decrease.
/// Record: D105.
const FASTER: f64 = 0.3;

impl Default for Thinning {
    fn default() -> Self {
        Thinning { most: usize::MAX, last: (1, f64::INFINITY) }
    }
}

impl Thinning {
    /// Returns `every` for the next step, which counts one in `every` examples. The sum over all
    /// examples has this many `products`; a pass over the data visits `touches` entries.
    pub fn every(
        &mut self,
        products: f64,
        touches: usize,
        examples: usize,
        coordinates: usize,
    ) -> usize {
        let worth = (products / (PRODUCTS * touches.max(1) as f64)) as usize;
        let enough = examples / (PER_COORDINATE * coordinates);
        let every = worth.min(enough).min(self.most).max(1);
        self.last.0 = every;
        every
    }

    /// Records the decrease of the objective by the step with that Hessian; 0 if it failed.
    pub fn record(&mut self, decrease: f64) {
        let (every, before) = self.last;
        if decrease.is_nan() || decrease <= 0.0 {
            self.most = 1;
        } else if decrease > FASTER * before && before.is_finite() {
            self.most = (every / 2).max(1);
        }
        self.last = (every, decrease);
    }
}

/// Appends the entries of the example with a number.
type EntriesOf<'a> = dyn Fn(usize, &mut Vec<(u32, f64)>) + Sync + 'a;

impl Assembly {
    /// Sums c*x*x' over this many examples; returns the whole symmetric matrix, row by row.
    /// `curvature` returns an example's c, at least 0. `entries` appends its entries to an empty
    /// vector, by ascending index below `m`. Only one in `every` examples counts off the diagonal;
    /// its contribution is scaled to the whole diagonal. The bits do not depend on the number of
    /// threads.
    pub fn sum(
        &mut self,
        m: usize,
        examples: usize,
        every: usize,
        curvature: &(dyn Fn(usize) -> f64 + Sync),
        entries: &EntriesOf<'_>,
    ) -> &mut [f64] {
        let parts =
            (MOST_PLACES / (m * m).max(1)).min(examples / (FEWEST * m).max(1)).clamp(1, MOST_PARTS);
        let together = examples.div_ceil(parts);
        self.parts.resize_with(parts, Part::default);
        parallel::parts(&mut self.parts, 1, &|number, part| {
            let part = &mut part[0];
            part.clear(m);
            let mut left_out = 0;
            for example in number * together..examples.min((number + 1) * together) {
                let is_counted = left_out == 0;
                left_out = if is_counted { every - 1 } else { left_out - 1 };
                let c = curvature(example);
                if c > 0.0 {
                    part.row.clear();
                    entries(example, &mut part.row);
                    part.add(m, c, is_counted);
                }
            }
        });
        let (all, others) = self.parts.split_first_mut().expect("there is one");
        for other in others {
            all.sum.iter_mut().zip(&other.sum).for_each(|(sum, part)| *sum += part);
            all.diagonal.iter_mut().zip(&other.diagonal).for_each(|(sum, part)| *sum += part);
        }
        all.mirror(m);
        &mut all.sum
    }
}

impl Part {
    fn clear(&mut self, m: usize) {
        for (vector, length) in [(&mut self.sum, m * m), (&mut self.diagonal, m)] {
            vector.clear();
            vector.resize(length, 0.0);
        }
    }

    /// Adds the example in `row`.
    fn add(&mut self, m: usize, c: f64, is_counted: bool) {
        if is_counted {
            for (k, &(a, x)) in self.row.iter().enumerate() {
                let line = &mut self.sum[a as usize * m..][..=a as usize];
                let x = x * c;
                self.row[..=k].iter().for_each(|&(b, z)| line[b as usize] += x * z);
            }
        } else {
            self.row.iter().for_each(|&(a, x)| self.diagonal[a as usize] += c * x * x);
        }
    }

    /// Scales the sum to the diagonal over all examples, and makes it symmetric.
    fn mirror(&mut self, m: usize) {
        let Part { sum, diagonal, .. } = self;
        let scale = |k: usize| match sum[k * m + k] {
            0.0 => 1.0,
            counted => ((counted + diagonal[k]) / counted).sqrt(),
        };
        let scales: Vec<f64> = (0..m).map(scale).collect();
        for k in 0..m {
            for b in 0..k {
                let scaled = sum[k * m + b] * scales[k] * scales[b];
                (sum[k * m + b], sum[b * m + k]) = (scaled, scaled);
            }
            sum[k * m + k] += diagonal[k];
        }
    }
}

/// Most partial sums in parallel.
const MOST_PARTS: usize = 16;
/// Fewest examples per coordinate in a partial sum.
const FEWEST: usize = 16;
/// Most numbers in all partial sums together.
const MOST_PLACES: usize = 1 << 22;

/// Solves matrix*x = right for a symmetric positive definite matrix (Cholesky); `None` if rounding
/// leaves it not positive definite. Overwrites the matrix.
pub(crate) fn solve(matrix: &mut [f64], mut right: Vec<f64>) -> Option<Vec<f64>> {
    let m = right.len();
    for k in 0..m {
        let (above, rest) = matrix.split_at_mut(k * m);
        let line = &mut rest[..m];
        for b in 0..k {
            let other = &above[b * m..][..=b];
            let dot = dot(&line[..b], &other[..b]);
            line[b] = (line[b] - dot) / other[b];
        }
        let pivot = line[k] - dot(&line[..k], &line[..k]);
        if pivot.is_nan() || pivot <= 0.0 {
            return None;
        }
        line[k] = pivot.sqrt();
        let dot = dot(&line[..k], &right[..k]);
        right[k] = (right[k] - dot) / line[k];
    }
    for k in (0..m).rev() {
        right[k] /= matrix[k * m + k];
        let (solved, line) = (right[k], &matrix[k * m..][..k]);
        right[..k].iter_mut().zip(line).for_each(|(x, factor)| *x -= solved * factor);
    }
    Some(right)
}

/// Computes a dot product in eight partial sums.
pub(crate) fn dot(x: &[f64], z: &[f64]) -> f64 {
    let ((x, x_rest), (z, z_rest)) = (x.as_chunks::<8>(), z.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, z) in x.iter().zip(z) {
        for k in 0..8 {
            sums[k] += x[k] * z[k];
        }
    }
    sums.iter().sum::<f64>() + x_rest.iter().zip(z_rest).map(|(x, z)| x * z).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends the entries of an example, all in a few bands.
    fn entries(example: usize, row: &mut Vec<(u32, f64)>) {
        let at = |k: usize| {
            (k as u32 * 3 + (example * (k + 2) / 3 % 3) as u32, 0.5 + (example % (k + 3)) as f64)
        };
        row.extend((0..4).map(at));
    }

    #[test]
    fn sums_and_their_systems_are_exact() {
        let m = 12;
        let curvatures: Vec<f64> = (0..500).map(|i| (i % 7) as f64 / 2.0).collect();
        let mut assembly = Assembly::default();
        let mut matrix =
            assembly.sum(m, curvatures.len(), 1, &|i| curvatures[i], &entries).to_vec();
        let mut expected = vec![0.0; m * m];
        for (i, c) in curvatures.iter().enumerate() {
            let mut row = Vec::new();
            entries(i, &mut row);
            for &(a, x) in &row {
                row.iter().for_each(|&(b, z)| expected[a as usize * m + b as usize] += c * x * z);
            }
        }
        let apart = matrix.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-9, "{apart}");
        (0..m).for_each(|k| matrix[k * m + k] += 1.0);
        let solution: Vec<f64> = (0..m).map(|k| k as f64 - 3.5).collect();
        let right = matrix.chunks(m).map(|line| dot(line, &solution)).collect();
        let found = solve(&mut matrix.clone(), right).unwrap();
        assert!(found.iter().zip(&solution).all(|(a, b)| (a - b).abs() < 1e-8), "{found:?}");
        matrix[0] = -1.0;
        assert_eq!(solve(&mut matrix, solution), None);
        assert_eq!(assembly.sum(2, 0, 1, &|_| 1.0, &entries), [0.0; 4]);
    }

    #[test]
    fn a_thinned_sum_has_the_whole_diagonal_and_about_the_rest() {
        let m = 12;
        let mut assembly = Assembly::default();
        let [whole, thin] =
            [1, 5].map(|every| assembly.sum(m, 6000, every, &|_| 1.0, &entries).to_vec());
        for a in 0..m {
            for b in 0..m {
                let [exact, about] = [&whole, &thin].map(|matrix| matrix[a * m + b]);
                let size = (whole[a * m + a] * whole[b * m + b]).sqrt();
                let allowed = if a == b { 1e-9 } else { 0.1 };
                assert!((exact - about).abs() <= allowed * size, "{a} {b}: {about} for {exact}");
            }
        }
    }

    #[test]
    fn hessians_are_thinned_while_that_is_fast() {
        let mut thinning = Thinning::default();
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 8);
        thinning.record(1.0);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 8, "there is no step to compare with");
        thinning.record(0.1);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 8, "a tenth is fast");
        thinning.record(0.08);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 4);
        assert_eq!(thinning.every(2400.0, 100, 160, 10), 1, "too few examples");
        thinning.record(0.0);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 1);
    }
}
