//! All dual variables at once, by Newton's method on smoothed losses (the augmented Lagrangian
//! method with semi-smooth Newton steps: Li, Sun & Toh, SIAM J. Optimization 2018; the proximal
//! point method in the dual: Rockafellar 1976).
//!
//! Ascent in one variable at a time may converge slowly: with little regularization many examples
//! pull against each other. The proximal point method goes from a to the a' that maximizes D(a') -
//! (q/2n)*||a' - a||^2, whose weights minimize
//!
//! ```text
//! (l2/2)*||w||^2 + (1/n) * sum of env_i(x_i.w),
//! env_i(s) = max over a'_i of -a'_i s - loss*(y_i, -a'_i) - (q/2)(a'_i - a_i)^2
//! ```
//!
//! env_i is a smooth function with slopes -a'_i, where a'_i is the result of an ascent with
//! response q. With q = 0 it is the loss, if that is smooth itself. Its Hessian needs only the
//! examples whose a'_i is not at an end of its interval: for many losses these are few. Newton's
//! method finds the minimum in a few steps (`direction.rs`). With a smaller q in each call, a
//! converges superlinearly.

mod direction;
mod point;
mod subproblem;

use self::point::Point;
use self::subproblem::Subproblem;
use super::hessian::{self, Assembly, Thinning, dot};
use crate::params::Real;
use crate::row::real::Slot;
use crate::solver::dual::{Dual, SharedSum};

/// Budget of a Newton epoch, in passes over the entries of the data.
/// Record: D097.
const PASSES: usize = 128;
/// Fraction of the decrease predicted by the slope that a step must achieve (Armijo).
const ARMIJO: f64 = 1e-4;
/// The objective may rise at the end of a step, but at most this fraction as steeply as it falls at
/// its start. Otherwise shorter steps are tried.
const STEEP: f64 = 0.5;
/// Most trials of shorter steps.
const TRIALS: usize = 20;
/// While the slopes at both ends of the interval of steps differ by more than this factor, bisect.
const EVEN: f64 = 8.0;
/// Instead of bisecting, try this fraction of the interval while the objective is not known to fall
/// anywhere after the start.
const SHORTER: f64 = 0.3;
/// Trial steps stay away from both ends of the interval by at least this fraction of it.
const INSIDE: f64 = 0.1;
/// Steps that do not decrease the objective enough are halved, down to this fraction.
const SHORTEST: f64 = 1e-4;
/// A round goes on while the drift is more than this fraction of the objective.
const FAR: f64 = 0.1;
/// Factor on q per round of a Newton epoch.
/// Record: D107.
const FARTHER: f64 = 0.6;

/// Start and target of a Newton epoch.
pub(crate) struct NewtonEpoch<'a> {
    /// Weights near the minimum.
    pub weights: Vec<f64>,
    /// Cost of moves of the dual variables, at least 0; 0 for smooth losses only.
    pub q: f64,
    /// When the epoch has converged.
    pub target: Target,
    /// The highest D so far, if known.
    pub highest: Option<f64>,
    /// Returns true if the epoch must end early.
    pub must_stop: &'a (dyn Fn() -> bool + Sync),
}

/// When a Newton epoch has converged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// When the smoothed losses' objective exceeds its minimum by at most this fraction of itself.
    Near(f64),
    /// When the duality gap is at most this fraction of the objective. Until then, further rounds
    /// smooth the losses around the dual variables of the last one, with smaller q.
    Gap(f64),
}

/// The result of a Newton epoch.
pub(crate) struct NewtonOutcome {
    /// The weights that belong to the dual variables.
    pub weights: Vec<f64>,
    /// D of the dual variables.
    pub dual: f64,
    /// The last q.
    pub q: f64,
    /// Cost in passes over the data.
    pub passes: f64,
    /// True if the target was reached. If not, the budget was spent, or rounding hid the next step.
    pub has_converged: bool,
}

