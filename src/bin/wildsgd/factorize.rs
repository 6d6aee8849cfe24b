//! `wildsgd factorize`: trains a model on a file of ratings; and `predict` and `evaluate` with such
//! a model.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use wildsgd::data::{Ratings, load_pairs, load_ratings, source};
use wildsgd::internal::report::{self, Factorized as Report, RatingsData};
use wildsgd::internal::save;
use wildsgd::model::Factors;
use wildsgd::train::{Factorized, Factorizer, Settings, StopReason};
use wildsgd::{Error, metrics};

use crate::args::{EvaluateArgs, FactorizeArgs, PredictArgs};
use crate::failure::Failure;
use crate::terminal::{RatingsSummary, Screen, Terminal, exact, measures, short, warnings};
use crate::train::{at_least_1, parameter, refuse_strategy, settings};
use crate::{interrupt, outputs};

pub fn run(args: &FactorizeArgs, started: Instant) -> Result<ExitCode, Failure> {
    refuse_strategy("factorize", &args.run)?;
    if args.data.as_os_str() == "-"
        && args.test.as_ref().is_some_and(|test| test.as_os_str() == "-")
    {
        return Err(Failure::conflict(
            "factorize",
            "standard input can be used for only one of RATINGS and `--test`",
        ));
    }
    let trainer = Factorizer {
        rank: at_least_1("rank", args.rank, "8 to 64 are usual")?,
        l2: args.l2,
        data_name: source::display_name(&args.data),
        settings: Settings { ..settings(&args.run, 0.0)? },
    };
    trainer.check()?;
    check_files(args)?;

    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::too_many_threads(trainer.settings.workers()));
    let mut screen = Screen::new(terminal);
    if args.test.is_some() {
        screen.measures(&["RMSE", "MAE", "R2"]);
    }
    screen.busy(format!("loading {}", trainer.data_name));
    let (ratings, data) = load(&args.data)?;
    let test = args.test.as_ref().map(|path| load(path)).transpose()?;

    interrupt::set_on_signals(trainer.settings.interrupt.clone(), terminal);
    screen.busy("preparing".into());
    let held_out = test.as_ref().map(|(ratings, _)| ratings);
    let trained = trainer.fit_watched(&ratings, held_out, &mut |event| {
        screen.show(event);
        ControlFlow::Continue(())
    })?;
    screen.end();
    if trained.fit.visits == 0 {
        return without_model(&trainer, &trained, terminal);
    }
    if let Some(path) = &args.model {
        trained.model.save(path)?;
    }
    let test_data = test.as_ref().map(|(_, data)| data.clone());
    let report = Report::new(&trainer, &trained, data, test_data, started.elapsed());
    if let Some(path) = &args.report {
        report::write(&report, path)?;
    }
    terminal.line(RatingsSummary {
        report: &report,
        model: args.model.as_deref(),
        file: args.report.as_deref(),
    });
    let searched = trained.fit.began.searched;
    terminal.warn(warnings::undone(screen.undone(), searched));
    let unsettled = trained.fit.stop == StopReason::Epochs;
    terminal.warn(warnings::unsettled_objective(&trainer.settings, unsettled, ""));
    if let Some((ratings, data)) = &test {
        terminal.warn(unseen(&data.path, ratings, &trained.model));
    }
    let interrupted = trained.fit.stop == StopReason::Interrupted;
    Ok(if interrupted { interrupt::exit_code() } else { ExitCode::SUCCESS })
}

fn load(path: &Path) -> Result<(Ratings, RatingsData), Error> {
    let started = Instant::now();
    let ratings = load_ratings(path)?;
    let data = RatingsData::of(&source::display_name(path), &ratings, started.elapsed());
    Ok((ratings, data))
}

