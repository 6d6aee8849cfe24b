//! `wildsgd inspect`: statistics of a data set, and what they mean for training without locks.

mod advice;
mod bars;
mod format;
mod page;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use wildsgd::Error;
use wildsgd::data::IndexBase;
use wildsgd::internal::report;
use wildsgd::internal::stats::Stats;

use crate::args::InspectArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::outputs;
use page::Page;

pub fn run(args: &InspectArgs) -> Result<ExitCode, Failure> {
    outputs::check(
        &[("`--svg`", args.svg.as_ref()), ("`--json`", args.json.as_ref())],
        &[("the data", args.data.as_path())],
    )?;
    let input = Input::load(&args.data, args.index_base)?;
    input.data.verify()?;
    let started = Instant::now();
    let first = if input.base == IndexBase::Zero { 0 } else { 1 };
    let stats = Stats::of(&input.name, &input.data, first)?;
    let report = report::Inspected::new(input.report(), stats, started.elapsed());
    if let Some(path) = &args.svg {
        report::write_svg(&report, path)?;
    }
    if let Some(path) = &args.json {
        report::write(&report, path)?;
    }
    if !args.quiet {
        print(&report).map_err(|error| Error::io("<stdout>", "write", error))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &report::Inspected) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    write!(out, "{}", Page(report))?;
    out.flush()
}
