//! The buffers through which the workers of an all-reduce add up their movements: chunks that go
//! round a ring, or lists where these are shorter.
//!
//! Invariants: between two rounds all workers have the same `agreed` weights; the order of
//! additions does not depend on time; workers read the lists and messages of the current round
//! only.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::clocks::Clocks;
use super::reduction::{Message, Reduction};
use crate::params::{Real, SharedParams};
use crate::row::real::Slot;

/// A worker's weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Replica<R> {
    /// The weights with the worker's own movement.
    pub(super) now: Vec<R>,
    /// The weights that all workers agree on.
    pub(super) agreed: Vec<R>,
}

impl<R: Real> Replica<R> {
    /// Copies the shared weights, with no movement.
    pub(super) fn fill(&mut self, shared: &SharedParams<R>) {
        self.now.resize(shared.len(), R::ZERO);
        // Allocated on this thread, so that the memory lies near it.
        self.now.iter_mut().zip(shared.slots()).for_each(|(now, slot)| *now = slot.get());
        self.agreed.clone_from(&self.now);
    }
}

/// Buffers in which movements are summed.
pub(super) enum Buffers<R> {
    /// One worker, with nobody to agree with.
    Alone,
    /// All coordinates, in chunks that go round the ring, with one message per worker and chunk.
    Dense { ring: Reduction, messages: Vec<Vec<Mutex<Vec<R>>>> },
    /// A list of coordinates and movements per worker. Every worker reads all lists in the order of
    /// the workers. A worker's clock counts the lists that it has written and the rounds that it
    /// has read.
    Sparse { clocks: Clocks, lists: Vec<RwLock<Vec<(usize, R)>>> },
}

/// Locks a mutex that the protocols keep free for whoever takes it. After a panic its data is not
/// used again.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the first coordinate of chunk `chunk` of `chunks`.
fn chunk_start(width: usize, chunk: usize, chunks: usize) -> usize {
    width / chunks * chunk + (width % chunks).min(chunk)
}

impl<R: Real> Buffers<R> {
    /// Creates the buffers for `workers` workers and `width` coordinates: lists if the movements
    /// are `sparse`.
    pub(super) fn new(workers: usize, width: usize, sparse: bool) -> Self {
        if workers == 1 {
            return Buffers::Alone;
        }
        if sparse {
            let lists = (0..workers).map(|_| RwLock::default()).collect();
            return Buffers::Sparse { clocks: Clocks::new(workers), lists };
        }
        let len = |k| chunk_start(width, k + 1, workers) - chunk_start(width, k, workers);
        let chunks = || (0..workers).map(|k| Mutex::new(vec![R::ZERO; len(k)])).collect();
        Buffers::Dense {
            ring: Reduction::new(workers),
            messages: (0..workers).map(|_| chunks()).collect(),
        }
    }

    /// Adds the movements of all workers to the weights that all agree on. `touched` holds the
    /// coordinates that this worker moved, and may name one several times. Returns false if a
    /// worker has left.
    pub(super) fn sum(
        &self,
        worker: usize,
        round: usize,
        replica: &mut Replica<R>,
        touched: impl Iterator<Item = usize>,
    ) -> bool {
        match self {
            Buffers::Alone => {
                touched.for_each(|j| replica.agreed[j] = replica.now[j]);
                true
            }
            Buffers::Dense { ring, messages } => dense(ring, messages, worker, round, replica),
            Buffers::Sparse { clocks, lists } => {
                sparse(clocks, lists, worker, round, replica, touched)
            }
        }
    }

    /// Leaves the all-reduce, which ends it for all workers.
    pub(super) fn leave(&self, worker: usize) {
        match self {
            Buffers::Alone => (),
            Buffers::Dense { ring, .. } => ring.leave(worker),
            Buffers::Sparse { clocks, .. } => clocks.end(worker),
        }
    }
}

