//! Time to target: how long training takes to come near the optimum. This compares strategies and
//! solvers fairly, since an epoch of one may be worth two of another.

use std::ops::ControlFlow;

use super::{Trained, Trainer};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::solver::{Epoch, Event, Penalty, Precision, Schedule, Settings, Solver};
use crate::strategy::StrategyKind;

/// The least objective of a problem, up to a known gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimum {
    /// The lowest objective found, above 0.
    pub objective: f64,
    /// Bound on the relative error: no weights lower the objective by more than this fraction.
    pub gap: f64,
    /// The objective of zero weights, where training begins.
    pub start: f64,
}

/// The moment at which a training came near the optimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reached {
    /// Epochs, with a fraction: interpolated in the logarithm of the distance.
    pub epochs: f64,
    /// Seconds of training ([`Epoch::train_time`]), interpolated likewise.
    pub seconds: f64,
}

/// Smallest distance that has a logarithm.
const NEAREST: f64 = 1e-15;

impl Optimum {
    /// Returns the relative distance of `objective` above the optimum; 0 if it is below, infinite
    /// if it is not a number.
    pub fn distance(&self, objective: f64) -> f64 {
        let distance = objective / self.objective - 1.0;
        if distance.is_nan() { f64::INFINITY } else { distance.max(0.0) }
    }

    /// Returns the moment at which `epochs` first came within the relative distance `fraction` of
    /// the optimum; `None` if they did not.
    pub fn reached(&self, epochs: &[Epoch], fraction: f64) -> Option<Reached> {
        let logarithm = |objective| self.distance(objective).max(NEAREST).ln();
        let mut last = (0.0, 0.0, logarithm(self.start));
        let wanted = fraction.max(NEAREST).ln();
        for epoch in epochs {
            let now =
                (epoch.epoch as f64, epoch.train_time.as_secs_f64(), logarithm(epoch.objective));
            if now.2 <= wanted {
                // A start that is near enough leaves nothing to interpolate.
                let part = if last.2 > wanted { (last.2 - wanted) / (last.2 - now.2) } else { 0.0 };
                let at = |from: f64, to: f64| from + part * (to - from);
                return Some(Reached { epochs: at(last.0, now.0), seconds: at(last.1, now.1) });
            }
            last = now;
        }
        None
    }
}

/// Gap at which the search for the optimum ends: a hundredth of the smallest usual target.
const CERTIFIED: f64 = 1e-5;

impl Trainer {
    /// Finds the least objective of this trainer's problem, whatever its solver and strategy, by a
    /// solver that certifies its distance.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a custom loss, for which no such solver exists; [`Error::Input`] if
    /// there are more than two classes; and as for [`Trainer::fit`].
    pub fn optimum(&self, data: &Dataset) -> Result<Optimum> {
        let certified = Trainer {
            solver: Solver::Auto,
            precision: Precision::F64,
            settings: Settings {
                strategy: StrategyKind::Auto,
                batch: None,
                delays: Vec::new(),
                learning_rate: None,
                schedule: Schedule::default(),
                epochs: Settings::default().epochs,
                tolerance: CERTIFIED,
                time_limit: None,
                params: None,
                ..self.settings.clone()
            },
            ..self.clone()
        };
        let l2 = self.l2.unwrap_or(1.0 / data.len().max(1) as f64);
        let uncertified = certified.choose(Penalty { l2, ..self.settings.penalty }) == Solver::Sgd;
        if uncertified {
            return Err(Error::Parameter {
                name: "optimum",
                value: "unknown for a custom loss".into(),
                expected: "a problem whose optimum a solver can certify",
                hint: "choose a loss of this crate",
            });
        }
        let trained = certified.fit(data)?;
        if !trained.classes.is_empty() {
            return Err(
                self.no_optimum("it has more than two classes", "two classes, or regression")
            );
        }
        let (objective, gap) = (trained.fit.objective, trained.fit.gap.unwrap_or(f64::INFINITY));
        if objective <= 0.0 {
            return Err(self.no_optimum("its least objective is 0", "a least objective above 0"));
        }
        let model = &trained.model;
        let zeros = vec![0.0; model.weights().len()];
        let zero = Model::with_classes(
            model.loss(),
            model.labels().to_vec(),
            zeros,
            model.bias().map(|bias| bias.value),
        )?;
        let start = zero.evaluate(data).loss.unwrap_or(f64::INFINITY);
        Ok(Optimum { objective, gap, start })
    }