fn check_files(args: &FactorizeArgs) -> Result<(), Failure> {
    if let Some(path) = &args.model {
        save::check_file(path)?;
    }
    let test = args.test.iter().map(|path| ("`--test`", path.as_path()));
    let inputs: Vec<_> = [("the ratings", args.data.as_path())].into_iter().chain(test).collect();
    let written = [("`--model`", args.model.as_ref()), ("`--report`", args.report.as_ref())];
    Ok(outputs::check(&written, &inputs)?)
}

/// Ends a training that had no time for a single visit.
fn without_model(
    trainer: &Factorizer,
    trained: &Factorized,
    terminal: Terminal,
) -> Result<ExitCode, Failure> {
    if trained.fit.stop == StopReason::Interrupted {
        terminal.line("interrupted before the first block: no model is written");
        return Ok(interrupt::exit_code());
    }
    let limit = trainer.settings.time_limit.map_or(0.0, |limit: Duration| limit.as_secs_f64());
    Err(parameter(
        "time limit",
        limit,
        "enough seconds to prepare and to train a block",
        "raise it",
    )
    .into())
}

/// Runs `wildsgd predict` with a model of ratings: writes one predicted rating per line.
pub fn predict(args: &PredictArgs) -> Result<ExitCode, Failure> {
    if args.proba || args.decision {
        return Err(Failure::conflict(
            "predict",
            "`--proba` and `--decision` are for models of labels, but this is a model of ratings",
        ));
    }
    let model = Factors::load(&args.model)?;
    let pairs = load_pairs(&args.data)?;
    let predictions = model.predictions(&pairs);
    let lines: String = predictions.iter().map(|&rating| exact(rating) + "\n").collect();
    match &args.output {
        Some(path) => outputs::to_file(path, |out| {
            out.write_all(lines.as_bytes()).map_err(|error| Error::io(path, "write", error))
        })?,
        None => {
            let mut out = io::stdout().lock();
            let written = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
            written.map_err(|error| Error::io("<stdout>", "write", error))?;
        }
    }
    let terminal = Terminal::new(args.quiet);
    let rated = pairs.all().iter().zip(&predictions).filter(|(pair, _)| pair.value.is_finite());
    let (truth, predicted): (Vec<f64>, Vec<f64>) =
        rated.map(|(pair, &rating)| (f64::from(pair.value), rating)).unzip();
    if !truth.is_empty() {
        terminal.line(format_args!(
            "RMSE = {}, MAE = {} ({} ratings)",
            short(metrics::rmse(&predicted, &truth)),
            short(metrics::mae(&predicted, &truth)),
            truth.len()
        ));
    }
    terminal.warn(unseen(&source::display_name(&args.data), &pairs, &model));
    Ok(ExitCode::SUCCESS)
}

/// Runs `wildsgd evaluate` with a model of ratings.
pub fn evaluate(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let model = Factors::load(&args.model)?;
    let (ratings, data) = load(&args.data)?;
    let evaluation = model.evaluate(&ratings);
    let print = || {
        let mut out = BufWriter::new(io::stdout().lock());
        writeln!(out, "{:<10} {}", "ratings", ratings.all().len())?;
        for (name, value) in measures(&evaluation) {
            writeln!(out, "{name:<10} {}", short(value))?;
        }
        out.flush()
    };
    print().map_err(|error| Error::io("<stdout>", "write", error))?;
    let warning = unseen(&data.path, &ratings, &model);
    if let Some(path) = &args.report {
        let name = args.model.display().to_string();
        report::write(
            &report::EvaluatedFactors::new(&name, &model, data, model.unseen(&ratings), evaluation),
            path,
        )?;
    }
    Terminal::new(args.quiet).warn(warning);
    Ok(ExitCode::SUCCESS)
}

/// Warns of pairs in the file `name` with a user or an item that the model does not know.
fn unseen(name: &str, pairs: &Ratings, model: &Factors) -> Option<String> {
    let (unseen, total) = (model.unseen(pairs), pairs.all().len());
    (unseen > 0).then(|| {
        format!(
            "{name}: {unseen} of {total} lines have a user or an item that was not trained on: they are predicted without \
             it; check that both files spell names the same way"
        )
    })
}
