//! All dual variables at once, by Newton's method on smoothed losses (the augmented Lagrangian
//! method with semi-smooth Newton steps: Li, Sun & Toh, SIAM J. Optimization 2018; the proximal
//! point method in the dual: Rockafellar 1976).
//!
//! Ascent in one variable at a time may creep: with little regularization many examples pull
//! against each other. The proximal point method goes from a to the a' that maximizes D(a') -
//! (q/2n)*||a' - a||^2, whose weights minimize
//!
//! (l2/2)*||w||^2 + (1/n) * sum of env_i(x_i.w), env_i(s) = max over a'_i of -a'_i s - loss*(y_i,
//! -a'_i) - (q/2)(a'_i - a_i)^2,
//!
//! a smooth function with slopes -a'_i, and a'_i is what an ascent with response q returns. With q
//! = 0 it is the loss, if that is smooth itself. Its Hessian takes the examples whose a'_i is not
//! at an end of its interval, for many losses few. Newton's method finds the minimum in a few steps
//! (`direction.rs`); with a smaller q from call to call, a converges faster than linearly.

mod direction;
mod point;

use self::point::Point;
use super::hessian::{self, Assembly, Thinning, dot};
use crate::params::Real;
use crate::row::real::Slot;
use crate::solver::dual::{Dual, Place};

/// Most passes over as many entries as the data has, that a turn may take.
const PASSES: usize = 128;
/// Share of the decrease that the slope promises which a step must bring.
const ARMIJO: f64 = 1e-4;
/// The objective may rise where a step ends, but at most this share as steeply as it falls where
/// the step starts. Else so many shorter ones are tried.
const STEEP: f64 = 0.5;
const TRIALS: usize = 20;
/// While the slope at one end of the possible steps is more than this many times that at the other,
/// the middle is tried, or this share of the way if it is not known to fall anywhere after the
/// start.
const EVEN: f64 = 8.0;
const SHORTER: f64 = 0.3;
/// Steps that are tried are at least this share of the possible ones away from both ends.
const INSIDE: f64 = 0.1;
/// Steps that do not bring enough are halved, to this share of their length.
const SHORTEST: f64 = 1e-4;
/// While the drift is this share of the objective, a round goes on.
const FAR: f64 = 0.1;
/// What each round of a turn makes of q.
const FARTHER: f64 = 0.6;

/// Where a turn of Newton's method starts, and how far it may go.
pub(crate) struct Turn<'a> {
    /// Weights near the minimum.
    pub weights: Vec<f64>,
    /// How dear moves of the dual variables are: 0 for smooth losses only.
    pub q: f64,
    /// When the turn has arrived.
    pub end: End,
    /// The highest D that is known, if one is.
    pub highest: Option<f64>,
    /// Says whether to end early.
    pub must_stop: &'a (dyn Fn() -> bool + Sync),
}

/// When a turn of Newton's method has arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// When the minimum is at most this far below the objective of the smoothed losses, as a share
    /// of it.
    Near(f64),
    /// When the duality gap is at most this share of the objective: until then, further rounds go
    /// on around the dual variables of the last, with smaller q.
    Gap(f64),
}

/// What a turn found.
pub(crate) struct Turned {
    /// The weights, for which the dual variables are good.
    pub weights: Vec<f64>,
    /// D of the dual variables.
    pub dual: f64,
    /// The last q.
    pub q: f64,
    /// How many passes over the data it cost.
    pub passes: f64,
    /// Whether it came as near as it should; if not, it took too many passes, or rounding hid the
    /// next step.
    pub has_arrived: bool,
}

/// What is minimized: the smoothed losses, and what the way to the minimum may cost.
struct Aim<'a> {
    /// The dual variables that the losses are smoothed around.
    around: Vec<f64>,
    q: f64,
    /// Entries that may still be visited.
    budget: usize,
    must_stop: &'a (dyn Fn() -> bool + Sync),
    assembly: Assembly,
    /// Room for points, one number an example each: of points that were left.
    spare: Vec<Vec<f64>>,
}

impl Aim<'_> {
    /// Takes the cost of something from the budget; says whether it can be paid.
    fn pay(&mut self, entries: usize) -> bool {
        let can_pay = self.budget >= entries && !(self.must_stop)();
        self.budget = self.budget.saturating_sub(entries);
        can_pay
    }

    /// Keeps the room of a point that is not needed any more.
    fn leave(&mut self, point: Point) {
        self.spare.extend([point.scores, point.duals]);
    }
}

