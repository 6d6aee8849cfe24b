//! The step size and its schedule over a fit.

use crate::strategy::Clock;

/// Schedule of the step size eta, from its first value eta0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    /// Constant within an epoch, and multiplied by `factor` after each epoch that does not lower
    /// the objective by more than the fraction `gain`: the noise of large steps keeps such an epoch
    /// from gaining. Needs no knowledge of the problem. The default, with factor 0.5 and gain
    /// 0.001.
    Plateau {
        /// Factor, above 0 and below 1.
        factor: f64,
        /// Fraction of the objective, at least 0.
        gain: f64,
    },
    /// Always eta0.
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
    /// Returns the plateau schedule with factor 0.5 and gain 0.001.
    /// Record: D013.
    fn default() -> Self {
        Schedule::Plateau { factor: 0.5, gain: 0.001 }
    }
}

impl Schedule {
    /// Adapts the schedule to a fit that ends when epochs change the objective by less than the
    /// fraction `tolerance`: steps do not shrink while epochs gain more than that.
    #[must_use]
    pub fn until(self, tolerance: f64) -> Self {
        match self {
            Schedule::Plateau { factor, gain } if tolerance > 0.0 => {
                Schedule::Plateau { factor, gain: gain.min(tolerance) }
            }
            schedule => schedule,
        }
    }

    /// Returns the name in settings and reports.
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
    /// Factor by the feedback so far.
    scale: f64,
}

impl StepSize {
    /// Creates a step size that starts at `eta0`.
    pub fn new(eta0: f64, schedule: Schedule) -> Self {
        StepSize { eta0, schedule, scale: 1.0 }
    }

    /// Returns the step size at `clock`, for a problem of `terms` terms with this `l2`.
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

    /// Returns true if the step size is constant within an epoch.
    pub fn is_constant(&self) -> bool {
        !matches!(self.schedule, Schedule::Inverse)
    }

    /// Adapts the step size to the objective before and after an epoch.
    pub fn after_epoch(&mut self, before: f64, after: f64) {
        if let Schedule::Plateau { factor, gain } = self.schedule
            && before - after <= gain * before.abs()
        {
            self.scale *= factor;
        }
    }

    /// Halves this and all later step sizes.
    pub fn halve(&mut self) {
        self.scale *= 0.5;
    }

    /// Returns the first step size, eta0.
    pub fn first(&self) -> f64 {
        self.eta0
    }
}
