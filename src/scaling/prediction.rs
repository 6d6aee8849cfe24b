//! A model of the time of an epoch, put together from measured pieces (as Paleo does: Qi, Sparks & Talwalkar, ICLR 2017).
//!
//! With P threads on a processor each, an epoch over N non-zeros takes
//!
//!     T(P) = (T(1) - S(1))/P + S(P) + B(P) + g*C(P)
//!
//! where S is the time of streaming the rows, which speeds up as the memory lets it, the rest of T(1) speeds up with the
//! threads, and B is an epoch with nothing to do. C is what sharing costs, by strategy:
//!
//! - wild and atomic updates: each touch of a weight finds its line with another thread with probability (P-1)/P, at
//!   the extra cost that two threads showed on these rows, with probability 1/2;
//! - merged copies: the meetings of `strategy/merging.rs`, at the cost of one, and the dense pass at the end;
//! - the ring: its syncs, each a meeting of all weights and a pass over three vectors, the consensus at the end, and wild
//!   updates within a cluster;
//! - all others: the share (P-1)/P of T(1), which only a fit can scale.
//!
//! T(1) is measured, so that one thread says nothing of the model. g is 1 (0 for the others); where points between one
//! thread and the largest number are measured, it is fitted to these, never to the largest.

use serde::Serialize;

use super::pieces::Pieces;
use super::way::Way;
use super::{Floor, Point};
use crate::strategy::{Layout, Topology, Update};
use crate::train::{Clusters, Sharing};

/// What the model says of a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Seconds of an epoch.
    pub epoch_seconds: f64,
    /// How far that is from the measured median, as a share of it.
    pub error: f64,
    /// Whether the point took part in making the prediction: one thread, and those that were fitted to.
    pub used: bool,
}

/// What the model is made from.
pub(super) struct Machine<'a> {
    pub(super) pieces: Pieces,
    pub(super) streaming: &'a [Floor],
    /// How many examples hold each feature.
    pub(super) frequencies: Vec<u32>,
    pub(super) examples: usize,
    pub(super) nonzeros: usize,
    pub(super) topology: Topology,
}

/// Touches after which a coordinate meets, and least visits between two meetings, with two threads (`strategy/merging.rs`).
const TOUCHES: f64 = 64.0;
const VISITS: f64 = 256.0;
/// Terms in a block, between which meetings and syncs are.
const BLOCK: f64 = 64.0;
/// Weights from which on all threads take part in the last meeting.
const MANY: usize = 1 << 16;

impl Machine<'_> {
    /// Adds predictions to the points of one strategy, in ascending order of threads.
    pub(super) fn predict(&self, way: Way, points: &mut [Point]) {
        let Some(single) = points.first().filter(|point| point.threads == 1) else { return };
        let single = single.epoch_seconds.median;
        let most = points.iter().filter(|point| !point.oversubscribed).map(|point| point.threads).max();
        let fitted = |point: &Point| {
            point.threads > 1 && !point.oversubscribed && most.is_some_and(|most| point.threads < most)
        };
        let (mut above, mut below) = (0.0, 0.0);
        for point in points.iter().filter(|point| fitted(point)) {
            let cost = self.sharing(way, single, point.threads);
            above += cost * (point.epoch_seconds.median - self.base(single, point.threads));
            below += cost * cost;
        }
        let scale = match (below > 0.0, self.is_known(way)) {
            (true, _) => (above / below).max(0.0),
            (false, true) => 1.0,
            (false, false) => 0.0,
        };
        for point in points {
            let cost =
                if point.threads == 1 { 0.0 } else { scale * self.sharing(way, single, point.threads) };
            let seconds = if point.threads == 1 { single } else { self.base(single, point.threads) + cost };
            point.prediction = Some(Prediction {
                epoch_seconds: seconds,
                error: seconds / point.epoch_seconds.median - 1.0,
                used: point.threads == 1 || fitted(point),
            });
        }
    }

    /// An epoch whose threads do not meet.
    fn base(&self, single: f64, threads: usize) -> f64 {
        let floor = |threads| self.streaming.iter().find(|floor| floor.threads == threads);
        let seconds = |threads| floor(threads).map_or(0.0, |floor| floor.seconds.median);
        let alone = seconds(1).min(single);
        let barrier = floor(threads).map_or(0.0, |floor| floor.barrier_seconds);
        (single - alone) / self.at_once(threads) + seconds(threads).min(single) + barrier
    }

    /// Threads that have a processor.
    fn at_once(&self, threads: usize) -> f64 {
        threads.min(self.topology.processors()) as f64
    }

    fn is_known(&self, way: Way) -> bool {
        matches!(way.sharing, Sharing::Hogwild(_) | Sharing::HogwildPlusPlus(_))
    }

    /// What sharing adds to an epoch.
    fn sharing(&self, way: Way, single: f64, threads: usize) -> f64 {
        let (p, pieces) = (self.at_once(threads), &self.pieces);
        let touches = |p: f64, each: Option<f64>| {
            let with_others = 2.0 * (p - 1.0) / p;
            self.nonzeros as f64 / self.at_once(threads) * with_others * each.unwrap_or(0.0)
        };
        match way.sharing {
            Sharing::Hogwild(Update::Wild) => touches(p, pieces.contended_touch),
            Sharing::Hogwild(Update::Atomic) => touches(p, pieces.contended_swap),
            Sharing::Hogwild(Update::Merged) => {
                let width = self.frequencies.len();
                let passes = if width < MANY { 1.0 } else { p };
                self.meetings(p) * pieces.meeting.unwrap_or(0.0) + width as f64 * pieces.sweep * p / passes
            }
            Sharing::HogwildPlusPlus(ring) => {
                let clusters = match ring.clusters {
                    Clusters::Auto => self.topology.clusters(threads),
                    Clusters::Count(count) => count,
                    Clusters::Size(size) => threads.div_ceil(size.max(1)),
                };
                let width = self.frequencies.len();
                let delay = Layout::new(threads, clusters).for_problem(self.examples, width).update_delay;
                let syncs = self.examples as f64 / p / (delay as f64).max(BLOCK);
                let sync = width as f64 * (pieces.meeting.unwrap_or(0.0) + 3.0 * pieces.sweep);
                let consensus = 2.0 * clusters as f64 * width as f64 * pieces.sweep;
                let within = (p / clusters as f64).max(1.0);
                syncs * sync / p + consensus + touches(within, pieces.contended_touch)
            }
            _ => single * (p - 1.0) / p,
        }
    }

    /// Meetings of one worker in an epoch.
    fn meetings(&self, p: f64) -> f64 {
        let blocks = self.examples as f64 / p / BLOCK;
        let of = |&count: &u32| {
            let visits = (TOUCHES * self.examples as f64 / f64::from(count.max(1))).max(VISITS);
            let apart = (visits / (p - 1.0).max(1.0) / BLOCK).max(1.0).log2().floor().exp2();
            if apart <= blocks { blocks / apart } else { 0.0 }
        };
        self.frequencies.iter().map(of).sum()
    }
}
