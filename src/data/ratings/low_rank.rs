//! Ratings with a known rank and a known noise, to compare a fit with the best one.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Rating, Ratings};

/// Random ratings: 3.5 plus two biases, a product of factors, and normal noise. Users and items are
/// drawn at random, low numbers more often.
///
/// # Examples
/// ```
/// use wildsgd::internal::data::LowRank;
///
/// let (train, test) = LowRank { ratings: 1000, ..LowRank::default() }.draw(200);
/// assert_eq!((train.all().len(), test.all().len()), (1000, 200));
/// assert_eq!(train.users().len(), LowRank::default().users);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowRank {
    /// Number of users. Default 1000.
    pub users: usize,
    /// Number of items. Default 500.
    pub items: usize,
    /// Number of ratings to train on. Default 200,000.
    pub ratings: usize,
    /// Number of factors. Default 4.
    pub rank: usize,
    /// Standard deviation of the noise, which no model's error on other ratings is below. Default
    /// 0.5.
    pub noise: f64,
    /// Standard deviation of the product of factors. Default 1.
    pub signal: f64,
    /// Seed of all draws. Default 1.
    pub seed: u64,
}

/// Standard deviation of a bias.
const BIAS: f64 = 0.4;

impl Default for LowRank {
    fn default() -> Self {
        LowRank {
            users: 1000,
            items: 500,
            ratings: 200_000,
            rank: 4,
            noise: 0.5,
            signal: 1.0,
            seed: 1,
        }
    }
}

impl LowRank {
    /// Draws ratings to train on, and `held_out` others. Deterministic.
    pub fn draw(&self, held_out: usize) -> (Ratings, Ratings) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let spread = (self.signal / (self.rank as f64).sqrt()).sqrt();
        let mut rows = |count: usize| -> Vec<Vec<f64>> {
            let mut row = || {
                let mut row: Vec<f64> =
                    (0..self.rank).map(|_| spread * normal(&mut random)).collect();
                row.push(BIAS * normal(&mut random));
                row
            };
            (0..count).map(|_| row()).collect()
        };
        let (users, items) = (rows(self.users), rows(self.items));
        let mut draw = |count: usize| {
            let rated = (0..count).map(|_| {
                let [user, item] = [self.users, self.items]
                    .map(|count| (random.random::<f64>().powi(2) * count as f64) as usize);
                let (p, q) = (&users[user], &items[item]);
                let product: f64 = p[..self.rank].iter().zip(q).map(|(p, q)| p * q).sum();
                let exact = 3.5 + p[self.rank] + q[self.rank] + product;
                let value = (exact + self.noise * normal(&mut random)) as f32;
                Rating { user: user as u32, item: item as u32, value }
            });
            Ratings::numbered(rated.collect(), self.users, self.items)
        };
        (draw(self.ratings), draw(held_out))
    }
}

/// A standard normal number (Box & Muller, 1958).
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let (u, v) = (1.0 - random.random::<f64>(), random.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}
