//! The linear system of a step: the Hessian of smoothed losses and regularizer, in scaled
//! coordinates. Where it is small it is factored; elsewhere conjugate gradients multiply with it.

use super::curvature::{Curvature, Precision};
use super::terms::Terms;
use crate::parallel;
use crate::solver::bounds::Twofold;
use crate::solver::convex::Convex;
use crate::solver::newton::hessian::{Assembly, dot};

/// Most coordinates of a Hessian in memory.
const MOST: usize = 1536;
/// A pivot below this fraction of its diagonal, times the number of coordinates, is rounding: the
/// coordinate stays where it is.
const NOTHING: f64 = 8.0 * f64::EPSILON;
/// Most products per system.
const PRODUCTS: usize = 500;
/// Most corrections of a factored system's solution.
const CORRECTIONS: usize = 8;
/// A solution's residual, as a fraction of the right-hand side.
const SOLVED: f64 = 1e-10;
/// The residual where products are all that there is.
const ROUGHLY: f64 = 1e-4;

/// Products and additions that assemble and factor a system.
pub(super) fn work(convex: Convex<'_>) -> f64 {
    let (m, count) = (convex.width() as f64, convex.examples.len() as f64);
    let row = convex.examples.touches() as f64 / count + 1.0;
    count * (row * convex.outputs() as f64).powi(2) / 2.0 + m.powi(3) / 6.0
}

/// The system matrix: scaled features' Hessian plus a diagonal.
pub(super) struct System<'a> {
    convex: Convex<'a>,
    /// Factor of each coordinate: weights are coordinates divided by it.
    scale: &'a [f64],
    /// Second derivative of the regularizer by each coordinate.
    diagonal: Vec<f64>,
    /// Lower triangle of the Cholesky factor, in a square; or the inverse of the diagonal.
    inverse: Inverse,
    /// Tells whether the solution is not needed any more.
    must_stop: &'a dyn Fn() -> bool,
}

enum Inverse {
    Factor(Vec<f64>),
    Exact(Vec<Twofold>),
    Diagonal(Vec<f64>),
}

impl<'a> System<'a> {
    /// Assembles and factors the system.
    pub fn new(
        convex: Convex<'a>,
        terms: &Terms,
        scale: &'a [f64],
        precision: Precision,
        assembly: &mut Assembly,
        must_stop: &'a dyn Fn() -> bool,
    ) -> Self {
        let diagonal = terms.diagonal(convex, scale);
        let inverse = Inverse::Diagonal(Vec::new());
        let mut system = System { convex, scale, diagonal, inverse, must_stop };
        let curvature = terms.curvature();
        system.inverse = match scale.len() <= MOST {
            true if precision == Precision::Twofold => {
                Inverse::Exact(exactly_factored(system.exact_matrix(&curvature), scale.len()))
            }
            true => Inverse::Factor(factored(system.matrix(&curvature, assembly), scale.len())),
            false => {
                let diagonal = system.whole_diagonal(&curvature);
                let inverse = |d: &f64| if *d > 0.0 { 1.0 / d } else { 0.0 };
                Inverse::Diagonal(diagonal.iter().map(inverse).collect())
            }
        };
        system
    }

