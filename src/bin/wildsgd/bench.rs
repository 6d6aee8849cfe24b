//! `wildsgd bench`: benchmarks of this machine.

mod peers;
mod scaling;
mod strategies;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use wildsgd::data::{self, LoadOptions, source};
use wildsgd::internal::cache;
use wildsgd::internal::data::{Throughput, throughput};
use wildsgd::internal::save;
use wildsgd::{Error, Result};

use crate::args::{BenchArgs, BenchLoadArgs, Benchmark};
use crate::failure::Failure;

pub use strategies::StrategiesArgs;

pub fn run(args: &BenchArgs, started: Instant) -> Result<ExitCode, Failure> {
    match &args.benchmark {
        Benchmark::Load(args) => load(args),
        Benchmark::Scaling(args) => scaling::run(args, started),
        Benchmark::Strategies(args) => strategies::run(args),
    }
}

fn load(args: &BenchLoadArgs) -> Result<ExitCode, Failure> {
    if args.data.as_os_str() == "-" {
        return Err(Failure::conflict(
            "bench",
            "standard input cannot be read several times: name a file",
        ));
    }
    let counts = [("threads", args.threads), ("runs", args.runs)];
    if let Some((name, value)) = counts.into_iter().find(|&(_, value)| !(1..=MOST).contains(&value))
    {
        let error = Error::Parameter {
            name,
            value: value.to_string(),
            expected: "a number from 1 to 4096",
            hint: "leave it out for the default",
        };
        return Err(error.into());
    }
    let folder =
        save::Folder::new().map_err(|error| Error::io("<temporary folder>", "create", error))?;
    let files = files(args, folder.path())?;
    let mut rows = Vec::new();
    for (format, path) in &files {
        for threads in if args.threads > 1 { vec![1, args.threads as usize] } else { vec![1] } {
            let options = LoadOptions { threads, shuffle: Some(1), ..LoadOptions::default() };
            rows.push((*format, threads, throughput(path, &options, args.runs as usize)?));
        }
    }
    print(&source::display_name(&args.data), &rows)
        .map_err(|error| Error::io("<stdout>", "write", error))?;
    Ok(ExitCode::SUCCESS)
}

/// Maximum number of threads and of runs.
const MOST: i64 = 4096;
/// Name of the cache format in the table.
const CACHE: &str = "cache";

/// Returns the files to time with the names of their formats: the given one, and those made from it
/// in `folder`.
fn files(args: &BenchLoadArgs, folder: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
    if cache::is_cache(&args.data) {
        return Ok(vec![(CACHE, args.data.clone())]);
    }
    let mut files = vec![("text", args.data.clone())];
    let path = |format: &str| folder.join(format);
    #[cfg(feature = "compression")]
    if args.compressed {
        files.extend(compress(&args.data, folder)?);
    }
    let data = data::load(&args.data, &LoadOptions { shuffle: Some(1), ..LoadOptions::default() })?;
    cache::write(&data, path(CACHE))?;
    files.push((CACHE, path(CACHE)));
    Ok(files)
}

/// Writes the text of `data`, compressed with each format, to files in `folder`; returns the
/// formats with their files.
#[cfg(feature = "compression")]
fn compress(data: &Path, folder: &Path) -> Result<[(&'static str, PathBuf); 3]> {
    let text = source::read(data)?;
    let path = |format: &str| folder.join(format);
    save::atomically(path("gzip"), |out| {
        let mut gzip = flate2::write::GzEncoder::new(out, flate2::Compression::default());
        gzip.write_all(&text)?;
        gzip.finish().map(drop)
    })?;
    save::atomically(path("bzip2"), |out| {
        let mut bzip2 = bzip2::write::BzEncoder::new(out, bzip2::Compression::default());
        bzip2.write_all(&text)?;
        bzip2.finish().map(drop)
    })?;
    save::atomically(path("zstd"), |out| {
        zstd::stream::copy_encode(&*text, out, zstd::DEFAULT_COMPRESSION_LEVEL)
    })?;
    Ok(["gzip", "bzip2", "zstd"].map(|format| (format, path(format))))
}

fn print(name: &str, rows: &[(&str, usize, Throughput)]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let (_, _, first) = &rows[0];
    writeln!(out, "{name}: {} examples, {} non-zeros", first.examples, first.nonzeros)?;
    writeln!(
        out,
        "time from the file to checked rows in shuffled order; medians, beside a copy of the same bytes in memory: those \
         of the decompressed text, or of the cache"
    )?;
    writeln!(
        out,
        "{:<6} {:>12} {:>7} {:>9} {:>8} {:>14} {:>10} {:>8}",
        "format", "bytes", "threads", "seconds", "MB/s", "non-zeros/s", "copy MB/s", "of copy"
    )?;
    for (format, threads, load) in rows {
        writeln!(
            out,
            "{format:<6} {:>12} {threads:>7} {:>9.4} {:>8.0} {:>14.4e} {:>10.0} {:>8.3}",
            load.bytes,
            load.load.as_secs_f64(),
            load.bytes_per_second() / 1e6,
            load.nonzeros_per_second(),
            load.copied_per_second() / 1e6,
            load.share_of_copy(),
        )?;
    }
    if let Some((_, _, load)) = rows.iter().rfind(|&&(format, _, _)| format == CACHE) {
        let micros = load.open.as_secs_f64() * 1e6;
        writeln!(
            out,
            "the cache opens in {micros:.0} microseconds of that; the rest checks its rows"
        )?;
    }
    out.flush()
}
