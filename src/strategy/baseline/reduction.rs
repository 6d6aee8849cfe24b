//! A ring reduction: workers sum vectors that are cut into one chunk per worker. It has two phases.
//! Partial sums go round until each worker has the sum of one chunk (reduce-scatter); then the sums
//! go round (all-gather) (Patarasuk & Yuan, 2009; Horovod, Sergeev & Del Balso, 2018).
//!
//! Letters: N workers; worker k's r-th message of a round, r from 0 to 2N-2, is about chunk k - r
//! (mod N). Message 0 is its own part. For r < N it adds its own part to the left neighbor's
//! message r - 1; from N on it passes that message on.
//!
//! Invariants: chunk c is the sum of the parts of workers c, c + 1, ... in this order, whoever is
//! late; no message is overwritten before the neighbor has read it.
//!
//! Proof of the latter: between two messages about one chunk in a round lie N others. Message r
//! waits for the left neighbor's message r - 1, hence by N - 1 steps round the ring for the right
//! neighbor's message r - (N - 1), before which that one has read this worker's message r - N. From
//! round to round, a worker waits until its right neighbor has ended the last round.

use crossbeam::utils::CachePadded;

use crate::strategy::engine::{CLOSED, Counter};

/// The number of messages that each worker has sent, in all rounds.
#[derive(Debug)]
pub(super) struct Reduction(Vec<CachePadded<Counter>>);

/// The content of a worker's message about a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Its own part.
    Own,
    /// Its own part added to the left neighbor's message.
    Sum,
    /// The left neighbor's message.
    Same,
}

impl Reduction {
    /// Creates a ring of `workers` workers.
    pub(super) fn new(workers: usize) -> Self {
        Reduction((0..workers).map(|_| CachePadded::new(Counter::default())).collect())
    }

    /// Returns the neighbor that sends messages to `worker`.
    pub(super) fn left(&self, worker: usize) -> usize {
        (worker + self.0.len() - 1) % self.0.len()
    }

    /// Runs one worker's part of round number `round`. `send` makes the worker's message about a
    /// chunk, once the left neighbor's is there. At the end, the worker's last message about each
    /// chunk is the whole sum.
    ///
    /// Returns false if the round did not end, because a worker has left the ring.
    pub(super) fn round(
        &self,
        worker: usize,
        round: usize,
        mut send: impl FnMut(usize, Message),
    ) -> bool {
        let workers = self.0.len();
        let messages = 2 * workers - 1;
        let sent = round * messages;
        let (own, left) = (&self.0[worker], &self.0[self.left(worker)]);
        if self.0[(worker + 1) % workers].wait(sent) == CLOSED {
            return false;
        }
        for r in 0..messages {
            if r > 0 && left.wait(sent + r) == CLOSED {
                return false;
            }
            let message = match r {
                0 => Message::Own,
                r if r < workers => Message::Sum,
                _ => Message::Same,
            };
            send((worker + 2 * workers - r) % workers, message);
            own.raise(sent + r + 1);
        }
        true
    }

    /// Leaves the ring, which ends it for all workers.
    pub(super) fn leave(&self, worker: usize) {
        self.0[worker].raise(CLOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Reduction};

    #[test]
    fn one_worker_has_the_sum_at_once() {
        let ring = Reduction::new(1);
        for round in 0..3 {
            let mut sent = Vec::new();
            assert!(ring.round(0, round, |chunk, message| sent.push((chunk, message))));
            assert_eq!(sent, [(0, Message::Own)]);
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    use super::{Message, Reduction};

    /// Messages by worker and chunk. Loom reports a read at the time of a write. A sum is the list
    /// of its parts.
    struct CheckedRing {
        ring: Reduction,
        messages: Vec<Vec<UnsafeCell<Vec<usize>>>>,
    }

    #[allow(unsafe_code)]
    impl CheckedRing {
        fn new(workers: usize) -> Arc<Self> {
            let chunks = || (0..workers).map(|_| UnsafeCell::new(Vec::new())).collect();
            Arc::new(CheckedRing {
                ring: Reduction::new(workers),
                messages: (0..workers).map(|_| chunks()).collect(),
            })
        }

        fn work(&self, worker: usize, rounds: usize) {
            let workers = self.messages.len();
            for round in 0..rounds {
                let part = 10 * round + worker;
                let ended = self.ring.round(worker, round, |chunk, message| {
                    let left = &self.messages[self.ring.left(worker)][chunk];
                    let mut sum = left.with(|left| match message {
                        Message::Own => Vec::new(),
                        // SAFETY: by the ring's invariants nobody writes it; loom checks that.
                        Message::Sum | Message::Same => unsafe { (*left).clone() },
                    });
                    if message != Message::Same {
                        sum.push(part);
                    }
                    // SAFETY: by the ring's invariants nobody reads or writes it; loom checks that.
                    self.messages[worker][chunk].with_mut(|own| unsafe { *own = sum });
                });
                if !ended {
                    break;
                }
                for (chunk, message) in self.messages[worker].iter().enumerate() {
                    let sum: Vec<usize> =
                        (0..workers).map(|k| 10 * round + (chunk + k) % workers).collect();
                    // SAFETY: the worker's own messages, which it alone writes, between two rounds;
                    // loom checks that.
                    message.with(|own| assert_eq!(unsafe { &*own }, &sum));
                }
            }
        }
    }

    /// Returns a model in which threads are forced to switch at most `switches` times, not counting
    /// those when they wait. Without a bound, this many messages take hours.
    fn bounded(switches: usize) -> loom::model::Builder {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(switches);
        model
    }

    #[test]
    fn sums_are_whole_in_a_fixed_order_and_no_message_is_overwritten_unread() {
        for (workers, rounds, switches) in [(2, 2, 2), (3, 1, 1)] {
            bounded(switches).check(move || {
                let checked = CheckedRing::new(workers);
                let spawn = |worker| {
                    let checked = checked.clone();
                    thread::spawn(move || checked.work(worker, rounds))
                };
                let threads: Vec<_> = (1..workers).map(spawn).collect();
                checked.work(0, rounds);
                threads.into_iter().for_each(|thread| thread.join().unwrap());
            });
        }
    }

    #[test]
    fn a_worker_that_leaves_ends_the_ring_for_all() {
        bounded(2).check(|| {
            let checked = CheckedRing::new(2);
            let other = checked.clone();
            let thread = thread::spawn(move || {
                other.work(1, 1);
                other.ring.leave(1);
            });
            checked.work(0, 2);
            checked.ring.leave(0);
            thread.join().unwrap();
        });
    }
}
