//! `wildsgd convert`: from text to a cache, and back.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use wildsgd::data::cache::{self, Notes};
use wildsgd::data::{IndexBase, LoadOptions, libsvm};
use wildsgd::{Dataset, Error, save};

use crate::args::{ConvertArgs, Format};
use crate::failure::Failure;
use crate::input::Input;
use crate::kept;
use crate::outputs;
use crate::terminal::Terminal;

/// Seed of the order in which rows lie in a cache, if none is given: that of training.
pub const SEED: u64 = 1;

pub fn run(args: &ConvertArgs) -> Result<ExitCode, Failure> {
    if args.to == Format::Libsvm && (args.seed.is_some() || args.no_shuffle) {
        return Err(Failure::conflict(
            "convert",
            "`--seed` and `--no-shuffle` say how rows lie in a cache, but text is written in the order of the file",
        ));
    }
    outputs::check(&[("OUT", Some(&args.out))], &[("the data", args.data.as_path())])?;
    let terminal = Terminal::new(args.quiet);
    let shuffle = match args.to {
        Format::Cache if !args.no_shuffle => Some(args.seed.unwrap_or(SEED)),
        _ => None,
    };
    let source = kept::source(&args.data, args.index_base);
    let input =
        Input::load_with(&args.data, args.index_base, LoadOptions { shuffle, ..LoadOptions::default() })?;
    input.data.verify()?;
    let started = Instant::now();
    // A cache's order is kept unless another one was asked for.
    let data = match (shuffle, args.seed) {
        (None, _) => input.data.in_file_order(),
        (Some(seed), None) => input.data.in_random_order(seed),
        (Some(_), Some(seed)) => input.data.shuffled(seed),
    };
    match args.to {
        Format::Cache => {
            let own =
                source.filter(|source| kept::source(&args.data, args.index_base).as_ref() == Some(source));
            let notes = cache::notes(&input.data).cloned();
            let notes = notes.unwrap_or(Notes { base: Some(input.base), source: own });
            cache::write(&data, &args.out, &notes)?;
        }
        Format::Libsvm => write_text(&data, &args.out)?,
    }
    terminal.line(report(&input, &data, args, started.elapsed()));
    Ok(ExitCode::SUCCESS)
}

fn write_text(data: &Dataset, path: &Path) -> Result<(), Error> {
    let mut refused = None;
    let written = save::atomically(path, |mut out| {
        libsvm::write(data, &mut out).inspect_err(|error| {
            refused = (error.kind() == std::io::ErrorKind::InvalidData).then(|| error.to_string());
        })
    });
    match refused {
        Some(what) => {
            let expected = "finite numbers and indices below 4294967295";
            Err(Error::input(path.display().to_string(), what, expected, "keep the cache, or mend the data"))
        }
        None => written,
    }
}

fn report(input: &Input, data: &Dataset, args: &ConvertArgs, time: Duration) -> String {
    let order = match data.seed() {
        Some(seed) => format!("in the random order of seed {seed}"),
        None => "in the order of the file".into(),
    };
    let size = fs::metadata(&args.out).map_or(String::new(), |file| format!(", {} bytes", file.len()));
    let base = if input.base == IndexBase::Zero { 0 } else { 1 };
    format!(
        "{}: {} examples, {} features counted from {base}, {} non-zeros, {order}{size}; read in {:.3} s, written in \
         {:.3} s",
        args.out.display(),
        data.len(),
        data.width(),
        data.nonzeros(),
        input.time.as_secs_f64(),
        time.as_secs_f64()
    )
}
