//! The direction of a step: to the minimum of the quadratic model of the smoothed objective.

use super::super::hessian::{self, dot};
use super::point::{Point, values};
use super::subproblem::Subproblem;
use crate::parallel;
use crate::params::Real;
use crate::row::real::Slot;
use crate::solver::dual::{Dual, SUMMED_TOGETHER, SharedSum};

/// Most products with the Hessian per step.
const PRODUCTS: usize = 100;
/// Residual, as a fraction of the gradient, at which conjugate gradients end.
const SOLVED: f64 = 0.05;

impl<R: Real> Dual<'_, R> {
    /// Returns the direction: by a linear system where there are few weights, otherwise by
    /// conjugate gradients.
    pub(super) fn direction(
        &self,
        subproblem: &mut Subproblem<'_>,
        point: &Point,
        sums: &[SharedSum],
    ) -> Vec<f64> {
        let solution = if self.is_narrow() { self.solve(subproblem, point) } else { None };
        solution.unwrap_or_else(|| self.conjugate_gradients(subproblem, point, sums))
    }

    /// Returns the second derivative of an example's smoothed loss.
    fn curvature(&self, i: usize, q: f64, point: &Point) -> f64 {
        let y = self.examples.target(i);
        1.0 / (self.loss.bend(y, point.duals[i]) + q)
    }

    /// Solves the system with the thinned Hessian; `None` if rounding or the budget forbids it.
    fn solve(&self, subproblem: &mut Subproblem<'_>, point: &Point) -> Option<Vec<f64>> {
        let (m, n, q) = (point.weights.len(), self.examples.len(), subproblem.q);
        let curvature = |i: usize| self.curvature(i, q, point) * f64::from(self.examples.weight(i));
        let free = parallel::collect(n, SUMMED_TOGETHER, &|_, range| {
            range.filter(|&i| curvature(i) > 0.0).count()
        });
        let free: usize = free.iter().sum();
        let mean = self.examples.touches() / n + 1;
        let products = free * mean * mean / 2;
        let every =
            subproblem.assembly.thinning.every(products as f64, self.examples.touches(), free, m);
        if !subproblem.pay(products / every + m * m * m / 6) {
            return None;
        }
        let bias = self.examples.constant().map(|constant| (m as u32 - 1, f64::from(constant)));
        let hessian = subproblem.assembly.sum(m, n, every, &curvature, &|i, row| {
            row.extend(self.examples.row(i).iter().map(|(j, x)| (j as u32, f64::from(x))));
            row.extend(bias);
        });
        hessian.iter_mut().for_each(|h| *h *= self.unit());
        (0..m).for_each(|k| hessian[k * m + k] += 1.0);
        hessian::solve(hessian, point.gradient.iter().map(|g| -g).collect())
    }

    /// Runs conjugate gradients, preconditioned by the Hessian's diagonal.
    fn conjugate_gradients(
        &self,
        subproblem: &mut Subproblem<'_>,
        point: &Point,
        sums: &[SharedSum],
    ) -> Vec<f64> {
        let q = subproblem.q;
        let free = parallel::collect(self.examples.len(), SUMMED_TOGETHER, &|_, range| {
            let curved = range.map(|i| (i, self.curvature(i, q, point)));
            let is_free =
                |&(i, curvature): &(usize, f64)| curvature > 0.0 && self.examples.weight(i) > 0.0;
            curved.filter(is_free).collect::<Vec<_>>()
        });
        let free: Vec<(usize, f64)> = free.concat();
        self.add_up_squares(&free, sums);
        let scale: Vec<f64> = values(sums).iter().map(|sum| 1.0 / (1.0 + sum)).collect();
        let scaled =
            |r: &[f64]| -> Vec<f64> { r.iter().zip(&scale).map(|(r, scale)| r * scale).collect() };
        let mut x = vec![0.0; point.gradient.len()];
        let mut residual: Vec<f64> = point.gradient.iter().map(|g| -g).collect();
        let mut z = scaled(&residual);
        let mut p = z.clone();
        let mut size = dot(&residual, &z);
        let enough = SOLVED * SOLVED * size;
        let cost = 2 * free.iter().map(|&(i, _)| self.examples.row(i).len()).sum::<usize>();
        for _ in 0..PRODUCTS {
            if size <= enough || !subproblem.pay(cost) {
                break;
            }
            let mut stretched = vec![0.0; free.len()];
            parallel::parts(&mut stretched, SUMMED_TOGETHER, &|first, stretched| {
                for (&(i, curvature), s) in free[first..].iter().zip(stretched) {
                    *s = curvature * self.examples.score(self.examples.row(i), &p);
                }
            });
            self.add_up(free.len(), &|k| (free[k].0, stretched[k]), sums);
            let product: Vec<f64> = p.iter().zip(sums).map(|(p, sum)| p + sum.get()).collect();
            let t = size / dot(&p, &product);
            x.iter_mut().zip(&p).for_each(|(x, p)| *x += t * p);
            residual.iter_mut().zip(&product).for_each(|(r, h)| *r -= t * h);
            z = scaled(&residual);
            let next = dot(&residual, &z);
            p.iter_mut().zip(&z).for_each(|(p, z)| *p = z + next / size * *p);
            size = next;
        }
        x
    }
}
