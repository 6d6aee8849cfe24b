//! The plan of a fit, made once: the strategy, how many threads visit terms and how many help, and
//! why. `src/solver/README.md` argues the order in which `auto` chooses.

use std::thread;

use super::Settings;
use super::newton::hessian;
use crate::error::Result;
use crate::params::Real;
use crate::strategy::{
    ClusterConfig, HogwildPlusPlus, Layout, Merging, Order, Strategy, StrategyKind, Topology,
    Update,
};

/// The choices that a fit is run by.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The strategy; not [`StrategyKind::Auto`].
    pub strategy: StrategyKind,
    /// Threads that visit terms.
    pub visitors: usize,
    /// Threads for dense passes.
    pub helpers: usize,
    /// Terms whose visits are planned on the same weights.
    pub batch: usize,
    /// Why the strategy was chosen, if that was left to the program.
    pub reason: Option<String>,
    /// Number of terms, and of coordinates.
    terms: usize,
    width: usize,
}

/// The copies of the weights, merged as often as they are used, that a solver allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// Only of weights that many terms touch: all copies of the others would correct the same error
    /// before they are merged.
    OfHot,
    /// Of all weights.
    OfAll,
    /// None whose movements are summed: the problem's steps project.
    NotSummed,
    /// None: the solver's state beside the weights would not follow the copies.
    Never,
}

/// The sizes that `auto` decides by.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Threads that would get blocks.
    workers: usize,
    width: usize,
    /// Coordinates that a term touches, summed over all terms: the number of non-zeros.
    touches: usize,
}

/// Fewest non-zeros for more than one thread: such an epoch takes as long as waking a thread a few
/// times.
/// Record: D045.
const FEW: usize = 50_000;
/// Fewest non-zeros for more than one thread where only hot weights have copies, and threads
/// contend for the others.
/// Record: D134.
const FEW_CONTENDED: usize = 1 << 21;
/// Fewest threads there, unless the Hessian is small: with more weights than that, few are hot.
/// Record: D201.
const FEW_CONTENDING: usize = 3;
/// Most weights in all copies together, per non-zero: above that, copies would take more than twice
/// the memory of the data.
/// Record: D046.
const COPIED: usize = 2;

impl Plan {
    /// Plans a fit of a problem with this many terms, coordinates (`width`) and non-zeros
    /// (`touches`).
    pub fn new(
        terms: usize,
        width: usize,
        touches: usize,
        settings: &Settings,
        copies: Copies,
    ) -> Self {
        // A worker that never gets a block would only cost its thread.
        let workers = settings.workers().min(Order::new(terms).blocks());
        let (strategy, threads, reason) = match settings.strategy {
            StrategyKind::Auto => {
                let (strategy, reason) = Size { workers, width, touches }.strategy(copies);
                // All threads help with the dense passes, however many visit terms, if these
                // passes take longer than waking the threads.
                (strategy, if touches < FEW { 1 } else { workers }, Some(reason))
            }
            StrategyKind::Sequential => (StrategyKind::Sequential, settings.threads.max(1), None),
            strategy => (strategy, workers, None),
        };
        Plan {
            strategy,
            visitors: if strategy == StrategyKind::Sequential { 1 } else { workers },
            helpers: threads.min(thread::available_parallelism().map_or(1, usize::from)),
            batch: settings.batch.unwrap_or(strategy.usual_batch()),
            reason,
            terms,
            width,
        }
    }

    /// Plans a fit that visits no terms one by one: all threads make dense passes.
    pub fn dense(terms: usize, width: usize, touches: usize, settings: &Settings) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let threads = if settings.threads == 0 { cores } else { settings.threads };
        let helpers = if touches < FEW { 1 } else { threads.min(cores) };
        let strategy = StrategyKind::Sequential;
        Plan { strategy, visitors: 1, helpers, batch: 1, reason: None, terms, width }
    }

    /// Creates the strategy of the plan.
    ///
    /// # Errors
    /// [`Error::Io`] if workers are to be pinned and the system refuses that.
    pub fn make<'a, R: Real>(&self, settings: &Settings) -> Result<Box<dyn Strategy<R> + 'a>> {
        let layout =
            |config: &ClusterConfig, topology: &Topology| self.layout(config, settings, topology);
        self.strategy.make(self.visitors, self.batch, &layout)
    }

    /// Lays the workers out in clusters, for hogwild++.
    pub fn layout(
        &self,
        config: &ClusterConfig,
        settings: &Settings,
        topology: &Topology,
    ) -> Layout {
        config.layout(self.visitors, topology, self.terms, self.width, settings.pin)
    }

    /// Creates hogwild++ whose clusters' changes are summed up.
    ///
    /// # Errors
    /// As for [`Plan::make`].
    pub fn summed_clusters<'a, R: Real>(
        &self,
        layout: Layout,
    ) -> Result<Box<dyn Strategy<R> + 'a>> {
        let layout = Layout { merging: Merging::Summed, ..layout };
        Ok(Box::new(HogwildPlusPlus::new(layout, &Topology::detect())?))
    }
}

