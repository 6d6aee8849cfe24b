//! Rule of stochastic gradient descent: a visit takes an implicit step and applies the regularizer.

use std::sync::OnceLock;

use super::regularized::Regularized;
use super::{Penalty, StepSize};
use crate::memory::filled;
use crate::params::{Handle, RawWeights, Real, Scale, with_handle, with_whole_handle};
use crate::problem::Problem;
use crate::solver::penalty::{Shrinkage, rarity};
use crate::strategy::{Block, Clock, EndOfEpoch, Plan, Shape, StepState, Visit};

/// When the regularizer shrinks coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shrinking {
    /// There is no regularizer.
    Never,
    /// When a visit touches them ([`Penalty`]).
    OnTouch,
    /// All at each visit, by a scale beside the vector (`regularized.rs`).
    AtOnce,
}

/// A problem under stochastic gradient descent.
pub struct Sgd<'p, P, R> {
    /// The step size, which may change between epochs.
    step: StepSize,
    problem: &'p P,
    penalty: Penalty,
    /// True if the strategy applies the scale.
    applies_scale: bool,
    /// 1/p per coordinate, counted on first use.
    rarity: OnceLock<Vec<R>>,
}

/// The rule as the fit driver sees it, for any problem.
pub trait SgdRule<R: Real>: Visit<R> + Send {
    /// Returns the step size, for changes between epochs.
    fn step(&mut self) -> &mut StepSize;
    /// Returns the step size at `clock`.
    fn rate(&self, clock: Clock) -> f64;
    /// Returns the initial weights.
    fn start(&self) -> Vec<R>;
    /// Computes the objective over the first `terms` terms: their mean loss plus the regularizer.
    fn objective(&self, terms: usize, w: &[R]) -> f64;
    /// Calls `search` with the rule for the problem's [trial](Problem::trial). Returns false if it
    /// has none.
    fn with_trial(&self, search: &mut dyn FnMut(&mut dyn SgdRule<R>)) -> bool;
}

/// Largest step size: finite in f32. Steps are implicit, so a larger one has the same effect.
const LONGEST: f64 = 1e30;

/// Largest logarithm of the inverse scale at the end of an epoch: far from overflow in f32.
const MOST_SCALE: f64 = 16.0;

impl<'p, P: Problem, R: Real> Sgd<'p, P, R> {
    /// Creates the rule. If `applies_scale` is set, the strategy multiplies the weights by
    /// [`EndOfEpoch::scale`] at the end of each epoch; l2 is then kept in a scale beside the vector
    /// where that is possible (no l1, a step size that is constant within an epoch).
    pub fn new(problem: &'p P, penalty: Penalty, step: StepSize, applies_scale: bool) -> Self {
        Sgd { step, problem, penalty, applies_scale, rarity: OnceLock::new() }
    }

    fn shrinking(&self, rate: f64) -> Shrinking {
        let growth = (rate * self.penalty.l2).ln_1p() * self.problem.terms() as f64;
        if self.penalty == Penalty::default() {
            Shrinking::Never
        } else if self.applies_scale
            && self.penalty.l1 == 0.0
            && self.step.is_constant()
            && growth <= MOST_SCALE
        {
            Shrinking::AtOnce
        } else {
            Shrinking::OnTouch
        }
    }

    fn shrinkage(&self, state: &StepState<R>) -> Shrinkage<'_, R> {
        let rarity = match state.shrinks_on_touch {
            true => {
                self.rarity.get_or_init(|| rarity(&self.touched(), self.problem.terms())).as_slice()
            }
            false => &[],
        };
        Shrinkage { rarity, l1: state.l1, l2: state.l2 }
    }

    /// Counts the terms that touch each coordinate; 0 for the common ones.
    fn touched(&self) -> Vec<u32> {
        let mut touched = vec![0; self.problem.width()];
        for term in 0..self.problem.terms() {
            self.problem.support(term).for_each(|j| touched[j] += 1);
        }
        touched[self.shape().own()..].fill(0);
        touched
    }

    fn penalizes_common(&self) -> bool {
        self.problem.penalized() > self.shape().own()
    }
}

impl<P: Problem, R: Real> SgdRule<R> for Sgd<'_, P, R> {
    fn step(&mut self) -> &mut StepSize {
        &mut self.step
    }

    fn rate(&self, clock: Clock) -> f64 {
        self.step.at(clock, self.problem.terms(), self.penalty.l2).min(LONGEST)
    }

    fn start(&self) -> Vec<R> {
        let mut weights = filled(R::ZERO, self.problem.width());
        self.problem.start(&mut weights);
        weights
    }

    fn objective(&self, terms: usize, w: &[R]) -> f64 {
        let penalty = self.penalty.value(&w[..self.problem.penalized()]);
        self.problem.loss(0..terms, w) / terms as f64 + penalty
    }

    fn with_trial(&self, search: &mut dyn FnMut(&mut dyn SgdRule<R>)) -> bool {
        let Some(trial) = self.problem.trial() else { return false };
        search(&mut Sgd::new(&trial, self.penalty, self.step, self.applies_scale));
        true
    }
}

