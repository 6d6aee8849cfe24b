//! Round-robin: workers that write one after the other in a fixed order (*Slow learners are fast*,
//! Langford, Smola & Zinkevich, NIPS 2009). It is the baseline *RR* of Niu, Recht, Ré & Wright,
//! NIPS 2011, section 5.
//!
//! Invariant: one worker writes at a time, and each of N writes once in N visits, so that a plan
//! misses at most N - 1 visits.

use super::Gate;
use crate::error::Result;
use crate::params::{Handle, Real, SharedParams};
use crate::strategy::engine::{Tickets, work};
use crate::strategy::{Pass, Profile, Strategy, Visit, apply_deferred_scale, planner};

/// Workers that draw blocks of terms, plan visits at any time, and write when it is their turn.
#[derive(Clone, Copy, Debug)]
pub struct RoundRobin {
    workers: usize,
}

impl RoundRobin {
    /// Creates the strategy for `workers` threads, at least 1.
    pub fn new(workers: usize) -> Self {
        RoundRobin { workers: workers.max(1) }
    }
}

impl<R: Real> Strategy<R> for RoundRobin {
    fn profile(&self) -> Profile {
        Profile { applies_scale: true, sums_common: true, ..Profile::new(self.workers) }
    }

    fn epoch(
        &mut self,
        visit: &dyn Visit<R>,
        params: &mut SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let workers = self.workers;
        let (tickets, gate) = (Tickets::new(pass.order.blocks()), Gate::new(workers));
        planner(visit)?;
        let task = |worker: usize| {
            // One worker writes at a time, so its copy of a common coordinate is the value.
            let weights = Handle::wild(params, visit.shape().common, 1);
            let mut planner = planner(visit).expect("the rule had a planner before");
            // The number of the worker's next turn.
            let mut turn = worker;
            let visits = work(worker, visit, &tickets, pass, |block, state| {
                for term in block.singles() {
                    weights.merge();
                    let seen = gate.now();
                    planner.plan(term, *state, &weights);
                    state.advance();
                    if gate.wait(turn) {
                        pass.control.progress.taken(worker, turn.saturating_sub(seen));
                        weights.merge();
                        planner.apply(&weights);
                        weights.merge();
                        gate.pass(turn);
                        turn += workers;
                    }
                }
                weights.merge();
            });
            gate.leave(turn);
            visits
        };
        let abandon = |_| {
            tickets.stop();
            gate.abandon();
        };
        let visits = pass.pool.run_or(task, abandon)?;
        apply_deferred_scale(visit, params, pass.clock(visits));
        Ok(visits)
    }
}
