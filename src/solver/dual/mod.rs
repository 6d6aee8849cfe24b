//! The solver dual: dual coordinate ascent, which ends with a duality gap.

mod ascent;
mod columns;
mod gap;
mod newton_policy;
mod parts;
mod pipeline;
mod rule;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

pub(in crate::solver) use self::gap::{SUMMED_TOGETHER, SharedSum};
use self::pipeline::Timing;
pub(crate) use self::rule::{Dual, DualVisits};
use super::driver::Evaluate;
use super::linear::known_loss;
use super::plan::{Copies, Plan};
use super::sgd::Schedule;
use super::{Event, Fit, RulesOf, Settings};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::problem::{Curved, Examples, Linear};
use crate::strategy::{ClusterConfig, Layout, Strategy, StrategyKind, Topology};

/// Minimizes a linear model's mean loss plus (l2/2)*||w||^2, by ascent in the dual, from zero dual
/// variables. There are no step sizes. Where passes converge slowly, or would where a Hessian is
/// small, Newton epochs take their place. Each epoch bounds the distance of its weights to the
/// optimum ([`Epoch::gap`](super::Epoch::gap)).
///
/// `evaluate`, `watch` and determinism are as in [`minimize`](super::minimize).
///
/// # Errors
/// [`Error::Parameter`] for settings out of range, an l1 other than 0, or an l2 of 0;
/// [`Error::Worker`] if a worker panicked; [`Error::Io`] or [`Error::Input`] if the weights cannot
/// be mapped.
pub fn fit_dual<L: Curved, R: Real>(
    problem: &Linear<'_, L>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    fit_any(problem, settings, evaluate, watch)
}

/// [`fit_dual`] for any loss.
pub(crate) fn fit_any<R: Real>(
    problem: &dyn RulesOf<R>,
    settings: &Settings,
    evaluate: Option<&Evaluate<'_, R>>,
    watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<Fit<R>> {
    settings.check()?;
    let wrong = |name, value: f64, expected, hint| {
        Err(Error::Parameter { name, value: value.to_string(), expected, hint })
    };
    let penalty = settings.penalty;
    if penalty.l2 == 0.0 {
        return wrong(
            "l2",
            penalty.l2,
            "a number above 0 for dual ascent",
            "choose another solver, or an l2 above 0",
        );
    }
    if penalty.l1 != 0.0 {
        return wrong("l1", penalty.l1, "0 for dual ascent", "choose another solver for l1");
    }
    if settings.learning_rate.is_some() || settings.schedule != Schedule::default() {
        return Err(Error::Parameter {
            name: "solver",
            value: "dual with a learning rate or a schedule".into(),
            expected: "neither: dual ascent has no step sizes",
            hint: "leave them out, or choose the solver sgd",
        });
    }
    known_loss(problem)?;
    let examples = problem.examples();
    let (terms, width, touches) = (examples.len(), examples.width(), examples.touches());
    let plan = Plan::new(terms, width, touches, settings, Copies::OfHot);
    let is_chosen = settings.strategy == StrategyKind::Auto;
    let (strategy, timing): (Box<dyn Strategy<R>>, _) = match plan.strategy {
        StrategyKind::Sequential if is_chosen => (plan.make(settings)?, Timing::Overlapped),
        StrategyKind::HogwildPlusPlus(config) if plan.batch == 1 => {
            let layout = plan.layout(&config, settings, &Topology::detect());
            check_ring(config, layout, examples)?;
            (plan.summed_clusters(layout)?, Timing::Immediate)
        }
        StrategyKind::Sequential if plan.batch == 1 => (plan.make(settings)?, Timing::Immediate),
        StrategyKind::Hogwild(_) | StrategyKind::Locked => {
            (plan.make(settings)?, Timing::Immediate)
        }
        other => {
            return Err(Error::Parameter {
                name: "strategy",
                value: format!(
                    "{}{}",
                    other.name(),
                    if plan.batch > 1 { " in batches" } else { "" }
                ),
                expected: "sequential, hogwild, hogwild++ or locked, without batches, with the solver dual, whose weights are a sum that averaged steps would not keep",
                hint: "choose hogwild, or the solver sgd",
            });
        }
    };
    ascent::run(problem, settings, plan, strategy, timing, evaluate, watch)
}

/// Checks the settings of hogwild++: the clusters' changes are summed up, so no weights for them
/// (beta, lambda) are allowed, and the bias needs clusters of equal size.
fn check_ring(config: ClusterConfig, layout: Layout, examples: &Examples<'_>) -> Result<()> {
    for (name, value) in [("beta", config.beta), ("lambda", config.lambda)] {
        if let Some(value) = value {
            return Err(Error::Parameter {
                name,
                value: value.to_string(),
                expected: "nothing with the solver dual, which sums the changes up",
                hint: "leave it out, or choose the solver sgd",
            });
        }
    }
    if examples.constant().is_some() && !layout.workers.is_multiple_of(layout.clusters) {
        return Err(Error::Parameter {
            name: "clusters",
            value: format!("{} of {} threads", layout.clusters, layout.workers),
            expected: "clusters of the same size with the solver dual and a bias",
            hint: "choose a divisor of the number of threads, or leave the bias out",
        });
    }
    Ok(())
}
