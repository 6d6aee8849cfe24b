//! Rounds in which workers plan batches on one version of the weights, and the first of them make the next version
//! (*Revisiting Distributed Synchronous SGD*, Chen, Pan, Monga, Bengio & Jozefowicz, 2016).

use super::batches::{Batches, Planned};
use super::crew::Crew;
use super::level::OVER;
use super::quorum::Quorum;
use super::tickets::Tickets;
use super::{Pass, Strategy, fold};
use crate::error::Result;
use crate::params::{Real, SharedParams, Weights, Wild};
use crate::rule::Visit;

/// N + b workers; a round takes the first N batches and drops the b others. Deterministic given the seed if b is 0.
#[derive(Debug)]
pub struct Synchronous {
    crew: Crew,
    batch: usize,
    backups: usize,
}

impl Synchronous {
    /// `workers` threads, at least 1, of which `backups` may be late, but not all; batches of `batch` terms.
    pub fn new(workers: usize, batch: usize, backups: usize) -> Self {
        let crew = Crew::new(workers, Vec::new());
        Synchronous { backups: backups.min(crew.workers() - 1), batch: batch.max(1), crew }
    }

    fn needed(&self) -> usize {
        self.crew.workers() - self.backups
    }

    /// Whose batches do not depend on the others' speed; with backups, who is fast makes more of them.
    fn tickets(&self, blocks: usize) -> Vec<Tickets> {
        match self.backups {
            0 => Tickets::dealt(self.crew.workers(), blocks),
            _ => vec![Tickets::new(blocks)],
        }
    }
}

impl<R: Real> Strategy<R> for Synchronous {
    fn crew(&self) -> &Crew {
        &self.crew
    }

    fn crew_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }

    fn batch(&self) -> usize {
        self.batch * self.needed()
    }

    fn folds(&self) -> bool {
        Strategy::<R>::batch(self) == 1
    }

    fn sums_common(&self) -> bool {
        true
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = self.tickets(pass.order.blocks());
        let quorum = Quorum::new(self.needed(), self.crew.workers());
        let task = |worker: usize| {
            // All that is written is written by one worker at a time, so its copy of a common coordinate is the value.
            let weights = Wild::new(params, visit.common(), 1);
            let apply = |parts: Vec<(usize, Planned<V>)>| {
                weights.merge();
                parts.into_iter().for_each(|(_, planned)| planned.apply(visit, &weights));
                weights.merge();
            };
            let mut batches = Batches::new(worker, visit, &tickets[worker % tickets.len()], pass, self.batch);
            let mut terms = Vec::new();
            while let Some(pace) = batches.next(&mut terms) {
                let version = quorum.version();
                if version == OVER {
                    break;
                }
                weights.merge();
                let planned = Planned::new(visit, &terms, pace, &weights);
                batches.dawdle();
                match quorum.hand_in(worker, version, planned, apply) {
                    Ok(()) => {
                        pass.control.progress.taken(worker, 0);
                        quorum.wait(version);
                    }
                    Err(_) => pass.control.progress.was_dropped(worker),
                }
            }
            quorum.leave(apply);
            batches.visits()
        };
        let abandon = |_| {
            tickets.iter().for_each(Tickets::stop);
            quorum.abandon();
        };
        let visits = self.crew.run_or(task, abandon)?;
        fold(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
