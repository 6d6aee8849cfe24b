//! Trains on a text file, saves the model and prints its held-out accuracy:
//! `cargo run --release --example quickstart`.

use std::ops::ControlFlow;
use std::path::Path;

use wildsgd::Error;
use wildsgd::data::{self, LoadOptions};
use wildsgd::train::{Event, Trainer};

fn main() -> Result<(), Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let options = LoadOptions::default();
    let train = data::load(folder.join("debian-packages.train.svm.zst"), &options)?;
    let test = data::load(folder.join("debian-packages.test.svm.zst"), &options)?;

    // A tenth of the default regularization: cost 10 in LIBLINEAR's terms.
    let trainer = Trainer { l2: Some(0.1 / train.len() as f64), ..Trainer::default() };
    let trained = trainer.fit_watched(&train, None, &mut |event| {
        if let Event::Epoch(epoch) = event {
            println!("epoch {:>2}  objective {:.5}", epoch.epoch, epoch.objective);
        }
        ControlFlow::Continue(())
    })?;
    println!("held out: {:?}", trained.model.evaluate(&test));

    let path = std::env::temp_dir().join("wildsgd-quickstart.model");
    trained.model.save(&path)?;
    println!("model: {}", path.display());
    Ok(())
}
