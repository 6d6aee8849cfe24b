//! The linear model: each term is the loss of one example's score.

use std::ops::Range;

use rayon::prelude::*;

use super::{Loss, Problem, Prox};
use crate::data::{Dataset, Records, Row};
use crate::error::{Error, Result};
use crate::kernel;
use crate::params::{Real, Weights};

/// Mean loss of the scores x.w (+ bias) against one target an example; each loss may have a factor.
///
/// The vector w has one coordinate a feature and, with a bias, one more at the end: the weight of a constant feature
/// that each example has, regularized like any other (LIBLINEAR's `-B`) or not at all ([`Linear::with_free_bias`]).
pub struct Linear<'d, L> {
    examples: Records<'d, Example>,
    loss: L,
    constant: Option<f32>,
    /// What the constant feature adds to each example's squared norm, as its weight moves: 0 without one.
    constant_norm2: f32,
    /// Factor of each example's loss; all are 1 if there are none.
    weights: Option<&'d [f32]>,
    /// Whether the regularizer leaves the bias out.
    free_bias: bool,
}

/// What a visit needs of an example besides its row.
#[derive(Clone, Copy, Debug, Default)]
struct Example {
    target: f32,
    /// Squared norm, without the constant feature.
    norm2: f32,
}

impl<'d, L: Loss> Linear<'d, L> {
    /// `targets` holds +1 or -1 an example in classification, any finite number in regression; `constant` is the
    /// value of the bias's feature, `None` for no bias. Rows should be in random order ([`Problem::terms`]).
    ///
    /// # Errors
    /// If there is no example, a target is missing or not finite, the constant is not finite, or the data set lies in
    /// a file that is damaged.
    pub fn new(data: &'d Dataset, targets: &'d [f32], loss: L, constant: Option<f32>) -> Result<Self> {
        if data.is_empty() {
            return Err(wrong("there is no example".into(), "at least one"));
        }
        check_targets(data.len(), targets)?;
        if let Some(constant) = constant.filter(|c| !c.is_finite()) {
            return Err(wrong(format!("the bias's feature is {constant}"), "a finite number"));
        }
        data.verify()?;
        let example = |i, row: Row<'_>| Example { target: targets[i], norm2: row.norm2() as f32 };
        let examples = Records::new(data.rows(), example);
        let constant_norm2 = constant.map_or(0.0, |c| c * c * BIAS_PACE);
        Ok(Linear { examples, loss, constant, constant_norm2, weights: None, free_bias: false })
    }

    /// The same problem with a factor for each example's loss, at least 0: (1/n) * sum of factor times loss.
    ///
    /// # Errors
    /// If a factor is missing, negative or not finite, or if all are 0.
    pub fn with_weights(self, weights: &'d [f32]) -> Result<Self> {
        if weights.len() != self.terms() {
            let what = format!("{} weights for {} examples", weights.len(), self.terms());
            return Err(wrong(what, "one weight an example"));
        }
        if let Some(i) = weights.iter().position(|c| !(c.is_finite() && *c >= 0.0)) {
            let what = format!("the weight of example {i} is {}", weights[i]);
            return Err(wrong(what, "a finite number, 0 or larger"));
        }
        if weights.iter().all(|&c| c == 0.0) {
            return Err(wrong("the weights of all examples are 0".into(), "one above 0 at least"));
        }
        Ok(Linear { weights: Some(weights), ..self })
    }

    /// The same problem with a bias that is not regularized.
    pub fn with_free_bias(self) -> Self {
        Linear { free_bias: true, ..self }
    }

    /// The factor of an example's loss.
    #[inline(always)]
    pub fn weight(&self, i: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    /// Whether there is a bias that the regularizer leaves out: not every solver can do that.
    pub fn has_free_bias(&self) -> bool {
        self.free_bias && self.constant.is_some()
    }

    /// The same problem with other targets, over the same rows. Cheap: 16 bytes an example.
    ///
    /// # Errors
    /// If a target is missing or not finite.
    pub fn with_targets(&self, targets: &[f32]) -> Result<Self> {
        check_targets(self.terms(), targets)?;
        Ok(Linear {
            examples: self.examples.with(|i, example| Example { target: targets[i], ..example }),
            ..*self
        })
    }

    /// Value of the bias's feature.
    pub fn constant(&self) -> Option<f32> {
        self.constant
    }

    /// The loss.
    pub(crate) fn loss_function(&self) -> &L {
        &self.loss
    }

    /// The features of an example.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> Row<'d> {
        self.examples.row(i)
    }

    /// The squared norm of [`Linear::row`].
    #[inline(always)]
    pub(crate) fn norm2(&self, i: usize) -> f32 {
        self.examples.fact(i).norm2
    }

