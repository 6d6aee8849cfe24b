//! Models of ratings: biases and factors of users and items, found by matrix completion.
//!
//! Invariant, checked when [`Factors`] are made and kept by private fields: one row of `rank + 1`
//! finite weights for each user and item.

mod file;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use super::{Evaluation, Quality};
use crate::data::{Names, Ratings};
use crate::error::{Error, Result};
use crate::metrics;

pub use file::is_factors;

/// A model of ratings: mean + spread * (b_u + c_i + p_u.q_i), with biases b, c and factors p, q. An
/// unknown user or item has zeros.
///
/// All methods are deterministic.
#[derive(Clone, Debug)]
pub struct Factors {
    rank: usize,
    mean: f64,
    spread: f64,
    users: Names,
    items: Names,
    /// A row for each user, then for each item: the factors, then the bias.
    weights: Vec<f32>,
}

impl Factors {
    /// Creates a model with a row of `rank` factors and a bias for each user, then for each item.
    ///
    /// # Errors
    /// [`Error::Input`] if a number is not finite, the spread is not above 0, or the number of
    /// weights does not fit.
    pub fn new(
        rank: usize,
        [mean, spread]: [f64; 2],
        [users, items]: [Names; 2],
        weights: Vec<f32>,
    ) -> Result<Self> {
        let wrong = |what: String, expected: &str, hint: &str| {
            Err(Error::input("model", what, expected, hint))
        };
        if !(mean.is_finite() && spread.is_finite() && spread > 0.0) {
            let what = format!("the ratings have mean {mean} and standard deviation {spread}");
            return wrong(what, "finite numbers, the second above 0", "check the training data");
        }
        let rows = users.len() + items.len();
        if rank == 0 || rows.checked_mul(rank.saturating_add(1)) != Some(weights.len()) {
            let what =
                format!("{} weights for {rows} users and items and rank {rank}", weights.len());
            return wrong(
                what,
                "rank + 1 weights for each of them, and a rank of 1 or more",
                "train again",
            );
        }
        if let Some(at) = weights.iter().position(|weight| !weight.is_finite()) {
            let what = format!("weight {at} is {}", weights[at]);
            return wrong(what, "finite weights", "train with a smaller step size");
        }
        Ok(Factors { rank, mean, spread, users, items, weights })
    }

    /// Returns the number of factors of a user or an item.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the mean of the ratings that the model was trained on.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Returns the standard deviation of those ratings, which scales biases and products of
    /// factors.
    pub fn spread(&self) -> f64 {
        self.spread
    }

    /// Returns the known users.
    pub fn users(&self) -> &Names {
        &self.users
    }

    /// Returns the known items.
    pub fn items(&self) -> &Names {
        &self.items
    }

    /// Returns the factors of a user, by its index among [`Factors::users`], then its bias.
    ///
    /// # Panics
    /// If there is no such user.
    pub fn user(&self, index: usize) -> &[f32] {
        assert!(index < self.users.len(), "there is no such user");
        self.view().row(index)
    }

    /// Returns the factors of an item, by its index among [`Factors::items`], then its bias.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn item(&self, index: usize) -> &[f32] {
        self.view().row(self.users.len() + index)
    }

    /// Returns the predicted rating of `item` by `user`, summed in f64. Of an unknown user or item,
    /// bias and factors are zeros.
    pub fn predict(&self, user: &str, item: &str) -> f64 {
        self.view().predict(self.users.find(user), self.items.find(item))
    }

    /// Returns the predicted rating of each pair, in order.
    pub fn predictions(&self, pairs: &Ratings) -> Vec<f64> {
        let indices = KnownIndices::new(pairs, [&self.users, &self.items]);
        self.view().predictions(pairs, &indices)
    }

    /// Returns the number of pairs with an unknown user or item.
    pub fn unseen(&self, pairs: &Ratings) -> usize {
        let KnownIndices { users, items } = KnownIndices::new(pairs, [&self.users, &self.items]);
        let known = |indices: &[Option<u32>], index: u32| indices[index as usize].is_some();
        pairs
            .all()
            .iter()
            .filter(|pair| !(known(&users, pair.user) && known(&items, pair.item)))
            .count()
    }

    /// Compares predictions with ratings. The loss is half the mean squared error over the squared
    /// spread, as in training.
    pub fn evaluate(&self, ratings: &Ratings) -> Evaluation {
        self.view().evaluate(ratings, &KnownIndices::new(ratings, [&self.users, &self.items]))
    }

    pub(crate) fn view(&self) -> View<'_> {
        let Factors { rank, mean, spread, .. } = *self;
        View { rank, mean, spread, users: self.users.len(), weights: &self.weights }
    }
}

/// Borrowed weights and the scale of predictions, of a model or of a fit in progress.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) rank: usize,
    pub(crate) mean: f64,
    pub(crate) spread: f64,
    /// Number of users.
    pub(crate) users: usize,
    pub(crate) weights: &'a [f32],
}

/// The indices that a model has for the users and items of some ratings; `None` for unknown ones.
pub(crate) struct KnownIndices {
    users: Vec<Option<u32>>,
    items: Vec<Option<u32>>,
}

impl KnownIndices {
    /// Looks up the users and items of `ratings` among the model's, `known`.
    pub(crate) fn new(ratings: &Ratings, known: [&Names; 2]) -> Self {
        let find =
            |names: &Names, known: &Names| names.iter().map(|name| known.find(name)).collect();
        KnownIndices {
            users: find(ratings.users(), known[0]),
            items: find(ratings.items(), known[1]),
        }
    }
}

/// Number of ratings that one task predicts.
const RATINGS_PER_TASK: usize = 4096;

impl<'a> View<'a> {
    fn row(self, row: usize) -> &'a [f32] {
        &self.weights[row * (self.rank + 1)..][..=self.rank]
    }

    fn predict(self, user: Option<u32>, item: Option<u32>) -> f64 {
        let user = user.map(|index| self.row(index as usize));
        let item = item.map(|index| self.row(self.users + index as usize));
        let bias = |row: Option<&[f32]>| row.map_or(0.0, |row| f64::from(row[self.rank]));
        let product = user.zip(item).map_or(0.0, |(p, q)| {
            p[..self.rank].iter().zip(q).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum()
        });
        self.mean + self.spread * (bias(user) + bias(item) + product)
    }

    fn predictions(self, pairs: &Ratings, indices: &KnownIndices) -> Vec<f64> {
        let predict = |pair: &crate::data::Rating| {
            self.predict(indices.users[pair.user as usize], indices.items[pair.item as usize])
        };
        pairs.all().par_iter().with_min_len(RATINGS_PER_TASK).map(predict).collect()
    }

    pub(crate) fn evaluate(self, ratings: &Ratings, indices: &KnownIndices) -> Evaluation {
        let predictions = self.predictions(ratings, indices);
        let truth: Vec<f64> = ratings.all().iter().map(|rating| rating.value.into()).collect();
        let rmse = metrics::rmse(&predictions, &truth);
        Evaluation {
            objective: None,
            loss: rmse.map(|rmse| (rmse / self.spread).powi(2) / 2.0),
            quality: Quality::Regression {
                rmse,
                mae: metrics::mae(&predictions, &truth),
                r2: metrics::r2(&predictions, &truth),
            },
        }
    }
}
