//! Workers that write one after the other in a fixed order (*Slow learners are fast*, Langford, Smola & Zinkevich, NIPS
//! 2009): the baseline *RR* of Niu, Recht, Ré & Wright, NIPS 2011, section 5.
//!
//! Invariant: one worker writes at a time, and each of N writes once in N visits, so that a plan misses at most N - 1 visits.

use super::crew::Crew;
use super::framed::{Frame, Framed};
use super::progress::Progress;
use super::tickets::Tickets;
use super::turns::Turns;
use super::worker::work;
use super::{Pass, Strategy, fold};
use crate::error::Result;
use crate::params::{Real, SharedParams, Weights, Wild};
use crate::rule::Visit;
use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};

/// Workers that draw blocks of terms, plan visits at any time, and write when it is their turn.
#[derive(Debug)]
pub struct RoundRobin {
    crew: Crew,
}

impl RoundRobin {
    /// `workers` threads, at least 1.
    pub fn new(workers: usize) -> Self {
        RoundRobin { crew: Crew::new(workers, Vec::new()) }
    }
}

impl<R: Real> Strategy<R> for RoundRobin {
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
        true
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let workers = self.crew.workers();
        let (tickets, turns) = (Tickets::new(pass.order.blocks()), Turns::new(workers));
        let task = |worker: usize| {
            let progress = &pass.control.progress;
            let seat = Seat { worker, workers, turns: &turns, next: AtomicUsize::new(worker), progress };
            let framed = Framed { visit, frame: &seat };
            // Who writes is alone, so its copy of a common coordinate is the value.
            let visits = work(worker, &framed, &Wild::new(params, visit.common(), 1), &tickets, pass, |_| ());
            turns.leave(seat.next.load(Relaxed));
            visits
        };
        let abandon = |_| {
            tickets.stop();
            turns.abandon();
        };
        let visits = self.crew.run_or(task, abandon)?;
        fold(visit, params, pass.clock(visits));
        Ok(visits)
    }
}

/// One worker's place in the round.
struct Seat<'a> {
    worker: usize,
    workers: usize,
    turns: &'a Turns,
    /// The number of its next turn. Only its own thread touches it.
    next: AtomicUsize,
    progress: &'a Progress,
}

impl<'a, V: Visit + 'a> Frame<'a, V> for Seat<'_> {
    /// Visits that the others had written when this one was planned, in turns.
    type Held = usize;
    const EMPTY_TOO: bool = true;

    fn enter(&self, _: &V, _: usize, weights: &impl Weights) -> usize {
        weights.merge();
        self.turns.now()
    }

    fn leave(&self, seen: usize, weights: &impl Weights, apply: impl FnOnce()) {
        let turn = self.next.load(Relaxed);
        if !self.turns.wait(turn) {
            return;
        }
        self.progress.taken(self.worker, turn.saturating_sub(seen));
        weights.merge();
        apply();
        weights.merge();
        self.turns.pass(turn);
        self.next.store(turn + self.workers, Relaxed);
    }
}
