//! Faults on request, to see what strategies are for that wait for few, or for nobody.

use std::thread;
use std::time::Duration;

/// A worker that is slow: it sleeps again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The worker's number, from 0. Nothing happens if there is no such worker.
    pub worker: usize,
    /// Visits that it makes between two sleeps, at least 1. Rounded to the blocks or batches that
    /// it works in.
    pub every: usize,
    /// How long it sleeps.
    pub time: Duration,
}

/// The delays of one worker, in one epoch.
pub(crate) struct Delays {
    /// With the visits since the last sleep.
    delays: Vec<(Delay, usize)>,
}

impl Delays {
    pub(crate) fn of(worker: usize, delays: &[Delay]) -> Self {
        let own = delays.iter().filter(|delay| delay.worker == worker && delay.every > 0);
        Delays { delays: own.map(|&delay| (delay, 0)).collect() }
    }

    /// Sleeps as often as `visits` more visits ask for.
    pub(crate) fn inject_after(&mut self, visits: usize) {
        for (delay, since) in &mut self.delays {
            *since += visits;
            let times = *since / delay.every;
            if times > 0 {
                *since %= delay.every;
                thread::sleep(delay.time.saturating_mul(times.try_into().unwrap_or(u32::MAX)));
            }
        }
    }
}
