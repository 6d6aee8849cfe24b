//! `wildsgd convert`: converts text to a cache and back.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use wildsgd::data::{IndexBase, LoadOptions, ParseOptions, libsvm};
use wildsgd::internal::cache::{self, Converted, Notes, Source};
use wildsgd::internal::memory::available;
use wildsgd::internal::save;
use wildsgd::{Dataset, Error};

use crate::args::{ConvertArgs, Format};
use crate::failure::Failure;
use crate::input::Input;
use crate::memory;
use crate::outputs;
use crate::terminal::{Terminal, warnings};
use crate::train_cache;

pub fn run(args: &ConvertArgs) -> Result<ExitCode, Failure> {
    if args.to == Format::Libsvm && args.memory_limit.is_some() {
        return Err(Failure::conflict(
            "convert",
            "`--memory-limit` is for text that becomes a cache",
        ));
    }
    if args.to == Format::Libsvm && (args.seed.is_some() || args.no_shuffle) {
        return Err(Failure::conflict(
            "convert",
            "`--seed` and `--no-shuffle` set the row order of a cache, but text is written in the order of the file",
        ));
    }
    outputs::check(&[("OUT", Some(&args.out))], &[("the data", args.data.as_path())])?;
    let terminal = Terminal::new(args.quiet);
    let shuffle = match args.to {
        Format::Cache if !args.no_shuffle => Some(args.seed.unwrap_or(train_cache::SEED)),
        _ => None,
    };
    let source = train_cache::source(&args.data, args.index_base);
    if args.to == Format::Cache && !cache::is_cache(&args.data) {
        let limit = args.memory_limit.unwrap_or_else(|| available() / 2);
        if memory::estimate(&args.data).is_none_or(|most| most > limit as u64) {
            return convert_externally(args, shuffle, limit, source, terminal);
        }
    }
    let options = LoadOptions { shuffle, ..LoadOptions::default() };
    let input = match Input::load_with(&args.data, args.index_base, options) {
        // Few bytes may be compressed from many.
        Err(Error::Memory { .. }) if args.to == Format::Cache && is_file(&args.data) => {
            let limit = args.memory_limit.unwrap_or_else(|| available() / 2);
            return convert_externally(args, shuffle, limit, source, terminal);
        }
        input => input?,
    };
    input.data.verify()?;
    terminal.warn(warnings::merged_values(&input.name, &input.data));
    let started = Instant::now();
    // A cache keeps its order unless another one is requested.
    let data = match (shuffle, args.seed) {
        (None, _) => input.data.in_file_order(),
        (Some(seed), None) => input.data.in_random_order(seed),
        (Some(_), Some(seed)) => input.data.shuffled(seed),
    };
    let permissions = train_cache::permissions(&args.data);
    match args.to {
        Format::Cache => {
            let own = source.filter(|source| {
                train_cache::source(&args.data, args.index_base).as_ref() == Some(source)
            });
            let notes = cache::notes(&input.data).cloned();
            let notes = notes.unwrap_or(Notes { base: Some(input.base), source: own });
            cache::write_with(&data, &args.out, permissions, &notes)?;
        }
        Format::Libsvm => write_text(&data, &args.out, permissions)?,
    }
    let (examples, features, nonzeros, base) =
        (data.len(), data.width(), data.nonzeros(), input.base);
    let converted = Converted { examples, features, nonzeros, base };
    let times = format!(
        "read in {:.3} s, written in {:.3} s",
        input.time.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
    terminal.line(report(&converted, data.seed(), args, &times));
    Ok(ExitCode::SUCCESS)
}

/// Returns true if the data at `path` can be read twice.
fn is_file(path: &Path) -> bool {
    path.as_os_str() != "-" && path.is_file() && !cache::is_cache(path)
}

/// Converts text that may be larger than memory, through temporary files.
fn convert_externally(
    args: &ConvertArgs,
    shuffle: Option<u64>,
    limit: usize,
    source: Option<Source>,
    terminal: Terminal,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let parse = ParseOptions { index_base: args.index_base, ..ParseOptions::default() };
    let options = LoadOptions { parse, shuffle, ..LoadOptions::default() };
    let notes = |base| {
        let own = source.filter(|source| {
            train_cache::source(&args.data, args.index_base).as_ref() == Some(source)
        });
        Notes { base: Some(base), source: own }
    };
    let permissions = train_cache::permissions(&args.data);
    let converted = cache::convert(&args.data, &args.out, &options, limit, permissions, notes)?;
    let times = format!(
        "through temporary files, with {} bytes of memory, in {:.3} s",
        limit,
        started.elapsed().as_secs_f64()
    );
    terminal.line(report(&converted, shuffle, args, &times));
    Ok(ExitCode::SUCCESS)
}

fn write_text(data: &Dataset, path: &Path, permissions: u32) -> Result<(), Error> {
    let mut refused = None;
    let written = save::atomically_as(path, permissions, |mut out| {
        libsvm::write(data, &mut out).inspect_err(|error| {
            refused = (error.kind() == std::io::ErrorKind::InvalidData).then(|| error.to_string());
        })
    });
    match refused {
        Some(what) => {
            let expected = "finite numbers and indices below 4294967295";
            Err(Error::input(
                path.display().to_string(),
                what,
                expected,
                "keep the cache, or fix the data",
            ))
        }
        None => written,
    }
}

fn report(converted: &Converted, seed: Option<u64>, args: &ConvertArgs, times: &str) -> String {
    let order = match seed {
        Some(seed) => format!("in the random order of seed {seed}"),
        None => "in the order of the file".into(),
    };
    let size =
        fs::metadata(&args.out).map_or(String::new(), |file| format!(", {} bytes", file.len()));
    let base = if converted.base == IndexBase::Zero { 0 } else { 1 };
    format!(
        "{}: {} examples, {} features counted from {base}, {} non-zeros, {order}{size}; {times}",
        args.out.display(),
        converted.examples,
        converted.features,
        converted.nonzeros,
    )
}
