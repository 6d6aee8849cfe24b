//! Hessians of sums over examples, in memory, and linear systems with them.
//!
//! With many more examples than coordinates, a part of the examples tells what the coordinates have
//! to do with each other; all of them tell the second derivatives along each (Byrd, Chin, Neveitt &
//! Nocedal, SIAM J. Optimization 2011).

use crate::parallel;

/// Most coordinates for a Hessian that costs about as much as a pass over the data.
const SMALL: usize = 512;
/// Fewest entries for each of them.
const FEW: usize = 16;

/// Whether steps of Newton's method with all of so many coordinates cost about as much as passes
/// that visit `touches` entries.
pub(crate) fn is_small(width: usize, touches: usize) -> bool {
    width <= SMALL && width * width.max(FEW) <= touches
}

/// Sums Hessians into the same memory step after step, of a thinned part of the examples far from
/// the minimum.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assembly {
    pub thinning: Thinning,
    parts: Vec<Part>,
}

/// The sum over a part of the examples.
#[derive(Clone, Debug, Default)]
struct Part {
    /// Row after row, up to the diagonal; what is above it is not used.
    sum: Vec<f64>,
    /// What other examples add to the diagonal alone.
    diagonal: Vec<f64>,
    /// Room for an example's entries.
    row: Vec<(u32, f64)>,
}

/// How many examples' products of entries a step of Newton's method sums up, one in so many: as far
/// from the minimum as the first steps are, few do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thinning {
    /// The most that the steps so far allow.
    most: usize,
    /// The one that was used last, and the decrease that came of it.
    last: (usize, f64),
}

/// Examples for each coordinate that a thinned sum has at least.
const PER_COORDINATE: usize = 128;
/// Products that cost about as much as an entry in a pass over the data.
const PRODUCTS: f64 = 3.0;
/// Share of the step's decrease before, that a step with a good Hessian decreases the objective by
/// at most.
const FASTER: f64 = 0.3;

impl Default for Thinning {
    fn default() -> Self {
        Thinning { most: usize::MAX, last: (1, f64::INFINITY) }
    }
}

impl Thinning {
    /// One in how many, if all would have that many `products`, and one pass over the data visits
    /// `touches` entries.
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

    /// Sees by how much the step with that Hessian decreased the objective, not at all if it did
    /// not.
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

impl Assembly {
    /// The sum of c*x*x' over so many examples, as all of a symmetric matrix, row after row.
    /// `curvature` tells an example's c, at least 0; `entries` adds its entries to an empty vector,
    /// their places ascend and are below `m`. Only one in `every` example counts off the diagonal,
    /// and what it counts is scaled to the diagonal. The same for any number of threads.
    pub fn sum(
        &mut self,
        m: usize,
        examples: usize,
        every: usize,
        curvature: &(dyn Fn(usize) -> f64 + Sync),
        entries: &(dyn Fn(usize, &mut Vec<(u32, f64)>) + Sync),
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

    /// Adds an example, which is in `row`.
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

    /// Scales the sum to the diagonal with all examples, and makes it symmetric.
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

/// Most sums that are made side by side, fewest examples for each coordinate that a sum has, and
/// most places of all sums together.
const MOST_PARTS: usize = 16;
const FEWEST: usize = 16;
const MOST_PLACES: usize = 1 << 22;

/// The solution x of matrix*x = right for a symmetric positive definite matrix; `None` if it is
/// not, to rounding. The matrix is lost.
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
        thinning.saw(1.0);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 8, "there is nothing to compare with");
        thinning.saw(0.1);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 8, "a tenth is fast");
        thinning.saw(0.08);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 4);
        assert_eq!(thinning.every(2400.0, 100, 160, 10), 1, "too few examples");
        thinning.saw(0.0);
        assert_eq!(thinning.every(2400.0, 100, 1 << 20, 10), 1);
    }
}
