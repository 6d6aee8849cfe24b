//! Judging an epoch while the next one is made; argued in `src/strategy/README.md`, "Judging
//! behind".

use super::gap::{Gap, Snapshot};
use super::{Ascent, Dual, is_much};
use crate::error::Result;
use crate::parallel;
use crate::params::Real;
use crate::solver::driver::FitDriver;

/// When the weights that an epoch leaves are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    /// Before the next one begins.
    After,
    /// While one thread visits the examples once more, if there are others: what it does is an
    /// epoch ahead, and is undone where the judgment asks for something else. Visits leave out what
    /// was little one epoch earlier.
    Behind,
}

/// What is needed to judge an epoch while the next one is made.
pub(super) struct Pipeline<R: Real> {
    /// The dual variables of the epoch that is judged.
    pub(super) snapshot: Snapshot<R>,
    /// Whether the visits of the next epoch are made.
    pub(super) is_visited: bool,
}

impl<R: Real> Pipeline<R> {
    /// Room for the dual variables of `rule`.
    pub(super) fn new(rule: &Dual<'_, R>) -> Self {
        Pipeline { snapshot: rule.snapshot(), is_visited: false }
    }
}

impl<R: Real> Ascent<'_, R> {
    /// Judges the weights that the visits so far have left, while those of the next epoch are made,
    /// `passes` times; says whether the weights were made anew.
    pub(super) fn measure_behind(
        &mut self,
        driver: &mut FitDriver<'_, R>,
        ahead: &mut Pipeline<R>,
        passes: usize,
    ) -> Result<(Gap, bool)> {
        parallel::copy(&mut self.now, driver.weights());
        self.rule.capture(&mut ahead.snapshot);
        let visits = self.problem.dual_visits(&self.rule);
        let (visited, (judged, drift)) = parallel::both(
            || (0..passes).try_for_each(|_| driver.pass(&*visits)),
            || {
                let judged = self.rule.gap_of_snapshot(&mut ahead.snapshot, &self.now);
                let drift = || self.rule.drift_of_snapshot(&ahead.snapshot, &self.now, &self.w);
                (judged, self.wants_drift(judged).then(drift))
            },
        );
        drop(visits);
        visited?;
        ahead.is_visited = true;
        self.rule.adopt_parts(&mut ahead.snapshot);
        if drift.is_some_and(|drift| is_much(drift, judged)) {
            self.rule.restore(&ahead.snapshot);
            ahead.is_visited = false;
        }
        Ok(self.conclude(judged, drift))
    }

    /// Whether the epoch that is about to be judged will probably not be the last.
    pub(super) fn goes_on(&self) -> bool {
        // If the gap falls once more as it did.
        let is_last = self.gap_last * self.gap_last <= self.tolerance * self.gap_before;
        self.epochs_left > 0 && !is_last
    }
}
