//! All dual variables at once, by Newton's method on smoothed losses (the augmented Lagrangian method with semi-smooth Newton
//! steps: Li, Sun & Toh, SIAM J. Optimization 2018; the proximal point method in the dual: Rockafellar 1976).
//!
//! Ascent in one variable at a time may creep: with little regularization many examples pull against each other. The
//! proximal point method goes from a to the a' that maximizes D(a') - (q/2n)*||a' - a||^2, whose weights minimize
//!
//! (l2/2)*||w||^2 + (1/n) * sum of env_i(x_i.w),  env_i(s) = max over a'_i of -a'_i s - loss*(y_i, -a'_i) - (q/2)(a'_i - a_i)^2,
//!
//! a smooth function with slopes -a'_i, and a'_i is what an ascent with response q returns. Its Hessian takes the examples
//! whose a'_i is not at an end of its interval, mostly few. Newton's method finds the minimum in a few steps, each by
//! conjugate gradients; with a smaller q from call to call, a converges faster than linearly.

use rayon::prelude::*;

use super::{Dual, Place, SUMMED_TOGETHER};
use crate::params::Real;
use crate::problem::{Conjugate, Problem};
use crate::real::Slot;

/// Most passes over as many entries as the data has, that a turn may take.
const PASSES: usize = 128;
/// Most products with the Hessian for a step, and the residual, as a share of the gradient, that ends them before.
const PRODUCTS: usize = 100;
const SOLVED: f64 = 0.05;
/// Share of the decrease that the slope promises which a step must bring, and most halvings until it does.
const ARMIJO: f64 = 1e-4;
const HALVINGS: usize = 20;

/// Where a turn of Newton's method starts, and how far it may go.
pub struct Turn<'a> {
    /// Weights near the minimum.
    pub weights: Vec<f64>,
    /// How dear moves of the dual variables are.
    pub q: f64,
    /// The turn may end when the minimum is at most this far below the objective.
    pub near: f64,
    /// Says whether to end early.
    pub must_stop: &'a (dyn Fn() -> bool + Sync),
}

/// What a turn found.
pub struct Turned {
    /// The weights, for which the dual variables are good.
    pub weights: Vec<f64>,
    /// D of the dual variables.
    pub dual: f64,
    /// Newton steps, if they came as near to the minimum as they should.
    pub steps: Option<usize>,
}

/// A point on the way to the minimum; everything is in units of l2.
struct Point<'a> {
    /// The dual variables that the losses are smoothed around.
    around: &'a [f64],
    q: f64,
    weights: Vec<f64>,
    scores: Vec<f64>,
    /// Entries that may still be visited.
    budget: usize,
    must_stop: &'a (dyn Fn() -> bool + Sync),
}

impl Point<'_> {
    /// Takes the cost of something from the budget; says whether it can be paid.
    fn pay(&mut self, entries: usize) -> bool {
        let can_pay = self.budget >= entries && !(self.must_stop)();
        self.budget = self.budget.saturating_sub(entries);
        can_pay
    }
}

impl<L: Conjugate, R: Real> Dual<'_, '_, L, R> {
    /// How much scores respond to an ascent in the mean: a good first `q` for [`Dual::newton`].
    pub fn response(&self) -> f64 {
        let constant2 = f64::from(self.problem.constant().unwrap_or(0.0)).powi(2);
        let terms = self.problem.terms();
        let norm2 = |i: usize| f64::from(self.problem.weight(i)) * f64::from(self.problem.norm2(i));
        let norms2: f64 = (0..terms).map(norm2).sum();
        (norms2 / terms as f64 + constant2) * self.unit()
    }

    /// Moves the dual variables to about where the dual objective, less q/2n times the squared length of the move, is
    /// highest, if the dual objective is not lower there. `w` is w(a) before and after. Runs on the threads of the current
    /// pool; the outcome is the same for any number of them.
    pub fn newton(&self, w: &[Place], turn: Turn<'_>) -> Turned {
        let around: Vec<f64> = self.duals.iter().map(|dual| dual.get().to_f64()).collect();
        let Turn { weights, q, near, must_stop } = turn;
        let budget = PASSES * self.problem.touches();
        let scores = self.scores(&weights);
        let mut point = Point { around: &around, q, scores, weights, budget, must_stop };
        let places: Vec<Place> = w.iter().map(|_| Place::default()).collect();
        let mut steps = 0;
        let is_near = loop {
            let duals = self.smoothed(&point);
            self.sum_rows(&duals, &places, |x| x);
            let gradient: Vec<f64> =
                point.weights.iter().zip(values(&places)).map(|(w, sum)| w - sum).collect();
            // The duality gap of the smoothed problem.
            if self.l2 / 2.0 * dot(&gradient, &gradient) <= near {
                break true;
            }
            if !self.step(&mut point, &duals, &gradient, &places) {
                break false;
            }
            steps += 1;
        };
        // As they are stored.
        let stored = |a: f64| R::of(a).to_f64();
        let found: Vec<f64> = self.smoothed(&point).into_iter().map(stored).collect();
        self.sum_rows(&found, &places, |x| x);
        let (dual, before) = (self.dual_objective(&found, &places), self.dual_objective(&around, w));
        if dual >= before {
            self.duals.iter().zip(&found).for_each(|(dual, &a)| dual.set(R::of(a)));
            w.iter().zip(&places).for_each(|(w, place)| w.set(place.get()));
        }
        let dual = self.l2 * dual.max(before);
        Turned { weights: point.weights, dual, steps: is_near.then_some(steps) }
    }

