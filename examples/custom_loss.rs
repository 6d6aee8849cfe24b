//! Trains, saves and evaluates with a loss of your own:
//! `cargo run --release --example custom_loss`.
//!
//! Quantile regression: what is the longest time that a trip takes in nine cases of ten? The
//! pinball loss of quantile q costs q*(y - s) where the prediction is too low and (1 - q)*(s - y)
//! where it is too high.

use std::env;
use std::fs;

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use wildsgd::Model;
use wildsgd::data::{Builder, Dataset};
use wildsgd::model::ModelFormat;
use wildsgd::problem::{CustomLoss, LossKind};
use wildsgd::train::Trainer;

struct Pinball {
    quantile: f64,
}

impl CustomLoss for Pinball {
    fn name(&self) -> &'static str {
        "pinball"
    }

    fn is_regression(&self) -> bool {
        true
    }

    fn value(&self, y: f64, s: f64) -> f64 {
        let r = y - s;
        if r > 0.0 { self.quantile * r } else { (self.quantile - 1.0) * r }
    }

    fn slope(&self, y: f64, s: f64) -> f64 {
        if y > s { -self.quantile } else { 1.0 - self.quantile }
    }
}

static NINE_OF_TEN: Pinball = Pinball { quantile: 0.9 };

/// Generates trips between 50 starts and 50 ends, each of which adds its own delay, plus a random
/// delay, uniform over 0 to 10.
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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trips = trips();
    let trainer =
        Trainer { loss: LossKind::Custom(&NINE_OF_TEN), l2: Some(1e-6), ..Trainer::default() };
    let trained = trainer.fit(&trips)?;

    let path = env::temp_dir().join(format!("wildsgd-pinball-{}.model", std::process::id()));
    trained.model.save_as(&path, ModelFormat::Native)?;
    let model = Model::load_with(&path, &[&NINE_OF_TEN])?;
    fs::remove_file(&path)?;

    let predictions = model.predictions(&trips);
    let within = trips.labels().iter().zip(&predictions).filter(|(y, s)| **y <= **s).count();
    let fraction = within as f64 / trips.len() as f64;
    println!(
        "{} epochs on {} threads, loss {:.4}: {:.1} % of trips take no longer than predicted",
        trained.fit.epochs.len(),
        trained.fit.began.workers,
        model.evaluate(&trips).loss.unwrap_or(f64::NAN),
        100.0 * fraction
    );
    assert!((fraction - 0.9).abs() < 0.02, "the model is not the requested quantile");
    Ok(())
}
