//! Rule of dual coordinate ascent (SDCA: Shalev-Shwartz & Zhang, JMLR 2013; for the SVM, Hsieh et
//! al., ICML 2008), whose visits need no step size and may race like those of Hogwild (PASSCoDe:
//! Hsieh, Yu & Dhillon, ICML 2015).
//!
//! Each example owns a dual variable a_i, which only the worker that visits it writes, and the
//! weights follow: w = w(a) = (1/(l2*n)) * sum of a_i x_i (where examples have weights c_i, of c_i
//! a_i x_i). Races and rounding make the shared vector drift from w(a); `gap.rs` computes the
//! drift, and a bound on the distance of both to the optimum.

use std::ops::Range;

use super::columns::columns;
use super::parts::Parts;
use crate::params::{Handle, RawWeights, Real, with_handle};
use crate::problem::{Curved, Curves, Examples, Linear};
use crate::row::prefetch;
use crate::row::real::Slot;
use crate::solver::sgd::Penalty;
use crate::strategy::{Block, Clock, EndOfEpoch, Shape, StepState, Visit};

/// The dual variables of a linear model, and their parts of the gap.
pub(crate) struct Dual<'p, R: Real> {
    pub(in crate::solver) examples: &'p Examples<'p>,
    pub(in crate::solver) loss: &'p dyn Curves,
    pub(in crate::solver) l2: f64,
    /// 1/(l2*n): the multiple of its row by which w grows when a dual variable grows by 1.
    unit: R,
    /// Number of replicas of the weights whose changes are summed up, each divided by this number.
    replicas: f64,
    /// Number of workers with a copy of the common coordinates, merged by their mean; 1 if the
    /// changes are summed.
    copies: f64,
    /// Factor on the score's assumed response to a step, at least 1: larger makes steps shorter.
    pub(crate) damping: f64,
    pub(in crate::solver) duals: Vec<R::Shared>,
    /// The examples' parts of the gap, as of the last evaluation.
    pub(super) parts: Parts,
    /// Visits leave out examples whose parts are in classes below this one.
    pub(super) least: u8,
    /// The columns of w(a) that each thread sums.
    pub(in crate::solver) columns: Vec<Range<u32>>,
}

impl<'p, R: Real> Dual<'p, R> {
    /// Creates the rule with zero dual variables. `l2` is above 0. `workers` share the weights or
    /// `replicas` of them, whose changes are divided by that number and summed up. They have
    /// `copies` of the common coordinates that are merged by their mean (1: by their sum).
    pub(crate) fn new(
        examples: &'p Examples<'p>,
        loss: &'p dyn Curves,
        l2: f64,
        workers: usize,
        replicas: usize,
        copies: usize,
    ) -> Self {
        let terms = examples.len();
        Dual {
            examples,
            loss,
            l2,
            unit: R::of(1.0 / (l2 * terms as f64)),
            replicas: replicas as f64,
            copies: copies as f64,
            damping: 1.0,
            duals: (0..terms).map(|_| R::Shared::default()).collect(),
            parts: Parts::new(terms),
            least: 0,
            columns: columns(examples, workers),
        }
    }

    /// Returns 1/(l2*n), not rounded to the weights' type.
    pub(in crate::solver) fn unit(&self) -> f64 {
        1.0 / (self.l2 * self.examples.len() as f64)
    }

    pub(super) fn penalty(&self) -> Penalty {
        Penalty { l1: 0.0, l2: self.l2 }
    }

    /// Copies the dual variables to `to`, which has one element per term.
    pub(crate) fn copy_to(&self, to: &mut [R]) {
        to.iter_mut().zip(&self.duals).for_each(|(to, dual)| *to = dual.get());
    }

    /// Returns a copy of the dual variables.
    pub(crate) fn duals_in_f64(&self) -> Vec<f64> {
        self.duals.iter().map(|dual| dual.get().to_f64()).collect()
    }

    /// Moves the dual variables to the fraction `t` of the way from `from` to themselves.
    pub(crate) fn move_back(&mut self, from: &[R], t: f64) {
        let between = |from: R, to: R| from + R::of(t) * (to - from);
        self.duals.iter().zip(from).for_each(|(dual, &from)| dual.set(between(from, dual.get())));
    }
}

/// Visits of dual ascent, compiled for a loss.
pub(crate) struct DualVisits<'a, L, R: Real> {
    rule: &'a Dual<'a, R>,
    problem: &'a Linear<'a, L>,
}

impl<'a, L: Curved, R: Real> DualVisits<'a, L, R> {
    /// Creates the visits by `rule`, which is that of `problem`.
    pub(crate) fn new(rule: &'a Dual<'_, R>, problem: &'a Linear<'_, L>) -> Self {
        DualVisits { rule, problem }
    }
}

/// Visits the terms of a block. `own` and `common` are the factors by which the score responds to a
/// step in the row's own coordinates, and in the common ones.
#[inline(never)]
fn visit_block<L: Curved, R: Real, W: RawWeights<Real = R>>(
    rule: &Dual<'_, R>,
    problem: &Linear<'_, L>,
    block: Block<'_>,
    w: &W,
) {
    let (own, common) = (R::of(rule.damping * rule.replicas), R::of(rule.damping * rule.copies));
    let (examples, loss) = (problem.examples(), problem.loss_function());
    let is_left_out = |term: usize| rule.parts.sizes[term] < rule.least;
    for (term, ahead) in block.visits() {
        if let Some(later) = ahead.offset {
            examples.prefetch_record(later);
            prefetch::at(&rule.parts.sizes, later);
            prefetch::at(&rule.duals, later);
        }
        if let Some(later) = ahead.memory
            && !is_left_out(later)
        {
            examples.prefetch(later);
        }
        if is_left_out(term) {
            continue;
        }
        let row = examples.row(term);
        let mut s = w.dot(row);
        let weight = R::of_f32(examples.weight(term));
        let mut q = own * R::of_f32(examples.norm2(term));
        if let Some(c) = examples.constant() {
            let c = R::of_f32(c);
            s += c * w.common(0);
            q += common * c * c;
        }
        let dual = &rule.duals[term];
        let a = dual.get();
        let y = examples.target(term);
        let moved = loss.ascend(y, s, q * weight * rule.unit, a);
        if moved == a {
            continue;
        }
        let change = moved - a;
        dual.set(a + change);
        let change = change * weight * rule.unit;
        // Each change counts for what all replicas may change together (CoCoA+: Ma et al., ICML
        // 2015, section 4).
        w.add(change * R::of(rule.replicas), row);
        if let Some(c) = examples.constant() {
            // The mean of the copies then holds the sum of all workers' changes.
            w.set_common(0, w.common(0) + change * R::of_f32(c) * R::of(rule.copies));
        }
    }
}

impl<L: Curved, R: Real> Visit<R> for DualVisits<'_, L, R> {
    fn shape(&self) -> Shape {
        let examples = self.problem.examples();
        Shape { terms: examples.len(), width: examples.width(), common: examples.common() }
    }

    fn support(&self, terms: &[usize], into: &mut Vec<usize>) {
        self.problem.examples().support(terms, into);
    }

    fn step_state(&self, _: Clock) -> StepState<R> {
        StepState::constant(R::ONE)
    }

    fn visit_block(&self, block: Block<'_>, _: &mut StepState<R>, weights: &Handle<'_, R>) {
        with_handle!(weights, w => visit_block(self.rule, self.problem, block, w));
    }

    fn end_of_epoch(&self, _: Clock, _: usize) -> EndOfEpoch<R> {
        EndOfEpoch { scale: None, published_fraction: R::ONE }
    }
}
