//! `wildsgd bench`: how fast this machine does what the command does.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use wildsgd::data::{LoadOptions, Throughput, source, throughput};
use wildsgd::{Error, Result};

use crate::args::{BenchArgs, BenchLoadArgs, Benchmark};
use crate::failure::Failure;

pub fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let Benchmark::Load(args) = &args.benchmark;
    load(args)
}

fn load(args: &BenchLoadArgs) -> Result<ExitCode, Failure> {
    if args.data.as_os_str() == "-" {
        return Err(Failure::conflict("bench", "standard input cannot be read several times: name a file"));
    }
    let counts = [("threads", args.threads), ("runs", args.runs)];
    if let Some((name, value)) = counts.into_iter().find(|&(_, value)| !(1..=MOST).contains(&value)) {
        let error = Error::Parameter {
            name,
            value: value.to_string(),
            expected: "a number from 1 to 4096",
            hint: "leave it out for the default",
        };
        return Err(error.into());
    }
    let options = |threads| LoadOptions { threads, shuffle: Some(1), ..LoadOptions::default() };
    let mut rows = vec![(1, throughput(&args.data, &options(1), args.runs as usize)?)];
    if args.threads > 1 {
        let threads = args.threads as usize;
        rows.push((threads, throughput(&args.data, &options(threads), args.runs as usize)?));
    }
    print(&source::display_name(&args.data), &rows).map_err(|error| Error::io("<stdout>", "write", error))?;
    Ok(ExitCode::SUCCESS)
}

/// Most threads and most runs.
const MOST: i64 = 4096;

fn print(name: &str, rows: &[(usize, Throughput)]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let (_, first) = &rows[0];
    writeln!(
        out,
        "{name}: {} bytes of text, {} examples, {} non-zeros",
        first.bytes, first.examples, first.nonzeros
    )?;
    writeln!(
        out,
        "from the file to checked rows in shuffled order; medians, each beside a copy of the text in memory"
    )?;
    writeln!(
        out,
        "{:>7} {:>9} {:>8} {:>14} {:>10} {:>8}",
        "threads", "seconds", "MB/s", "non-zeros/s", "copy MB/s", "of copy"
    )?;
    for (threads, load) in rows {
        writeln!(
            out,
            "{threads:>7} {:>9.4} {:>8.0} {:>14.4e} {:>10.0} {:>8.3}",
            load.load.as_secs_f64(),
            load.bytes_per_second() / 1e6,
            load.nonzeros_per_second(),
            load.copied_per_second() / 1e6,
            load.share_of_copy(),
        )?;
    }
    out.flush()
}
