//! Linear models with the loss erased: the code that solvers have compiled for each loss.

use super::dual::{Dual, DualVisits};
use super::saga::{Saga, SagaVisits};
use super::sgd::{Penalty, Sgd, SgdRule, StepSize};
use crate::error::{Error, Result};
use crate::params::Real;
use crate::problem::{Curved, Curves, CustomLoss, Examples, Linear, LossKind, with_loss};
use crate::strategy::Visit;

/// A linear model with any loss, under the rules of all solvers in one precision.
pub(crate) trait RulesOf<R: Real>: Sync {
    /// Returns the examples.
    fn examples(&self) -> &Examples<'_>;
    /// Returns the loss as dense passes need it; `None` for a custom loss, which only sgd can use.
    fn loss(&self) -> Option<&dyn Curves>;
    /// Creates the rule of stochastic gradient descent; parameters as for [`Sgd::new`].
    fn sgd(
        &self,
        penalty: Penalty,
        step: StepSize,
        applies_scale: bool,
    ) -> Box<dyn SgdRule<R> + '_>;
    /// Creates the visits of dual ascent; the loss is not a custom one.
    fn dual_visits<'a>(&'a self, rule: &'a Dual<'_, R>) -> Box<dyn Visit<R> + 'a>;
    /// Creates the visits of variance reduction; the loss is not a custom one.
    fn saga_visits<'a>(&'a self, rule: &'a Saga<'_, R>) -> Box<dyn Visit<R> + 'a>;
}

/// A linear model under the rules of all solvers, in both precisions.
pub(crate) trait AnyLinear: RulesOf<f32> + RulesOf<f64> {}

impl<T: RulesOf<f32> + RulesOf<f64>> AnyLinear for T {}

impl<L: Curved, R: Real> RulesOf<R> for Linear<'_, L> {
    fn examples(&self) -> &Examples<'_> {
        self.examples()
    }

    fn loss(&self) -> Option<&dyn Curves> {
        Some(self.loss_function())
    }

    fn sgd(
        &self,
        penalty: Penalty,
        step: StepSize,
        applies_scale: bool,
    ) -> Box<dyn SgdRule<R> + '_> {
        Box::new(Sgd::new(self, penalty, step, applies_scale))
    }

    fn dual_visits<'a>(&'a self, rule: &'a Dual<'_, R>) -> Box<dyn Visit<R> + 'a> {
        Box::new(DualVisits::new(rule, self))
    }

    fn saga_visits<'a>(&'a self, rule: &'a Saga<'_, R>) -> Box<dyn Visit<R> + 'a> {
        Box::new(SagaVisits::new(rule, self))
    }
}

/// A linear model with a custom loss: it has no conjugate, so sgd is the only solver.
struct WithCustomLoss<'d>(Linear<'d, &'static dyn CustomLoss>);

impl<R: Real> RulesOf<R> for WithCustomLoss<'_> {
    fn examples(&self) -> &Examples<'_> {
        self.0.examples()
    }

    fn loss(&self) -> Option<&dyn Curves> {
        None
    }

    fn sgd(
        &self,
        penalty: Penalty,
        step: StepSize,
        applies_scale: bool,
    ) -> Box<dyn SgdRule<R> + '_> {
        Box::new(Sgd::new(&self.0, penalty, step, applies_scale))
    }

    fn dual_visits<'a>(&'a self, _: &'a Dual<'_, R>) -> Box<dyn Visit<R> + 'a> {
        unreachable!("a loss without a conjugate is refused before the first visit")
    }

    fn saga_visits<'a>(&'a self, _: &'a Saga<'_, R>) -> Box<dyn Visit<R> + 'a> {
        unreachable!("a loss without a conjugate is refused before the first visit")
    }
}

/// Creates the linear model of `examples` with a loss chosen at run time; for softmax, that of two
/// classes.
pub(crate) fn linear<'d>(loss: LossKind, examples: Examples<'d>) -> Box<dyn AnyLinear + 'd> {
    fn known<'d>(examples: Examples<'d>, loss: impl Curved + 'd) -> Box<dyn AnyLinear + 'd> {
        Box::new(Linear::of(examples, loss))
    }
    with_loss!(
        loss,
        loss => known(examples, loss),
        custom => Box::new(WithCustomLoss(Linear::of(examples, custom)))
    )
}

/// Returns the loss of `problem`, for solvers that need its conjugate.
///
/// # Errors
/// [`Error::Parameter`] if it is a custom loss.
pub(super) fn known_loss<R: Real>(problem: &dyn RulesOf<R>) -> Result<&dyn Curves> {
    problem.loss().ok_or_else(|| Error::Parameter {
        name: "solver",
        value: "one other than sgd, with a custom loss".into(),
        expected: "the solver sgd, which needs no conjugate of the loss",
        hint: "choose sgd",
    })
}