impl<P: Problem, R: Real> Visit<R> for Sgd<'_, P, R> {
    fn shape(&self) -> Shape {
        let problem = self.problem;
        Shape { terms: problem.terms(), width: problem.width(), common: problem.common() }
    }

    fn support(&self, terms: &[usize], into: &mut Vec<usize>) {
        terms.iter().for_each(|&term| into.extend(self.problem.support(term)));
    }

    fn step_state(&self, clock: Clock) -> StepState<R> {
        let rate = self.rate(clock);
        let shrinking = self.shrinking(rate);
        let (growth, scale) = match shrinking {
            Shrinking::AtOnce => {
                let growth = rate * self.penalty.l2;
                (growth, (-growth.ln_1p() * clock.within as f64).exp())
            }
            Shrinking::Never | Shrinking::OnTouch => (0.0, 1.0),
        };
        StepState {
            rate: R::of(rate),
            l1: R::of(rate) * R::of(self.penalty.l1),
            l2: R::of(rate) * R::of(self.penalty.l2),
            shrinks_on_touch: shrinking == Shrinking::OnTouch,
            always_moves: match shrinking {
                Shrinking::Never => false,
                Shrinking::OnTouch => true,
                // The scale does not cover the common coordinates.
                Shrinking::AtOnce => self.penalizes_common(),
            },
            factor: R::of(scale),
            change: R::of(1.0 / (1.0 + growth)),
        }
    }

    fn visit_block(&self, block: Block<'_>, state: &mut StepState<R>, weights: &Handle<'_, R>) {
        let shrinkage = &self.shrinkage(state);
        let common = self.penalizes_common();
        with_handle!(weights, w => visit_block(self.problem, block, state, shrinkage, common, w));
    }

    fn planner(&self) -> Option<Box<dyn Plan<R> + Send + '_>> {
        let state = self.step_state(Clock::default());
        Some(Box::new(Planned { rule: self, state, steps: Vec::new() }))
    }

    /// Publishes the mean of the copies: since the last merge, all of them have corrected the same
    /// errors.
    fn end_of_epoch(&self, clock: Clock, copies: usize) -> EndOfEpoch<R> {
        let is_scaled = self.shrinking(self.rate(clock)) == Shrinking::AtOnce;
        let scale = is_scaled.then(|| self.step_state(clock).factor);
        EndOfEpoch { scale, published_fraction: R::of(1.0 / copies as f64) }
    }
}

/// Returns the scale at a visit. The inverse is a division per visit: if both were carried along as
/// products, compilers would pack them into a vector, which is slower.
#[inline(always)]
fn scale<R: Real>(factor: R) -> Scale<R> {
    Scale { factor, inverse: R::ONE / factor }
}

/// Visits the terms of a block. It is a function of its own with the problem as an argument, so
/// that the compiler knows that what it borrows does not change. What the rule refers to might
/// alias what visits write, and would be read again for each.
#[inline(never)]
fn visit_block<P: Problem, R: Real, W: RawWeights<Real = R>>(
    problem: &P,
    block: Block<'_>,
    state: &mut StepState<R>,
    shrinkage: &Shrinkage<'_, R>,
    penalizes_common: bool,
    raw: &W,
) {
    let StepState { rate, always_moves, mut factor, change, .. } = *state;
    for (term, ahead) in block.visits() {
        if let Some(later) = ahead.offset {
            problem.prefetch_offset(later);
        }
        if let Some(later) = ahead.memory {
            problem.prefetch(later);
        }
        let w = Regularized { raw, scale: scale(factor), shrinkage, penalizes_common };
        match problem.plan(term, rate, &w) {
            Some(step) => problem.apply(term, step, &w),
            None if always_moves => problem.touch(term, &w),
            None => (),
        }
        factor = factor * change;
    }
    state.factor = factor;
}

/// Visits that are planned and not applied yet.
struct Planned<'v, 'p, P: Problem, R: Real> {
    rule: &'v Sgd<'p, P, R>,
    state: StepState<R>,
    /// Terms with the problem's steps; `None` where the gradient is zero and only the regularizer
    /// acts.
    steps: Vec<(usize, Option<P::Step<R>>)>,
}

impl<P: Problem, R: Real> Planned<'_, '_, P, R> {
    fn plan_on<W: RawWeights<Real = R>>(&mut self, block: Block<'_>, raw: &W) {
        let (problem, state) = (self.rule.problem, self.state);
        let shrinkage = &self.rule.shrinkage(&state);
        let penalizes_common = self.rule.penalizes_common();
        let w = Regularized { raw, scale: scale(state.factor), shrinkage, penalizes_common };
        for (term, ahead) in block.visits() {
            if let Some(later) = ahead.offset {
                problem.prefetch_offset(later);
            }
            if let Some(later) = ahead.memory {
                problem.prefetch(later);
            }
            match problem.plan(term, state.rate, &w) {
                None if !state.always_moves => (),
                step => self.steps.push((term, step)),
            }
        }
    }

    fn apply_to<W: RawWeights<Real = R>>(&mut self, raw: &W) {
        let (problem, state) = (self.rule.problem, self.state);
        let shrinkage = &self.rule.shrinkage(&state);
        let penalizes_common = self.rule.penalizes_common();
        let w = Regularized { raw, scale: scale(state.factor), shrinkage, penalizes_common };
        for (term, step) in self.steps.drain(..) {
            match step {
                Some(step) => problem.apply(term, step, &w),
                None => problem.touch(term, &w),
            }
        }
    }
}

impl<P: Problem, R: Real> Plan<R> for Planned<'_, '_, P, R> {
    fn plan(&mut self, block: Block<'_>, state: StepState<R>, weights: &Handle<'_, R>) {
        self.state = state;
        self.steps.clear();
        with_whole_handle!(weights, w => self.plan_on(block, w));
    }

    fn apply(&mut self, weights: &Handle<'_, R>) {
        with_whole_handle!(weights, w => self.apply_to(w));
    }
}
