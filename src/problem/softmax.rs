//! Multinomial logistic regression: each term is the loss of one example's scores, one a class.

use std::num::NonZeroUsize;
use std::ops::Range;

use super::{BIAS_RATE, Problem};
use crate::data::{Dataset, Row, Rows};
use crate::error::{Error, Result};
use crate::parallel;
use crate::params::{Real, Weights};
use crate::row::prefetch;

/// Mean of -ln(probability of the example's class), where the probabilities of the K classes are in
/// the ratio of e to the power of the scores x.w_k (+ bias).
///
/// The vector w has K adjacent coordinates for each feature, one a class, and with a bias K more at
/// the end. Features times classes may be more than 2^32.
pub struct Softmax<'d> {
    rows: Rows<'d>,
    class_of: &'d [u32],
    classes: usize,
    /// Squared norm of each example, without the constant feature.
    norms2: Vec<f32>,
    constant: Option<f32>,
    /// Factor of each example's loss; `None` if all are 1.
    weights: Option<&'d [f32]>,
    free_bias: bool,
}

impl<'d> Softmax<'d> {
    /// Creates the problem. `class_of` holds the class of each example, below `classes`; `constant`
    /// is the value of the bias's feature, `None` for no bias. Rows should be in random order
    /// ([`Problem::terms`]).
    ///
    /// # Errors
    /// If there is no example, a class is missing or out of range, the constant is not finite, or
    /// the data set lies in a file that is damaged.
    pub fn new(
        data: &'d Dataset,
        class_of: &'d [u32],
        classes: NonZeroUsize,
        constant: Option<f32>,
    ) -> Result<Self> {
        let wrong = |what: String, expected: &str| {
            Err(Error::input("data set", what, expected, "check the data"))
        };
        if data.is_empty() {
            return wrong("there is no example".into(), "at least one");
        }
        if class_of.len() != data.len() {
            return wrong(
                format!("{} classes for {} examples", class_of.len(), data.len()),
                "one class an example",
            );
        }
        if let Some(class) = class_of.iter().find(|&&class| class as usize >= classes.get()) {
            return wrong(format!("an example is of class {class}"), "classes below their number");
        }
        if let Some(constant) = constant.filter(|constant| !constant.is_finite()) {
            return wrong(format!("the bias's feature is {constant}"), "a finite number");
        }
        data.verify()?;
        let rows = data.rows();
        let mut norms2 = vec![0.0; data.len()];
        parallel::parts(&mut norms2, EXAMPLES_PER_TASK, &|first, norms2| {
            norms2
                .iter_mut()
                .zip(first..)
                .for_each(|(norm2, i)| *norm2 = rows.row(i).norm2() as f32);
        });
        let classes = classes.get();
        Ok(Softmax { rows, class_of, classes, norms2, constant, weights: None, free_bias: false })
    }

    /// Adds a factor for each example's loss, finite and at least 0.
    ///
    /// # Errors
    /// If a factor is missing, negative or not finite.
    pub fn with_weights(self, weights: &'d [f32]) -> Result<Self> {
        let legal = weights.iter().all(|c| c.is_finite() && *c >= 0.0);
        if weights.len() != self.rows.len() || !legal {
            let what = format!("{} weights for {} examples", weights.len(), self.rows.len());
            return Err(Error::input(
                "data set",
                what,
                "a finite weight of at least 0 for each",
                "check the data",
            ));
        }
        Ok(Softmax { weights: Some(weights), ..self })
    }

    /// Leaves the biases out of the regularizer.
    #[must_use]
    pub fn with_free_bias(self) -> Self {
        Softmax { free_bias: true, ..self }
    }

    #[inline(always)]
    fn weight(&self, i: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[i])
    }

    /// Writes the scores of an example to `scores`, summed in f64.
    fn score<R: Real>(&self, row: Row<'_>, w: &[R], scores: &mut [f64]) {
        let bias = self.rows.width() * self.classes;
        for (k, score) in scores.iter_mut().enumerate() {
            *score = self.constant.map_or(0.0, |c| f64::from(c) * w[bias + k].to_f64());
        }
        for (j, x) in row.iter() {
            let (x, weights) = (f64::from(x), &w[j * self.classes..][..self.classes]);
            scores.iter_mut().zip(weights).for_each(|(score, w)| *score += x * w.to_f64());
        }
    }
}

impl Softmax<'_> {
    /// Moves the bias of each class by its `step`, times [`BIAS_RATE`].
    #[inline(always)]
    fn move_biases<W: Weights>(&self, step: impl Fn(usize) -> W::Real, w: &W) {
        let Some(c) = self.constant else { return };
        let rate = W::Real::of_f32(BIAS_RATE);
        let a = W::Real::of_f32(c) * rate;
        (0..self.classes).for_each(|k| w.add_common(k, a * step(k), rate));
    }
}

