//! When ascent creeps, turns of Newton's method
//! ([`Dual::newton`](crate::solver::dual::Dual::newton)) take the place of its passes; where these
//! cost about as much as passes, as soon as passes are not enough.

use crate::solver::convergence::passes_left;
use crate::solver::newton::dual::Turned;

/// Passes in which the gap does not halve, before the first turns.
const PATIENCE: usize = 8;
/// Most passes before further turns: each time that turns do not help, twice as many are waited
/// for.
const MOST_PATIENCE: usize = 64;
/// The share of the gap that a good turn leaves at most, and how many others end the turns. One
/// that was over at once counts less: its q was too small for the rounding, or too large to move
/// anything, and the next has another.
const GOOD: f64 = 0.9;
const MOST_IDLE: f64 = 3.0;
const LEAST_IDLE: f64 = 0.25;
/// What an easy turn costs at most, in passes over the data, and what it makes of q.
const EASY: f64 = 32.0;
const FARTHER: f64 = 0.3;
/// What a turn makes of q that did not come to its end, for all that it may have cost.
const NEARER: f64 = 4.0;

/// Where turns cost about as much as passes, they come if the gap needs more than so many further
/// passes; and, as k passes say little if k is small, `EARLY`/k more.
const SOON: f64 = 4.0;
const EARLY: f64 = 4.0;

/// Decides whether an epoch is a pass or a turn.
pub(super) struct NewtonPolicy {
    tolerance: f64,
    /// Whether turns cost about as much as passes.
    is_cheap: bool,
    /// Passes so far.
    passes: usize,
    /// The gap when it had last halved.
    mark: f64,
    /// Passes since then, or since the last turn.
    since: usize,
    /// After how many of them turns are taken.
    patience: usize,
    /// The gap before the next turn, if it is time for turns. Passes may have led away from the
    /// least gap so far: turns that come back to it do help.
    turn: Option<f64>,
    /// Turns that have left about as much.
    idle: f64,
    /// How dear moves are to a turn, after the first.
    q: Option<f64>,
}

impl NewtonPolicy {
    /// Begins with passes, towards a gap of `tolerance`.
    pub(super) fn new(tolerance: f64, is_cheap: bool) -> Self {
        NewtonPolicy {
            tolerance,
            is_cheap,
            passes: 0,
            mark: f64::INFINITY,
            since: 0,
            patience: PATIENCE,
            turn: None,
            idle: 0.0,
            q: None,
        }
    }

    /// Whether the next epoch is a turn.
    pub(super) fn is_turn(&self) -> bool {
        self.turn.is_some()
    }

    /// The next turn's q, which is `first` in the first turn.
    pub(super) fn q(&mut self, first: impl FnOnce() -> f64) -> f64 {
        *self.q.get_or_insert_with(first)
    }

    /// Sees the gap after a pass.
    pub(super) fn passed(&mut self, gap: f64) {
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
            (self.turn, self.idle) = (Some(gap), 0.0);
        }
    }

    /// Sees the gap after a turn.
    pub(super) fn turned(&mut self, gap: f64, turned: &Turned) {
        let is_good = self.turn.is_none_or(|last| gap < GOOD * last);
        self.idle =
            if is_good { 0.0 } else { self.idle + (turned.passes / EASY).clamp(LEAST_IDLE, 1.0) };
        let factor = match turned.has_arrived {
            true if turned.passes <= EASY => FARTHER,
            true => 1.0,
            false => NEARER,
        };
        self.q = Some(turned.q * factor);
        self.turn = (self.idle < MOST_IDLE).then_some(gap);
        if self.turn.is_none() {
            (self.mark, self.since, self.patience) =
                (self.mark.min(gap), 0, (2 * self.patience).min(MOST_PATIENCE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_where_passes_creep_and_go_where_they_are_idle() {
        let mut policy = NewtonPolicy::new(1e-9, false);
        let first = || 1.0;
        for k in 0..10 {
            policy.passed(f64::powi(0.4, k));
            assert!(!policy.is_turn(), "passes that halve the gap go on");
        }
        (0..PATIENCE).for_each(|_| policy.passed(f64::powi(0.4, 9)));
        assert!(policy.is_turn() && policy.q(first) == 1.0);
        let turned = |policy: &mut NewtonPolicy, gap: f64, passes: f64, has_arrived: bool| {
            let (weights, q) = (Vec::new(), policy.q.unwrap());
            policy.turned(gap, &Turned { weights, dual: 0.0, q, passes, has_arrived });
        };
        for k in 1..5 {
            turned(&mut policy, f64::powi(0.4, 9 + k), 3.0, true);
            assert!(policy.is_turn() && (policy.q(first) / FARTHER.powi(k) - 1.0).abs() < 1e-12);
        }
        let q = policy.q(first);
        for k in 1..=9 {
            turned(&mut policy, f64::powi(0.4, 14), 0.0, false);
            assert!(policy.is_turn() && policy.q(first) == q * NEARER.powi(k));
        }
        turned(&mut policy, f64::powi(0.4, 14), EASY + 1.0, true);
        assert!(!policy.is_turn());
        (0..2 * PATIENCE).for_each(|_| policy.passed(f64::powi(0.4, 13)));
        for has_arrived in [true, false, true] {
            assert!(policy.is_turn());
            turned(&mut policy, f64::powi(0.4, 13), EASY + 1.0, has_arrived);
        }
        assert!(!policy.is_turn());
        (0..4 * PATIENCE - 1).for_each(|_| policy.passed(f64::powi(0.4, 13)));
        assert!(!policy.is_turn());
        policy.passed(f64::powi(0.4, 13));
        assert!(policy.is_turn());
    }

    #[test]
    fn cheap_turns_come_where_passes_would_be_many() {
        let after = |gaps: &[f64]| {
            let mut policy = NewtonPolicy::new(1e-3, true);
            gaps.iter().for_each(|&gap| policy.passed(gap));
            policy.is_turn()
        };
        assert!(!after(&[0.4]), "one pass says little");
        assert!(after(&[0.9]) && after(&[1.0]) && after(&[0.7, 0.6]));
        assert!(!after(&[0.3, 0.1]) && !after(&[0.3, 0.1, 0.03]));
        assert!(after(&[0.7, 0.5, 0.4]));
    }
}
