//! How far a fit is from the optimum, and when it had come near.

use super::{Epoch, Settings, ascend};
use crate::error::Result;
use crate::problem::{Conjugate, Linear};
use crate::rule::Penalty;

/// The least objective, as far as it is certified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// The lowest objective that was found.
    pub objective: f64,
    /// A bound of its distance to the least one, as a share of itself.
    pub gap: f64,
}

/// The gap that [`optimum`] goes down to.
const CERTIFIED: f64 = 1e-6;
/// Epochs after which [`optimum`] makes do with the gap that it has.
const MOST_EPOCHS: usize = 1000;

/// The optimum of a linear problem under `l2`, by dual ascent in f64 on `threads` threads (0: one a core), to a gap of
/// 1e-6 if that can be had.
///
/// # Errors
/// As for [`ascend`]: `l2` must be above 0.
pub fn optimum<L: Conjugate>(problem: &Linear<'_, L>, l2: f64, threads: usize) -> Result<Optimum> {
    let settings = Settings {
        penalty: Penalty { l1: 0.0, l2 },
        threads,
        tolerance: CERTIFIED,
        epochs: MOST_EPOCHS,
        ..Settings::default()
    };
    let fit = ascend::<_, f64>(problem, &settings, None, &mut |_| ())?;
    Ok(Optimum { objective: fit.objective, gap: fit.gap.unwrap_or(f64::INFINITY) })
}

/// When an objective was reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    /// Epochs until then, with a part of the last one.
    pub epochs: f64,
    /// Seconds of training ([`Epoch::train_time`]) until then.
    pub seconds: f64,
}

/// When the objective came down to `1 + share` times the `optimum`, between two epochs interpolated in the logarithm of
/// the distance, which falls about evenly. It was `start` before the first epoch. `None` if no epoch came that far.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use wildsgd::train::{Epoch, reached};
///
/// let epoch = |epoch, objective| {
///     let time = Duration::from_secs(epoch as u64);
///     Epoch { epoch, train_time: time, visit_time: time, objective, gap: None, test: None }
/// };
/// let found = reached(&[epoch(1, 1.1), epoch(2, 1.001)], 2.0, 1.0, 0.01).unwrap();
/// assert!((found.epochs - 1.5).abs() < 1e-9 && (found.seconds - 1.5).abs() < 1e-9);
/// assert_eq!(reached(&[epoch(1, 1.1)], 2.0, 1.0, 0.01), None);
/// ```
pub fn reached(epochs: &[Epoch], start: f64, optimum: f64, share: f64) -> Option<Reached> {
    let distance = |objective: f64| (objective / optimum - 1.0).max(LEAST_DISTANCE).ln();
    let wanted = share.max(LEAST_DISTANCE).ln();
    let mut last = (0.0, 0.0, distance(start));
    for epoch in epochs {
        let now = (epoch.train_time.as_secs_f64(), epoch.epoch as f64, distance(epoch.objective));
        if now.2 <= wanted {
            // Where the start itself is near enough, nothing was needed.
            let part = if last.2 > now.2 { ((last.2 - wanted) / (last.2 - now.2)).max(0.0) } else { 0.0 };
            return Some(Reached {
                seconds: last.0 + part * (now.0 - last.0),
                epochs: last.1 + part * (now.1 - last.1),
            });
        }
        last = now;
    }
    None
}

/// Distances below it are rounding.
const LEAST_DISTANCE: f64 = 1e-12;
