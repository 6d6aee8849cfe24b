//! Stochastic gradient descent with implicit steps and a regularizer.

use std::ops::Range;
use std::sync::OnceLock;

use super::penalty::{Shrinkage, rarity};
use super::scaled::Scaled;
use super::{Block, Clock, Penalty, StepSize, Visit};
use crate::cpu::compiled_twice;
use crate::data::map::filled;
use crate::params::{Real, Scale, Weights};
use crate::problem::Problem;

/// When coordinates are shrunk by the regularizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shrinking {
    /// There is no regularizer.
    Never,
    /// When a visit touches them ([`Penalty`]).
    OnTouch,
    /// All at each visit, by a scale beside the vector (`scaled.rs`).
    AtOnce,
}

/// A problem under stochastic gradient descent.
pub struct Sgd<'p, P, R> {
    /// The step size; it may be changed between epochs.
    pub step: StepSize,
    problem: &'p P,
    penalty: Penalty,
    /// Whether the strategy folds the scale in.
    folds: bool,
    /// Counted when it is needed first.
    rarity: OnceLock<Vec<R>>,
}

/// The step size for a block of terms, and the scale beside the vector.
#[derive(Clone, Copy, Debug)]
pub struct Pace<R> {
    rate: R,
    /// The rate times the strengths of the regularizer.
    l1: R,
    l2: R,
    shrinking: Shrinking,
    /// Whether the regularizer moves what a term touches even where the loss does not.
    moves: bool,
    /// What the vector is multiplied with to give the weights.
    factor: R,
    /// What a visit multiplies that with.
    change: R,
}

impl<R: Real> Pace<R> {
    /// The inverse is divided for each visit: compilers would pack two products that are carried along into a vector, which
    /// takes longer.
    #[inline(always)]
    fn scale(&self) -> Scale<R> {
        Scale { factor: self.factor, inverse: R::ONE / self.factor }
    }
}

/// Longest step size: finite in f32, and steps are implicit, so that a longer one does nothing else.
const LONGEST: f64 = 1e30;

/// Largest logarithm of the inverse scale at the end of an epoch: far from overflow in f32.
const MOST_SCALE: f64 = 16.0;

impl<'p, P: Problem, R: Real> Sgd<'p, P, R> {
    /// `folds`: the strategy multiplies the weights with [`Visit::fold`] at the end of each epoch, so that l2 can be
    /// kept in a scale beside the vector where that is possible (no l1, a step size that is constant within an epoch).
    pub fn new(problem: &'p P, penalty: Penalty, step: StepSize, folds: bool) -> Self {
        Sgd { step, problem, penalty, folds, rarity: OnceLock::new() }
    }

    /// The step size at `clock`.
    pub fn rate(&self, clock: Clock) -> f64 {
        self.step.at(clock, self.problem.terms(), self.penalty.l2).min(LONGEST)
    }

    /// Where fits begin.
    pub(crate) fn start(&self) -> Vec<R> {
        let mut weights = filled(R::ZERO, self.problem.width());
        self.problem.start(&mut weights);
        weights
    }

    /// The same rule for another problem.
    pub(crate) fn of<'q>(&self, problem: &'q P) -> Sgd<'q, P, R> {
        Sgd::new(problem, self.penalty, self.step, self.folds)
    }

    /// What is minimized, without the regularizer.
    pub(crate) fn problem(&self) -> &'p P {
        self.problem
    }

    fn shrinking(&self, rate: f64) -> Shrinking {
        let growth = (rate * self.penalty.l2).ln_1p() * self.problem.terms() as f64;
        if self.penalty == Penalty::default() {
            Shrinking::Never
        } else if self.folds && self.penalty.l1 == 0.0 && self.step.is_constant() && growth <= MOST_SCALE {
            Shrinking::AtOnce
        } else {
            Shrinking::OnTouch
        }
    }

    fn shrinkage(&self, pace: Pace<R>, share: R) -> Shrinkage<'_, R> {
        let rarity = match pace.shrinking {
            Shrinking::OnTouch => self.rarity.get_or_init(|| rarity(self.problem)).as_slice(),
            Shrinking::Never | Shrinking::AtOnce => &[],
        };
        Shrinkage { rarity, l1: pace.l1 * share, l2: pace.l2 * share }
    }
}