    fn no_optimum(&self, what: &str, expected: &str) -> Error {
        Error::input(&self.data_name, what, expected, "take another data set or loss")
    }

    /// Trains as [`Trainer::fit`] does, but ends as soon as an epoch comes within the relative
    /// distance `fraction` of the optimum (as if interrupted), and never because the objective has
    /// settled.
    ///
    /// # Errors
    /// As for [`Trainer::fit`].
    pub fn fit_to(&self, data: &Dataset, optimum: &Optimum, fraction: f64) -> Result<Trained> {
        let mut trainer = self.clone();
        trainer.settings.tolerance = 0.0;
        trainer.fit_watched(data, None, &mut |event| match event {
            Event::Epoch(epoch) if optimum.distance(epoch.objective) <= fraction => {
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::data::Builder;
    use crate::solver::StopReason;
    use crate::sync::plain::Ordering::Relaxed;

    fn epoch(epoch: usize, objective: f64) -> Epoch {
        let train_time = Duration::from_secs(2 * epoch as u64);
        Epoch { epoch, train_time, visit_time: train_time, objective, gap: None, test: None }
    }

    #[test]
    fn times_are_interpolated_in_the_logarithm_of_the_distance() {
        let optimum = Optimum { objective: 2.0, gap: 0.0, start: 4.0 };
        // Distances 1, 0.1, 0.001.
        let epochs = [epoch(1, 2.2), epoch(2, 2.002)];
        let near = |fraction| {
            optimum.reached(&epochs, fraction).map(|reached| (reached.epochs, reached.seconds))
        };
        let (epochs_to, seconds_to) = near(0.01).unwrap();
        assert!(
            (epochs_to - 1.5).abs() < 1e-9 && (seconds_to - 3.0).abs() < 1e-9,
            "{epochs_to} {seconds_to}"
        );
        let (epochs_to, _) = near(0.1f64.sqrt()).unwrap();
        assert!((epochs_to - 0.5).abs() < 1e-9, "{epochs_to}");
        assert_eq!(near(1e-4), None);
        assert_eq!(near(1.5), Some((0.0, 0.0)), "zero weights are near enough");
        assert_eq!(optimum.reached(&[epoch(1, f64::NAN)], 0.1), None);
    }

    fn examples(labels: u32) -> Dataset {
        let mut builder = Builder::default();
        for i in 0..600 {
            builder.entry(i % 5, 1.0);
            builder.entry(5 + i % 7, 0.5);
            builder.end_row(((i * i + i / 3) % labels) as f32);
        }
        builder.finish(0)
    }

    #[test]
    fn a_training_ends_where_it_comes_near_the_certified_optimum() {
        let data = examples(2);
        let mut trainer = Trainer { solver: Solver::Sgd, ..Trainer::default() };
        trainer.settings.threads = 1;
        let optimum = trainer.optimum(&data).unwrap();
        assert!(
            optimum.gap <= CERTIFIED && (optimum.start - std::f64::consts::LN_2).abs() < 1e-9,
            "{optimum:?}"
        );
        let fit = trainer.fit_to(&data, &optimum, 0.01).unwrap().fit;
        let reached = optimum.reached(&fit.epochs, 0.01).expect("it came near");
        assert!(
            reached.epochs > fit.epochs.len() as f64 - 1.0
                && reached.epochs <= fit.epochs.len() as f64
        );
        assert_eq!(fit.stop, StopReason::Interrupted);
        assert!(!trainer.settings.interrupt.load(Relaxed), "the caller's flag is the caller's");
    }

    #[test]
    fn every_loss_and_regularizer_has_an_optimum_but_several_classes_have_not() {
        let free = Trainer { free_bias: true, ..Trainer::default() };
        let optimum = free.optimum(&examples(2)).unwrap();
        assert!(optimum.gap <= CERTIFIED && optimum.objective < optimum.start, "{optimum:?}");
        let message = Trainer::default().optimum(&examples(3)).unwrap_err().to_string();
        assert!(message.contains("more than two classes"), "{message}");
    }
}
