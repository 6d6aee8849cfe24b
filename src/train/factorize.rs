//! Training matrix completion: from ratings to [`Factors`].

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::data::Ratings;
use crate::error::{Error, Result};
use crate::metrics::Evaluation;
use crate::model::{Factors, KnownIndices, View};
use crate::problem::Factorization;
use crate::solver::{Event, Fit, Settings, minimize};

/// Trains models of ratings, by stochastic gradient descent on weights of f32.
///
/// # Examples
/// ```
/// use wildsgd::data::{Rating, Ratings};
/// use wildsgd::model::Quality;
/// use wildsgd::train::Factorizer;
///
/// // The value is a product of a factor of the user's and one of the item's.
/// let rating = |k: u32| {
///     let (user, item) = (k % 100, k / 100 * 7 % 50);
///     let value = (f64::from(user) / 50.0 - 1.0) * (f64::from(item) / 25.0 - 1.0);
///     Rating { user, item, value: value as f32 }
/// };
/// let ratings = Ratings::numbered((0..5000).map(rating).collect(), 100, 50);
/// let trained = Factorizer { rank: 2, ..Factorizer::default() }.fit(&ratings)?;
/// let quality = trained.model.evaluate(&ratings).quality;
/// let Quality::Regression { rmse: Some(rmse), .. } = quality else { panic!() };
/// assert!(rmse < 0.1, "{rmse}");
/// # Ok::<(), wildsgd::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Factorizer {
    /// Number of factors of a user or an item, at least 1. Default 16.
    pub rank: usize,
    /// Strength of the squares of all factors and biases, which count in standard deviations of the
    /// ratings. Default: [`Factorizer::default_l2`].
    pub l2: Option<f64>,
    /// Name of the ratings in messages. Default "ratings".
    pub data_name: String,
    /// All other settings. Their `l2` is set from the field above.
    pub settings: Settings,
}

impl Default for Factorizer {
    fn default() -> Self {
        Factorizer {
            rank: 16,
            l2: None,
            data_name: "ratings".into(),
            settings: Settings::default(),
        }
    }
}

/// A trained model of ratings, and the record of its training.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Factorized {
    /// The model of the epoch with the lowest objective.
    pub model: Factors,
    /// The fit. Its weights went into the model.
    pub fit: Fit<f32>,
    /// Strength of l2 that was used.
    pub l2: f64,
    /// Measures of the model on the training data.
    pub train: Evaluation,
    /// Measures of the model on the held-out data.
    pub test: Option<Evaluation>,
    /// Time of shuffling, counting and searching, from ratings to the first epoch.
    pub prepare_time: Duration,
}

impl Factorizer {
    /// Trains on `ratings`. Deterministic given the seed with one worker; racy by design with more.
    ///
    /// # Errors
    /// As for [`minimize`], and [`Error::Parameter`] if the rank is 0.
    pub fn fit(&self, ratings: &Ratings) -> Result<Factorized> {
        self.fit_watched(ratings, None, &mut |_| ControlFlow::Continue(()))
    }

    /// Trains on `ratings`, evaluates on `test` after each epoch (off the clock), and reports each
    /// event to `watch`.
    ///
    /// # Errors
    /// As for [`Factorizer::fit`].
    pub fn fit_watched(
        &self,
        ratings: &Ratings,
        test: Option<&Ratings>,
        watch: &mut dyn FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Factorized> {
        let started = Instant::now();
        self.check()?;
        let problem = Factorization::new(ratings, self.rank, self.settings.seed)
            .map_err(|e| self.named(e))?;
        let mut settings = self.settings.clone();
        settings.penalty.l2 = self.l2.unwrap_or_else(|| self.default_l2(ratings.all().len()));
        let shuffle_time = started.elapsed();

        let names = [ratings.users(), ratings.items()];
        let (users, penalty) = (ratings.users().len(), settings.penalty);
        let numbers = [problem.mean(), problem.spread()];
        let evaluate = |weights: &[f32], data: &Ratings, indices: &KnownIndices| {
            let [mean, spread] = numbers;
            let mut evaluation =
                View { rank: self.rank, mean, spread, users, weights }.evaluate(data, indices);
            evaluation.objective = evaluation.loss.map(|loss| loss + penalty.value(weights));
            evaluation
        };
        let indices = test.map(|test| KnownIndices::new(test, names));
        let on_test = test
            .zip(indices.as_ref())
            .map(|(test, indices)| move |weights: &[f32]| Some(evaluate(weights, test, indices)));
        let mut fit = minimize(&problem, &settings, on_test.as_ref().map(|f| f as _), watch)?;
        // Free memory before evaluation takes some.
        drop(problem);
        let weights = std::mem::take(&mut fit.weights);
        Ok(Factorized {
            train: evaluate(&weights, ratings, &KnownIndices::new(ratings, names)),
            test: on_test.as_ref().and_then(|evaluate| evaluate(&weights)),
            model: Factors::new(self.rank, numbers, names.map(Clone::clone), weights)?,
            l2: settings.penalty.l2,
            prepare_time: shuffle_time + fit.prepare_time,
            fit,
        })
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// [`Error::Parameter`] for the first one that is out of its range.
    pub fn check(&self) -> Result<()> {
        let mut settings = self.settings.clone();
        settings.penalty.l2 = self.l2.unwrap_or(0.0);
        settings.check()
    }

    /// Returns the default strength of l2 for this number of ratings: 1 divided by it.
    pub fn default_l2(&self, ratings: usize) -> f64 {
        1.0 / ratings.max(1) as f64
    }

    fn named(&self, error: Error) -> Error {
        match error {
            Error::Input { what, expected, hint, .. } => {
                Error::input(&self.data_name, what, expected, hint)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests;
