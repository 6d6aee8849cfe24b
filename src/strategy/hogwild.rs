//! Many threads on one vector, without locks (Niu, Recht, Ré & Wright, NIPS 2011).

use super::crew::Crew;
use super::merging::Merging;
use super::splitting::Splitting;
use super::tickets::Tickets;
use super::worker::work;
use super::{Pass, Strategy, fold};
use crate::error::Result;
use crate::params::{Atomic, Real, SharedParams, Wild};
use crate::rule::Visit;

/// How a worker writes a weight that others may write at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// Relaxed load, relaxed store: another worker's update in between is lost.
    #[default]
    Wild,
    /// Compare-and-swap: no update is lost.
    Atomic,
    /// In a copy of the worker's own. What a worker moved a coordinate by is told to the others from time to time, the more
    /// often the more often terms touch it; no update is lost. The shared vector follows at the end of each epoch, as far as
    /// the rule shows it ([`Visit::shown`]).
    Merged,
    /// The weights that many terms touch as with [`Update::Merged`], the others as with [`Update::Wild`].
    Split,
}

impl Update {
    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Update::Wild => "wild",
            Update::Atomic => "atomic",
            Update::Merged => "merged",
            Update::Split => "split",
        }
    }
}

/// Workers that draw blocks of terms and update one shared vector without locks. Racy by design with more than one
/// worker; with one, the same as [`Sequential`](super::Sequential) bit for bit.
pub struct Hogwild<R: Real> {
    crew: Crew,
    update: Update,
    merging: Merging<R>,
    splitting: Splitting<R>,
}

impl<R: Real> Hogwild<R> {
    /// `workers` threads, at least 1.
    pub fn new(workers: usize, update: Update) -> Self {
        Hogwild::on(workers, update, Vec::new())
    }

    /// The same, with each worker kept on its processor of `places`.
    pub(super) fn on(workers: usize, update: Update, places: Vec<usize>) -> Self {
        Hogwild {
            crew: Crew::new(workers, places),
            update,
            merging: Merging::default(),
            splitting: Splitting::default(),
        }
    }
}

impl<R: Real> Strategy<R> for Hogwild<R> {
    fn crew(&self) -> &Crew {
        &self.crew
    }

    fn crew_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }

    fn folds(&self) -> bool {
        true
    }

    fn sums_common(&self) -> bool {
        matches!(self.update, Update::Merged | Update::Split)
    }

    fn restart(&mut self) {
        self.merging.restart();
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::new(pass.order.blocks());
        let (workers, common) = (self.crew.workers(), visit.common());
        let visits = match self.update {
            Update::Merged if workers > 1 => {
                return params.with_plain(|weights| self.merging.epoch(&self.crew, visit, weights, pass));
            }
            Update::Split if workers > 1 => self.splitting.epoch(&self.crew, visit, params, pass, &tickets),
            Update::Wild | Update::Merged | Update::Split => self.crew.run(&tickets, |worker| {
                work(worker, visit, &Wild::new(params, common, workers), &tickets, pass, |_| ())
            }),
            Update::Atomic => self.crew.run(&tickets, |worker| {
                work(worker, visit, &Atomic::new(params, common, workers), &tickets, pass, |_| ())
            }),
        }?;
        fold(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
