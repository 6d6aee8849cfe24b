//! The subproblem of a round: the smoothed losses, and the cost that is left for its solution.

use crate::solver::newton::hessian::Assembly;

/// The smoothed losses to minimize, and the resources to do it with.
pub(super) struct Subproblem<'a> {
    /// The dual variables that the losses are smoothed around.
    pub center: Vec<f64>,
    /// Cost of moves away from them; 0 leaves smooth losses as they are.
    pub q: f64,
    /// Entries that may still be visited.
    pub budget: usize,
    /// Returns true if the epoch must end early.
    pub must_stop: &'a (dyn Fn() -> bool + Sync),
    pub assembly: Assembly,
    /// Buffers of one number per example, from points that were left.
    pub spare: Vec<Vec<f64>>,
}

impl Subproblem<'_> {
    /// Takes the cost of visiting `entries` from the budget. Returns false if it is not affordable,
    /// or the epoch must end.
    pub fn pay(&mut self, entries: usize) -> bool {
        let can_pay = self.budget >= entries && !(self.must_stop)();
        self.budget = self.budget.saturating_sub(entries);
        can_pay
    }
}
