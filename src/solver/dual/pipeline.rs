//! Evaluating an epoch while the next one is visited; argued in `README.md`, "The pipeline".

use super::Dual;
use super::gap::Snapshot;
use crate::params::Real;

/// When the weights of an epoch are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    /// Before the visits of the next epoch.
    Immediate,
    /// While one thread makes the visits of the next epoch, if there are other threads. These
    /// visits are undone where the evaluation requires something else. They leave out examples by
    /// parts that are one epoch older.
    Overlapped,
}

/// The state that keeps one epoch intact while the next one is visited.
pub(super) struct Pipeline<R: Real> {
    /// The dual variables of the epoch that is evaluated.
    pub(super) snapshot: Snapshot<R>,
    /// True if the visits of the next epoch are made.
    pub(super) is_visited: bool,
}

impl<R: Real> Pipeline<R> {
    /// Allocates a snapshot for the dual variables of `rule`.
    pub(super) fn new(rule: &Dual<'_, R>) -> Self {
        Pipeline { snapshot: rule.snapshot(), is_visited: false }
    }

    /// Undoes the visits of the next epoch in the dual variables; the weights stay as they are.
    pub(super) fn undo(&mut self, rule: &mut Dual<'_, R>) {
        rule.restore(&self.snapshot);
        self.is_visited = false;
    }
}
