//! Matrix completion: ratings as the sum of two biases and a product of low-rank factors.

use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::Problem;
use crate::data::{Rating, Ratings};
use crate::error::{Error, Result};
use crate::parallel;
use crate::params::{Real, Weights};
use crate::row::prefetch;

/// Half the mean squared error of b_u + c_i + p_u.q_i as a prediction of ratings, which count in
/// standard deviations from their mean.
///
/// The vector w has a row of `rank + 1` adjacent coordinates for each user and then for each item:
/// the factors, and the bias. Steps are bounded (see [`plan`](Problem::plan)), so any rate leaves
/// the weights finite.
pub struct Factorization {
    /// In random order.
    ratings: Vec<Rating>,
    users: usize,
    items: usize,
    rank: usize,
    mean: f64,
    spread: f64,
    seed: u64,
}

/// Standard deviation of p_u.q_i at the start, as a fraction of that of the ratings: enough to
/// leave the saddle point at zero within an epoch or two, and little compared with what there is to
/// learn.
const START: f64 = 0.1;

/// Largest number of ratings that step sizes are tried on.
const TRIED: usize = 100_000;

impl Factorization {
    /// Creates the problem of `ratings` with factors of `rank`, at least 1. `seed` determines their
    /// order and the weights that fits begin with.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the rank is 0, [`Error::Input`] if there is no rating or a vector of
    /// that many weights cannot be addressed.
    pub fn new(ratings: &Ratings, rank: usize, seed: u64) -> Result<Self> {
        if rank == 0 {
            return Err(Error::Parameter {
                name: "rank",
                value: "0".into(),
                expected: "1 or more",
                hint: "8 to 64 are usual",
            });
        }
        let wrong =
            |what: String, expected: &str, hint| Err(Error::input("ratings", what, expected, hint));
        let (users, items) = (ratings.users().len(), ratings.items().len());
        let fits = rank.checked_add(1).and_then(|row| row.checked_mul(users + items));
        if fits.is_none() {
            let what = format!(
                "rank {rank} for {users} users and {items} items is more than memory can address"
            );
            return wrong(what, "weights that fit into memory", "choose a lower rank");
        }
        let mut all = ratings.all().to_vec();
        if all.is_empty() {
            return wrong("there is no rating".into(), "at least one", "check the data");
        }
        if let Some(k) = all.iter().position(|rating| !rating.value.is_finite()) {
            let what = format!("rating {k} is {}", all[k].value);
            return wrong(what, "finite numbers", "check the data");
        }
        let values = || all.iter().map(|rating| f64::from(rating.value));
        let count = all.len() as f64;
        let mean = values().sum::<f64>() / count;
        let spread = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let spread = if spread > 0.0 { spread } else { 1.0 };
        for rating in &mut all {
            rating.value = ((f64::from(rating.value) - mean) / spread) as f32;
        }
        all.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        Ok(Factorization { ratings: all, users, items, rank, mean, spread, seed })
    }

    /// Returns the mean of the ratings.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Returns the standard deviation of the ratings; 1 if all are equal.
    pub fn spread(&self) -> f64 {
        self.spread
    }

    /// Returns the number of factors.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Returns the coordinates where the rows of a rating's user and item begin.
    #[inline(always)]
    fn rows(&self, rating: Rating) -> (usize, usize) {
        let row = self.rank + 1;
        (rating.user as usize * row, (self.users + rating.item as usize) * row)
    }

    fn error<R: Real>(&self, rating: Rating, w: &[R]) -> f64 {
        let (user, item) = self.rows(rating);
        let (p, q) = (&w[user..=user + self.rank], &w[item..=item + self.rank]);
        let ((p_fours, p_rest), (q_fours, q_rest)) =
            (p[..self.rank].as_chunks::<4>(), q[..self.rank].as_chunks::<4>());
        let mut sums = [0.0; 4];
        for (p, q) in p_fours.iter().zip(q_fours) {
            for k in 0..4 {
                sums[k] += p[k].to_f64() * q[k].to_f64();
            }
        }
        let rest: f64 = p_rest.iter().zip(q_rest).map(|(p, q)| p.to_f64() * q.to_f64()).sum();
        let biases = p[self.rank].to_f64() + q[self.rank].to_f64();
        f64::from(rating.value) - ((sums[0] + sums[1]) + (sums[2] + sums[3]) + rest + biases)
    }
}

/// The factor `a` of each row in the other's step, and the coordinates where both rows begin.
#[derive(Clone, Copy, Debug)]
pub struct Move<R> {
    a: R,
    user: usize,
    item: usize,
}

/// Number of ratings whose losses one task sums. It is fixed, so the sum's order does not depend on
/// the threads.
const RATINGS_PER_TASK: usize = 4096;

impl Problem for Factorization {
    type Step<R: Real> = Move<R>;

    fn terms(&self) -> usize {
        self.ratings.len()
    }

    fn width(&self) -> usize {
        (self.users + self.items) * (self.rank + 1)
    }

    fn touches(&self) -> usize {
        2 * (self.rank + 1) * self.ratings.len()
    }