    /// What an example's score is compared with.
    #[inline(always)]
    pub(crate) fn target(&self, i: usize) -> f32 {
        self.examples.fact(i).target
    }

    /// Score of one example, summed in f64.
    #[inline(always)]
    pub(crate) fn score<R: Real>(&self, row: Row<'_>, w: &[R]) -> f64 {
        let bias = self.constant.map_or(0.0, |c| f64::from(c) * w[self.examples.rows().width()].to_f64());
        kernel::score(w, row) + bias
    }
}

fn check_targets(examples: usize, targets: &[f32]) -> Result<()> {
    if targets.len() != examples {
        return Err(wrong(
            format!("{} targets for {examples} examples", targets.len()),
            "one target an example",
        ));
    }
    match targets.iter().position(|y| !y.is_finite()) {
        Some(i) => Err(wrong(format!("the target of example {i} is {}", targets[i]), "a finite number")),
        None => Ok(()),
    }
}

fn wrong(what: String, expected: &str) -> Error {
    Error::input("data set", what, expected, "check the data")
}

/// Step of the bias, as a share of the step of the other weights. The bias moves at each visit, others at few: at
/// the pace that suits these it would never come to rest. Its fixed point does not depend on this. Bottou's `svmsgd`
/// and scikit-learn take 0.01; between 1 and 0.01, 0.03 came nearest to the optimum in the fewest epochs on eight
/// data sets.
pub(crate) const BIAS_PACE: f32 = 0.03;

/// Examples whose losses are summed by one task: the sum's order, hence its rounding, does not depend on the threads.
const SUMMED_TOGETHER: usize = 256;

impl<'d, L: Loss> Problem for Linear<'d, L> {
    /// How much of which row is added to what lies in memory ([`Weights::scale`]).
    type Step<R: Real> = (R, Row<'d>);

    fn terms(&self) -> usize {
        self.examples.rows().len()
    }

    fn width(&self) -> usize {
        self.examples.rows().width() + self.common()
    }

    fn common(&self) -> usize {
        usize::from(self.constant.is_some())
    }

    fn penalized(&self) -> usize {
        if self.free_bias { self.examples.rows().width() } else { self.width() }
    }

    fn touches(&self) -> usize {
        self.examples.rows().nonzeros()
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        self.examples.row(term).indices().iter().map(|&j| j as usize)
    }

    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let starts: Vec<usize> = terms.clone().step_by(SUMMED_TOGETHER).collect();
        let sums: Vec<f64> = starts
            .into_par_iter()
            .map(|start| {
                (start..terms.end.min(start + SUMMED_TOGETHER))
                    .map(|i| {
                        let loss = self.loss.value(
                            f64::from(self.examples.fact(i).target),
                            self.score(self.examples.row(i), w),
                        );
                        f64::from(self.weight(i)) * loss
                    })
                    .sum()
            })
            .collect();
        sums.iter().sum()
    }

    #[inline(always)]
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<(W::Real, Row<'d>)> {
        let rate = match self.weights {
            None => rate,
            Some(weights) if weights[term] == 0.0 => return None,
            Some(weights) => rate * W::Real::of_f32(weights[term]),
        };
        let Example { target, norm2 } = self.examples.fact(term);
        let row = self.examples.row(term);
        let scale = w.scale();
        let mut s = w.dot_in_memory(row);
        if let Some(c) = self.constant {
            s += W::Real::of_f32(c) * w.common(0) * scale.inverse;
        }
        let q = W::Real::of_f32(norm2) + W::Real::of_f32(self.constant_norm2);
        let a = self.loss.step_in_memory(W::Real::of_f32(target), s, scale, rate, q);
        (a != W::Real::ZERO).then_some((a, row))
    }

    #[inline(always)]
    fn apply<W: Weights>(
        &self,
        term: usize,
        step: Option<(W::Real, Row<'d>)>,
        share: W::Real,
        prox: &impl Prox<W::Real>,
        w: &W,
    ) {
        let (a, row) = step.unwrap_or_else(|| (W::Real::ZERO, self.examples.row(term)));
        let in_memory = a * share;
        let a = in_memory * w.scale().factor;
        if !prox.is_identity() {
            w.update_row(row, prox.rarity(), |x, &rarity, w| prox.shrink(w + a * x, rarity));
        } else if step.is_some() {
            w.add_in_memory(in_memory, row);
        }
        if let Some(c) = self.constant {
            let moved = w.common(0) + a * W::Real::of_f32(c * BIAS_PACE);
            let shrunk =
                if self.free_bias { moved } else { prox.shrink_common(moved, W::Real::of_f32(BIAS_PACE)) };
            w.set_common(0, shrunk);
        }
    }

    #[inline(always)]
    fn prefetch_place(&self, term: usize) {
        self.examples.prefetch_record(term);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        self.examples.prefetch(term);
    }
}