impl<R: Real> Dual<'_, R> {
    /// How much scores respond to an ascent in the mean: a good first `q` for [`Dual::newton`].
    pub(crate) fn response(&self) -> f64 {
        let constant2 = f64::from(self.examples.constant().unwrap_or(0.0)).powi(2);
        let terms = self.examples.len();
        let norm2 =
            |i: usize| f64::from(self.examples.weight(i)) * f64::from(self.examples.norm2(i));
        let norms2: f64 = (0..terms).map(norm2).sum();
        (norms2 / terms as f64 + constant2) * self.unit()
    }

    /// Whether there are so few weights that steps of Newton's method cost about as much as passes.
    pub(crate) fn is_narrow(&self) -> bool {
        hessian::is_small(self.examples.width(), self.examples.touches())
    }

    /// Moves the dual variables to about where the dual objective, less q/2n times the squared
    /// length of the move, is highest, if the dual objective is not lower there. `w` is w(a)
    /// afterwards. Runs on the threads of the current pool; the outcome is the same for any number
    /// of them.
    pub(crate) fn newton(&self, w: &[Place], turn: Turn<'_>) -> Turned {
        let around: Vec<f64> = self.duals.iter().map(|dual| dual.get().to_f64()).collect();
        let Turn { weights, q, end, highest, must_stop } = turn;
        let budget = PASSES * self.examples.touches();
        let places: Vec<Place> = w.iter().map(|_| Place::default()).collect();
        let mut aim =
            Aim { around, q, budget, must_stop, assembly: Assembly::default(), spare: Vec::new() };
        let mut point = self.look(&mut aim, weights, &places);
        let has_arrived = self.approach(&mut aim, &mut point, end, &places);
        let passes = (budget - aim.budget) as f64 / self.examples.touches() as f64;
        // As they are stored.
        let found: Vec<f64> = point.duals.iter().map(|&a| R::of(a).to_f64()).collect();
        self.sum_rows(&found, &places);
        let dual = self.l2 * self.dual_objective(&found, &places);
        let present = match highest {
            Some(highest) if dual >= highest => f64::NEG_INFINITY,
            _ => self.present_dual(w),
        };
        if dual >= present {
            self.duals.iter().zip(&found).for_each(|(dual, &a)| dual.set(R::of(a)));
            w.iter().zip(&places).for_each(|(w, place)| w.set(place.get()));
        }
        let dual = dual.max(present);
        Turned { weights: point.weights, dual, q: aim.q, passes, has_arrived }
    }

    /// Takes steps until the end; says whether it is reached.
    fn approach(&self, aim: &mut Aim<'_>, point: &mut Point, end: End, places: &[Place]) -> bool {
        loop {
            match end {
                End::Near(near) if point.drift() <= near * point.objective() => return true,
                End::Near(_) => {}
                End::Gap(_) if point.drift() > FAR * point.objective() => {}
                End::Gap(goal) => {
                    let (primal, parts) = self.gap(aim, point, places);
                    if parts + point.drift() <= goal * primal {
                        return true;
                    }
                    if point.drift() <= parts {
                        (aim.around, aim.q) = (point.duals.clone(), aim.q * FARTHER);
                        let next = self.look(aim, point.weights.clone(), places);
                        aim.leave(std::mem::replace(point, next));
                        aim.assembly.thinning = Thinning::default();
                    }
                }
            }
            let from = point.objective();
            if !self.step(aim, point, places) {
                return false;
            }
            aim.assembly.thinning.saw(from - point.objective());
        }
    }

    /// D of the present dual variables; sets `w` to w(a).
    fn present_dual(&self, w: &[Place]) -> f64 {
        let duals: Vec<f64> = self.duals.iter().map(|dual| dual.get().to_f64()).collect();
        self.sum_rows(&duals, w);
        self.l2 * self.dual_objective(&duals, w)
    }

    /// A Newton step with line search; says whether one was found that decreases the objective.
    fn step(&self, aim: &mut Aim<'_>, point: &mut Point, places: &[Place]) -> bool {
        if !aim.pay(4 * self.examples.touches()) {
            return false;
        }
        let direction = self.direction(aim, point, places);
        let slope = dot(&point.gradient, &direction);
        if slope.is_nan() || slope >= 0.0 {
            return false;
        }
        let (linear, square) = (dot(&point.weights, &direction), dot(&direction, &direction));
        let is_enough = |losses: f64, t: f64| {
            losses - point.losses + t * linear + t * t / 2.0 * square <= ARMIJO * t * slope
        };
        let at = |t: f64| point.weights.iter().zip(&direction).map(|(w, d)| w + t * d).collect();
        let mut next = self.look(aim, at(1.0), places);
        let uphill = dot(&next.gradient, &direction);
        let mut t = 1.0;
        if uphill > -STEEP * slope {
            t = self.shorten(aim, point, &next, slope, uphill);
            aim.leave(next);
            if t == 0.0 {
                return false;
            }
            next = self.look(aim, at(t), places);
        }
        let least = SHORTEST * t;
        while !is_enough(next.losses, t) {
            aim.leave(next);
            t /= 2.0;
            if t < least {
                return false;
            }
            next = self.look(aim, at(t), places);
        }
        aim.leave(std::mem::replace(point, next));
        true
    }

    /// How much of the way from `point` to `end` a step takes, if the objective's slope along it is
    /// `downhill` where it starts and `uphill` where it ends: to about where the slope is 0, by
    /// false position once both ends are about as steep, before that by bisection. The rise can be
    /// a thousand times as steep as the fall, where losses begin.
    fn shorten(
        &self,
        aim: &Aim<'_>,
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
                let a = self.smoothed(aim, i, point.scores[i] + t * along).1;
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

fn values(places: &[Place]) -> Vec<f64> {
    places.iter().map(Slot::get).collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::data::{Builder, Dataset};
    use crate::problem::{
        Curved, EpsilonInsensitive, Hinge, Huber, Linear, Logistic, Squared, SquaredHinge,
    };

    /// More examples than features: many dual variables pull against each other. With more features
    /// than a Hessian in memory may have, each example has few of them.
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

    /// Turns from zero dual variables: the gap of the last one as a share of the objective, and the
    /// duals.
    fn turns<L: Curved>(
        loss: L,
        data: &Dataset,
        bias: Option<f32>,
        threads: usize,
    ) -> (f64, Vec<f64>) {
        let problem = Linear::new(data, data.labels(), loss, bias).unwrap();
        let mut rule: Dual<'_, f64> =
            Dual::new(problem.examples(), problem.loss_function(), 1e-4, threads, 1, 1);
        let w: Vec<Place> = (0..problem.examples().width()).map(|_| Place::default()).collect();
        let mut weights = values(&w);
        let mut q = rule.response();
        let mut relative = f64::INFINITY;
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for _ in 0..30 {
            let turn =
                Turn { weights, q, end: End::Near(1e-12), highest: None, must_stop: &|| false };
            let turned = pool.install(|| rule.newton(&w, turn));
            let judged = pool.install(|| rule.gap_parts(&turned.weights));
            let gap = judged.parts + rule.drift(&turned.weights, &w);
            assert!(
                (judged.primal - turned.dual - gap).abs() < 1e-9 * judged.primal,
                "the dual is as told"
            );
            relative = (judged.primal - turned.dual) / judged.primal;
            (weights, q) = (turned.weights, q / 5.0);
        }
        let mut duals = vec![0.0; problem.examples().len()];
        rule.copy_to(&mut duals);
        (relative, duals)
    }

    /// With a Hessian in memory, and by conjugate gradients.
    const FEATURES: [u32; 2] = [10, 600];

    #[test]
    fn turns_find_the_optimum_of_each_loss() {
        for features in FEATURES {
            let (signs, numbers) = (data(true, features), data(false, features));
            for bias in [None, Some(1.0)] {
                let mut gaps = vec![
                    turns(Logistic, &signs, bias, 1).0,
                    turns(SquaredHinge, &signs, bias, 1).0,
                    turns(Squared, &numbers, bias, 1).0,
                    turns(Huber, &numbers, bias, 1).0,
                ];
                if features == FEATURES[0] {
                    gaps.push(turns(Hinge, &signs, bias, 1).0);
                    gaps.push(turns(EpsilonInsensitive { epsilon: 0.1 }, &numbers, bias, 1).0);
                }
                assert!(gaps.iter().all(|gap| (-1e-12..1e-9).contains(gap)), "{features} {gaps:?}");
            }
        }
    }

    #[test]
    fn one_turn_goes_to_any_gap() {
        let (signs, numbers) = (data(true, 10), data(false, 10));
        fn gap<L: Curved>(loss: L, data: &Dataset, q: f64, goal: f64) -> f64 {
            let problem = Linear::new(data, data.labels(), loss, Some(1.0)).unwrap();
            let mut rule: Dual<'_, f64> =
                Dual::new(problem.examples(), problem.loss_function(), 1e-3, 1, 1, 1);
            assert!(rule.is_narrow());
            let w: Vec<Place> = (0..problem.examples().width()).map(|_| Place::default()).collect();
            let turn = Turn {
                weights: values(&w),
                q,
                end: End::Gap(goal),
                highest: None,
                must_stop: &|| false,
            };
            let turned = rule.newton(&w, turn);
            assert!(turned.has_arrived);
            let judged = rule.gap_parts(&turned.weights);
            (judged.primal - turned.dual) / judged.primal
        }
        // From no weights, where the kink of no example is near.
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
                turns(Hinge, &data, Some(0.5), 1),
                turns(Hinge, &data, Some(0.5), 3),
                "{features}"
            );
        }
    }
}