    /// A Newton step with line search; says whether one was found that decreases the objective.
    fn step(&self, point: &mut Point<'_>, duals: &[f64], gradient: &[f64], places: &[Place]) -> bool {
        if !point.pay(4 * self.problem.touches()) {
            return false;
        }
        let direction = self.direction(point, duals, gradient, places);
        let along = self.scores(&direction);
        let slope = dot(gradient, &direction);
        let (linear, square) = (dot(&point.weights, &direction), dot(&direction, &direction));
        let losses = |t: f64| {
            let scores: Vec<f64> = point.scores.iter().zip(&along).map(|(s, d)| s + t * d).collect();
            (self.losses(point, &scores), scores)
        };
        let (here, _) = losses(0.0);
        let mut t = 1.0;
        for _ in 0..HALVINGS {
            let (there, scores) = losses(t);
            let change = there - here + t * linear + t * t / 2.0 * square;
            if change <= ARMIJO * t * slope {
                point.weights.iter_mut().zip(&direction).for_each(|(w, d)| *w += t * d);
                point.scores = scores;
                return true;
            }
            t /= 2.0;
        }
        false
    }

    /// Where the quadratic model is least, by conjugate gradients that are scaled by the Hessian's diagonal.
    fn direction(
        &self,
        point: &mut Point<'_>,
        duals: &[f64],
        gradient: &[f64],
        places: &[Place],
    ) -> Vec<f64> {
        let free: Vec<(usize, f64)> = (0..duals.len())
            .map(|i| {
                let y = f64::from(self.problem.target(i));
                (i, 1.0 / (self.problem.loss_function().bend(y, duals[i]) + point.q))
            })
            .filter(|&(i, curvature)| curvature > 0.0 && self.problem.weight(i) > 0.0)
            .collect();
        self.sum_of(&free, places, |x| x * x);
        let scale: Vec<f64> = values(places).iter().map(|sum| 1.0 / (1.0 + sum)).collect();
        let scaled = |r: &[f64]| -> Vec<f64> { r.iter().zip(&scale).map(|(r, scale)| r * scale).collect() };
        let mut x = vec![0.0; gradient.len()];
        let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut z = scaled(&residual);
        let mut p = z.clone();
        let mut size = dot(&residual, &z);
        let enough = SOLVED * SOLVED * size;
        let cost = 2 * free.iter().map(|&(i, _)| self.problem.row(i).len()).sum::<usize>();
        for _ in 0..PRODUCTS {
            if size <= enough || !point.pay(cost) {
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

    /// The dual variables that the smoothed losses have at the scores.
    fn smoothed(&self, point: &Point<'_>) -> Vec<f64> {
        let of = |i: usize| {
            let y = f64::from(self.problem.target(i));
            self.problem.loss_function().ascend(y, point.scores[i], point.q, point.around[i])
        };
        (0..point.scores.len()).into_par_iter().with_min_len(SUMMED_TOGETHER).map(of).collect()
    }

    /// The sum of the smoothed losses.
    fn losses(&self, point: &Point<'_>, scores: &[f64]) -> f64 {
        let of = |i: usize| {
            let (y, loss) = (f64::from(self.problem.target(i)), self.problem.loss_function());
            let (s, from) = (scores[i], point.around[i]);
            let a = loss.ascend(y, s, point.q, from);
            let value = -a * s - loss.conjugate(y, a) - point.q / 2.0 * (a - from).powi(2);
            f64::from(self.problem.weight(i)) * value
        };
        self.sum_terms(of) * self.unit()
    }

    /// D of dual variables whose w(a) is `w`.
    fn dual_objective(&self, duals: &[f64], w: &[Place]) -> f64 {
        let conjugate = |i: usize| {
            let y = f64::from(self.problem.target(i));
            f64::from(self.problem.weight(i)) * self.problem.loss_function().conjugate(y, duals[i])
        };
        let norm2: f64 = w.iter().map(|w| w.get().powi(2)).sum();
        -self.sum_terms(conjugate) * self.unit() - norm2 / 2.0
    }

    fn scores(&self, weights: &[f64]) -> Vec<f64> {
        let of = |i: usize| self.problem.score(self.problem.row(i), weights);
        (0..self.problem.terms()).into_par_iter().with_min_len(SUMMED_TOGETHER).map(of).collect()
    }

    fn sum_terms(&self, of: impl Fn(usize) -> f64 + Sync) -> f64 {
        let n = self.problem.terms();
        let starts: Vec<usize> = (0..n).step_by(SUMMED_TOGETHER).collect();
        let part = |start: usize| (start..n.min(start + SUMMED_TOGETHER)).map(&of).sum();
        let sums: Vec<f64> = starts.into_par_iter().map(part).collect();
        sums.iter().sum()
    }

    fn sum_rows(&self, numbers: &[f64], places: &[Place], of: impl Fn(f64) -> f64 + Sync) {
        let numbers = || numbers.iter().copied().enumerate();
        self.columns.par_iter().for_each(|columns| self.add_up(columns, numbers(), &of, places));
    }

    fn sum_of(&self, numbers: &[(usize, f64)], places: &[Place], of: impl Fn(f64) -> f64 + Sync) {
        let numbers = || numbers.iter().copied();
        self.columns.par_iter().for_each(|columns| self.add_up(columns, numbers(), &of, places));
    }
}

fn values(places: &[Place]) -> Vec<f64> {
    places.iter().map(Slot::get).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::data::{Builder, Dataset};
    use crate::problem::{EpsilonInsensitive, Hinge, Huber, Linear, Logistic, Squared, SquaredHinge};

    /// More examples than features: many dual variables pull against each other.
    fn data(signs: bool) -> Dataset {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut builder = Builder::default();
        for _ in 0..3000 {
            for j in 0..10 {
                assert!(builder.entry(j, rng.random_range(-1.0..1.0)));
            }
            let target = rng.random_range(-1.0..1.0_f32);
            builder.end_row(if signs { target.signum() } else { target });
        }
        builder.finish(10)
    }

    /// Turns from zero dual variables: the gap of the last one as a share of the objective, and the duals.
    fn turns<L: Conjugate>(loss: L, data: &Dataset, bias: Option<f32>, threads: usize) -> (f64, Vec<f64>) {
        let problem = Linear::new(data, data.labels(), loss, bias).unwrap();
        let mut rule: Dual<'_, '_, L, f64> = Dual::new(&problem, 1e-4, threads, 1, 1);
        let w: Vec<Place> = (0..problem.width()).map(|_| Place::default()).collect();
        let mut weights = values(&w);
        let mut q = rule.response();
        let mut relative = f64::INFINITY;
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for _ in 0..30 {
            let turn = Turn { weights, q, near: 1e-12, must_stop: &|| false };
            let turned = pool.install(|| rule.newton(&w, turn));
            let judged = pool.install(|| rule.judge(&turned.weights));
            let gap = judged.parts + rule.drift(&turned.weights, &w);
            assert!((judged.primal - turned.dual - gap).abs() < 1e-9 * judged.primal, "the dual is as told");
            relative = (judged.primal - turned.dual) / judged.primal;
            (weights, q) = (turned.weights, q / 5.0);
        }
        let mut duals = vec![0.0; problem.terms()];
        rule.copy_to(&mut duals);
        (relative, duals)
    }

    #[test]
    fn turns_find_the_optimum_of_each_loss() {
        let (signs, numbers) = (data(true), data(false));
        for bias in [None, Some(1.0)] {
            let gaps = [
                turns(Logistic, &signs, bias, 1).0,
                turns(Hinge, &signs, bias, 1).0,
                turns(SquaredHinge, &signs, bias, 1).0,
                turns(Squared, &numbers, bias, 1).0,
                turns(Huber, &numbers, bias, 1).0,
                turns(EpsilonInsensitive { epsilon: 0.1 }, &numbers, bias, 1).0,
            ];
            assert!(gaps.iter().all(|gap| (-1e-12..1e-9).contains(gap)), "{gaps:?}");
        }
    }

    #[test]
    fn the_outcome_is_the_same_for_any_number_of_threads() {
        let data = data(true);
        assert_eq!(turns(Hinge, &data, Some(0.5), 1), turns(Hinge, &data, Some(0.5), 3));
    }
}