fn dense<R: Real>(
    ring: &Reduction,
    messages: &[Vec<Mutex<Vec<R>>>],
    worker: usize,
    round: usize,
    Replica { now, agreed }: &mut Replica<R>,
) -> bool {
    let (workers, width) = (messages.len(), now.len());
    let ended = ring.round(worker, round, |chunk, message| {
        let mut own = lock(&messages[worker][chunk]);
        let left = || lock(&messages[ring.left(worker)][chunk]);
        let first = chunk_start(width, chunk, workers);
        let moved = now[first..].iter().zip(&agreed[first..]).map(|(&now, &agreed)| now - agreed);
        match message {
            Message::Own => own.iter_mut().zip(moved).for_each(|(own, moved)| *own = moved),
            Message::Sum => {
                own.iter_mut()
                    .zip(left().iter().zip(moved))
                    .for_each(|(own, (&left, moved))| *own = left + moved);
            }
            Message::Same => own.copy_from_slice(&left()),
        }
    });
    if ended {
        let sums = messages[worker].iter().map(lock);
        let mut first = 0;
        for sums in sums {
            agreed[first..].iter_mut().zip(&*sums).for_each(|(agreed, &sum)| *agreed += sum);
            first += sums.len();
        }
        now.copy_from_slice(agreed);
    }
    ended
}

fn sparse<R: Real>(
    clocks: &Clocks,
    lists: &[RwLock<Vec<(usize, R)>>],
    worker: usize,
    round: usize,
    Replica { now, agreed }: &mut Replica<R>,
    touched: impl Iterator<Item = usize>,
) -> bool {
    // Wait until all have read the lists of the last round.
    clocks.wait(2 * round);
    {
        let mut list = lists[worker].write().unwrap_or_else(PoisonError::into_inner);
        list.clear();
        for j in touched {
            // A coordinate that is named again has no movement left.
            let moved = now[j] - agreed[j];
            if moved != R::ZERO {
                list.push((j, moved));
                now[j] = agreed[j];
            }
        }
    }
    clocks.set(worker, 2 * round + 1);
    clocks.wait(2 * round + 1);
    if clocks.has_ended() {
        return false;
    }
    for list in lists {
        for &(j, moved) in &*list.read().unwrap_or_else(PoisonError::into_inner) {
            agreed[j] += moved;
            now[j] = agreed[j];
        }
    }
    clocks.set(worker, 2 * round + 2);
    true
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Returns a worker's movement of a coordinate in a round. It is no sum of powers of 2, and
    /// mostly zero.
    fn moved(worker: usize, round: usize, j: usize) -> f64 {
        let hash = (worker * 31 + round * 17 + j * 7) % 23;
        if hash < 5 { hash as f64 / 3.0 } else { 0.0 }
    }

    #[test]
    fn all_replicas_are_equal_and_hold_every_movement() {
        let rounds = 200;
        for (workers, width) in [(2, 1), (2, 10), (3, 10), (4, 3), (5, 64)] {
            for sparse in [false, true] {
                let buffers = Buffers::new(workers, width, sparse);
                let work = |worker: usize| {
                    let zero = vec![0.0; width];
                    let mut replica = Replica { now: zero.clone(), agreed: zero };
                    for round in 0..rounds {
                        (0..width).for_each(|j| replica.now[j] += moved(worker, round, j));
                        // Each coordinate is named twice.
                        assert!(buffers.sum(
                            worker,
                            round,
                            &mut replica,
                            (0..width).chain(0..width)
                        ));
                        assert_eq!(replica.now, replica.agreed);
                    }
                    replica.agreed
                };
                let found: Vec<Vec<f64>> = thread::scope(|scope| {
                    let threads: Vec<_> =
                        (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
                    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
                });
                assert!(
                    found.iter().all(|replica| *replica == found[0]),
                    "{workers} {width} {sparse}"
                );
                for (j, &found) in found[0].iter().enumerate() {
                    let all =
                        (0..rounds).flat_map(|round| (0..workers).map(move |k| moved(k, round, j)));
                    let expected: f64 = all.sum();
                    assert!(
                        (found - expected).abs() < 1e-9 * (1.0 + expected),
                        "{found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_worker_that_leaves_ends_the_all_reduce_for_all() {
        for sparse in [false, true] {
            let buffers: Buffers<f32> = Buffers::new(3, 8, sparse);
            let work = |worker: usize| {
                let mut replica = Replica { now: vec![0.0; 8], agreed: vec![0.0; 8] };
                let last = if worker == 1 { 5 } else { 1_000 };
                let ended = (0..last).all(|round| buffers.sum(worker, round, &mut replica, 0..8));
                buffers.leave(worker);
                ended
            };
            thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..3).map(|worker| scope.spawn(move || work(worker))).collect();
                let ended: Vec<bool> =
                    threads.into_iter().map(|thread| thread.join().unwrap()).collect();
                assert_eq!(ended, [false, true, false]);
            });
        }
    }
}
