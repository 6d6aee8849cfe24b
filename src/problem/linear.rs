//! The linear model: each term is the loss of one example's score.

use std::ops::Range;
use std::sync::Arc;

use super::{Loss, Problem};
use crate::data::{Dataset, Records, Row};
use crate::error::{Error, Result};
use crate::parallel;
use crate::params::{Real, Weights};
use crate::row::kernel;
use crate::sync::plain::{AtomicBool, Ordering::Relaxed};

/// Rows with a target and a weight each, and a bias: a linear model without its loss.
#[derive(Clone)]
pub struct Examples<'d> {
    records: Records<'d, Example>,
    /// The targets, if f32 cannot hold them all.
    exact_targets: Option<Arc<[f64]>>,
    constant: Option<f32>,
    /// The constant feature's part of each example's squared norm, at the step of the bias; 0
    /// without a constant feature.
    constant_norm2: f32,
    /// Factor of each example's loss; `None` if all are 1.
    weights: Option<&'d [f32]>,
    /// If set, the regularizer leaves the bias out.
    free_bias: bool,
}

/// Target and squared norm of an example, rounded, which a visit needs besides its row.
#[derive(Clone, Copy, Debug, Default)]
struct Example {
    target: f32,
    /// Squared norm, without the constant feature.
    norm2: f32,
}

impl<'d> Examples<'d> {
    /// Creates examples from the rows of `data`. `targets` holds +1 or -1 for each in
    /// classification, any finite number in regression; `constant` is the value of the bias's
    /// feature, `None` for no bias. Rows should be in random order ([`Problem::terms`]).
    ///
    /// # Errors
    /// If there is no example, a target is missing or not finite, a value or the constant is not
    /// finite, or the data set lies in a file that is damaged.
    pub fn new(data: &'d Dataset, targets: &[f64], constant: Option<f32>) -> Result<Self> {
        if data.is_empty() {
            return Err(wrong("there is no example".into(), "at least one"));
        }
        check_targets(data.len(), targets)?;
        if let Some(constant) = constant.filter(|c| !c.is_finite()) {
            return Err(wrong(format!("the bias's feature is {constant}"), "a finite number"));
        }
        data.verify()?;
        let is_infinite = AtomicBool::new(false);
        let example = |i, row: Row<'_>| {
            let norm2 = row.norm2();
            if !norm2.is_finite() {
                is_infinite.store(true, Relaxed);
            }
            Example { target: targets[i] as f32, norm2: norm2 as f32 }
        };
        let records = Records::new(data.rows(), example);
        if is_infinite.into_inner() {
            return Err(wrong("a value is infinite or no number".into(), "finite values"));
        }
        let constant_norm2 = constant.map_or(0.0, |c| c * c * BIAS_RATE);
        let exact_targets = exact(targets);
        Ok(Examples {
            records,
            exact_targets,
            constant,
            constant_norm2,
            weights: None,
            free_bias: false,
        })
    }

    /// Adds a factor for each example's loss, at least 0: (1/n) * sum of factor times loss.
    ///
    /// # Errors
    /// If a factor is missing, negative or not finite, or if all are 0.
    pub fn with_weights(self, weights: &'d [f32]) -> Result<Self> {
        if weights.len() != self.len() {
            let what = format!("{} weights for {} examples", weights.len(), self.len());
            return Err(wrong(what, "one weight an example"));
        }
        if let Some(i) = weights.iter().position(|c| !(c.is_finite() && *c >= 0.0)) {
            let what = format!("the weight of example {i} is {}", weights[i]);
            return Err(wrong(what, "a finite number, 0 or larger"));
        }
        if weights.iter().all(|&c| c == 0.0) {
            return Err(wrong("the weights of all examples are 0".into(), "at least one above 0"));
        }
        Ok(Examples { weights: Some(weights), ..self })
    }

    /// Leaves the bias out of the regularizer.
    #[must_use]
    pub fn with_free_bias(self) -> Self {
        Examples { free_bias: true, ..self }
    }

    /// Returns these rows with a bias's feature of this value, regularized like any other.
    pub(crate) fn with_constant(self, value: f32) -> Self {
        let constant_norm2 = value * value * BIAS_RATE;
        Examples { free_bias: false, constant: Some(value), constant_norm2, ..self }
    }

    /// Returns these rows with other targets. Cheap: 16 bytes an example.
    ///
    /// # Errors
    /// If a target is missing or not finite.
    pub fn with_targets(&self, targets: &[f64]) -> Result<Self> {
        check_targets(self.len(), targets)?;
        Ok(Examples {
            records: self
                .records
                .with(|i, example| Example { target: targets[i] as f32, ..example }),
            exact_targets: exact(targets),
            ..*self
        })
    }

    /// Returns the number of examples.
    #[allow(clippy::len_without_is_empty)] // There is at least one.
    pub fn len(&self) -> usize {
        self.records.rows().len()
    }

    /// Returns the number of coordinates of a model: one a feature, and the bias's.
    pub fn width(&self) -> usize {
        self.features() + self.common()
    }

    /// Returns the number of features.
    pub(crate) fn features(&self) -> usize {
        self.records.rows().width()
    }

    /// Returns the number of coordinates at the end that all examples touch: 1 with a bias, else 0.
    pub(crate) fn common(&self) -> usize {
        usize::from(self.constant.is_some())
    }

    /// Returns the number of coordinates at the start that the regularizer acts on.
    pub(crate) fn penalized(&self) -> usize {
        if self.free_bias { self.features() } else { self.width() }
    }

    /// Returns the number of entries of all rows.
    pub(crate) fn touches(&self) -> usize {
        self.records.rows().nonzeros()
    }

    /// Returns the factor of an example's loss.
    #[inline(always)]
    pub fn weight(&self, i: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    /// Returns the value of the bias's feature; `None` without a bias.
    pub fn constant(&self) -> Option<f32> {
        self.constant
    }

    /// Returns the features of an example.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> Row<'d> {
        self.records.row(i)
    }

    /// Returns the squared norm of [`Examples::row`].
    #[inline(always)]
    pub(crate) fn norm2(&self, i: usize) -> f32 {
        self.records.fact(i).norm2
    }

    /// Returns the target of an example's score.
    #[inline(always)]
    pub(crate) fn target<R: Real>(&self, i: usize) -> R {
        self.target_of(i, self.records.fact(i).target)
    }

    /// Returns the target of an example's score, given what the records hold of it. Weights in f32
    /// need no more than that.
    #[inline(always)]
    fn target_of<R: Real>(&self, i: usize, rounded: f32) -> R {
        match &self.exact_targets {
            Some(exact) if size_of::<R>() > size_of::<f32>() => R::of(exact[i]),
            _ => R::of_f32(rounded),
        }
    }

    /// Returns the score of one example, summed in f64.
    #[inline(always)]
    pub(crate) fn score<R: Real>(&self, row: Row<'_>, w: &[R]) -> f64 {
        let bias = self.constant.map_or(0.0, |c| f64::from(c) * w[self.features()].to_f64());
        kernel::score(w, row) + bias
    }

    /// Prefetches the record that locates an example's row.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, i: usize) {
        self.records.prefetch_record(i);
    }

    /// Prefetches an example's row.
    #[inline(always)]
    pub(crate) fn prefetch(&self, i: usize) {
        self.records.prefetch(i);
    }

    /// Appends the features of the examples in `terms` to `into`, in ascending order for each.
    pub(crate) fn support(&self, terms: &[usize], into: &mut Vec<usize>) {
        for &term in terms {
            into.extend(self.row(term).indices().iter().map(|&j| j as usize));
        }
    }
}

