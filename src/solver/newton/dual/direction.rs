//! The direction of a step: where the quadratic model of the smoothed objective is least.

use super::super::hessian::{self, dot};
use super::point::Point;
use super::{Aim, values};
use crate::parallel;
use crate::params::Real;
use crate::row::real::Slot;
use crate::solver::dual::{Dual, Place, SUMMED_TOGETHER};

/// Most products with the Hessian for a step, and the residual, as a share of the gradient, that
/// ends them before.
const PRODUCTS: usize = 100;
const SOLVED: f64 = 0.05;

impl<R: Real> Dual<'_, R> {
    /// By a linear system where there are few weights, else by conjugate gradients.
    pub(super) fn direction(&self, aim: &mut Aim<'_>, point: &Point, places: &[Place]) -> Vec<f64> {
        let solution = if self.is_narrow() { self.solve(aim, point) } else { None };
        solution.unwrap_or_else(|| self.conjugate_gradients(aim, point, places))
    }

    /// The second derivative of an example's smoothed loss.
    fn curvature(&self, i: usize, q: f64, point: &Point) -> f64 {
        let y = f64::from(self.examples.target(i));
        1.0 / (self.loss.bend(y, point.duals[i]) + q)
    }

    /// By the Hessian, some of its examples left out; `None` if rounding or the budget forbids it.
    fn solve(&self, aim: &mut Aim<'_>, point: &Point) -> Option<Vec<f64>> {
        let (m, n, q) = (point.weights.len(), self.examples.len(), aim.q);
        let curvature = |i: usize| self.curvature(i, q, point) * f64::from(self.examples.weight(i));
        let free = parallel::collect(n, SUMMED_TOGETHER, &|_, range| {
            range.filter(|&i| curvature(i) > 0.0).count()
        });
        let free: usize = free.iter().sum();
        let mean = self.examples.touches() / n + 1;
        let products = free * mean * mean / 2;
        let every = aim.assembly.thinning.every(products as f64, self.examples.touches(), free, m);
        if !aim.pay(products / every + m * m * m / 6) {
            return None;
        }
        let bias = self.examples.constant().map(|constant| (m as u32 - 1, f64::from(constant)));
        let hessian = aim.assembly.sum(m, n, every, &curvature, &|i, row| {
            row.extend(self.examples.row(i).iter().map(|(j, x)| (j as u32, f64::from(x))));
            row.extend(bias);
        });
        hessian.iter_mut().for_each(|h| *h *= self.unit());
        (0..m).for_each(|k| hessian[k * m + k] += 1.0);
        hessian::solve(hessian, point.gradient.iter().map(|g| -g).collect())
    }

    /// By conjugate gradients that are scaled by the Hessian's diagonal.
    fn conjugate_gradients(&self, aim: &mut Aim<'_>, point: &Point, places: &[Place]) -> Vec<f64> {
        let q = aim.q;
        let free = parallel::collect(self.examples.len(), SUMMED_TOGETHER, &|_, range| {
            let curved = range.map(|i| (i, self.curvature(i, q, point)));
            let is_free =
                |&(i, curvature): &(usize, f64)| curvature > 0.0 && self.examples.weight(i) > 0.0;
            curved.filter(is_free).collect::<Vec<_>>()
        });
        let free: Vec<(usize, f64)> = free.concat();
        self.add_up_squares(&free, places);
        let scale: Vec<f64> = values(places).iter().map(|sum| 1.0 / (1.0 + sum)).collect();
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
            if size <= enough || !aim.pay(cost) {
                break;
            }
            let mut stretched = vec![0.0; free.len()];
            parallel::parts(&mut stretched, SUMMED_TOGETHER, &|first, stretched| {
                for (&(i, curvature), place) in free[first..].iter().zip(stretched) {
                    *place = curvature * self.examples.score(self.examples.row(i), &p);
                }
            });
            self.add_up(free.len(), &|k| (free[k].0, stretched[k]), places);
            let product: Vec<f64> = p.iter().zip(places).map(|(p, sum)| p + sum.get()).collect();
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
