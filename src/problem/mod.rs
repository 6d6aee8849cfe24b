//! Problems to minimize: finite sums of terms that each touch few coordinates.

mod cut;
mod factorization;
mod linear;
mod loss;
mod softmax;

use std::ops::Range;

pub use cut::{Cut, Edge};
pub use factorization::Factorization;
pub use linear::Linear;
pub(crate) use linear::{BIAS_RATE, Examples};
pub use loss::*;
pub use softmax::Softmax;
pub(crate) use softmax::log_sum_exp;

use crate::params::{Real, Weights};

/// A sum of terms, f(w) = (1/n) * sum of f_i(w), of which each touches few of w's coordinates (Niu
/// et al., 2011).
///
/// A problem knows its terms only. The solver decides how far to move and adds the regularizer; the
/// strategy decides where the weights are.
pub trait Problem: Sync {
    /// The change that a visit to a term plans: a scalar, a few short vectors.
    type Step<R: Real>: Send;

    /// Returns the number of terms, n. Their order should be random: step sizes are tried on the
    /// first ones, and epochs visit runs of adjacent terms.
    fn terms(&self) -> usize;
    /// Returns the number of coordinates of w.
    fn width(&self) -> usize;
    /// Returns the number of coordinates at the end of w that every term touches (a bias). Workers
    /// keep private copies of them.
    fn common(&self) -> usize {
        0
    }
    /// Returns the number of coordinates at the start of w that the regularizer acts on: all, or
    /// all but the common ones.
    fn penalized(&self) -> usize {
        self.width()
    }
    /// Returns the number of coordinates that terms touch, summed over all terms, without the
    /// common ones.
    fn touches(&self) -> usize {
        (0..self.terms()).map(|term| self.support(term).count()).sum()
    }
    /// Sets the weights that fits begin with; `w` holds zeros. Needed where zeros are a saddle
    /// point, which no step leaves.
    fn start<R: Real>(&self, _w: &mut [R]) {}
    /// Returns a smaller problem, on all of whose terms step sizes are tried. `None`: they are
    /// tried on the first terms of this one, a sample. Needed where a sample of terms touches each
    /// coordinate too rarely to distinguish a long step from a good one.
    fn trial(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
    /// Returns the reason why copies of w that workers move apart may be averaged, but their
    /// movements not summed, as with steps that project. Strategies that sum movements are refused
    /// with this reason.
    fn averages_only(&self) -> Option<&'static str> {
        None
    }
    /// Returns the coordinates that a term touches, without the common ones: each once, in
    /// ascending order.
    fn support(&self, term: usize) -> impl Iterator<Item = usize>;
    /// Returns the summed loss of a range of terms, in f64, on the threads of rayon's current pool
    /// if it takes long. Deterministic.
    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64;
    /// Plans a descent step of length `rate` along the term's negative gradient; reads only. `None`
    /// if the gradient is zero.
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<Self::Step<W::Real>>;
    /// Moves the term's coordinates, the common ones too, by the planned step. The regularizer acts
    /// on the coordinates that are moved.
    fn apply<W: Weights>(&self, term: usize, step: Self::Step<W::Real>, w: &W);
    /// Lets the regularizer act on a term's coordinates where its gradient is zero and nothing
    /// moves.
    fn touch<W: Weights>(&self, term: usize, w: &W) {
        if w.shrinks_on_touch() {
            self.support(term).for_each(|j| w.update(j, |x| x + W::Real::ZERO));
        }
        (0..self.common()).for_each(|k| w.add_common(k, W::Real::ZERO, W::Real::ONE));
    }
    /// Prefetches the offset record that locates the term's data.
    fn prefetch_offset(&self, _term: usize) {}
    /// Prefetches the data of a term that will be visited soon.
    fn prefetch(&self, _term: usize) {}
}
