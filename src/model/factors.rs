//! What matrix completion leaves: biases and factors of users and items, which predict ratings.
//!
//! Invariant, checked when [`Factors`] are made and kept by private fields: one row of `rank + 1`
//! finite weights for each user and item.

mod file;
#[cfg(test)]
mod tests;

use std::path::Path;

use rayon::prelude::*;

use super::{Evaluation, Quality};
use crate::data::{Names, Ratings};
use crate::error::{Error, Result};
use crate::metrics;

pub use file::is_factors;

/// A model of ratings: mean + spread * (b_u + c_i + p_u.q_i), with biases b, c and factors p, q. A
/// user or an item that it does not know has zeros.
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
    /// A model with a row of `rank` factors and a bias for each user, then for each item.
    ///
    /// # Errors
    /// [`Error::Input`] if a number is not finite, the spread is not above 0, or the rows are not
    /// as many.
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

    /// Reads the model file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Input`] if it is damaged or holds something
    /// else.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        file::load(path.as_ref())
    }

    /// Writes a model file, [at once or not at all](crate::save::file_atomically), under checksums:
    /// its layout is in the source beside this type's. Deterministic: equal models give equal
    /// bytes.
    ///
    /// # Errors
    /// [`Error::Io`]; then a model that was there before is still there. [`Error::Input`] if `path`
    /// is no regular file.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(self, path.as_ref())
    }

    /// Number of factors of a user or an item.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Mean of the ratings that it was trained on.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// What biases and products of factors are multiplied with: the standard deviation of the
    /// ratings.
    pub fn spread(&self) -> f64 {
        self.spread
    }

    /// The users that it knows.
    pub fn users(&self) -> &Names {
        &self.users
    }

    /// The items that it knows.
    pub fn items(&self) -> &Names {
        &self.items
    }

    /// The factors of the user at a place, and its bias after them.
    pub fn user(&self, place: usize) -> &[f32] {
        assert!(place < self.users.len(), "there is no such user");
        self.view().row(place)
    }

    /// The factors of the item at a place, and its bias after them.
    pub fn item(&self, place: usize) -> &[f32] {
        self.view().row(self.users.len() + place)
    }

    /// The predicted rating of `item` by `user`, summed in f64. With a user or an item that is not
    /// known, what is known of the other one.
    pub fn predict(&self, user: &str, item: &str) -> f64 {
        self.view().predict(self.users.find(user), self.items.find(item))
    }

    /// The predicted rating of each pair, in their order.
    pub fn predictions(&self, pairs: &Ratings) -> Vec<f64> {
        let places = Places::new(pairs, [&self.users, &self.items]);
        self.view().predictions(pairs, &places)
    }

    /// Number of pairs with a user or an item that is not known.
    pub fn unseen(&self, pairs: &Ratings) -> usize {
        let Places { users, items } = Places::new(pairs, [&self.users, &self.items]);
        let known = |places: &[Option<u32>], place: u32| places[place as usize].is_some();
        pairs
            .all()
            .iter()
            .filter(|pair| !(known(&users, pair.user) && known(&items, pair.item)))
            .count()
    }

    /// Compares predictions with ratings. The loss is half the mean squared error over the squared
    /// spread, as in training.
    pub fn evaluate(&self, ratings: &Ratings) -> Evaluation {
        self.view().evaluate(ratings, &Places::new(ratings, [&self.users, &self.items]))
    }

    pub(crate) fn view(&self) -> View<'_> {
        let Factors { rank, mean, spread, .. } = *self;
        View { rank, mean, spread, users: self.users.len(), weights: &self.weights }
    }
}

/// Weights that may not be a model's yet.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) rank: usize,
    pub(crate) mean: f64,
    pub(crate) spread: f64,
    /// Number of users.
    pub(crate) users: usize,
    pub(crate) weights: &'a [f32],
}

/// Where a model has the users and items of some ratings.
pub(crate) struct Places {
    users: Vec<Option<u32>>,
    items: Vec<Option<u32>>,
}

impl Places {
    /// `known` are the users and the items of the model.
    pub(crate) fn new(ratings: &Ratings, known: [&Names; 2]) -> Self {
        let find =
            |names: &Names, known: &Names| names.iter().map(|name| known.find(name)).collect();
        Places { users: find(ratings.users(), known[0]), items: find(ratings.items(), known[1]) }
    }
}

/// Ratings that are predicted by one task.
const TOGETHER: usize = 4096;

impl<'a> View<'a> {
    fn row(self, row: usize) -> &'a [f32] {
        &self.weights[row * (self.rank + 1)..][..=self.rank]
    }

    fn predict(self, user: Option<u32>, item: Option<u32>) -> f64 {
        let user = user.map(|place| self.row(place as usize));
        let item = item.map(|place| self.row(self.users + place as usize));
        let bias = |row: Option<&[f32]>| row.map_or(0.0, |row| f64::from(row[self.rank]));
        let product = user.zip(item).map_or(0.0, |(p, q)| {
            p[..self.rank].iter().zip(q).map(|(&p, &q)| f64::from(p) * f64::from(q)).sum()
        });
        self.mean + self.spread * (bias(user) + bias(item) + product)
    }

    fn predictions(self, pairs: &Ratings, places: &Places) -> Vec<f64> {
        let predict = |pair: &crate::data::Rating| {
            self.predict(places.users[pair.user as usize], places.items[pair.item as usize])
        };
        pairs.all().par_iter().with_min_len(TOGETHER).map(predict).collect()
    }

    pub(crate) fn evaluate(self, ratings: &Ratings, places: &Places) -> Evaluation {
        let predictions = self.predictions(ratings, places);
        let truth: Vec<f32> = ratings.all().iter().map(|rating| rating.value).collect();
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
