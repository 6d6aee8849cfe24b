//! The threads of a strategy, which stay alive from epoch to epoch: starting one takes longer than an epoch of a small
//! data set.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::tickets::Tickets;
use super::topology::{Topology, pin};
use crate::error::{Error, Result};

/// Threads that run one task each at a time, and sleep between two tasks.
#[derive(Debug, Default)]
pub(super) struct Crew {
    workers: usize,
    places: Vec<usize>,
    /// Started when it is needed first; never for one worker.
    pool: OnceLock<ThreadPool>,
}

impl Crew {
    /// `workers` threads, each kept on its processor of `places` if there are such.
    pub(super) fn new(workers: usize, places: Vec<usize>) -> Self {
        Crew { workers: workers.max(1), places, pool: OnceLock::new() }
    }

    /// Keeps each thread on a processor of `topology` of its own, as far as there are enough.
    pub(super) fn keep(&mut self, topology: &Topology) {
        *self = Crew::new(self.workers, topology.places(&[self.workers]));
    }

    /// Number of workers.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// Runs `task` with the number of each worker and sums what they return. One worker runs on the calling thread.
    ///
    /// # Errors
    /// [`Error::Worker`] if a task panicked: it ends the handing out of `tickets`, so that the other workers return
    /// after their block. [`Error::Io`] if the system refuses to start threads.
    pub(super) fn run(&self, tickets: &Tickets, task: impl Fn(usize) -> u64 + Sync) -> Result<u64> {
        self.run_or(task, |_| tickets.stop())
    }

    /// The same for workers that wait for each other or have tickets of their own: `abandon` gets the number of one that
    /// panicked, and must make the others return.
    pub(super) fn run_or(
        &self,
        task: impl Fn(usize) -> u64 + Sync,
        abandon: impl Fn(usize) + Sync,
    ) -> Result<u64> {
        self.run_all(&task, &abandon)
    }

    /// Compiled once, not for each strategy and rule.
    fn run_all(&self, task: &(dyn Fn(usize) -> u64 + Sync), abandon: &(dyn Fn(usize) + Sync)) -> Result<u64> {
        let guarded = |worker| {
            catch_unwind(AssertUnwindSafe(|| task(worker))).map_err(|panic| {
                abandon(worker);
                Error::Worker { worker, message: message(&*panic) }
            })
        };
        if self.workers == 1 {
            let _pin = self.places.first().map(|&cpu| pin(cpu));
            return guarded(0);
        }
        self.pool()?.broadcast(|thread| guarded(thread.index())).into_iter().sum()
    }

    fn pool(&self) -> Result<&ThreadPool> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool);
        }
        let started = start(self.workers, self.places.clone())?;
        Ok(self.pool.get_or_init(|| started))
    }
}

/// Threads that have a processor in `places` are kept on it; if the system has withdrawn it meanwhile, they run anywhere.
fn start(workers: usize, places: Vec<usize>) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|worker| format!("worker {worker}"))
        .start_handler(move |worker| {
            if let Some(Ok(pin)) = places.get(worker).map(|&cpu| pin(cpu)) {
                // Until the thread ends.
                std::mem::forget(pin);
            }
        })
        .build()
        .map_err(|error| Error::io(format!("<{workers} threads>"), "start", io::Error::other(error)))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
