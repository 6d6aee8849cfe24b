//! Delay injection: slow workers on request, which show the use of strategies that wait for few or
//! for nobody.

use std::thread;
use std::time::{Duration, Instant};

/// A delay to inject: makes one worker sleep again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The worker's number, from 0. Nothing happens if there is no such worker.
    pub worker: usize,
    /// Visits between two sleeps, at least 1. Rounded to the worker's blocks or batches.
    pub every: usize,
    /// Length of a sleep.
    pub time: Duration,
}

/// The delays of one worker, in one epoch.
pub(crate) struct Delays {
    /// Each with the visits since its last sleep.
    delays: Vec<(Delay, usize)>,
}

impl Delays {
    /// Returns those of `delays` that are for `worker`.
    pub(crate) fn of(worker: usize, delays: &[Delay]) -> Self {
        let own = delays.iter().filter(|delay| delay.worker == worker && delay.every > 0);
        Delays { delays: own.map(|&delay| (delay, 0)).collect() }
    }

    /// Counts `visits` more visits, and sleeps as often as they make due, unless `must_stop`.
    pub(crate) fn inject_after(&mut self, visits: usize, must_stop: &dyn Fn() -> bool) {
        for (delay, since) in &mut self.delays {
            *since += visits;
            let times = *since / delay.every;
            if times > 0 {
                *since %= delay.every;
                sleep(delay.time.saturating_mul(times.try_into().unwrap_or(u32::MAX)), must_stop);
            }
        }
    }
}

/// Sleeps for `time`, or until it `must_stop`.
fn sleep(time: Duration, must_stop: &dyn Fn() -> bool) {
    /// Longest time between two looks.
    const LOOK: Duration = Duration::from_millis(20);
    let began = Instant::now();
    loop {
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() || must_stop() {
            return;
        }
        thread::sleep(left.min(LOOK));
    }
}
