//! Many threads on one vector, without locks (Niu, Recht, Ré & Wright, NIPS 2011).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::tickets::Tickets;
use super::topology::pin;
use super::worker::work;
use super::{Pass, Strategy};
use crate::error::{Error, Result};
use crate::params::{Atomic, Real, SharedParams, Wild};
use crate::real::Slot;
use crate::rule::Visit;

/// How a worker writes a weight that others may write at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// Relaxed load, relaxed store: another worker's update in between is lost.
    #[default]
    Wild,
    /// Compare-and-swap: no update is lost.
    Atomic,
}

/// Workers that draw blocks of terms and update one shared vector without locks. Racy by design with more than one
/// worker; with one, the same as [`Sequential`](super::Sequential) bit for bit.
#[derive(Clone, Debug)]
pub struct Hogwild {
    workers: usize,
    update: Update,
    places: Vec<usize>,
}

impl Hogwild {
    /// `workers` threads, at least 1.
    pub fn new(workers: usize, update: Update) -> Self {
        Hogwild { workers: workers.max(1), update, places: Vec::new() }
    }

    /// The same, with each worker kept on its processor of `places`.
    pub(super) fn on(self, places: Vec<usize>) -> Self {
        Hogwild { places, ..self }
    }
}

impl<R: Real> Strategy<R> for Hogwild {
    fn workers(&self) -> usize {
        self.workers
    }

    fn folds(&self) -> bool {
        true
    }

    fn epoch<V: Visit<Real = R>>(
        &mut self,
        visit: &V,
        params: &SharedParams<R>,
        pass: Pass<'_>,
    ) -> Result<u64> {
        let tickets = Tickets::new(pass.order.blocks());
        let (workers, common) = (self.workers, visit.common());
        let visits = match self.update {
            Update::Wild => crew(workers, &self.places, &tickets, |worker| {
                work(worker, visit, &Wild::new(params, common, workers), &tickets, pass, |_| ())
            }),
            Update::Atomic => crew(workers, &self.places, &tickets, |worker| {
                work(worker, visit, &Atomic::new(params, common, workers), &tickets, pass, |_| ())
            }),
        }?;
        if let Some(factor) = visit.fold(pass.clock(visits)) {
            let slots = params.slots();
            slots[..slots.len() - common].iter().for_each(|slot| slot.set(slot.get() * factor));
        }
        Ok(visits)
    }
}

/// Runs `task` on `workers` threads and sums what they return. One worker runs on the calling thread. Workers that
/// have a processor in `places` are kept on it; if the system has withdrawn it meanwhile, they run anywhere.
///
/// A panic ends the handing out of tickets, so that the other workers return after their block, and becomes an error.
pub(super) fn crew(
    workers: usize,
    places: &[usize],
    tickets: &Tickets,
    task: impl Fn(usize) -> u64 + Sync,
) -> Result<u64> {
    let guarded = |worker| {
        let _pin = places.get(worker).map(|&cpu| pin(cpu));
        catch_unwind(AssertUnwindSafe(|| task(worker))).map_err(|panic| {
            tickets.stop();
            Error::Worker { worker, message: message(&*panic) }
        })
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|worker| scope.spawn(move || guarded(worker))).collect();
        let first = guarded(0);
        let others = others.into_iter().map(|thread| thread.join().expect("panics were caught"));
        std::iter::once(first).chain(others).sum()
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}
