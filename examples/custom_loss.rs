//! A loss of one's own under lock-free training: `cargo run --release --example custom_loss`.
//!
//! Quantile regression: how long is a trip at most, in nine cases of ten? The pinball loss of quantile q costs
//! q*(y - s) where the prediction is too low and (1 - q)*(s - y) where it is too high.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::data::{Builder, Dataset};
use wildsgd::params::Real;
use wildsgd::problem::{Linear, Loss};
use wildsgd::rule::Penalty;
use wildsgd::train::{Settings, minimize};

#[derive(Clone, Copy)]
struct Pinball {
    quantile: f64,
}

impl Loss for Pinball {
    fn value(&self, y: f64, s: f64) -> f64 {
        let r = y - s;
        if r > 0.0 { self.quantile * r } else { (self.quantile - 1.0) * r }
    }

    fn slope<R: Real>(&self, y: R, s: R) -> R {
        R::of(if y > s { -self.quantile } else { 1.0 - self.quantile })
    }
}

/// Trips between 50 places, each of which adds a delay of its own; plus a random delay, uniform over 0 to 10.
fn trips() -> Dataset {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut trips = Builder::default();
    for _ in 0..20_000 {
        let (from, to) = (random.random_range(0..50), random.random_range(50..100));
        trips.entry(from, 1.0);
        trips.entry(to, 1.0);
        let usual = f64::from(from % 7) + f64::from(to % 5);
        trips.end_row((usual + 10.0 * random.random::<f64>()) as f32);
    }
    trips.finish(0)
}

fn main() -> Result<(), wildsgd::Error> {
    let trips = trips();
    let problem = Linear::new(&trips, trips.labels(), Pinball { quantile: 0.9 }, Some(1.0))?;
    let settings = Settings { penalty: Penalty { l1: 0.0, l2: 1e-6 }, ..Settings::default() };
    let fit = minimize::<_, f32>(&problem, &settings, None, &mut |_| ())?;

    let score = |i: usize| -> f64 {
        let bias = f64::from(fit.weights[trips.width()]);
        trips.row(i).iter().map(|(j, x)| f64::from(x * fit.weights[j])).sum::<f64>() + bias
    };
    let within = (0..trips.len()).filter(|&i| f64::from(trips.labels()[i]) <= score(i)).count();
    let share = within as f64 / trips.len() as f64;
    println!(
        "{} epochs on {} threads: {:.1} % of trips take no longer than predicted",
        fit.epochs.len(),
        fit.began.workers,
        100.0 * share
    );
    assert!((share - 0.9).abs() < 0.02, "the model is not the quantile that was asked for");
    Ok(())
}
