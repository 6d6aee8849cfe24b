//! The handle that a strategy gives to a solver's rule: one of a closed set of ways to reach the
//! weights, told apart once a block.

use std::cell::Cell;

use super::handles::{Atomic, Plain, Wild};
use super::split::{Copies, Hot, Split};
use super::{Real, SharedParams};

/// One worker's handle on one vector of weights.
///
/// Coordinates that every term touches (a bias) are private copies in handles on shared weights;
/// [`Handle::merge`] merges them with the shared ones.
pub struct Handle<'a, R: Real>(pub(crate) Kind<'a, R>);

/// The ways to reach the weights.
pub(crate) enum Kind<'a, R: Real> {
    Plain(Plain<'a, R>),
    Wild(Wild<'a, R>),
    Atomic(Atomic<'a, R>),
    Split(Split<'a, R>),
}

/// Evaluates an expression with the handle's own type.
macro_rules! with_handle {
    ($handle:expr, $weights:ident => $body:expr) => {
        match &$handle.0 {
            $crate::params::Kind::Plain($weights) => $body,
            $crate::params::Kind::Wild($weights) => $body,
            $crate::params::Kind::Atomic($weights) => $body,
            $crate::params::Kind::Split($weights) => $body,
        }
    };
}

pub(crate) use with_handle;

impl<'a, R: Real> Handle<'a, R> {
    /// Weights that one thread has to itself, of which the last `common` are touched by every term.
    pub fn plain(weights: &'a mut [R], common: usize) -> Self {
        Handle(Kind::Plain(Plain::new(weights, common)))
    }

    /// The same in cells.
    pub(crate) fn cells(cells: &'a [Cell<R>], common: usize) -> Self {
        Handle(Kind::Plain(Plain::of(cells, common)))
    }

    /// Weights shared with `workers` workers in all, updated by a relaxed load and a relaxed store:
    /// an update that another worker makes in between is lost (Niu et al., 2011).
    pub fn wild(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
        Handle(Kind::Wild(Wild::new(params, common, workers)))
    }

    /// Weights shared with `workers` workers in all, updated by compare-and-swap: no update is
    /// lost.
    pub fn atomic(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
        Handle(Kind::Atomic(Atomic::new(params, common, workers)))
    }

    /// Shared weights, but for copies of the hot ones.
    pub(crate) fn split(
        params: &'a SharedParams<R>,
        copies: &'a Copies<R>,
        hot: &'a Hot,
        common: usize,
    ) -> Self {
        Handle(Kind::Split(Split::new(params, copies, hot, common)))
    }

    /// Merges private copies with the shared weights. A strategy calls it after each block.
    pub fn merge(&self) {
        match &self.0 {
            Kind::Plain(_) => (),
            Kind::Wild(weights) => weights.merge(),
            Kind::Atomic(weights) => weights.merge(),
            Kind::Split(weights) => weights.merge(),
        }
    }

    /// Merges all private copies with the shared weights, when the worker has made its last visit
    /// of an epoch.
    pub fn merge_all(&self) {
        match &self.0 {
            Kind::Split(weights) => weights.merge_all(),
            _ => self.merge(),
        }
    }
}
