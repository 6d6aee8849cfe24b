//! Rows with a chosen skew: the frequencies of features determine how often threads conflict.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Builder, Dataset};

/// Rows of random features, labeled by a hidden linear model.
///
/// # Examples
/// ```
/// use wildsgd::data::Synthetic;
///
/// let rows = Synthetic { examples: 100, features: 1000, entries: 20, ..Synthetic::default() };
/// let data = rows.generate();
/// assert_eq!((data.len(), data.width(), data.nonzeros()), (100, 1000, 2000));
/// assert_eq!(data, rows.generate());
/// assert_ne!(data, Synthetic { skew: 0.0, ..rows }.generate());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Synthetic {
    /// Number of examples. Default 20,000.
    pub examples: usize,
    /// Number of features, at least 1. Default 47,000.
    pub features: usize,
    /// Number of different features of an example, at most [`Synthetic::features`]. Default 100.
    pub entries: usize,
    /// Exponent of Zipf's law, at least 0: the frequency of feature j is proportional to j to the
    /// power of minus this. Frequent features have small numbers, as in text that is numbered as it
    /// is read. Words of a language are near 1; at 0, all features are equally frequent. Default
    /// 1.1.
    pub skew: f64,
    /// Fraction of wrong labels, from 0 to 1. Default 0.05.
    pub noise: f64,
    /// Seed of all random choices. Default 1.
    pub seed: u64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Synthetic {
            examples: 20_000,
            features: 47_000,
            entries: 100,
            skew: 1.1,
            noise: 0.05,
            seed: 1,
        }
    }
}

/// Most draws for an example, as a multiple of the number of features. After these it is filled up
/// from a random permutation.
const DRAWS_PER_FEATURE: usize = 2;

impl Synthetic {
    /// Generates the rows, of length 1 each, with labels +1 and -1. Deterministic.
    ///
    /// # Panics
    /// If there are no features, or fewer than an example should have.
    pub fn generate(&self) -> Dataset {
        let Synthetic { examples, features, entries, skew, noise, seed } = *self;
        assert!(
            entries <= features && features >= 1,
            "{entries} of {features} features in an example"
        );
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let hidden: Vec<f64> = (0..features).map(|_| random.random::<f64>() - 0.5).collect();
        let sums = sums(features, skew);
        let value = 1.0 / (entries.max(1) as f32).sqrt();
        let mut builder = Builder::default();
        let mut row: Vec<u32> = Vec::new();
        for _ in 0..examples {
            row.clear();
            let mut draws = 0;
            while row.len() < entries && draws < DRAWS_PER_FEATURE * features {
                row.push(draw(&sums, random.random()));
                draws += 1;
                if row.len() == entries {
                    row.sort_unstable();
                    row.dedup();
                }
            }
            if row.len() < entries {
                // Some feature is too rare to be drawn in time: take any others.
                fill(&mut row, features, entries, &mut random);
            }
            let score: f64 = row.iter().map(|&j| hidden[j as usize]).sum();
            row.iter().for_each(|&j| {
                builder.entry(j, value);
            });
            let right = random.random::<f64>() >= noise;
            builder.end_row(if (score > 0.0) == right { 1.0 } else { -1.0 });
        }
        builder.finish(features)
    }
}

/// The cumulative probability of each feature.
fn sums(features: usize, skew: f64) -> Vec<f64> {
    let weight = |j: usize| (j as f64 + 1.0).powf(-skew);
    let mut sum = 0.0;
    let mut sums: Vec<f64> = (0..features)
        .map(|j| {
            sum += weight(j);
            sum
        })
        .collect();
    sums.iter_mut().for_each(|part| *part /= sum);
    sums
}

fn draw(sums: &[f64], at: f64) -> u32 {
    sums.partition_point(|&sum| sum <= at).min(sums.len() - 1) as u32
}

fn fill(row: &mut Vec<u32>, features: usize, entries: usize, random: &mut Xoshiro256PlusPlus) {
    row.sort_unstable();
    row.dedup();
    let mut others: Vec<u32> =
        (0..features as u32).filter(|j| row.binary_search(j).is_err()).collect();
    others.shuffle(random);
    row.extend(others.iter().take(entries - row.len()));
    row.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(skew: f64) -> Vec<usize> {
        let data =
            Synthetic { examples: 3000, features: 50, entries: 5, skew, ..Synthetic::default() }
                .generate();
        let mut counts = vec![0; 50];
        data.iter()
            .for_each(|(row, _)| row.indices().iter().for_each(|&j| counts[j as usize] += 1));
        counts
    }

    #[test]
    fn features_are_as_frequent_as_requested() {
        let uniform = counts(0.0);
        assert!(uniform.iter().all(|count| (220..380).contains(count)), "{uniform:?}");
        let zipf = counts(1.1);
        assert!(zipf[0] > 2000 && zipf[0] > 3 * zipf[9] && zipf[9] > 2 * zipf[49], "{zipf:?}");
    }

    #[test]
    fn labels_can_be_learned() {
        let data = Synthetic {
            noise: 0.0,
            skew: 0.0,
            examples: 2000,
            features: 40,
            entries: 8,
            ..Synthetic::default()
        }
        .generate();
        let trainer = crate::train::Trainer { l2: Some(1e-5), ..Default::default() };
        let trained = trainer.fit(&data).unwrap();
        let right = trained.model.predictions(&data);
        let right = right.iter().zip(data.labels()).filter(|(a, b)| **a == (**b)).count();
        assert!(right > 1900, "{right}");
    }

    #[test]
    fn all_features_can_be_in_each_row() {
        let rows =
            Synthetic { examples: 3, features: 9, entries: 9, skew: 5.0, ..Synthetic::default() };
        assert_eq!(rows.generate().nonzeros(), 27);
        assert_eq!(Synthetic { entries: 0, ..rows }.generate().nonzeros(), 0);
    }
}