impl<R: Real> Dual<'_, R> {
    /// Returns the mean response of a score to its ascent: a good first `q` for [`Dual::newton`].
    pub(crate) fn response(&self) -> f64 {
        let constant2 = f64::from(self.examples.constant().unwrap_or(0.0)).powi(2);
        let terms = self.examples.len();
        let norm2 =
            |i: usize| f64::from(self.examples.weight(i)) * f64::from(self.examples.norm2(i));
        let norms2: f64 = (0..terms).map(norm2).sum();
        (norms2 / terms as f64 + constant2) * self.unit()
    }

    /// Returns true if the weights are so few that Newton steps cost about as much as passes.
    pub(crate) fn is_narrow(&self) -> bool {
        hessian::is_small(self.examples.width(), self.examples.touches())
    }

    /// Moves the dual variables close to the maximum of the dual objective, less q/2n times the
    /// squared length of the move, if the dual objective is not lower there. Sets `w` to w(a). Runs
    /// on the threads of the current pool; the outcome does not depend on their number.
    pub(crate) fn newton(&self, w: &[SharedSum], start: NewtonEpoch<'_>) -> NewtonOutcome {
        let center: Vec<f64> = self.duals.iter().map(|dual| dual.get().to_f64()).collect();
        let NewtonEpoch { weights, q, target, highest, must_stop } = start;
        let budget = PASSES * self.examples.touches();
        let sums: Vec<SharedSum> = w.iter().map(|_| SharedSum::default()).collect();
        let mut subproblem = Subproblem {
            center,
            q,
            budget,
            must_stop,
            assembly: Assembly::default(),
            spare: Vec::new(),
        };
        let mut point = self.evaluate_point(&mut subproblem, weights, &sums);
        let has_converged = self.approach(&mut subproblem, &mut point, target, &sums);
        let passes = (budget - subproblem.budget) as f64 / self.examples.touches() as f64;
        // Rounded as they are stored.
        let found: Vec<f64> = point.duals.iter().map(|&a| R::of(a).to_f64()).collect();
        self.sum_rows(&found, &sums);
        let dual = self.l2 * self.dual_objective(&found, &sums);
        let current = match highest {
            Some(highest) if dual >= highest => f64::NEG_INFINITY,
            _ => self.current_dual(w),
        };
        if dual >= current {
            self.duals.iter().zip(&found).for_each(|(dual, &a)| dual.set(R::of(a)));
            w.iter().zip(&sums).for_each(|(w, sum)| w.set(sum.get()));
        }
        let dual = dual.max(current);
        NewtonOutcome { weights: point.weights, dual, q: subproblem.q, passes, has_converged }
    }

    /// Takes steps towards the target. Returns true if it is reached.
    fn approach(
        &self,
        subproblem: &mut Subproblem<'_>,
        point: &mut Point,
        target: Target,
        sums: &[SharedSum],
    ) -> bool {
        loop {
            match target {
                Target::Near(near) if point.drift() <= near * point.objective() => return true,
                Target::Near(_) => {}
                Target::Gap(_) if point.drift() > FAR * point.objective() => {}
                Target::Gap(goal) => {
                    let (primal, parts) = self.gap(subproblem, point, sums);
                    if parts + point.drift() <= goal * primal {
                        return true;
                    }
                    if point.drift() <= parts {
                        (subproblem.center, subproblem.q) =
                            (point.duals.clone(), subproblem.q * FARTHER);
                        let next = self.evaluate_point(subproblem, point.weights.clone(), sums);
                        std::mem::replace(point, next).recycle(subproblem);
                        subproblem.assembly.thinning = Thinning::default();
                    }
                }
            }
            let from = point.objective();
            if !self.newton_step(subproblem, point, sums) {
                return false;
            }
            subproblem.assembly.thinning.record(from - point.objective());
        }
    }

    /// Returns D of the current dual variables, and sets `w` to w(a).
    fn current_dual(&self, w: &[SharedSum]) -> f64 {
        let duals: Vec<f64> = self.duals.iter().map(|dual| dual.get().to_f64()).collect();
        self.sum_rows(&duals, w);
        self.l2 * self.dual_objective(&duals, w)
    }

    /// Takes a Newton step with line search. Returns false if none decreases the objective enough.
    fn newton_step(
        &self,
        subproblem: &mut Subproblem<'_>,
        point: &mut Point,
        sums: &[SharedSum],
    ) -> bool {
        if !subproblem.pay(4 * self.examples.touches()) {
            return false;
        }
        let direction = self.direction(subproblem, point, sums);
        let slope = dot(&point.gradient, &direction);
        if slope.is_nan() || slope >= 0.0 {
            return false;
        }
        let (linear, square) = (dot(&point.weights, &direction), dot(&direction, &direction));
        let is_enough = |losses: f64, t: f64| {
            losses - point.losses + t * linear + t * t / 2.0 * square <= ARMIJO * t * slope
        };
        let at = |t: f64| point.weights.iter().zip(&direction).map(|(w, d)| w + t * d).collect();
        let mut next = self.evaluate_point(subproblem, at(1.0), sums);
        let uphill = dot(&next.gradient, &direction);
        let mut t = 1.0;
        if uphill > -STEEP * slope {
            t = self.step_length(subproblem, point, &next, slope, uphill);
            next.recycle(subproblem);
            if t == 0.0 {
                return false;
            }
            next = self.evaluate_point(subproblem, at(t), sums);
        }
        let least = SHORTEST * t;
        while !is_enough(next.losses, t) {
            next.recycle(subproblem);
            t /= 2.0;
            if t < least {
                return false;
            }
            next = self.evaluate_point(subproblem, at(t), sums);
        }
        std::mem::replace(point, next).recycle(subproblem);
        true
    }

    /// Finds the fraction of the way from `point` to `end` at which the objective's slope is about
    /// 0, given the slope `downhill` at the start and `uphill` at the end. Bisects until both ends
    /// are about equally steep, then uses false position. The rise can be a thousand times as steep
    /// as the fall, where losses begin.
    fn step_length(
        &self,
        subproblem: &Subproblem<'_>,
        point: &Point,
        end: &Point,
        downhill: f64,
        uphill: f64,
    ) -> f64 {
        let moves: Vec<(f64, f64)> =
            point.weights.iter().zip(&end.weights).map(|(&w, z)| (w, z - w)).collect();
        let linear: f64 = moves.iter().map(|(w, d)| w * d).sum();
        let square: f64 = moves.iter().map(|(_, d)| d * d).sum();
        let slope_at = |t: f64| {
            let pull = |i: usize| {
                let along = end.scores[i] - point.scores[i];
                let a = self.smoothed(subproblem, i, point.scores[i] + t * along).1;
                f64::from(self.examples.weight(i)) * a * along
            };
            linear + t * square - self.mean(pull)
        };
        let (mut low, mut high) = ((0.0, downhill), (1.0, uphill));
        for _ in 0..TRIALS {
            let width = high.0 - low.0;
            let is_even = high.1 <= EVEN * -low.1 && -low.1 <= EVEN * high.1;
            let t = match low.0 {
                _ if is_even => {
                    low.0 + width * (low.1 / (low.1 - high.1)).clamp(INSIDE, 1.0 - INSIDE)
                }
                0.0 => SHORTER * high.0,
                _ => low.0 + width / 2.0,
            };
            let slope = slope_at(t);
            if slope.abs() <= -STEEP * downhill {
                return t;
            }
            *if slope < 0.0 { &mut low } else { &mut high } = (t, slope);
        }
        low.0
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rayon::ThreadPoolBuilder;

    use super::point::values;
    use super::*;
    use crate::data::{Builder, Dataset};
    use crate::problem::{
        Curved, EpsilonInsensitive, Hinge, Huber, Linear, Logistic, Squared, SquaredHinge,
    };

    /// Generates more examples than features, so many dual variables pull against each other. With
    /// more features than a Hessian in memory may have, each example has few of them.
    fn data(signs: bool, features: u32) -> Dataset {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        let mut builder = Builder::default();
        for _ in 0..3000 {
            for j in 0..10 {
                let skipped = rng.random_range(0..features / 10);
                assert!(builder.entry(j * (features / 10) + skipped, rng.random_range(-1.0..1.0)));
            }
            let target = rng.random_range(-1.0..1.0_f32);
            builder.end_row(if signs { target.signum() } else { target });
        }
        builder.finish(features as usize)
    }

    /// Runs Newton epochs from zero dual variables. Returns the last one's relative gap, and the
    /// dual variables.
    fn newton_epochs<L: Curved>(
        loss: L,
        data: &Dataset,
        bias: Option<f32>,
        threads: usize,
    ) -> (f64, Vec<f64>) {
        let problem = Linear::new(data, data.labels(), loss, bias).unwrap();
        let mut rule: Dual<'_, f64> =
            Dual::new(problem.examples(), problem.loss_function(), 1e-4, threads, 1, 1);
        let w: Vec<SharedSum> =
            (0..problem.examples().width()).map(|_| SharedSum::default()).collect();
        let mut weights = values(&w);
        let mut q = rule.response();
        let mut relative = f64::INFINITY;
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for _ in 0..30 {
            let start = NewtonEpoch {
                weights,
                q,
                target: Target::Near(1e-12),
                highest: None,
                must_stop: &|| false,
            };
            let outcome = pool.install(|| rule.newton(&w, start));
            let found = pool.install(|| rule.gap_parts(&outcome.weights));
            let gap = found.parts + rule.drift(&outcome.weights, &w);
            assert!(
                (found.primal - outcome.dual - gap).abs() < 1e-9 * found.primal,
                "the dual objective is the reported one"
            );
            relative = (found.primal - outcome.dual) / found.primal;
            (weights, q) = (outcome.weights, q / 5.0);
        }
        let mut duals = vec![0.0; problem.examples().len()];
        rule.copy_to(&mut duals);
        (relative, duals)
    }

    /// Numbers of features: with a Hessian in memory, and by conjugate gradients.
    const FEATURES: [u32; 2] = [10, 600];

    #[test]
    fn newton_epochs_find_the_optimum_of_each_loss() {
        for features in FEATURES {
            let (signs, numbers) = (data(true, features), data(false, features));
            for bias in [None, Some(1.0)] {
                let mut gaps = vec![
                    newton_epochs(Logistic, &signs, bias, 1).0,
                    newton_epochs(SquaredHinge, &signs, bias, 1).0,
                    newton_epochs(Squared, &numbers, bias, 1).0,
                    newton_epochs(Huber, &numbers, bias, 1).0,
                ];
                if features == FEATURES[0] {
                    gaps.push(newton_epochs(Hinge, &signs, bias, 1).0);
                    gaps.push(
                        newton_epochs(EpsilonInsensitive { epsilon: 0.1 }, &numbers, bias, 1).0,
                    );
                }
                assert!(gaps.iter().all(|gap| (-1e-12..1e-9).contains(gap)), "{features} {gaps:?}");
            }
        }
    }

    #[test]
    fn one_newton_epoch_reaches_any_gap() {
        let (signs, numbers) = (data(true, 10), data(false, 10));
        fn gap<L: Curved>(loss: L, data: &Dataset, q: f64, goal: f64) -> f64 {
            let problem = Linear::new(data, data.labels(), loss, Some(1.0)).unwrap();
            let mut rule: Dual<'_, f64> =
                Dual::new(problem.examples(), problem.loss_function(), 1e-3, 1, 1, 1);
            assert!(rule.is_narrow());
            let w: Vec<SharedSum> =
                (0..problem.examples().width()).map(|_| SharedSum::default()).collect();
            let start = NewtonEpoch {
                weights: values(&w),
                q,
                target: Target::Gap(goal),
                highest: None,
                must_stop: &|| false,
            };
            let outcome = rule.newton(&w, start);
            assert!(outcome.has_converged);
            let found = rule.gap_parts(&outcome.weights);
            (found.primal - outcome.dual) / found.primal
        }
        // From zero weights, where no example is near its kink.
        for goal in [1e-2, 1e-5, 1e-8] {
            let gaps = [
                gap(Logistic, &signs, 0.0, goal),
                gap(SquaredHinge, &signs, 0.0, goal),
                gap(Squared, &numbers, 0.0, goal),
                gap(Huber, &numbers, 0.0, goal),
                gap(Hinge, &signs, 0.5, goal),
                gap(EpsilonInsensitive { epsilon: 0.1 }, &numbers, 0.2, goal),
            ];
            assert!(
                gaps.iter().all(|gap| (-1e-12..=goal * (1.0 + 1e-6)).contains(gap)),
                "{goal} {gaps:?}"
            );
        }
    }

    #[test]
    fn the_outcome_is_the_same_for_any_number_of_threads() {
        for features in FEATURES {
            let data = data(true, features);
            assert_eq!(
                newton_epochs(Hinge, &data, Some(0.5), 1),
                newton_epochs(Hinge, &data, Some(0.5), 3),
                "{features}"
            );
        }
    }
}
