//! Newton policy: decides when Newton epochs
//! ([`Dual::newton`](crate::solver::dual::Dual::newton)) take the place of passes. They do where
//! passes converge slowly, and where they cost about as much as passes, as soon as a few passes are
//! not enough.

use crate::solver::convergence::passes_left;
use crate::solver::newton::dual::NewtonOutcome;

/// Passes in which the gap does not halve, before the first Newton epochs.
const PATIENCE: usize = 8;
/// Most such passes before further Newton epochs: their number doubles each time that Newton epochs
/// do not help.
const MOST_PATIENCE: usize = 64;
/// Largest fraction of the gap that a good Newton epoch leaves.
const GOOD: f64 = 0.9;
/// Number of consecutive idle (not good) ones after which passes come again.
const MOST_IDLE: f64 = 3.0;
/// Least that an idle one counts, for those that were over at once: their q was too small for the
/// rounding, or too large to move anything, and the next one has another q.
/// Record: D132.
const LEAST_IDLE: f64 = 0.25;
/// Most passes over the data that an easy Newton epoch costs.
/// Record: D122.
const EASY: f64 = 32.0;
/// Factor on q after an easy Newton epoch.
/// Record: D096.
const FARTHER: f64 = 0.3;
/// Factor on q after a Newton epoch that did not reach its target, for all that it may have cost.
/// Record: D123.
const NEARER: f64 = 4.0;

/// Where Newton epochs cost about as much as passes, they come if the gap needs more than this many
/// further passes.
/// Record: D116.
const SOON: f64 = 4.0;
/// After k passes, `EARLY`/k further ones are allowed, as few passes say little.
/// Record: D116.
const EARLY: f64 = 4.0;

/// Decides between passes and Newton epochs.
pub(super) struct NewtonPolicy {
    tolerance: f64,
    /// True if Newton epochs cost about as much as passes.
    is_cheap: bool,
    /// Passes so far.
    passes: usize,
    /// The gap as of the last time that it halved.
    mark: f64,
    /// Passes since then, or since the last Newton epoch.
    since: usize,
    /// Number of them after which Newton epochs come.
    patience: usize,
    /// The gap before the next epoch, if that is a Newton epoch. It is not the smallest gap so far:
    /// passes may have led away from that, and Newton epochs that come back to it do help.
    gap_before_newton: Option<f64>,
    /// Consecutive idle Newton epochs, those that were over soon counted in part.
    idle: f64,
    /// Cost of moves in the next Newton epoch; `None` before the first.
    q: Option<f64>,
}

impl NewtonPolicy {
    /// Creates a policy that begins with passes, towards a gap of `tolerance`.
    pub(super) fn new(tolerance: f64, is_cheap: bool) -> Self {
        NewtonPolicy {
            tolerance,
            is_cheap,
            passes: 0,
            mark: f64::INFINITY,
            since: 0,
            patience: PATIENCE,
            gap_before_newton: None,
            idle: 0.0,
            q: None,
        }
    }

    /// Returns true if the next epoch is a Newton epoch.
    pub(super) fn is_newton(&self) -> bool {
        self.gap_before_newton.is_some()
    }

    /// Returns q for the next Newton epoch; `first` for the first one.
    pub(super) fn q(&mut self, first: impl FnOnce() -> f64) -> f64 {
        *self.q.get_or_insert_with(first)
    }

    /// Records the gap after a pass.
    pub(super) fn record_pass(&mut self, gap: f64) {
        self.passes += 1;
        self.since += 1;
        if gap < self.mark / 2.0 {
            (self.mark, self.since) = (gap, 0);
        }
        let soon = SOON + EARLY / self.passes as f64;
        let is_slow = self.q.is_none()
            && self.is_cheap
            && passes_left(self.passes, gap, self.tolerance) > soon;
        if self.since >= self.patience || is_slow {
            (self.gap_before_newton, self.idle) = (Some(gap), 0.0);
        }
    }

    /// Records the gap after a Newton epoch.
    pub(super) fn record_newton(&mut self, gap: f64, outcome: &NewtonOutcome) {
        let is_good = self.gap_before_newton.is_none_or(|last| gap < GOOD * last);
        self.idle =
            if is_good { 0.0 } else { self.idle + (outcome.passes / EASY).clamp(LEAST_IDLE, 1.0) };
        let factor = match outcome.has_converged {
            true if outcome.passes <= EASY => FARTHER,
            true => 1.0,
            false => NEARER,
        };
        self.q = Some(outcome.q * factor);
        self.gap_before_newton = (self.idle < MOST_IDLE).then_some(gap);
        if self.gap_before_newton.is_none() {
            (self.mark, self.since, self.patience) =
                (self.mark.min(gap), 0, (2 * self.patience).min(MOST_PATIENCE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newton_comes_where_passes_are_slow_and_goes_where_it_is_idle() {
        let mut policy = NewtonPolicy::new(1e-9, false);
        let first = || 1.0;
        for k in 0..10 {
            policy.record_pass(f64::powi(0.4, k));
            assert!(!policy.is_newton(), "passes that halve the gap go on");
        }
        (0..PATIENCE).for_each(|_| policy.record_pass(f64::powi(0.4, 9)));
        assert!(policy.is_newton() && policy.q(first) == 1.0);
        let run = |policy: &mut NewtonPolicy, gap: f64, passes: f64, has_converged: bool| {
            let (weights, q) = (Vec::new(), policy.q.unwrap());
            policy.record_newton(
                gap,
                &NewtonOutcome { weights, dual: 0.0, q, passes, has_converged },
            );
        };
        for k in 1..5 {
            run(&mut policy, f64::powi(0.4, 9 + k), 3.0, true);
            assert!(policy.is_newton() && (policy.q(first) / FARTHER.powi(k) - 1.0).abs() < 1e-12);
        }
        let q = policy.q(first);
        for k in 1..=9 {
            run(&mut policy, f64::powi(0.4, 14), 0.0, false);
            assert!(policy.is_newton() && policy.q(first) == q * NEARER.powi(k));
        }
        run(&mut policy, f64::powi(0.4, 14), EASY + 1.0, true);
        assert!(!policy.is_newton());
        (0..2 * PATIENCE).for_each(|_| policy.record_pass(f64::powi(0.4, 13)));
        for has_converged in [true, false, true] {
            assert!(policy.is_newton());
            run(&mut policy, f64::powi(0.4, 13), EASY + 1.0, has_converged);
        }
        assert!(!policy.is_newton());
        (0..4 * PATIENCE - 1).for_each(|_| policy.record_pass(f64::powi(0.4, 13)));
        assert!(!policy.is_newton());
        policy.record_pass(f64::powi(0.4, 13));
        assert!(policy.is_newton());
    }

    #[test]
    fn cheap_newton_epochs_come_where_passes_would_be_many() {
        let after = |gaps: &[f64]| {
            let mut policy = NewtonPolicy::new(1e-3, true);
            gaps.iter().for_each(|&gap| policy.record_pass(gap));
            policy.is_newton()
        };
        assert!(!after(&[0.4]), "one pass says little");
        assert!(after(&[0.9]) && after(&[1.0]) && after(&[0.7, 0.6]));
        assert!(!after(&[0.3, 0.1]) && !after(&[0.3, 0.1, 0.03]));
        assert!(after(&[0.7, 0.5, 0.4]));
    }
}
