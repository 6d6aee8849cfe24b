//! Many threads on one vector, without locks (Niu, Recht, Ré & Wright, NIPS 2011).

mod merging;
mod splitting;
mod worker;

use self::merging::CopiesOfAll;
use self::splitting::CopiesOfHot;
use self::worker::visit_and_merge;
use super::engine::Tickets;
use super::{Pass, Profile, Strategy, Visit, apply_deferred_scale};
use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};

/// The kind of write to a weight that other workers may write at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// Relaxed load and store. Another worker's update in between is lost.
    #[default]
    Wild,
    /// Compare-and-swap. No update is lost.
    Atomic,
    /// Plain writes to the worker's own copy. Workers publish their movements of a coordinate to
    /// each other, the more often the more often terms touch it. No update is lost. The shared
    /// vector gets them at the end of each epoch, as far as the rule
    /// [publishes](crate::strategy::EndOfEpoch::published_fraction) them.
    Merged,
    /// As [`Update::Merged`] for the weights that many terms touch, as [`Update::Wild`] for the
    /// others.
    Split,
}

impl Update {
    /// Returns the name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Update::Wild => "wild",
            Update::Atomic => "atomic",
            Update::Merged => "merged",
            Update::Split => "split",
        }
    }
}

/// Workers that draw blocks of terms and update one shared vector without locks. Racy by design
/// with more than one worker. One worker gives the bits of [`Sequential`](super::Sequential).
pub struct Hogwild<R: Real> {
    workers: usize,
    update: Update,
    copies_of_all: CopiesOfAll<R>,
    copies_of_hot: CopiesOfHot<R>,
}

impl<R: Real> Hogwild<R> {
    /// Creates the strategy for `workers` threads, at least 1.
    pub fn new(workers: usize, update: Update) -> Self {
        Hogwild {
            workers: workers.max(1),
            update,
            copies_of_all: CopiesOfAll::default(),
            copies_of_hot: CopiesOfHot::default(),
        }
    }
}

impl<R: Real> Strategy<R> for Hogwild<R> {
    fn profile(&self) -> Profile {
        Profile {
            applies_scale: true,
            sums_common: matches!(self.update, Update::Merged | Update::Split),
            ..Profile::new(self.workers)
        }
    }

    fn restart(&mut self) {
        self.copies_of_all.restart();
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::new(pass.order.blocks());
        let (workers, common) = (self.workers, visit.shape().common);
        let visits = match self.update {
            Update::Merged if workers > 1 => {
                return params.with_plain(|weights| self.copies_of_all.epoch(visit, weights, pass));
            }
            Update::Split if workers > 1 => self.copies_of_hot.epoch(visit, params, pass, &tickets),
            update => pass.pool.run(&tickets, |worker| {
                let weights = match update {
                    Update::Atomic => Handle::atomic(params, common, workers),
                    Update::Wild | Update::Merged | Update::Split => {
                        Handle::wild(params, common, workers)
                    }
                };
                visit_and_merge(worker, visit, &weights, &tickets, pass)
            }),
        }?;
        apply_deferred_scale(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