/// The mean loss of the scores x.w (+ bias) against one target an example. Each loss may have a
/// factor.
///
/// The vector w has one coordinate a feature and, with a bias, one more at the end: the weight of a
/// constant feature that each example has, regularized like any other (LIBLINEAR's `-B`) or not at
/// all ([`Linear::with_free_bias`]).
#[derive(Clone)]
pub struct Linear<'d, L> {
    examples: Examples<'d>,
    loss: L,
}

impl<'d, L: Loss> Linear<'d, L> {
    /// Creates a linear model of the rows of `data` with the loss `loss`. `targets` holds +1 or -1
    /// for each row in classification, any finite number in regression; `constant` is the value of
    /// the bias's feature, `None` for no bias. Rows should be in random order ([`Problem::terms`]).
    ///
    /// # Errors
    /// If there is no example, a target is missing or not finite, the constant is not finite, or
    /// the data set lies in a file that is damaged.
    pub fn new(data: &'d Dataset, targets: &[f64], loss: L, constant: Option<f32>) -> Result<Self> {
        Ok(Linear::of(Examples::new(data, targets, constant)?, loss))
    }

    /// Creates a linear model of `examples` with the loss `loss`.
    pub(crate) fn of(examples: Examples<'d>, loss: L) -> Self {
        Linear { examples, loss }
    }

    /// Adds a factor for each example's loss, at least 0: (1/n) * sum of factor times loss.
    ///
    /// # Errors
    /// If a factor is missing, negative or not finite, or if all are 0.
    pub fn with_weights(self, weights: &'d [f32]) -> Result<Self> {
        Ok(Linear { examples: self.examples.with_weights(weights)?, ..self })
    }

