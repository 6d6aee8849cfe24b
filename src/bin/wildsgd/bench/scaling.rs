//! `wildsgd bench scaling`: how training scales with threads.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Instant;

use wildsgd::data::LoadOptions;
use wildsgd::internal::report::{self, Scaled, scaled};
use wildsgd::internal::scaling::{self, Plan, Stage};
use wildsgd::model::LossKind;
use wildsgd::{Error, Result};

use super::peers;
use crate::args::BenchScalingArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::outputs;
use crate::terminal::{Screen, Terminal};

pub fn run(args: &BenchScalingArgs, started: Instant) -> Result<ExitCode, Failure> {
    let plan = plan(args)?;
    check_files(args)?;
    let screen = Screen::new(Terminal::new(args.quiet));
    screen.busy("loading".into());
    let layout = LoadOptions { shuffle: Some(args.seed), ..LoadOptions::default() };
    let input = Input::load_with(&args.data, args.index_base, layout)?;
    let test = args.test.as_ref().map(|path| Input::load(path, input.base)).transpose()?;
    // Rows of a cache may lie in the order of the file.
    let data = input.data.in_random_order(args.seed);
    let measured = scaling::Input {
        data: &data,
        name: &input.name,
        test: test.as_ref().map(|test| &test.data),
        load_time: input.time,
    };
    let scaling = plan.run(measured, &mut |stage| screen.busy(describe(stage)))?;
    let peers = args.peers.as_ref().map(|python| {
        screen.busy("training with peers".into());
        peers::compare(
            python,
            &args.data,
            &data,
            args.repeats.map_or(PEER_RUNS, |_| scaling.repeats),
        )
    });
    let peers = peers.transpose()?;
    drop(screen);
    let test = test.as_ref().map(Input::report);
    let report = Scaled { peers, ..Scaled::new(input.report(), test, scaling, started.elapsed()) };
    write(args, &report)?;
    if !args.quiet {
        print(&report).map_err(|error| Error::io("<stdout>", "write", error))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(stage: Stage) -> String {
    match stage {
        Stage::Optimum => "finding the optimum".into(),
        Stage::Pieces => "timing the memory and single steps".into(),
        Stage::Training { done, of, strategy, threads } => {
            format!("training {} of {of}: {strategy}, {threads} threads", done + 1)
        }
    }
}

fn plan(args: &BenchScalingArgs) -> Result<Plan, Failure> {
    if args.data.as_os_str() == "-"
        || args.test.as_ref().is_some_and(|path| path.as_os_str() == "-")
    {
        return Err(Failure::conflict(
            "bench",
            "a comparison that includes loading times needs files: name one",
        ));
    }
    let loss = args.loss.chosen("bench")?;
    if args.peers.is_some() && (loss != LossKind::Logistic || args.l2.is_some()) {
        let why =
            "`--peers` compares on the logistic loss with l2 = 1/n: leave `--loss` and `--l2` out";
        return Err(Failure::conflict("bench", why));
    }
    let default = Plan::default();
    let count = |name, value: i64| {
        usize::try_from(value).ok().filter(|count| (1..=MOST).contains(count)).ok_or(
            Error::Parameter {
                name,
                value: value.to_string(),
                expected: "a number from 1 to 4096",
                hint: "leave it out for the default",
            },
        )
    };
    let threads = args.threads.iter().map(|&threads| count("threads", threads));
    let threads = threads.collect::<Result<Vec<_>>>()?;
    Ok(Plan {
        loss,
        l2: args.l2,
        threads: if threads.is_empty() { default.threads } else { threads },
        strategies: match args.strategies.is_empty() {
            true => default.strategies,
            false => args.strategies.clone(),
        },
        repeats: args.repeats.map(|repeats| count("repeats", repeats)).transpose()?,
        weak: args.weak,
        epochs: count("epochs", args.epochs)?,
        time_limit: crate::train::time_limit(args.time_limit)?,
        seed: args.seed,
        target: args.target,
    })
}

/// Trainings per peer if no number is given.
const PEER_RUNS: usize = 5;
/// Maximum number of threads, repeats and epochs.
const MOST: usize = 4096;

/// Checks before minutes of work that all outputs can be written.
fn check_files(args: &BenchScalingArgs) -> Result<()> {
    let test = args.test.iter().map(|path| ("`--test`", path.as_path()));
    let inputs: Vec<_> = [("the data", args.data.as_path())].into_iter().chain(test).collect();
    outputs::check(
        &[
            ("`--markdown`", args.markdown.as_ref()),
            ("`--csv`", args.csv.as_ref()),
            ("`--json`", args.json.as_ref()),
            ("`--html`", args.html.as_ref()),
        ],
        &inputs,
    )?;
    match &args.svg {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))
        }
        None => Ok(()),
    }
}

fn write(args: &BenchScalingArgs, report: &Scaled) -> Result<()> {
    if let Some(path) = &args.markdown {
        scaled::write_markdown(report, path)?;
    }
    if let Some(path) = &args.csv {
        scaled::write_csv(report, path)?;
    }
    if let Some(path) = &args.json {
        report::write(report, path)?;
    }
    if let Some(path) = &args.html {
        scaled::write_html(report, path)?;
    }
    if let Some(folder) = &args.svg {
        scaled::write_plots(report, folder)?;
    }
    Ok(())
}

fn print(report: &Scaled) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let data = &report.data;
    writeln!(
        out,
        "{}: {} examples, {} features, {} non-zeros",
        data.path, data.examples, data.features, data.nonzeros
    )?;
    for (name, value) in report.machine.lines() {
        writeln!(out, "{name}: {value}")?;
    }
    writeln!(out, "\n{}", scaled::points(report, false))?;
    if !report.scaling.weak.is_empty() {
        writeln!(
            out,
            "weak scaling: data in proportion to the threads\n{}",
            scaled::points(report, true)
        )?;
    }
    if report.scaling.target.is_some() {
        writeln!(out, "time to the target, loading included\n{}", scaled::target(report))?;
    }
    if report.peers.is_some() {
        writeln!(out, "{}", scaled::peers(report))?;
    }
    let (shapes, model, streaming) =
        (scaled::shapes(report), scaled::prediction(report), scaled::streaming(report));
    writeln!(out, "{shapes}\n{model}\n{streaming}")?;
    scaled::notes(report).iter().try_for_each(|note| writeln!(out, "{note}"))?;
    out.flush()
}
