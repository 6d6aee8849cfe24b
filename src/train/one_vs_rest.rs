//! One-vs-rest: a binary problem for each class, over one copy of the rows.
//!
//! Classes are independent. If there are at least as many classes as threads, each thread trains
//! whole classes: no updates conflict, and the result does not depend on the number of threads.
//! With fewer classes, or clusters of threads, all threads train one class after the other.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::solver::{Event, Fit, Settings};
use crate::strategy::StrategyKind;
use crate::sync::plain::{AtomicBool, AtomicUsize, Ordering::Relaxed};

/// Treatment of more than two labels in classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Multiclass {
    /// One-vs-rest if there are more than two labels, which must be whole numbers; all at once with
    /// [`LossKind::Softmax`](crate::model::LossKind::Softmax), for any finite numbers.
    #[default]
    Auto,
    /// One-vs-rest if there are more than two labels, which may be any finite numbers.
    OneVsRest,
}

/// A training of `count` classes, `at_once` of them at the same time, with `threads` threads each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Classes {
    pub count: usize,
    pub at_once: usize,
    pub threads: usize,
}

/// Plans the training of `count` classes: how many at once, and the threads of each.
pub(super) fn plan(count: usize, settings: &Settings) -> Classes {
    let workers = settings.workers();
    match settings.strategy {
        StrategyKind::Auto | StrategyKind::Sequential | StrategyKind::Hogwild(_)
            if count >= workers =>
        {
            Classes { count, at_once: workers, threads: 1 }
        }
        _ => Classes { count, at_once: 1, threads: workers },
    }
}

/// The outcome of one class: its index, its fit, and the number of epochs that were rolled back.
type Done = (usize, Result<(Fit<f64>, usize)>);

/// Trains all classes. `solve` trains the one with the given index, by the given settings, and
/// reports events. `finished` receives each class's fit, on the calling thread; if it breaks, the
/// other classes end after an epoch each. Classes that have not had their turn when the time limit
/// has passed, or the fit is interrupted, have none.
///
/// # Errors
/// The first error of `solve`. Classes that are being trained at that time are trained to the end.
pub(super) fn fit_all(
    classes: Classes,
    settings: &Settings,
    solve: impl Fn(usize, &Settings, &mut dyn FnMut(Event<'_>) -> ControlFlow<()>) -> Result<Fit<f64>>
    + Sync,
    mut finished: impl FnMut(usize, Fit<f64>, usize) -> ControlFlow<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let (failed, is_stopped) = (AtomicBool::new(false), AtomicBool::new(false));
    let started = Instant::now();
    let work = |done: SyncSender<Done>| {
        while !failed.load(Relaxed) {
            let class = next.fetch_add(1, Relaxed);
            if class >= classes.count || class >= classes.at_once && is_over(settings, started) {
                return;
            }
            let settings = Settings {
                threads: classes.threads,
                time_limit: settings.time_limit.map(|limit| {
                    let rounds = (classes.count - class).div_ceil(classes.at_once);
                    limit.saturating_sub(started.elapsed()) / rounds as u32
                }),
                ..settings.clone()
            };
            let mut undone = 0;
            let fit = solve(class, &settings, &mut |event| {
                undone += usize::from(matches!(event, Event::RolledBack { .. }));
                if is_stopped.load(Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if fit.is_err() {
                failed.store(true, Relaxed);
            }
            // The receiver waits for the last sender, or has an error to return.
            let _ = done.send((class, fit.map(|fit| (fit, undone))));
        }
    };
    thread::scope(|scope| {
        // No thread runs ahead of the receiver: weights may be large.
        let (done, results) = mpsc::sync_channel(1);
        for k in 0..classes.at_once {
            let done = done.clone();
            let started = thread::Builder::new().spawn_scoped(scope, || work(done));
            if let Err(error) = started {
                failed.store(true, Relaxed);
                return Err(Error::io(format!("<class thread {k}>"), "start", error));
            }
        }
        drop(done);
        for (class, fit) in results {
            let (fit, undone) = fit?;
            if finished(class, fit, undone).is_break() {
                is_stopped.store(true, Relaxed);
            }
        }
        Ok(())
    })
}

/// Returns true if no further class may begin.
fn is_over(settings: &Settings, started: Instant) -> bool {
    settings.interrupt.load(Relaxed)
        || settings.time_limit.is_some_and(|limit| started.elapsed() >= limit)
}

/// A matrix that holds one vector a class, coordinate by coordinate.
pub(super) struct Columns {
    classes: NonZeroUsize,
    weights: Vec<f64>,
}

impl Columns {
    /// Creates a matrix of zeros.
    ///
    /// # Errors
    /// [`Error::Input`] if it does not fit in memory. `name` is that of the data.
    pub(super) fn new(name: &str, width: usize, classes: NonZeroUsize) -> Result<Self> {
        let count = width.saturating_mul(classes.get());
        let needed = (count as u64).saturating_mul(size_of::<f64>() as u64);
        Budget::now().check(needed).map_err(|shortage| {
            let what = format!("a model of {classes} classes with {width} weights each");
            let hint =
                "join classes, or give `--loss squared` or `--loss huber` if labels are amounts";
            shortage.into_error(name, &what, hint)
        })?;
        Ok(Columns { classes, weights: vec![0.0; count] })
    }

    /// Sets the vector of a class.
    pub(super) fn set(&mut self, class: usize, vector: &[f64]) {
        let rows = self.weights.chunks_exact_mut(self.classes.get());
        rows.zip(vector).for_each(|(row, &weight)| row[class] = weight);
    }

    pub(super) fn into_weights(self) -> Vec<f64> {
        self.weights
    }
}

#[cfg(test)]
mod tests;