    /// Solves the system at the curvatures that it was made with, by conjugate gradients that are
    /// preconditioned by what is known of the inverse.
    pub fn solve(&self, right: &[Twofold], terms: &Terms) -> Vec<f64> {
        if let Inverse::Exact(factor) = &self.inverse {
            return exactly_substituted(factor, right.to_vec());
        }
        let right: Vec<f64> = right.iter().map(|right| right.rounded()).collect();
        let curvature = terms.curvature();
        let (most, solved) = match self.inverse {
            Inverse::Factor(_) | Inverse::Exact(_) => (CORRECTIONS, SOLVED),
            Inverse::Diagonal(_) => (PRODUCTS, ROUGHLY),
        };
        let mut x = vec![0.0; right.len()];
        let mut residual = right;
        let mut z = self.precondition(&residual);
        let mut p = z.clone();
        let mut size = dot(&residual, &z);
        let enough = solved * solved * size;
        for _ in 0..most {
            if size.is_nan() || size <= enough || (self.must_stop)() {
                break;
            }
            let product = self.times(&curvature, &p);
            let curved = dot(&p, &product);
            if curved.is_nan() || curved <= 0.0 {
                break;
            }
            let t = size / curved;
            x.iter_mut().zip(&p).for_each(|(x, p)| *x += t * p);
            residual.iter_mut().zip(&product).for_each(|(r, h)| *r -= t * h);
            z = self.precondition(&residual);
            let next = dot(&residual, &z);
            p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + next / size * *p);
            size = next;
        }
        x
    }

    /// Multiplies with the matrix.
    fn times(&self, curvature: &Curvature<'_>, x: &[f64]) -> Vec<f64> {
        let weights: Vec<f64> = x.iter().zip(self.scale).map(|(x, scale)| x / scale).collect();
        let mut scores = self.convex.scores(&weights);
        match curvature {
            Curvature::OfScore(curvatures) => {
                scores.iter_mut().zip(*curvatures).for_each(|(s, c)| *s *= c);
            }
            Curvature::OfClasses { shares, probabilities } => {
                let outputs = self.convex.outputs();
                let all = scores.chunks_mut(outputs).zip(probabilities.chunks(outputs));
                for ((scores, p), share) in all.zip(*shares) {
                    let mean: f64 = scores.iter().zip(p).map(|(s, p)| s * p).sum();
                    scores.iter_mut().zip(p).for_each(|(s, p)| *s = share * p * (*s - mean));
                }
            }
        }
        let mut product = self.convex.transposed(&scores);
        for ((product, x), (scale, d)) in
            product.iter_mut().zip(x).zip(self.scale.iter().zip(&self.diagonal))
        {
            *product = *product / scale + d * x;
        }
        product
    }

    fn precondition(&self, residual: &[f64]) -> Vec<f64> {
        match &self.inverse {
            Inverse::Diagonal(inverse) => {
                residual.iter().zip(inverse).map(|(r, d)| r * d).collect()
            }
            Inverse::Factor(factor) => substituted(factor, residual.to_vec()),
            Inverse::Exact(_) => residual.to_vec(),
        }
    }

    /// Computes the diagonal of the matrix.
    fn whole_diagonal(&self, curvature: &Curvature<'_>) -> Vec<f64> {
        let (convex, outputs) = (&self.convex, self.convex.outputs());
        let mut sums = vec![0.0; self.scale.len()];
        for i in 0..convex.examples.len() {
            for (j, x) in convex.entries(i) {
                for k in 0..outputs {
                    sums[j * outputs + k] += curvature.at(i, outputs, k, k) * x * x;
                }
            }
        }
        let both = sums.iter().zip(self.scale.iter().zip(&self.diagonal));
        both.map(|(sum, (scale, d))| sum / scale / scale + d).collect()
    }

    /// Assembles the matrix.
    fn matrix(&self, curvature: &Curvature<'_>, assembly: &mut Assembly) -> Vec<f64> {
        let (m, convex) = (self.scale.len(), &self.convex);
        let mut matrix = match curvature {
            Curvature::OfScore(curvatures) => {
                let entries = |i: usize, row: &mut Vec<(u32, f64)>| {
                    row.extend(convex.entries(i).map(|(j, x)| (j as u32, x / self.scale[j])));
                };
                let (count, of) = (convex.examples.len(), |i: usize| curvatures[i]);
                assembly.sum(m, count, 1, &of, &entries).to_vec()
            }
            Curvature::OfClasses { .. } => self.matrix_of_classes(curvature),
        };
        (0..m).for_each(|k| matrix[k * m + k] += self.diagonal[k]);
        matrix
    }

    /// Assembles the lower triangle of the matrix in twofold doubles.
    fn exact_matrix(&self, curvature: &Curvature<'_>) -> Vec<Twofold> {
        let (m, convex, outputs) = (self.scale.len(), &self.convex, self.convex.outputs());
        let mut matrix = vec![Twofold::default(); m * m];
        for i in 0..convex.examples.len() {
            for (a, x) in convex.entries(i) {
                for (b, z) in convex.entries(i).take_while(|&(b, _)| b <= a) {
                    for place in 0..outputs * outputs {
                        let (k, l) = (place / outputs, place % outputs);
                        let (row, column) = (a * outputs + k, b * outputs + l);
                        // Scales are powers of 2.
                        let (x, z) = (x / self.scale[row], z / self.scale[column]);
                        let c = curvature.at(i, outputs, k, l);
                        matrix[row * m + column] += Twofold::product(x, z) * c;
                    }
                }
            }
        }
        (0..m).for_each(|k| matrix[k * m + k] += Twofold::from(self.diagonal[k]));
        matrix
    }

    fn matrix_of_classes(&self, curvature: &Curvature<'_>) -> Vec<f64> {
        let (m, convex, outputs) = (self.scale.len(), &self.convex, self.convex.outputs());
        let count = convex.examples.len();
        let runs = parallel::threads().min(count / (4 * m).max(1)).max(1);
        let mut parts = parallel::collect(count, count.div_ceil(runs), &|_, range| {
            let mut sum = vec![0.0; m * m];
            let mut block = vec![0.0; outputs * outputs];
            for i in range {
                for (place, c) in block.iter_mut().enumerate() {
                    *c = curvature.at(i, outputs, place / outputs, place % outputs);
                }
                for (a, x) in convex.entries(i) {
                    for (b, z) in convex.entries(i).take_while(|&(b, _)| b <= a) {
                        let (at, product) = (a * outputs, x * z);
                        for (k, block) in block.chunks(outputs).enumerate() {
                            let line = &mut sum[(at + k) * m + b * outputs..][..outputs];
                            line.iter_mut().zip(block).for_each(|(sum, c)| *sum += c * product);
                        }
                    }
                }
            }
            sum
        });
        let mut all = parts.remove(0);
        for part in parts {
            all.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        for (a, line) in all.chunks_mut(m).enumerate() {
            let scale = self.scale[a];
            line.iter_mut().zip(self.scale).for_each(|(sum, other)| *sum /= scale * other);
        }
        all
    }
}

