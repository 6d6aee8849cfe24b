//! The quadratic model with its Hessian in memory.

use super::subspace::minimum_along;
use crate::solver::newton::hessian;

/// A quadratic plus l1, and the current point of its minimization.
pub(super) struct Quadratic {
    pub hessian: Vec<f64>,
    /// The quadratic part's gradient at the point.
    pub slope: Vec<f64>,
    pub point: Vec<f64>,
    pub l1: f64,
}

impl Quadratic {
    /// Iterates over the coordinates that are not 0.
    pub fn active(&self) -> impl Iterator<Item = usize> {
        (0..self.point.len()).filter(|&k| self.point[k] != 0.0)
    }

    /// Minimizes over each coordinate in turn. Returns a rough measure of the decrease.
    pub fn sweep(&mut self) -> f64 {
        let m = self.point.len();
        let mut moved = 0.0;
        for k in 0..m {
            let line = &self.hessian[k * m..][..m];
            let curvature = line[k];
            let target = minimum_along(self.point[k], self.slope[k], curvature, self.l1);
            let change = target - self.point[k];
            if change != 0.0 {
                self.point[k] = target;
                moved += change * change * curvature;
                self.slope.iter_mut().zip(line).for_each(|(slope, h)| *slope += change * h);
            }
        }
        moved
    }

    /// Minimizes the quadratic part over all coordinates. Returns false if rounding forbids it.
    pub fn solve(&mut self) -> bool {
        let downhill = self.slope.iter().map(|slope| -slope).collect();
        let change = hessian::solve(&mut self.hessian.clone(), downhill);
        if let Some(change) = &change {
            self.point.iter_mut().zip(change).for_each(|(z, change)| *z += change);
        }
        change.is_some()
    }
}
