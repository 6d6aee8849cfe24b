//! How the step size changes over a fit.

use super::Clock;

/// The course of the step size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// eta0 throughout.
    Constant,
    /// eta0 / (1 + l2*eta0*t) after t visits (Bottou, 2010).
    Inverse,
    /// eta0 * decay^epoch, constant within an epoch (Niu et al., 2011).
    Geometric {
        /// Factor per epoch, above 0 and at most 1.
        decay: f64,
    },
}

/// A step size that follows a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSize {
    /// The first step size.
    pub eta0: f64,
    /// Its course.
    pub schedule: Schedule,
}

impl StepSize {
    /// The step size at `clock`, for a problem of `terms` terms under strength `l2`.
    pub fn at(&self, clock: Clock, terms: usize, l2: f64) -> f64 {
        match self.schedule {
            Schedule::Constant => self.eta0,
            Schedule::Inverse => self.eta0 / (1.0 + l2 * self.eta0 * clock.visits as f64),
            Schedule::Geometric { decay } => {
                let epoch = (clock.visits / terms as u64).min(i32::MAX as u64) as i32;
                self.eta0 * decay.powi(epoch)
            }
        }
    }
}