/// Factors a symmetric matrix of which the lower triangle is given (Cholesky). Coordinates whose
/// pivot is rounding get one so large that they do not move, as is usual in interior-point methods.
fn factored(mut matrix: Vec<f64>, m: usize) -> Vec<f64> {
    for k in 0..m {
        let (above, rest) = matrix.split_at_mut(k * m);
        let line = &mut rest[..m];
        for b in 0..k {
            let other = &above[b * m..][..=b];
            line[b] = (line[b] - dot(&line[..b], &other[..b])) / other[b];
        }
        let pivot = line[k] - dot(&line[..k], &line[..k]);
        let is_real = pivot > NOTHING * m as f64 * line[k] && pivot > f64::MIN_POSITIVE;
        line[k] = if is_real { pivot.sqrt() } else { 1e150 };
    }
    matrix
}

/// Solves the system of a factored matrix.
fn substituted(factor: &[f64], mut right: Vec<f64>) -> Vec<f64> {
    let m = right.len();
    for k in 0..m {
        let line = &factor[k * m..][..m];
        right[k] = (right[k] - dot(&line[..k], &right[..k])) / line[k];
    }
    for k in (0..m).rev() {
        right[k] /= factor[k * m + k];
        let (solved, line) = (right[k], &factor[k * m..][..k]);
        right[..k].iter_mut().zip(line).for_each(|(x, factor)| *x -= solved * factor);
    }
    right
}

/// A pivot of twofold doubles below this fraction of its diagonal is rounding.
const EXACT_NOTHING: f64 = 1e-29;

/// Factors like [`factored`], in twofold doubles.
fn exactly_factored(mut matrix: Vec<Twofold>, m: usize) -> Vec<Twofold> {
    let dot = |a: &[Twofold], b: &[Twofold]| a.iter().zip(b).map(|(&a, &b)| a * b).sum::<Twofold>();
    for k in 0..m {
        let (above, rest) = matrix.split_at_mut(k * m);
        let line = &mut rest[..m];
        for b in 0..k {
            let other = &above[b * m..][..=b];
            line[b] = (line[b] - dot(&line[..b], &other[..b])).over(other[b]);
        }
        let pivot = line[k] - dot(&line[..k], &line[..k]);
        let least = (EXACT_NOTHING * line[k].rounded()).max(f64::MIN_POSITIVE);
        line[k] = if pivot.rounded() > least { pivot.sqrt() } else { Twofold::from(1e140) };
    }
    matrix
}

/// Solves the system of a matrix that [`exactly_factored`] returned.
fn exactly_substituted(factor: &[Twofold], mut right: Vec<Twofold>) -> Vec<f64> {
    let m = right.len();
    for k in 0..m {
        let line = &factor[k * m..][..m];
        let known: Twofold = line[..k].iter().zip(&right).map(|(&a, &b)| a * b).sum();
        right[k] = (right[k] - known).over(line[k]);
    }
    for k in (0..m).rev() {
        right[k] = right[k].over(factor[k * m + k]);
        let (solved, line) = (right[k], &factor[k * m..][..k]);
        right[..k].iter_mut().zip(line).for_each(|(x, &factor)| *x = *x - factor * solved);
    }
    right.iter().map(|x| x.rounded()).collect()
}
