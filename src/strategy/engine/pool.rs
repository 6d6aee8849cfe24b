//! The threads of a fit. They stay alive from epoch to epoch, since starting one takes longer than
//! an epoch of a small data set.
//!
//! All phases, visits and the dense passes in between, share one pool. With a pool per phase, idle
//! threads would spin for a while, before they sleep, on cores that the other pool needs.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Pin, Tickets, pin};
use crate::error::{Error, Result};

/// A fit's threads. Some of them are the workers that visit terms.
#[derive(Debug)]
pub struct WorkerPool {
    workers: usize,
    threads: usize,
    /// A processor for each worker, or none if workers are not pinned.
    places: Vec<usize>,
    /// Started at its first use.
    pool: OnceLock<Arc<ThreadPool>>,
}

impl WorkerPool {
    /// Creates a pool of `threads` threads for dense passes, of which `workers`, at least 1, visit
    /// terms. Each worker is pinned to its processor of `places`, if that is not empty.
    pub fn new(workers: usize, threads: usize, places: Vec<usize>) -> Self {
        let workers = workers.max(1);
        WorkerPool { workers, threads: threads.max(workers), places, pool: OnceLock::new() }
    }

    /// Returns the number of workers.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Returns the threads. Tasks of [`Strategy::epoch`](crate::strategy::Strategy::epoch) start
    /// soonest if it is called on one of them.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses to start them.
    pub(crate) fn threads(&self) -> Result<Arc<ThreadPool>> {
        if let Some(pool) = self.pool.get() {
            return Ok(pool.clone());
        }
        // Threads that do not visit terms run anywhere. So does a single worker, which may be any
        // thread.
        let places = if self.workers == 1 { Vec::new() } else { self.places.clone() };
        let started = Arc::new(start(self.threads, places)?);
        Ok(self.pool.get_or_init(|| started).clone())
    }

    /// Runs `task` with the number of each worker and sums what they return. One worker runs on the
    /// calling thread.
    ///
    /// # Errors
    /// [`Error::Worker`] if a task panicked. The panic stops `tickets`, so that the other workers
    /// return after their block. [`Error::Io`] if the system refuses to start threads.
    pub fn run(&self, tickets: &Tickets, task: impl Fn(usize) -> u64 + Sync) -> Result<u64> {
        self.run_or(task, |_| tickets.stop())
    }

    /// Runs `task` with the number of each worker, and waits until all have ended.
    ///
    /// # Errors
    /// As for [`WorkerPool::run_or`].
    pub(crate) fn each(&self, task: impl Fn(usize) + Sync) -> Result<()> {
        let task = |worker| {
            task(worker);
            0
        };
        self.run_or(task, |_| ()).map(|_| ())
    }

    /// Runs `task` with the number of each worker and sums what they return, for workers that wait
    /// for each other or have their own tickets. If a worker panics, `abandon` is called with its
    /// number, and must make the others return.
    ///
    /// # Errors
    /// [`Error::Worker`] if a task panicked; [`Error::Io`] if the system refuses to start threads.
    pub fn run_or(
        &self,
        task: impl Fn(usize) -> u64 + Sync,
        abandon: impl Fn(usize) + Sync,
    ) -> Result<u64> {
        self.run_all(&task, &abandon)
    }

    /// Implements [`WorkerPool::run_or`], compiled once and not for each strategy and rule.
    fn run_all(
        &self,
        task: &(dyn Fn(usize) -> u64 + Sync),
        abandon: &(dyn Fn(usize) + Sync),
    ) -> Result<u64> {
        let guarded = |worker| {
            catch_unwind(AssertUnwindSafe(|| task(worker))).map_err(|panic| {
                abandon(worker);
                Error::Worker { worker, message: message(&*panic) }
            })
        };
        if self.workers == 1 {
            let _pin = self.pin_alone();
            return guarded(0);
        }
        let run = |thread: usize| if thread < self.workers { guarded(thread) } else { Ok(0) };
        self.threads()?.broadcast(|thread| run(thread.index())).into_iter().sum()
    }

    /// Pins the calling thread to the first worker's processor, if it has one, until the returned
    /// value is dropped.
    pub(crate) fn pin_alone(&self) -> Option<Pin> {
        self.places.first().and_then(|&cpu| pin(cpu).ok())
    }
}

/// Starts threads. Those that have a processor in `places` are pinned to it, or run anywhere if the
/// system has withdrawn it meanwhile.
fn start(threads: usize, places: Vec<usize>) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|thread| format!("worker {thread}"))
        .start_handler(move |thread| {
            if let Some(Ok(pin)) = places.get(thread).map(|&cpu| pin(cpu)) {
                // Pinned until the thread ends.
                std::mem::forget(pin);
            }
        })
        .build()
        .map_err(|error| {
            Error::io(format!("<{threads} threads>"), "start", io::Error::other(error))
        })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
