//! How the step size changes over a fit.

use crate::strategy::Clock;

/// The course of the step size eta, from its first value eta0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// Constant within an epoch; times `factor` after each epoch that does not lower the objective
    /// by more than the share `gain`. The noise of large steps is what keeps an epoch from gaining;
    /// no knowledge of the problem is needed.
    Plateau {
        /// Factor, above 0 and below 1.
        factor: f64,
        /// Share of the objective, at least 0.
        gain: f64,
    },
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

impl Default for Schedule {
    fn default() -> Self {
        Schedule::Plateau { factor: 0.5, gain: 0.001 }
    }
}

impl Schedule {
    /// The same for a fit that ends when epochs change the objective by less than the share
    /// `tolerance`: steps do not become shorter while epochs gain more than that.
    pub fn until(self, tolerance: f64) -> Self {
        match self {
            Schedule::Plateau { factor, gain } if tolerance > 0.0 => {
                Schedule::Plateau { factor, gain: gain.min(tolerance) }
            }
            schedule => schedule,
        }
    }

    /// The name in settings and reports.
    pub fn name(self) -> &'static str {
        match self {
            Schedule::Plateau { .. } => "plateau",
            Schedule::Constant => "constant",
            Schedule::Inverse => "inverse",
            Schedule::Geometric { .. } => "geometric",
        }
    }
}

/// A step size that follows a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSize {
    eta0: f64,
    schedule: Schedule,
    /// What feedback made of it so far.
    scale: f64,
}

impl StepSize {
    /// The step size `eta0` and its course.
    pub fn new(eta0: f64, schedule: Schedule) -> Self {
        StepSize { eta0, schedule, scale: 1.0 }
    }

    /// The step size at `clock`, for a problem of `terms` terms under strength `l2`.
    pub fn at(&self, clock: Clock, terms: usize, l2: f64) -> f64 {
        let eta0 = self.eta0 * self.scale;
        match self.schedule {
            Schedule::Plateau { .. } | Schedule::Constant => eta0,
            Schedule::Inverse => eta0 / (1.0 + l2 * eta0 * (clock.before + clock.within) as f64),
            Schedule::Geometric { decay } => {
                let epoch = clock.before / terms as u64;
                eta0 * decay.powf(epoch as f64)
            }
        }
    }

    /// Whether the step size is constant within an epoch.
    pub fn is_constant(&self) -> bool {
        !matches!(self.schedule, Schedule::Inverse)
    }

    /// Tells what an epoch did to the objective.
    pub fn after_epoch(&mut self, before: f64, after: f64) {
        if let Schedule::Plateau { factor, gain } = self.schedule
            && before - after <= gain * before.abs()
        {
            self.scale *= factor;
        }
    }

    /// Halves this and all later steps.
    pub fn halve(&mut self) {
        self.scale *= 0.5;
    }

    /// The first step size, as halved so far.
    pub fn first(&self) -> f64 {
        self.eta0
    }
}
