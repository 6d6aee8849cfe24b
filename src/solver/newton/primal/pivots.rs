//! An active set method for the model with a Hessian and l1, whatever its condition. It moves
//! towards the minimum over the active coordinates. A coordinate that reaches 0 on the way becomes
//! inactive. At the minimum, the one whose slope exceeds l1 most becomes active. The model
//! decreases each time.
//!
//! The Hessian H is swept over the active coordinates A (Goodnight, The American Statistician
//! 1979): its blocks AA, BA and BB, where B are all others, are replaced by -1/H_AA, H_BA/H_AA and
//! the Schur complement. A change of A takes one pass over it, a step another.

use super::quadratic::Quadratic;
use crate::solver::newton::hessian::dot;

/// Most changes of the active coordinates, per coordinate.
const MOST_CHANGES: usize = 2;
/// A coordinate becomes active if its slope is more than this many times l1.
const ABOVE: f64 = 1.0 + 1e-9;

/// A model at the minimum over its active coordinates, or on the way there.
pub(super) struct Pivots<'a> {
    model: &'a mut Quadratic,
    swept: Vec<f64>,
    /// The sign of each active coordinate, 0 for all others.
    signs: Vec<f64>,
}

impl<'a> Pivots<'a> {
    /// Starts at the model's point; `None` if rounding forbids it.
    pub fn new(model: &'a mut Quadratic) -> Option<Self> {
        let (swept, signs) = (model.hessian.clone(), vec![0.0; model.point.len()]);
        let active: Vec<usize> = model.active().collect();
        let mut pivots = Pivots { model, swept, signs };
        for k in active {
            let sign = pivots.model.point[k].signum();
            if !pivots.pivot(k, sign) {
                return None;
            }
        }
        Some(pivots)
    }

    /// Moves to the minimum, or as far as [`MOST_CHANGES`] lead.
    pub fn run(mut self) {
        let m = self.signs.len();
        for _ in 0..MOST_CHANGES * m {
            let (k, sign) = match self.advance() {
                Some(stopped) => (stopped, 0.0),
                None => match self.steepest() {
                    Some(k) => (k, -self.model.slope[k].signum()),
                    None => return,
                },
            };
            if !self.pivot(k, sign) {
                return;
            }
        }
    }

    /// Returns the inactive coordinate with the steepest slope, if that is above l1.
    fn steepest(&self) -> Option<usize> {
        let Quadratic { slope, l1, .. } = &*self.model;
        let outside = (0..slope.len()).filter(|&k| self.signs[k] == 0.0);
        let steepest = outside.max_by(|&a, &b| slope[a].abs().total_cmp(&slope[b].abs()));
        steepest.filter(|&k| slope[k].abs() > ABOVE * l1)
    }

    /// Moves towards the minimum over the active coordinates. Stops where the first of them reaches
    /// 0, and returns it.
    fn advance(&mut self) -> Option<usize> {
        let Quadratic { slope, point, l1, .. } = &mut *self.model;
        let m = point.len();
        let pull =
            |k: usize| if self.signs[k] == 0.0 { 0.0 } else { slope[k] + *l1 * self.signs[k] };
        let pulls: Vec<f64> = (0..m).map(pull).collect();
        let moves: Vec<f64> = self.swept.chunks_exact(m).map(|line| dot(line, &pulls)).collect();
        let (mut length, mut stopped) = (1.0, None);
        for k in 0..m {
            // A coordinate that has just become active is 0, and moves in the direction of its
            // sign.
            if moves[k] * self.signs[k] < 0.0 && -point[k] / moves[k] < length {
                (length, stopped) = (-point[k] / moves[k], Some(k));
            }
        }
        for k in 0..m {
            if self.signs[k] == 0.0 {
                slope[k] -= length * moves[k];
            } else {
                slope[k] -= length * pulls[k];
                point[k] += length * moves[k];
            }
        }
        if let Some(k) = stopped {
            point[k] = 0.0;
        }
        stopped
    }

    /// Makes a coordinate active, with a sign, or inactive, with sign 0. Returns false if rounding
    /// forbids it.
    fn pivot(&mut self, k: usize, sign: f64) -> bool {
        let m = self.signs.len();
        let entering = if sign == 0.0 { -1.0 } else { 1.0 };
        let column = self.swept[k * m..][..m].to_vec();
        let pivot = column[k];
        if pivot.is_nan() || pivot * entering <= 0.0 {
            return false;
        }
        for (i, line) in self.swept.chunks_exact_mut(m).enumerate() {
            let factor = column[i] / pivot;
            if i == k {
                line.iter_mut().zip(&column).for_each(|(h, other)| *h = entering * other / pivot);
                line[k] = -1.0 / pivot;
            } else if factor != 0.0 {
                line.iter_mut().zip(&column).for_each(|(h, other)| *h -= factor * other);
                line[k] = entering * factor;
            }
        }
        self.signs[k] = sign;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a model of an example for each pair of values of two one-hot features, and a third
    /// feature that is a sum of others: the scores do not determine the weights.
    fn model(l1: f64) -> Quadratic {
        let (values, m) = (7, 16);
        let mut hessian = vec![0.0; m * m];
        let mut slope = vec![0.0; m];
        for a in 0..values {
            for b in 0..values {
                let mut row = vec![0.0; m];
                (row[a], row[values + b]) = (1.0, 1.0);
                row[14] = row[0] + row[3] + row[9];
                row[15] = ((a * 5 + b * 3) % 4) as f64;
                let pull = ((a * 7 + b * 11) % 9) as f64 - 4.2;
                for i in 0..m {
                    slope[i] += pull * row[i];
                    (0..m).for_each(|j| hessian[i * m + j] += row[i] * row[j]);
                }
            }
        }
        (0..m).for_each(|k| hessian[k * m + k] += 1e-8);
        let point: Vec<f64> =
            (0..m).map(|k| if k % 3 == 0 { 0.5 - (k % 2) as f64 } else { 0.0 }).collect();
        let slope = (0..m).map(|k| slope[k] + dot(&hessian[k * m..][..m], &point)).collect();
        Quadratic { hessian, slope, point, l1 }
    }

    #[test]
    fn the_minimum_is_found_although_features_depend_on_each_other() {
        for l1 in [0.1, 1.0, 5.0, 1e3] {
            let mut found = model(l1);
            let start = model(l1);
            Pivots::new(&mut found).unwrap().run();
            let m = found.point.len();
            let moves: Vec<f64> =
                found.point.iter().zip(&start.point).map(|(z, w)| z - w).collect();
            for k in 0..m {
                let slope = start.slope[k] + dot(&start.hessian[k * m..][..m], &moves);
                assert!(
                    (slope - found.slope[k]).abs() < 1e-5,
                    "the slope is kept: {slope}, {}",
                    found.slope[k]
                );
                let violation = match found.point[k] {
                    0.0 => (slope.abs() - l1).max(0.0),
                    z => (slope + l1 * z.signum()).abs(),
                };
                assert!(violation < 1e-5 * l1.max(1.0), "l1 {l1}, coordinate {k}: {violation}");
            }
            assert!(l1 < 1e3 || found.point.iter().all(|&z| z == 0.0));
        }
    }
}
