//! Hessians of sums over examples, in memory, and linear systems with them.
//!
//! With many more examples than coordinates, a part of the examples tells what the coordinates have to do with each other;
//! all of them tell the second derivatives along each (Byrd, Chin, Neveitt & Nocedal, SIAM J. Optimization 2011).

use rayon::prelude::*;

/// Most coordinates for a Hessian that costs about as much as a pass over the data.
const SMALL: usize = 512;

/// Whether steps of Newton's method with all of so many coordinates cost about as much as passes that visit `touches` entries.
pub(crate) fn is_small(width: usize, touches: usize) -> bool {
    width <= SMALL && width * width.max(PER_COORDINATE) <= touches
}

/// How many examples' products of entries a step of Newton's method sums up, one in so many: as far from the minimum as
/// the first steps are, few do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thinning {
    /// The most that the steps so far allow.
    most: usize,
    /// The one that was used last, and the decrease that came of it.
    last: (usize, f64),
}

/// Examples for each coordinate that a thinned sum has at least.
const PER_COORDINATE: usize = 16;
/// Share of the step's decrease before, that a step with a good Hessian decreases the objective by at most.
const FASTER: f64 = 0.3;

impl Default for Thinning {
    fn default() -> Self {
        Thinning { most: usize::MAX, last: (1, f64::INFINITY) }
    }
}

impl Thinning {
    /// One in how many, if all would have that many `products`, and one pass over the data visits `touches` entries.
    pub fn every(&mut self, products: f64, touches: usize, examples: usize, coordinates: usize) -> usize {
        let worth = (products / touches.max(1) as f64) as usize;
        let enough = examples / (PER_COORDINATE * coordinates);
        let every = worth.min(enough).min(self.most).max(1);
        self.last.0 = every;
        every
    }

    /// Sees by how much the step with that Hessian decreased the objective, not at all if it did not.
    pub fn saw(&mut self, decrease: f64) {
        let (every, before) = self.last;
        if decrease.is_nan() || decrease <= 0.0 {
            self.most = 1;
        } else if decrease > FASTER * before && before.is_finite() {
            self.most = (every / 2).max(1);
        }
        self.last = (every, decrease);
    }
}

/// The sum of c*x*x' over `examples`, pairs of an example and its c above 0, as all of a symmetric matrix, row after row;
/// `entries` sets a vector to an example's entries, whose places ascend and are below `m`. Only one in `every` example
/// counts off the diagonal, and what it counts is scaled to the diagonal. The same for any number of threads.
pub(crate) fn sum(
    m: usize,
    examples: &[(usize, f64)],
    every: usize,
    entries: impl Fn(usize, &mut Vec<(u32, f64)>) + Sync,
) -> Vec<f64> {
    let parts = (MOST_PLACES / (m * m).max(1)).min(examples.len() / (FEWEST * m).max(1)).clamp(1, MOST_PARTS);
    let together = examples.len().div_ceil(parts).max(1);
    let parts: Vec<(Vec<f64>, Vec<f64>)> = examples
        .par_chunks(together)
        .enumerate()
        .map(|(part, examples)| {
            let (mut sum, mut diagonal) = (vec![0.0; m * m], vec![0.0; m]);
            let mut row = Vec::new();
            for (number, &(example, c)) in (part * together..).zip(examples) {
                row.clear();
                entries(example, &mut row);
                if number.is_multiple_of(every) {
                    for (k, &(a, x)) in row.iter().enumerate() {
                        let line = &mut sum[a as usize * m..][..=a as usize];
                        let x = x * c;
                        row[..=k].iter().for_each(|&(b, z)| line[b as usize] += x * z);
                    }
                } else {
                    row.iter().for_each(|&(a, x)| diagonal[a as usize] += c * x * x);
                }
            }
            (sum, diagonal)
        })
        .collect();
    let mut parts = parts.into_iter();
    let (mut sum, mut rest) = parts.next().unwrap_or_else(|| (vec![0.0; m * m], vec![0.0; m]));
    for (part, diagonal) in parts {
        sum.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        rest.iter_mut().zip(&diagonal).for_each(|(sum, part)| *sum += part);
    }
    let scale = |k: usize| match sum[k * m + k] {
        0.0 => 1.0,
        counted => ((counted + rest[k]) / counted).sqrt(),
    };
    let scales: Vec<f64> = (0..m).map(scale).collect();
    for k in 0..m {
        for b in 0..k {
            let scaled = sum[k * m + b] * scales[k] * scales[b];
            (sum[k * m + b], sum[b * m + k]) = (scaled, scaled);
        }
        sum[k * m + k] += rest[k];
    }
    sum
}

/// Most sums that are made side by side, fewest examples for each coordinate that a sum has, and most places of all sums
/// together.
const MOST_PARTS: usize = 16;
const FEWEST: usize = 4;
const MOST_PLACES: usize = 1 << 22;

/// The solution x of matrix*x = right for a symmetric positive definite matrix; `None` if it is not, to rounding.
pub(crate) fn solve(mut matrix: Vec<f64>, mut right: Vec<f64>) -> Option<Vec<f64>> {
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

/// A dot product in eight partial sums.
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

    /// Entries of an example, all in a few bands.
    fn entries(example: usize, row: &mut Vec<(u32, f64)>) {
        let at =
            |k: usize| (k as u32 * 3 + (example * (k + 2) / 3 % 3) as u32, 0.5 + (example % (k + 3)) as f64);
        row.extend((0..4).map(at));
    }

    #[test]
    fn sums_and_their_systems_are_exact() {
        let m = 12;
        let examples: Vec<(usize, f64)> = (0..500).map(|i| (i, 0.1 + (i % 7) as f64)).collect();
        let mut matrix = sum(m, &examples, 1, entries);
        let mut expected = vec![0.0; m * m];
        for &(i, c) in &examples {
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
        let found = solve(matrix.clone(), right).unwrap();
        assert!(found.iter().zip(&solution).all(|(a, b)| (a - b).abs() < 1e-8), "{found:?}");
        matrix[0] = -1.0;
        assert_eq!(solve(matrix, solution), None);
    }

    #[test]
    fn a_thinned_sum_has_the_whole_diagonal_and_about_the_rest() {
        let m = 12;
        let examples: Vec<(usize, f64)> = (0..6000).map(|i| (i, 1.0)).collect();
        let [whole, thin] = [1, 5].map(|every| sum(m, &examples, every, entries));
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
        assert_eq!(thinning.every(800.0, 100, 1 << 20, 10), 8);
        thinning.saw(1.0);
        assert_eq!(thinning.every(800.0, 100, 1 << 20, 10), 8, "there is nothing to compare with");
        thinning.saw(0.1);
        assert_eq!(thinning.every(800.0, 100, 1 << 20, 10), 8, "a tenth is fast");
        thinning.saw(0.08);
        assert_eq!(thinning.every(800.0, 100, 1 << 20, 10), 4);
        assert_eq!(thinning.every(800.0, 100, 160, 10), 1, "too few examples");
        thinning.saw(0.0);
        assert_eq!(thinning.every(800.0, 100, 1 << 20, 10), 1);
    }
}