    /// Leaves the bias out of the regularizer.
    #[must_use]
    pub fn with_free_bias(self) -> Self {
        Linear { examples: self.examples.with_free_bias(), ..self }
    }

    /// Returns the examples.
    #[inline(always)]
    pub(crate) fn examples(&self) -> &Examples<'d> {
        &self.examples
    }

    /// Returns the loss.
    #[inline(always)]
    pub fn loss_function(&self) -> &L {
        &self.loss
    }
}

/// Returns the targets, if f32 cannot hold them all.
fn exact(targets: &[f64]) -> Option<Arc<[f64]>> {
    let is_exact = |&y: &f64| f64::from(y as f32) == y;
    (!targets.iter().all(is_exact)).then(|| targets.into())
}

fn check_targets(examples: usize, targets: &[f64]) -> Result<()> {
    if targets.len() != examples {
        return Err(wrong(
            format!("{} targets for {examples} examples", targets.len()),
            "one target an example",
        ));
    }
    match targets.iter().position(|y| !y.is_finite()) {
        Some(i) => {
            Err(wrong(format!("the target of example {i} is {}", targets[i]), "a finite number"))
        }
        None => Ok(()),
    }
}

fn wrong(what: String, expected: &str) -> Error {
    Error::input("data set", what, expected, "check the data")
}

/// Step of the bias, as a fraction of the step of the other weights. The bias moves at each visit,
/// others at few: with steps that suit the others, it would never come to rest. Its fixed point
/// does not depend on this. Bottou's `svmsgd` and scikit-learn take 0.01; between 1 and 0.01, 0.03
/// came nearest to the optimum in the fewest epochs on eight data sets.
///
/// Record: D008.
pub(crate) const BIAS_RATE: f32 = 0.03;

/// Number of examples whose losses one task sums. It is fixed, so the sum's order, hence its
/// rounding, does not depend on the threads.
const EXAMPLES_PER_TASK: usize = 256;

impl<'d, L: Loss> Problem for Linear<'d, L> {
    /// The row to add to the weights as they lie in memory ([`Weights::scale`]), and its factor.
    type Step<R: Real> = (R, Row<'d>);

    fn terms(&self) -> usize {
        self.examples.len()
    }

    fn width(&self) -> usize {
        self.examples.width()
    }

    fn common(&self) -> usize {
        self.examples.common()
    }

    fn penalized(&self) -> usize {
        self.examples.penalized()
    }

    fn touches(&self) -> usize {
        self.examples.touches()
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        self.examples.row(term).indices().iter().map(|&j| j as usize)
    }

    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let first = terms.start;
        parallel::sum(terms.len(), EXAMPLES_PER_TASK, &|range| {
            let examples = &self.examples;
            (first + range.start..first + range.end)
                .map(|i| {
                    let y = examples.target(i);
                    let loss = self.loss.value(y, examples.score(examples.row(i), w));
                    f64::from(examples.weight(i)) * loss
                })
                .sum()
        })
    }

    #[inline(always)]
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<(W::Real, Row<'d>)> {
        let examples = &self.examples;
        let rate = match examples.weights {
            None => rate,
            Some(weights) if weights[term] == 0.0 => return None,
            Some(weights) => rate * W::Real::of_f32(weights[term]),
        };
        let Example { target, norm2 } = examples.records.fact(term);
        let row = examples.records.row(term);
        let scale = w.scale();
        let mut s = w.dot_in_memory(row);
        if let Some(c) = examples.constant {
            s += W::Real::of_f32(c) * w.common(0) * scale.inverse;
        }
        let q = W::Real::of_f32(norm2) + W::Real::of_f32(examples.constant_norm2);
        let a = self.loss.step_in_memory(examples.target_of(term, target), s, scale, rate, q);
        (a != W::Real::ZERO).then_some((a, row))
    }

    #[inline(always)]
    fn apply<W: Weights>(&self, _: usize, (a, row): (W::Real, Row<'d>), w: &W) {
        w.add_in_memory(a, row);
        if let Some(c) = self.examples.constant {
            let a = a * w.scale().factor;
            w.add_common(0, a * W::Real::of_f32(c * BIAS_RATE), W::Real::of_f32(BIAS_RATE));
        }
    }

    #[inline(always)]
    fn touch<W: Weights>(&self, term: usize, w: &W) {
        if w.shrinks_on_touch() {
            w.add_in_memory(W::Real::ZERO, self.examples.row(term));
        }
        if self.examples.constant.is_some() {
            w.add_common(0, W::Real::ZERO, W::Real::of_f32(BIAS_RATE));
        }
    }

    #[inline(always)]
    fn prefetch_offset(&self, term: usize) {
        self.examples.prefetch_record(term);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        self.examples.prefetch(term);
    }
}