    /// Sets random factors and no biases: zero factors are a saddle point.
    fn start<R: Real>(&self, w: &mut [R]) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(!self.seed);
        // Uniform from -most to most: each of the rank products has the variance (most^2/3)^2.
        let most = (3.0 * START / (self.rank as f64).sqrt()).sqrt();
        for row in w.chunks_mut(self.rank + 1) {
            let factors = row[..self.rank].iter_mut();
            factors.for_each(|factor| *factor = R::of(most * (2.0 * random.random::<f64>() - 1.0)));
        }
    }

    /// Returns the ratings of some users for some items: fewer rows, each touched more often, than
    /// in an equally large sample of the ratings.
    fn trial(&self) -> Option<Self> {
        let fraction = (TRIED as f64 / self.terms() as f64).sqrt().min(1.0);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut some = |count: usize| -> (usize, Vec<Option<u32>>) {
            let mut chosen = 0;
            let numbers = (0..count)
                .map(|_| {
                    (random.random::<f64>() < fraction).then(|| {
                        chosen += 1;
                        chosen - 1
                    })
                })
                .collect();
            (chosen as usize, numbers)
        };
        let ((users, user_of), (items, item_of)) = (some(self.users), some(self.items));
        let renumbered = |rating: &Rating| {
            let (user, item) = user_of[rating.user as usize].zip(item_of[rating.item as usize])?;
            Some(Rating { user, item, ..*rating })
        };
        let ratings: Vec<_> = self.ratings.iter().filter_map(renumbered).collect();
        (!ratings.is_empty()).then_some(Factorization { ratings, users, items, ..*self })
    }

    fn support(&self, term: usize) -> impl Iterator<Item = usize> {
        let (user, item) = self.rows(self.ratings[term]);
        (user..=user + self.rank).chain(item..=item + self.rank)
    }

    fn loss<R: Real>(&self, terms: Range<usize>, w: &[R]) -> f64 {
        let ratings = &self.ratings[terms];
        let half_square = |&rating: &Rating| self.error(rating, w).powi(2) / 2.0;
        let sum = |range: Range<usize>| ratings[range].iter().map(half_square).sum();
        parallel::sum(ratings.len(), RATINGS_PER_TASK, &sum)
    }

    /// Plans a step along the gradient at its end, as far as the error is linear in the step. It
    /// lowers the error at any rate, and its factor is at most |error| / (|p|^2 + |q|^2 + 2).
    #[inline(always)]
    fn plan<W: Weights>(&self, term: usize, rate: W::Real, w: &W) -> Option<Move<W::Real>> {
        let rating = self.ratings[term];
        let (user, item) = self.rows(rating);
        let [product, squares, biases] = factor_dot(w, user, item, self.rank);
        let score = product + biases;
        let one = W::Real::ONE;
        let a = (W::Real::of_f32(rating.value) - score) / (one / rate + (squares + one + one));
        (a != W::Real::ZERO).then_some(Move { a, user, item })
    }

    #[inline(always)]
    fn apply<W: Weights>(&self, _: usize, Move { a, user, item }: Move<W::Real>, w: &W) {
        rank_one_update(w, user, item, self.rank, a);
    }

    #[inline(always)]
    fn prefetch(&self, term: usize) {
        prefetch::at(&self.ratings, term);
    }
}

/// Returns three sums over the rows that start at `p` and `q`, with `rank` factors and a bias each:
/// the products of factors, both rows' squared factors, and the biases.
#[inline(always)]
fn factor_dot<W: Weights>(w: &W, p: usize, q: usize, rank: usize) -> [W::Real; 3] {
    type Four<W> = <<W as Weights>::Real as Real>::Four;
    let zeros = [W::Real::ZERO; 4];
    // Vectors of four: compilers interleave the two sums of plain arrays, which is slow.
    let (mut products, mut squares) = (Four::<W>::from(zeros), Four::<W>::from(zeros));
    let fours = rank / 4 * 4;
    for k in (0..fours).step_by(4) {
        let x = Four::<W>::from(w.read_in_memory::<4>(p + k));
        let y = Four::<W>::from(w.read_in_memory::<4>(q + k));
        products = products + x * y;
        squares = squares + (x * x + y * y);
    }
    let [mut product, mut square] = [products, squares].map(|four| {
        let sums: [W::Real; 4] = four.into();
        (sums[0] + sums[1]) + (sums[2] + sums[3])
    });
    for k in fours..rank {
        let ([x], [y]) = (w.read_in_memory::<1>(p + k), w.read_in_memory::<1>(q + k));
        product += x * y;
        square += x * x + y * y;
    }
    let ([x], [y]) = (w.read_in_memory::<1>(p + rank), w.read_in_memory::<1>(q + rank));
    let factor = w.scale().factor;
    [product * (factor * factor), square * (factor * factor), (x + y) * factor]
}

/// Adds `a` times the factors of each of two such rows, as they were, to those of the other, and
/// `a` to both biases.
#[inline(always)]
fn rank_one_update<W: Weights>(w: &W, p: usize, q: usize, rank: usize, a: W::Real) {
    let fours = rank / 4 * 4;
    // The other row is added as it lies in memory: both have the same scale.
    for k in (0..fours).step_by(4) {
        let (x, y) = (w.read_in_memory::<4>(p + k), w.read_in_memory::<4>(q + k));
        w.update_in_memory(p + k, &y, |x, &y| x + a * y);
        w.update_in_memory(q + k, &x, |y, &x| y + a * x);
    }
    for k in fours..rank {
        let (x, y) = (w.read_in_memory::<1>(p + k), w.read_in_memory::<1>(q + k));
        w.update_in_memory(p + k, &y, |x, &y| x + a * y);
        w.update_in_memory(q + k, &x, |y, &x| y + a * x);
    }
    let step = [a * w.scale().inverse];
    w.update_in_memory(p + rank, &step, |x, &step| x + step);
    w.update_in_memory(q + rank, &step, |x, &step| x + step);
}

#[cfg(test)]
mod tests;
