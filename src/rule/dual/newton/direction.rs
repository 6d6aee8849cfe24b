//! The direction of a step: where the quadratic model of the smoothed objective is least.

use rayon::prelude::*;

use super::super::{Dual, Place, SUMMED_TOGETHER};
use super::point::Point;
use super::{Aim, values};
use crate::hessian::{self, dot};
use crate::params::Real;
use crate::problem::{Conjugate, Problem};
use crate::real::Slot;

/// Most products with the Hessian for a step, and the residual, as a share of the gradient, that ends them before.
const PRODUCTS: usize = 100;
const SOLVED: f64 = 0.05;

impl<L: Conjugate, R: Real> Dual<'_, '_, L, R> {
    /// By a linear system where there are few weights, else by conjugate gradients.
    pub(super) fn direction(&self, aim: &mut Aim<'_>, point: &Point, places: &[Place]) -> Vec<f64> {
        let solution = if self.is_narrow() { self.solve(aim, point) } else { None };
        solution.unwrap_or_else(|| self.conjugate_gradients(aim, point, places))
    }

    /// The second derivative of an example's smoothed loss.
    fn curvature(&self, i: usize, q: f64, point: &Point) -> f64 {
        let y = f64::from(self.problem.target(i));
        1.0 / (self.problem.loss_function().bend(y, point.duals[i]) + q)
    }

    /// By the Hessian, some of its examples left out; `None` if rounding or the budget forbids it.
    fn solve(&self, aim: &mut Aim<'_>, point: &Point) -> Option<Vec<f64>> {
        let (m, n, q) = (point.weights.len(), self.problem.terms(), aim.q);
        let curvature = |i: usize| self.curvature(i, q, point) * f64::from(self.problem.weight(i));
        let examples = (0..n).into_par_iter().with_min_len(SUMMED_TOGETHER);
        let free = examples.filter(|&i| curvature(i) > 0.0).count();
        let mean = self.problem.touches() / n + 1;
        let products = free * mean * mean / 2;
        let every = aim.assembly.thinning.every(products as f64, self.problem.touches(), free, m);
        if !aim.pay(products / every + m * m * m / 6) {
            return None;
        }
        let bias = self.problem.constant().map(|constant| (m as u32 - 1, f64::from(constant)));
        let hessian = aim.assembly.sum(m, n, every, curvature, |i, row| {
            row.extend(self.problem.row(i).iter().map(|(j, x)| (j as u32, f64::from(x))));
            row.extend(bias);
        });
        hessian.iter_mut().for_each(|h| *h *= self.unit());
        (0..m).for_each(|k| hessian[k * m + k] += 1.0);
        hessian::solve(hessian, point.gradient.iter().map(|g| -g).collect())
    }

    /// By conjugate gradients that are scaled by the Hessian's diagonal.
    fn conjugate_gradients(&self, aim: &mut Aim<'_>, point: &Point, places: &[Place]) -> Vec<f64> {
        let q = aim.q;
        let free: Vec<(usize, f64)> = (0..self.problem.terms())
            .into_par_iter()
            .with_min_len(SUMMED_TOGETHER)
            .map(|i| (i, self.curvature(i, q, point)))
            .filter(|&(i, curvature)| curvature > 0.0 && self.problem.weight(i) > 0.0)
            .collect();
        self.sum_of(&free, places, |x| x * x);
        let scale: Vec<f64> = values(places).iter().map(|sum| 1.0 / (1.0 + sum)).collect();
        let scaled = |r: &[f64]| -> Vec<f64> { r.iter().zip(&scale).map(|(r, scale)| r * scale).collect() };
        let mut x = vec![0.0; point.gradient.len()];
        let mut residual: Vec<f64> = point.gradient.iter().map(|g| -g).collect();
        let mut z = scaled(&residual);
        let mut p = z.clone();
        let mut size = dot(&residual, &z);
        let enough = SOLVED * SOLVED * size;
        let cost = 2 * free.iter().map(|&(i, _)| self.problem.row(i).len()).sum::<usize>();
        for _ in 0..PRODUCTS {
            if size <= enough || !aim.pay(cost) {
                break;
            }
            let stretched: Vec<(usize, f64)> = free
                .par_iter()
                .with_min_len(SUMMED_TOGETHER)
                .map(|&(i, curvature)| (i, curvature * self.problem.score(self.problem.row(i), &p)))
                .collect();
            self.sum_of(&stretched, places, |x| x);
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

    fn sum_of(&self, numbers: &[(usize, f64)], places: &[Place], of: impl Fn(f64) -> f64 + Sync) {
        let numbers = || numbers.iter().copied();
        self.columns.par_iter().for_each(|columns| self.add_up(columns, numbers(), &of, places));
    }
}
