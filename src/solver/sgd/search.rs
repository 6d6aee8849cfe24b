//! A first step size that nobody has to give (Bottou's `svmsgd` does the same on a thousand
//! examples).

use std::time::Instant;

use super::{Schedule, SgdRule, StepSize};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::solver::Settings;
use crate::strategy::{Control, Order, Pass, WorkerPool, visit_alone};

/// Fewest terms that step sizes are tried on, where there are that many.
const FEWEST: usize = 1_000;
/// Most terms that step sizes are tried on.
const MOST: usize = 10_000;
/// The first guess, and how far above and below it the search goes at most.
const GUESS: f64 = 1.0;
const RANGE: f64 = 1e9;
/// Consecutive trials without gain that end a walk: one alone can be the chance of a noisy
/// objective.
const MISSES: usize = 2;

/// Passes over a problem that is one of its own ([`Problem::trial`]): it is small, and one pass
/// from a saddle point tells little.
const PASSES: u64 = 3;

/// The step size, on a grid of powers of 2, whose passes over a sample leave the lowest objective
/// on it: one pass over the first terms in batches of `batch`, or a few over all terms of the
/// problem's [trial](Problem::trial).
///
/// The search walks from 1 by factors of 4 while the objective falls, then looks at the two
/// neighbors of the best by a factor of 2. Terms are in random order, so the first ones are a
/// sample. Deterministic given the seed. The step size of `rule` is changed.
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
    let mut score = |eta: f64| -> Result<f64> {
        *rule.step() = StepSize::new(eta, Schedule::Constant);
        weights.copy_from_slice(&start);
        for epoch in 0..passes {
            order.shuffle(settings.seed, epoch);
            let visits_before = epoch * sample as u64;
            let (order, seed, control, pool) = (&order, settings.seed, &control, &pool);
            let pass = Pass { order, epoch, visits_before, seed, control, pool };
            visit_alone(rule, &mut weights, pass, batch)?;
        }
        let objective = rule.objective(sample, &weights);
        Ok(if objective.is_finite() { objective } else { f64::INFINITY })
    };
    let mut best = (GUESS, score(GUESS)?);
    for factor in [0.25, 4.0] {
        let start = best.0;
        let (mut eta, mut misses) = (start * factor, 0);
        while misses < MISSES && !control.must_stop() && (1.0 / RANGE..=RANGE).contains(&eta) {
            let objective = score(eta)?;
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
        let objective = score(eta)?;
        if objective < best.1 {
            best = (eta, objective);
        }
    }
    if !best.1.is_finite() {
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
