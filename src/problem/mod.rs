//! What is minimized: a finite sum of terms that each touch few coordinates.

mod cut;
mod factorization;
mod linear;
mod loss;
mod softmax;

use std::ops::Range;

pub use cut::{Cut, Edge};
pub use factorization::Factorization;
pub(crate) use linear::BIAS_PACE;
pub use linear::{Examples, Linear};
pub use loss::{
    Curved, Custom, CustomLoss, EpsilonInsensitive, Hinge, Huber, Logistic, Loss, LossKind,
    Squared, SquaredHinge,
};
pub(crate) use loss::{Curves, with_loss};
pub use softmax::Softmax;
pub(crate) use softmax::log_sum_exp;

use crate::params::{Real, Weights};

/// A sum of terms, f(w) = (1/n) * sum of f_i(w), of which each touches few of w's coordinates (Niu
/// et al., 2011).
///
/// The problem knows its terms; how far to move, what is added to the sum as a regularizer, and
/// where the weights are, is others' business.
pub trait Problem: Sync {
    /// What one visit to a term wants to change: a scalar, a few short vectors.
    type Step<R: Real>: Send;

    /// Number of terms, n. Their order should be random: step sizes are tried on the first ones,
    /// and epochs visit stretches of neighbors.
    fn terms(&self) -> usize;
    /// Number of coordinates of w.
    fn width(&self) -> usize;
    /// How many coordinates at the end of w are touched by every term (a bias). Workers keep
    /// private copies of them.
    fn common(&self) -> usize {
        0
    }
    /// How many coordinates at the start of w the regularizer acts on: all, or all but the common
    /// ones.
    fn penalized(&self) -> usize {
        self.width()
    }
    /// Number of coordinates that the terms touch, summed over all terms, without the common ones.
    fn touches(&self) -> usize {
        (0..self.terms()).map(|term| self.support(term).count()).sum()
    }
    /// Where fits begin: `w` holds zeros. Needed where these are a saddle point, which no step
    /// leaves.
    fn start<R: Real>(&self, _w: &mut [R]) {}
    /// A smaller problem, all of whose terms step sizes are tried on. `None`: the first terms of
    /// this one, a sample. Needed where a sample of terms touches each coordinate too rarely to
    /// tell a long step from a good one.
    fn trial(&self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
    /// Why copies of w that workers move apart may be averaged, but their movements not summed up:
    /// for a problem whose steps project. Ways of sharing the weights that sum movements are
    /// refused with this reason.
    fn averages_only(&self) -> Option<&'static str> {
        None
    }
    /// The coordinates that a term touches, without the common ones; each once, in ascending order.
    fn support(&self, term: usize) -> impl Iterator<Item = usize>;
    /// The loss of some of the terms, summed in f64, on the threads of rayon's current pool if it
    /// takes long. Deterministic.
    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64;
    /// Plans a descent step of length `rate` along the term's negative gradient; reads only. `None`
    /// if the gradient is zero.
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<Self::Step<W::Real>>;
    /// Moves the term's coordinates, the common ones too, by what was planned. The regularizer acts
    /// on what is moved.
    fn apply<W: Weights>(&self, term: usize, step: Self::Step<W::Real>, w: &W);
    /// Lets the regularizer act on a term's coordinates where its gradient is zero and nothing
    /// moves.
    fn touch<W: Weights>(&self, term: usize, w: &W) {
        if w.shrinks_on_touch() {
            self.support(term).for_each(|j| w.update(j, |x| x + W::Real::ZERO));
        }
        (0..self.common()).for_each(|k| w.add_common(k, W::Real::ZERO, W::Real::ONE));
    }
    /// Asks for what [`Problem::prefetch`] will have to know of a term: where its memory is.
    fn prefetch_offset(&self, _term: usize) {}
    /// Asks for the memory of a term that will be visited soon.
    fn prefetch(&self, _term: usize) {}
}
