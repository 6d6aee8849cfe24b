//! The handle that a strategy gives to a solver's rule: a closed set of kinds, matched once per
//! block.

use std::cell::Cell;

use super::handles::{Atomic, Plain, Wild};
use super::split::{Copies, Hot, Split};
use super::{Real, SharedParams};

/// One worker's handle on one vector of weights.
///
/// Handles on shared weights keep private copies of the coordinates that every term touches (a
/// bias). [`Handle::merge`] merges these with the shared ones.
pub struct Handle<'a, R: Real>(pub(crate) Kind<'a, R>);

/// The kinds of handles.
pub(crate) enum Kind<'a, R: Real> {
    Plain(Plain<'a, R>),
    Wild(Wild<'a, R>),
    Atomic(Atomic<'a, R>),
    Split(Split<'a, R>),
}

/// Evaluates an expression on the handle's concrete type.
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

/// Evaluates an expression with the type of a handle on whole vectors: visits that are planned, and
/// those of solvers with state beside the weights, never run on copies of hot weights alone.
macro_rules! with_whole_handle {
    ($handle:expr, $weights:ident => $body:expr) => {
        match &$handle.0 {
            $crate::params::Kind::Plain($weights) => $body,
            $crate::params::Kind::Wild($weights) => $body,
            $crate::params::Kind::Atomic($weights) => $body,
            $crate::params::Kind::Split(_) => {
                unreachable!("split weights are visited by the block")
            }
        }
    };
}

pub(crate) use {with_handle, with_whole_handle};

impl<'a, R: Real> Handle<'a, R> {
    /// Returns a handle on weights that one thread has to itself. Every term touches the last
    /// `common` of them.
    pub fn plain(weights: &'a mut [R], common: usize) -> Self {
        Handle(Kind::Plain(Plain::new(weights, common)))
    }

    /// Returns a plain handle on weights in cells.
    pub(crate) fn cells(cells: &'a [Cell<R>], common: usize) -> Self {
        Handle(Kind::Plain(Plain::of(cells, common)))
    }

    /// Returns a handle on weights that `workers` workers share, updated by a relaxed load and a
    /// relaxed store. An update that another worker makes in between is lost (Niu et al., 2011).
    pub fn wild(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
        Handle(Kind::Wild(Wild::new(params, common, workers)))
    }

    /// Returns a handle on weights that `workers` workers share, updated by compare-and-swap. No
    /// update is lost.
    pub fn atomic(params: &'a SharedParams<R>, common: usize, workers: usize) -> Self {
        Handle(Kind::Atomic(Atomic::new(params, common, workers)))
    }

    /// Returns a handle on shared weights with the worker's own `copies` of the hot ones.
    pub(crate) fn split(
        params: &'a SharedParams<R>,
        copies: &'a Copies<R>,
        hot: &'a Hot,
        common: usize,
    ) -> Self {
        Handle(Kind::Split(Split::new(params, copies, hot, common)))
    }

    /// Merges the private copies that are due with the shared weights. A strategy calls it after
    /// each block.
    pub fn merge(&self) {
        match &self.0 {
            Kind::Plain(_) => (),
            Kind::Wild(weights) => weights.merge(),
            Kind::Atomic(weights) => weights.merge(),
            Kind::Split(weights) => weights.merge(),
        }
    }

    /// Merges all private copies with the shared weights. A worker calls it after its last visit of
    /// an epoch.
    pub fn merge_all(&self) {
        match &self.0 {
            Kind::Split(weights) => weights.merge_all(),
            _ => self.merge(),
        }
    }
}