/// Adds `x` times the values in memory from `start` on to `sums`, one by one.
#[inline(always)]
fn gather<W: Weights>(w: &W, start: usize, x: W::Real, sums: &mut [W::Real]) {
    let (fours, rest) = sums.as_chunks_mut::<4>();
    let after = start + 4 * fours.len();
    for (sums, j) in fours.iter_mut().zip((start..).step_by(4)) {
        let values = w.read_in_memory::<4>(j);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += x * value);
    }
    for (sum, j) in rest.iter_mut().zip(after..) {
        let [value] = w.read_in_memory::<1>(j);
        *sum += x * value;
    }
}

/// Number of examples whose losses one task sums. It is fixed, so the sum's order does not depend
/// on the threads.
const EXAMPLES_PER_TASK: usize = 256;

impl Problem for Softmax<'_> {
    /// The change to the weights of a feature of value 1, one for each class.
    type Step<R: Real> = Vec<R>;

    fn terms(&self) -> usize {
        self.rows.len()
    }

    fn width(&self) -> usize {
        self.rows.width() * self.classes + self.common()
    }

    fn common(&self) -> usize {
        if self.constant.is_some() { self.classes } else { 0 }
    }

    fn penalized(&self) -> usize {
        if self.free_bias { self.rows.width() * self.classes } else { self.width() }
    }

    fn touches(&self) -> usize {
        self.rows.nonzeros() * self.classes
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        let classes = self.classes;
        self.rows.row(term).indices().iter().flat_map(move |&j| {
            let start = j as usize * classes;
            start..start + classes
        })
    }

    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let first = terms.start;
        parallel::sum(terms.len(), EXAMPLES_PER_TASK, &|range| {
            let mut scores = vec![0.0; self.classes];
            (first + range.start..first + range.end)
                .map(|i| {
                    self.score(self.rows.row(i), w, &mut scores);
                    f64::from(self.weight(i))
                        * (log_sum_exp(&scores) - scores[self.class_of[i] as usize])
                })
                .sum()
        })
    }

    /// Plans a step that no rate makes too long for its example. The loss curves by at most 1/2
    /// along any line of scores, so a step that moves them by 2 times the slopes lowers it; longer
    /// steps are cut to that.
    #[inline(always)]
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<Vec<W::Real>> {
        let (zero, one) = (W::Real::ZERO, W::Real::ONE);
        let rate = rate * W::Real::of_f32(self.weight(term));
        if rate == zero {
            return None;
        }
        let mut scores = vec![zero; self.classes];
        let mut q = W::Real::of_f32(self.norms2[term]);
        if let Some(c) = self.constant {
            let c = W::Real::of_f32(c);
            scores.iter_mut().enumerate().for_each(|(k, score)| *score = c * w.common(k));
            q += c * c * W::Real::of_f32(BIAS_RATE);
        }
        for (j, x) in self.rows.row(term).iter() {
            gather(w, j * self.classes, W::Real::of_f32(x) * w.scale().factor, &mut scores);
        }
        let largest = scores.iter().fold(scores[0], |largest, &score| largest.max(score));
        let mut sum = zero;
        for score in &mut scores {
            *score = (*score - largest).exp();
            sum += *score;
        }
        let length = one / (one / rate + q * W::Real::of(0.5));
        let scale = -length / sum;
        scores.iter_mut().for_each(|score| *score = *score * scale);
        scores[self.class_of[term] as usize] += length;
        Some(scores)
    }

    #[inline(always)]
    fn apply<W: Weights>(&self, term: usize, step: Vec<W::Real>, w: &W) {
        let inverse = w.scale().inverse;
        for (j, x) in self.rows.row(term).iter() {
            let a = W::Real::of_f32(x) * inverse;
            w.update_in_memory(j * self.classes, &step, |w, &step| w + a * step);
        }
        self.move_biases(|k| step[k], w);
    }

    #[inline(always)]
    fn touch<W: Weights>(&self, term: usize, w: &W) {
        if w.shrinks_on_touch() {
            self.support(term).for_each(|j| w.update(j, |x| x + W::Real::ZERO));
        }
        self.move_biases(|_| W::Real::ZERO, w);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        prefetch::row(self.rows.row(term));
    }
}

/// Returns the logarithm of the sum of e to the power of each score, without overflow.
pub(crate) fn log_sum_exp(scores: &[f64]) -> f64 {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + scores.iter().map(|score| (score - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests;
