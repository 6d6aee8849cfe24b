//! A model of the time of an epoch, composed of measured times (as in Paleo: Qi, Sparks &
//! Talwalkar, ICLR 2017).
//!
//! With P threads, each on its own processor, an epoch over N non-zeros takes
//!
//! ```text
//! T(P) = (T(1) - S(1))/P + S(P) + B(P) + g*C(P)
//! ```
//!
//! where S is the time of streaming the rows, which speeds up as far as the memory allows, the rest
//! of T(1) is divided among the threads, and B is an epoch without work. C is the cost of sharing
//! (`sharing_cost.rs`).
//!
//! T(1) is measured, so one thread does not test the model. g is 1; if points between one thread
//! and the largest number are measured, it is fitted to these, never to the largest.

use super::Floor;
use super::pieces::Pieces;
use super::point::{Point, Prediction};
use crate::strategy::{StrategyKind, Topology};

/// Inputs of the model.
pub(super) struct Machine<'a> {
    pub(super) pieces: Pieces,
    pub(super) streaming: &'a [Floor],
    /// Number of examples that hold each feature.
    pub(super) frequencies: Vec<u32>,
    pub(super) examples: usize,
    pub(super) nonzeros: usize,
    pub(super) topology: Topology,
}

impl Machine<'_> {
    /// Adds predictions to the points of one strategy, in ascending order of threads.
    pub(super) fn predict(&self, strategy: StrategyKind, points: &mut [Point]) {
        let Some(single) = points.first().filter(|point| point.threads == 1) else { return };
        let single = single.epoch_seconds.median;
        let most =
            points.iter().filter(|point| !point.oversubscribed).map(|point| point.threads).max();
        let fitted = |point: &Point| {
            point.threads > 1
                && !point.oversubscribed
                && most.is_some_and(|most| point.threads < most)
        };
        let (mut numerator, mut denominator) = (0.0, 0.0);
        for point in points.iter().filter(|point| fitted(point)) {
            let cost = self.sharing(strategy, single, point.threads);
            numerator += cost * (point.epoch_seconds.median - self.base(single, point.threads));
            denominator += cost * cost;
        }
        let scale = if denominator > 0.0 { (numerator / denominator).max(0.0) } else { 1.0 };
        for point in points {
            let cost = if point.threads == 1 {
                0.0
            } else {
                scale * self.sharing(strategy, single, point.threads)
            };
            let seconds =
                if point.threads == 1 { single } else { self.base(single, point.threads) + cost };
            point.prediction = Some(Prediction {
                epoch_seconds: seconds,
                error: seconds / point.epoch_seconds.median - 1.0,
                used: point.threads == 1 || fitted(point),
            });
        }
    }

    /// Returns the time of an epoch whose threads do not conflict.
    fn base(&self, single: f64, threads: usize) -> f64 {
        let floor = |threads| self.streaming.iter().find(|floor| floor.threads == threads);
        let seconds = |threads| floor(threads).map_or(0.0, |floor| floor.seconds.median);
        let alone = seconds(1).min(single);
        (single - alone) / self.at_once(threads)
            + seconds(threads).min(single)
            + self.barrier(threads)
    }

    /// Returns the time of an epoch without work.
    pub(super) fn barrier(&self, threads: usize) -> f64 {
        let floor = self.streaming.iter().find(|floor| floor.threads == threads);
        floor.map_or(0.0, |floor| floor.barrier_seconds)
    }

    /// Returns the number of threads that have a processor.
    pub(super) fn at_once(&self, threads: usize) -> f64 {
        threads.min(self.topology.processors()) as f64
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scaling::Spread;

    const NONZEROS: usize = 1_000_000;

    pub(in crate::scaling) fn machine(streaming: &[Floor]) -> Machine<'_> {
        Machine {
            pieces: Pieces {
                contended_touch: Some(1e-9),
                contended_swap: Some(5e-9),
                contended_lock: Some(20e-9),
                turn: Some(300e-9),
                round: Some(3e-6),
                merge: Some(4e-9),
                bucket: Some(2e-9),
                sweep: 1e-10,
            },
            streaming,
            frequencies: vec![1000; 1000],
            examples: 100_000,
            nonzeros: NONZEROS,
            topology: Topology::of(8),
        }
    }

    fn same(x: f64) -> Spread {
        Spread { median: x, low: x, high: x }
    }

    pub(in crate::scaling) fn floors() -> Vec<Floor> {
        let floor = |threads| Floor {
            threads,
            seconds: same(1e-3 / threads as f64),
            bytes_per_second: 1.0,
            nonzeros_per_second: 1.0,
            barrier_seconds: 0.0,
        };
        [1, 2, 4, 8].map(floor).into()
    }

    fn points(seconds: [f64; 4]) -> Vec<Point> {
        let point = |(threads, seconds)| Point::of_epoch(threads, NONZEROS, same(seconds));
        [1, 2, 4, 8].into_iter().zip(seconds).map(point).collect()
    }

    fn predicted(name: &str, seconds: [f64; 4], count: usize) -> Vec<Prediction> {
        let floors = floors();
        let mut points = points(seconds);
        points.truncate(count);
        machine(&floors).predict(StrategyKind::of_label(name).unwrap(), &mut points);
        points.iter().map(|point| point.prediction.unwrap()).collect()
    }

    #[test]
    fn two_threads_are_predicted_from_one_and_the_pieces() {
        // 4 ms alone; half of it, and half a million touches, half of which conflict with the other
        // thread: 1e-9 extra each.
        let found = predicted("hogwild-wild", [4e-3, 5e-3, 0.0, 0.0], 2);
        assert!((found[1].epoch_seconds / 2.5e-3 - 1.0).abs() < 1e-9, "{found:?}");
        assert!(
            (found[1].error + 0.5).abs() < 1e-9 && !found[1].used && found[0].used,
            "{found:?}"
        );
        assert_eq!(found[0].error, 0.0);
    }

    #[test]
    fn the_largest_number_of_threads_is_not_fitted_to() {
        // Contention three times as expensive as measured, on 2, 4 and 8 threads.
        let cost = |p: f64| 4e-3 / p + 3.0 * 1e-3 / p * 2.0 * (p - 1.0) / p;
        let found = predicted("hogwild-wild", [4e-3, cost(2.0), cost(4.0), cost(8.0)], 4);
        assert!(found[3].error.abs() < 1e-9 && !found[3].used, "{found:?}");
        assert!(found[1].used && found[2].used, "{found:?}");
        let other = predicted("hogwild-wild", [4e-3, cost(2.0), cost(4.0), 1.0], 4);
        assert_eq!(other[3].epoch_seconds, found[3].epoch_seconds);
    }
}
