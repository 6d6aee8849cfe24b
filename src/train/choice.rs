//! The choice of a strategy for those who leave it to the program; the rule is argued in `src/strategy/README.md`.

use super::{Fit, Settings, Sharing};
use crate::error::Result;
use crate::hessian;
use crate::params::Real;
use crate::problem::Problem;
use crate::strategy::{Order, Update};

/// When a solver may move copies of the weights that are merged as often as they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// Only of weights that many terms touch: of the others, all copies would make up for the same error before they meet.
    OfHot,
    /// Of all weights.
    OfAll,
    /// The problem does not bear sums of movements.
    NotSummed,
    /// What the solver keeps beside the weights would not follow the copies.
    Never,
}

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Threads that would get something to do.
    workers: usize,
    width: usize,
    /// Coordinates that the terms touch, summed over all terms.
    touches: usize,
}

/// Fewest touches of an epoch that are worth sharing: it takes as long as waking a thread a few times.
const FEW: usize = 50_000;
/// The same where copies of hot weights meet, and the others are contended for; and fewest threads, if there are so many
/// weights that few are hot.
const FEW_CONTENDED: usize = 1 << 21;
const FEW_CONTENDING: usize = 3;
/// Most weights in all copies together, for each touch of an epoch: above that, copies would take more memory than twice
/// the data.
const COPIED: usize = 2;

/// Trains by `train` with the sharing that suits the problem, and leaves the reason in the fit.
pub(super) fn choose<R: Real>(
    problem: &impl Problem,
    settings: &Settings,
    copies: Copies,
    train: impl FnOnce(&Settings) -> Result<Fit<R>>,
) -> Result<Fit<R>> {
    let workers = settings.workers().min(Order::new(problem.terms()).blocks());
    let size = Size { workers, width: problem.width(), touches: problem.touches() };
    let (sharing, reason) = size.sharing(copies);
    // Whoever visits the terms, all threads do what else there is, if that takes a while.
    let threads = if size.touches < FEW { 1 } else { workers };
    let mut fit = train(&Settings { sharing, threads, ..settings.clone() })?;
    fit.began.reason = Some(reason);
    Ok(fit)
}

impl Size {
    /// How to share the weights, and why.
    fn sharing(self, copies: Copies) -> (Sharing, String) {
        let Size { workers, width, touches } = self;
        if workers == 1 {
            return (Sharing::Sequential, "one thread has nobody to share with".into());
        }
        if touches < FEW {
            let reason = format!("an epoch of {touches} non-zeros is over before other threads have begun");
            return (Sharing::Sequential, reason);
        }
        let is_narrow = hessian::is_small(width, touches);
        let are_few = touches < FEW_CONTENDED || workers < FEW_CONTENDING && !is_narrow;
        if copies == Copies::OfHot && are_few {
            let others = if is_narrow { "all do the rest" } else { "the others judge the epoch before" };
            let reason = format!(
                "one thread visits {touches} non-zeros sooner than threads that contend for the weights; {others}"
            );
            return (Sharing::Sequential, reason);
        }
        if copies == Copies::OfHot {
            let reason = "all threads on one vector, but for copies of the weights that many examples touch";
            return (Sharing::Hogwild(Update::Split), reason.into());
        }
        if copies == Copies::NotSummed {
            let reason =
                "all threads on one vector: the problem's steps project, so copies cannot be summed".into();
            return (Sharing::Hogwild(Update::Wild), reason);
        }
        if copies == Copies::Never {
            let reason = "all threads on one vector: the solver's average gradient has no copies".into();
            return (Sharing::Hogwild(Update::Wild), reason);
        }
        if width > touches || width.saturating_mul(workers) > COPIED * touches {
            let reason = format!(
                "{touches} non-zeros seldom meet on {width} weights, which are too many for a copy a thread"
            );
            return (Sharing::Hogwild(Update::Wild), reason);
        }
        let reason =
            format!("a copy of the {width} weights for each thread, merged as often as they are used");
        (Sharing::Hogwild(Update::Merged), reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_follows_threads_and_sizes() {
        let chosen = |workers, width, touches| Size { workers, width, touches }.sharing(Copies::OfAll).0;
        assert_eq!(chosen(1, 100, 1 << 30), Sharing::Sequential);
        assert_eq!(chosen(8, 100, FEW - 1), Sharing::Sequential);
        assert_eq!(chosen(8, 1000, FEW), Sharing::Hogwild(Update::Merged));
        assert_eq!(chosen(2, 1 << 20, 1 << 20), Sharing::Hogwild(Update::Merged));
        assert_eq!(chosen(2, 1 << 20, (1 << 20) - 1), Sharing::Hogwild(Update::Wild));
        assert_eq!(chosen(4, 1 << 20, 1 << 20), Sharing::Hogwild(Update::Wild), "too much memory");
    }

    #[test]
    fn the_choice_follows_what_the_solver_bears() {
        let chosen = |copies, width, touches| Size { workers: 4, width, touches }.sharing(copies).0;
        let [sequential, wild, merged] =
            [Sharing::Sequential, Sharing::Hogwild(Update::Wild), Sharing::Hogwild(Update::Merged)];
        assert_eq!(chosen(Copies::OfAll, 999, FEW), merged);
        assert_eq!(chosen(Copies::OfHot, 999, FEW_CONTENDED - 1), sequential);
        assert_eq!(chosen(Copies::OfHot, 999, FEW_CONTENDED), Sharing::Hogwild(Update::Split));
        let by_two = |width| Size { workers: 2, width, touches: 10 * FEW_CONTENDED }.sharing(Copies::OfHot);
        assert_eq!(by_two(99).0, Sharing::Hogwild(Update::Split), "all weights are hot");
        assert_eq!(by_two(99_999).0, sequential);
        assert!(by_two(99_999).1.ends_with("; the others judge the epoch before"));
        let split = Size { workers: 4, width: 999, touches: FEW_CONTENDED }.sharing(Copies::OfHot).1;
        assert_eq!(
            split,
            "all threads on one vector, but for copies of the weights that many examples touch"
        );
        assert_eq!(chosen(Copies::Never, 999, FEW), wild);
        assert_eq!(chosen(Copies::Never, 999, FEW - 1), sequential);
    }
}