impl Size {
    /// Chooses the strategy, and says why.
    fn strategy(self, copies: Copies) -> (StrategyKind, String) {
        let Size { workers, width, touches } = self;
        if workers == 1 {
            return (StrategyKind::Sequential, "there is only one thread".into());
        }
        if touches < FEW {
            let reason = format!(
                "an epoch of {touches} non-zeros is over before other threads have started"
            );
            return (StrategyKind::Sequential, reason);
        }
        let is_narrow = hessian::is_small(width, touches);
        let are_few = touches < FEW_CONTENDED;
        if copies == Copies::OfHot && (are_few || workers < FEW_CONTENDING && !is_narrow) {
            let why = match are_few {
                true => format!("{touches} non-zeros are too few to split"),
                false => format!("{workers} threads would contend for the weights"),
            };
            let rest = match is_narrow {
                true => "dense passes use all threads",
                false => "the other threads evaluate the previous epoch",
            };
            let reason = format!("single-threaded updates: {why}; {rest}");
            return (StrategyKind::Sequential, reason);
        }
        if copies == Copies::OfHot {
            let reason =
                "all threads share one vector, with copies of the weights that many examples touch";
            return (StrategyKind::Hogwild(Update::Split), reason.into());
        }
        if copies == Copies::NotSummed {
            let reason =
                "all threads share one vector: the problem's steps project, so copies cannot be summed".into();
            return (StrategyKind::Hogwild(Update::Wild), reason);
        }
        if copies == Copies::Never {
            let reason =
                "all threads share one vector: the solver's average gradient has no copies".into();
            return (StrategyKind::Hogwild(Update::Wild), reason);
        }
        if width > touches || width.saturating_mul(workers) > COPIED * touches {
            let reason = format!(
                "all threads share one vector: {touches} non-zeros rarely conflict on {width} weights, which are too many to copy for each thread"
            );
            return (StrategyKind::Hogwild(Update::Wild), reason);
        }
        let reason = format!(
            "a copy of the {width} weights for each thread, merged as often as they are used"
        );
        (StrategyKind::Hogwild(Update::Merged), reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_follows_threads_and_sizes() {
        let chosen =
            |workers, width, touches| Size { workers, width, touches }.strategy(Copies::OfAll).0;
        assert_eq!(chosen(1, 100, 1 << 30), StrategyKind::Sequential);
        assert_eq!(chosen(8, 100, FEW - 1), StrategyKind::Sequential);
        assert_eq!(chosen(8, 1000, FEW), StrategyKind::Hogwild(Update::Merged));
        assert_eq!(chosen(2, 1 << 20, 1 << 20), StrategyKind::Hogwild(Update::Merged));
        assert_eq!(chosen(2, 1 << 20, (1 << 20) - 1), StrategyKind::Hogwild(Update::Wild));
        assert_eq!(
            chosen(4, 1 << 20, 1 << 20),
            StrategyKind::Hogwild(Update::Wild),
            "too much memory"
        );
    }

    #[test]
    fn the_choice_follows_the_copies_that_the_solver_allows() {
        let chosen =
            |copies, width, touches| Size { workers: 4, width, touches }.strategy(copies).0;
        let [sequential, wild, merged] = [
            StrategyKind::Sequential,
            StrategyKind::Hogwild(Update::Wild),
            StrategyKind::Hogwild(Update::Merged),
        ];
        assert_eq!(chosen(Copies::OfAll, 999, FEW), merged);
        assert_eq!(chosen(Copies::OfHot, 999, FEW_CONTENDED - 1), sequential);
        assert_eq!(chosen(Copies::OfHot, 999, FEW_CONTENDED), StrategyKind::Hogwild(Update::Split));
        let by_two =
            |width| Size { workers: 2, width, touches: 10 * FEW_CONTENDED }.strategy(Copies::OfHot);
        assert_eq!(by_two(99).0, StrategyKind::Hogwild(Update::Split), "all weights are hot");
        assert_eq!(by_two(99_999).0, sequential);
        assert!(by_two(99_999).1.ends_with("; the other threads evaluate the previous epoch"));
        let split =
            Size { workers: 4, width: 999, touches: FEW_CONTENDED }.strategy(Copies::OfHot).1;
        assert_eq!(
            split,
            "all threads share one vector, with copies of the weights that many examples touch"
        );
        assert_eq!(chosen(Copies::Never, 999, FEW), wild);
        assert_eq!(chosen(Copies::Never, 999, FEW - 1), sequential);
    }
}