impl<P: Problem, R: Real> Visit for Sgd<'_, P, R> {
    type Real = R;
    type Pace = Pace<R>;
    /// The problem's step; `None` where the gradient is zero, but the regularizer still acts.
    type Step = Option<P::Step<R>>;

    fn terms(&self) -> usize {
        self.problem.terms()
    }

    fn width(&self) -> usize {
        self.problem.width()
    }

    fn common(&self) -> usize {
        self.problem.common()
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        self.problem.support(term)
    }

    fn pace(&self, clock: Clock) -> Pace<R> {
        let rate = self.rate(clock);
        let shrinking = self.shrinking(rate);
        let (growth, scale) = match shrinking {
            Shrinking::AtOnce => {
                let growth = rate * self.penalty.l2;
                (growth, (-growth.ln_1p() * clock.within as f64).exp())
            }
            Shrinking::Never | Shrinking::OnTouch => (0.0, 1.0),
        };
        let moves = match shrinking {
            Shrinking::Never => false,
            Shrinking::OnTouch => true,
            // The scale leaves the common coordinates out.
            Shrinking::AtOnce => self.problem.penalized() > self.width() - self.common(),
        };
        Pace {
            rate: R::of(rate),
            l1: R::of(rate) * R::of(self.penalty.l1),
            l2: R::of(rate) * R::of(self.penalty.l2),
            shrinking,
            moves,
            factor: R::of(scale),
            change: R::of(1.0 / (1.0 + growth)),
        }
    }

    #[inline(always)]
    fn advance(&self, pace: &mut Pace<R>) {
        pace.factor = pace.factor * pace.change;
    }

    fn fold(&self, clock: Clock) -> Option<R> {
        let pace = self.pace(clock);
        (pace.shrinking == Shrinking::AtOnce).then_some(pace.factor)
    }

    /// The mean of the copies: since they last met, all made up for the same errors.
    fn shown(&self, copies: usize) -> R {
        R::of(1.0 / copies as f64)
    }

    #[inline(always)]
    fn plan<W: Weights<Real = R>>(&self, term: usize, pace: Pace<R>, w: &W) -> Option<Self::Step> {
        let scaled = Scaled { inner: w, scale: pace.scale() };
        match self.problem.plan(term, pace.rate, &scaled) {
            Some(step) => Some(Some(step)),
            None if pace.moves => Some(None),
            None => None,
        }
    }

    #[inline(always)]
    fn apply<W: Weights<Real = R>>(&self, term: usize, step: Self::Step, pace: Pace<R>, share: R, w: &W) {
        let scaled = Scaled { inner: w, scale: pace.scale() };
        self.problem.apply(term, step, share, &self.shrinkage(pace, share), &scaled);
    }

    #[inline(always)]
    fn visit<W: Weights<Real = R>>(&self, term: usize, pace: Pace<R>, w: &W) {
        visit(self.problem, term, pace, &self.shrinkage(pace, R::ONE), w);
    }

    fn visit_block<W: Weights<Real = R>>(&self, block: Block<'_>, pace: Pace<R>, w: &W) {
        visit_block(self.problem, block, pace, &self.shrinkage(pace, R::ONE), w);
    }

    #[inline(always)]
    fn prefetch_place(&self, term: usize) {
        self.problem.prefetch_place(term);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        self.problem.prefetch(term);
    }

    fn objective(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let count = terms.len() as f64;
        self.problem.loss(terms, w) / count + self.penalty.value(&w[..self.problem.penalized()])
    }
}

/// [`Visit::visit`], with the problem as an argument.
#[inline(always)]
fn visit<P: Problem, R: Real, W: Weights<Real = R>>(
    problem: &P,
    term: usize,
    pace: Pace<R>,
    shrinkage: &Shrinkage<'_, R>,
    w: &W,
) {
    let scaled = Scaled { inner: w, scale: pace.scale() };
    match problem.plan(term, pace.rate, &scaled) {
        // Two calls, so that the first one is compiled for a step that is there.
        Some(step) => problem.apply(term, Some(step), R::ONE, shrinkage, &scaled),
        None if pace.moves => problem.apply(term, None, R::ONE, shrinkage, &scaled),
        None => (),
    }
}

compiled_twice! {
    /// [`Visit::visit_block`], with the problem as an argument.
    fn visit_block[P: Problem, R: Real, W: Weights<Real = R>](
        problem: &P,
        block: Block<'_>,
        pace: Pace<R>,
        shrinkage: &Shrinkage<'_, R>,
        w: &W,
    ) {
        let mut factor = pace.factor;
        for (term, ahead) in block.visits() {
            if let Some(later) = ahead.place {
                problem.prefetch_place(later);
            }
            if let Some(later) = ahead.memory {
                problem.prefetch(later);
            }
            visit(problem, term, Pace { factor, ..pace }, shrinkage, w);
            factor = factor * pace.change;
        }
    }
}
