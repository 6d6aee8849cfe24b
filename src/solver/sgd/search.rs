//! Search for the first step size, so that no user has to choose it (Bottou's `svmsgd` does the
//! same on a thousand examples).

use std::time::Instant;

use super::{Schedule, SgdRule, StepSize};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::solver::Settings;
use crate::strategy::{Control, Order, Pass, WorkerPool, visit_alone};

/// Fewest terms to try step sizes on, where there are that many.
const FEWEST: usize = 1_000;
/// Most terms to try step sizes on.
const MOST: usize = 10_000;
/// The first guess.
const GUESS: f64 = 1.0;
/// The search stays within this factor of the first guess.
const RANGE: f64 = 1e9;
/// Consecutive trials without gain that end a walk: one alone may be chance, as the objective is
/// noisy.
/// Record: D006.
const MISSES: usize = 2;
/// Passes over a trial problem ([`Problem::trial`](crate::problem::Problem::trial)): it is small,
/// and one pass from a saddle point says little.
/// Record: D056.
const PASSES: u64 = 3;

/// Finds the step size, on a grid of powers of 2, whose passes over a sample lead to the lowest
/// objective on it: one pass over the first terms in batches of `batch`, or a few over all terms of
/// the problem's [trial](crate::problem::Problem::trial).
///
/// The search walks from 1 by factors of 4 while the objective falls, then tries the best one's
/// neighbors at a factor of 2. Terms are in random order, so the first ones are a sample.
/// Deterministic given the seed. Changes the step size of `rule`.
///
/// # Errors
/// [`Error::Diverged`] if no step size leaves a finite objective.
pub(super) fn search<R: Real>(
    rule: &mut dyn SgdRule<R>,
    settings: &Settings,
    deadline: Option<Instant>,
    batch: usize,
) -> Result<f64> {
    let mut found = None;
    let has_trial = rule.with_trial(&mut |rule| {
        let terms = rule.shape().terms;
        found = Some(walk(rule, terms, PASSES, settings, deadline, batch));
    });
    match found {
        Some(found) if has_trial => found,
        _ => {
            let terms = rule.shape().terms;
            let sample = terms.min((terms / 10).clamp(FEWEST, MOST));
            walk(rule, sample, 1, settings, deadline, batch)
        }
    }
}

/// Searches on the first `sample` terms, with this many passes per trial.
fn walk<R: Real>(
    rule: &mut dyn SgdRule<R>,
    sample: usize,
    passes: u64,
    settings: &Settings,
    deadline: Option<Instant>,
    batch: usize,
) -> Result<f64> {
    let mut order = Order::new(sample);
    let control = Control { interrupted: settings.interrupt.clone(), deadline, ..Control::new(1) };
    let pool = WorkerPool::new(1, 1, Vec::new());
    let start = rule.start();
    let mut weights = start.clone();
    let mut objective_at = |eta: f64| -> Result<f64> {
        *rule.step() = StepSize::new(eta, Schedule::Constant);
        weights.copy_from_slice(&start);
        for epoch in 0..passes {
            order.shuffle(settings.seed, epoch);
            let visits_before = epoch * sample as u64;
            let (order, seed, control, pool) = (&order, settings.seed, &control, &pool);
            let pass = Pass { order, epoch, visits_before, seed, control, pool };
            visit_alone(rule, &mut weights, pass, batch)?;
        }
        if control.must_stop() {
            return Ok(f64::INFINITY);
        }
        let objective = rule.objective(sample, &weights);
        Ok(if objective.is_finite() { objective } else { f64::INFINITY })
    };
    let mut best = (GUESS, objective_at(GUESS)?);
    for factor in [0.25, 4.0] {
        let start = best.0;
        let (mut eta, mut misses) = (start * factor, 0);
        while misses < MISSES && !control.must_stop() && (1.0 / RANGE..=RANGE).contains(&eta) {
            let objective = objective_at(eta)?;
            if objective < best.1 {
                best = (eta, objective);
                misses = 0;
            } else if best.1.is_finite() || factor > 1.0 {
                misses += 1;
            }
            eta *= factor;
        }
        if best.0 != start {
            break;
        }
    }
    for eta in [best.0 * 0.5, best.0 * 2.0] {
        if control.must_stop() {
            break;
        }
        let objective = objective_at(eta)?;
        if objective < best.1 {
            best = (eta, objective);
        }
    }
    if !best.1.is_finite() && !control.must_stop() {
        return Err(Error::Diverged {
            what: format!(
                "no step size between {:e} and {RANGE:e} leaves a finite objective",
                1.0 / RANGE
            ),
            hint: "scale the features down, for example to rows of length 1",
        });
    }
    Ok(best.0)
}
