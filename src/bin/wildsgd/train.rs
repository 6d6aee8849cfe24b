//! `wildsgd train`: from a data file to a model file.

use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use wildsgd::data::{LoadOptions, source};
use wildsgd::report::{self, Trained as Report};
use wildsgd::strategy::Update as Write;
use wildsgd::train::{Clustering, Clusters, Settings, Sharing, Solver, StopReason, Trained, Trainer};
use wildsgd::{Error, save};

use crate::args::{self, LearningRate, RingArgs, RunArgs, Strategy, TrainArgs, Update};
use crate::failure::{Failure, INTERRUPTED};
use crate::input::Input;
use crate::terminal::{Screen, Summary, Terminal, warnings};
use crate::{interrupt, outputs};

pub fn run(args: &TrainArgs, started: Instant) -> Result<ExitCode, Failure> {
    refuse_contradictions(args)?;
    let mut trainer = trainer(args)?;
    check_files(args)?;

    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::too_many_threads(trainer.settings.workers()));
    let mut screen = Screen::new(terminal, args.problem.loss.is_regression(), args.test.is_some());
    screen.busy(format!("loading {}", trainer.data_name));
    let settings = &trainer.settings;
    let layout = LoadOptions {
        shuffle: Some(settings.seed),
        threads: settings.workers().min(cores()),
        ..LoadOptions::default()
    };
    let data = Input::load_with(&args.data, args.index_base, layout)?;
    let test = args.test.as_ref().map(|path| Input::load(path, data.base)).transpose()?;
    if let Some(cost) = args.problem.cost {
        trainer.l2 = Some(1.0 / (cost * data.data.len() as f64));
    }

    interrupt::set_on_ctrl_c(trainer.settings.interrupt.clone(), terminal)?;
    screen.busy("preparing".into());
    let held_out = test.as_ref().map(|test| &test.data);
    let trained = trainer.fit_watched(&data.data, held_out, &mut |event| screen.show(event))?;
    screen.end();

    let interrupted = trained.fit.stop == StopReason::Interrupted;
    if trained.fit.visits == 0 {
        return without_model(&trainer, interrupted, terminal);
    }
    if let Some(path) = &args.model {
        trained.model.save(path)?;
    }
    let report = Report::new(&trainer, &trained, data.report(), started.elapsed())
        .with_test_data(test.as_ref().map(Input::report));
    if let Some(path) = &args.report {
        report::write(&report, path)?;
    }

    let summary = Summary { report: &report, model: args.model.as_deref(), file: args.report.as_deref() };
    terminal.line(summary);
    warn(terminal, &trainer, &trained, test.as_ref(), screen.undone());
    Ok(if interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// Parsing is bound by the cores, whatever the number of training threads.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// How a training ends that had no time for a single visit: zero weights must not replace a model.
fn without_model(trainer: &Trainer, interrupted: bool, terminal: Terminal) -> Result<ExitCode, Failure> {
    if interrupted {
        terminal.line("interrupted before the first block: nothing was learned, nothing is written");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let limit = trainer.settings.time_limit.unwrap_or_default().as_secs_f64();
    Err(parameter("time limit", limit, "enough seconds to prepare and to train a block", "raise it").into())
}

fn warn(terminal: Terminal, trainer: &Trainer, trained: &Trained, test: Option<&Input>, undone: usize) {
    terminal.warn(warnings::undone(undone, trained.fit.began.step_size.is_some_and(|step| step.searched)));
    terminal.warn(warnings::unsettled(&trainer.settings, trained.fit.stop));
    if let (Some(test), Some(evaluation)) = (test, &trained.test) {
        terminal.warn(warnings::unknown_labels(test, evaluation));
        terminal.warn(warnings::unseen(test, &trained.model));
    }
}

/// Arguments that clap cannot see to contradict each other.
fn refuse_contradictions(args: &TrainArgs) -> Result<(), Failure> {
    let refuse = |why| Err(Failure::conflict("train", why));
    if args.run.strategy == Strategy::Sequential {
        if args.run.update.is_some() {
            return refuse(
                "`--update` says how threads share weights, but `--strategy sequential` has one thread",
            );
        }
        if args.run.threads.is_some_and(|threads| threads > 1) {
            return refuse(
                "`--strategy sequential` has one thread: leave `--threads` out, or choose hogwild",
            );
        }
    }
    if args.run.strategy == Strategy::HogwildPlusPlus && args.run.update == Some(Update::Merged) {
        return refuse(
            "`--update merged` is for `--strategy hogwild`: hogwild++'s clusters have their own way to merge",
        );
    }
    if args.run.strategy != Strategy::HogwildPlusPlus && args.run.ring.is_given() {
        return refuse(
            "`--clusters`, `--cluster-size`, `--update-delay`, `--ring-beta`, `--ring-lambda` and `--pin` are for \
             `--strategy hogwild++`",
        );
    }
    if args.data.as_os_str() == "-" && args.test.as_deref() == Some(Path::new("-")) {
        return refuse("standard input can be DATA or `--test`, not both");
    }
    Ok(())
}

/// Finds out what would fail after hours of training.
fn check_files(args: &TrainArgs) -> Result<(), Failure> {
    // The weights are mapped in place, so that a file that is there needs no room beside it.
    let params = args.params.as_ref().filter(|path| !path.is_file());
    let test = args.test.iter().map(|path| ("`--test`", path.as_path()));
    let mapped = args.params.iter().filter(|path| path.is_file()).map(|path| ("`--params`", path.as_path()));
    let inputs: Vec<_> = [("the data", args.data.as_path())].into_iter().chain(test).chain(mapped).collect();
    if let Some(path) = params {
        save::check(path)?;
    }
    outputs::check(
        &[("`--params`", params), ("`--model`", args.model.as_ref()), ("`--report`", args.report.as_ref())],
        &inputs,
    )?;
    Ok(())
}

/// All settings but an l2 that depends on the number of examples, checked.
fn trainer(args: &TrainArgs) -> Result<Trainer, Error> {
    let problem = &args.problem;
    let trainer = Trainer {
        loss: problem.loss,
        solver: match args.run.solver {
            args::Solver::Auto => Solver::Auto,
            args::Solver::Sgd => Solver::Sgd,
            args::Solver::Dual => Solver::Dual,
        },
        l2: problem.l2,
        bias: (!problem.no_bias).then_some(problem.bias),
        data_name: source::display_name(&args.data),
        settings: Settings { params: args.params.clone(), ..settings(&args.run, problem.l1)? },
    };
    trainer.check()?;
    if let Some(cost) = problem.cost.filter(|cost| !(cost.is_finite() && *cost > 0.0)) {
        return Err(parameter(
            "cost",
            cost,
            "a finite number above 0",
            "1 is usual; larger fits the data closer",
        ));
    }
    Ok(trainer)
}

fn settings(args: &RunArgs, l1: f64) -> Result<Settings, Error> {
    let update = args.update.map(|update| match update {
        Update::Wild => Write::Wild,
        Update::Atomic => Write::Atomic,
        Update::Merged => Write::Merged,
    });
    let mut settings = Settings {
        sharing: match args.strategy {
            Strategy::Sequential => Sharing::Sequential,
            // A way to write weights is one for several threads.
            Strategy::Auto => update.map_or(Sharing::Auto, Sharing::Hogwild),
            Strategy::Hogwild => Sharing::Hogwild(update.unwrap_or(Write::Merged)),
            Strategy::HogwildPlusPlus => {
                Sharing::HogwildPlusPlus(clustering(&args.ring, update.unwrap_or_default())?)
            }
        },
        threads: match args.threads {
            None => 0,
            Some(threads) => at_least_1("threads", threads, "leave it out for one thread a core")?,
        },
        learning_rate: match args.learning_rate {
            LearningRate::Auto => None,
            LearningRate::Fixed(rate) => Some(rate),
        },
        schedule: args.schedule,
        epochs: at_least_1(
            "epochs",
            args.epochs,
            "leave it out, and training ends when the objective settles",
        )?,
        tolerance: args.tolerance,
        time_limit: args.time_limit.map(time_limit).transpose()?,
        seed: args.seed,
        ..Settings::default()
    };
    settings.penalty.l1 = l1;
    Ok(settings)
}

fn clustering(args: &RingArgs, update: Write) -> Result<Clustering, Error> {
    let topology = "leave it out, and clusters follow the machine's sockets and caches";
    let clusters = match (args.clusters, args.cluster_size) {
        (Some(count), _) => Clusters::Count(at_least_1("clusters", count, topology)?),
        (None, Some(size)) => Clusters::Size(at_least_1("cluster size", size, topology)?),
        (None, None) => Clusters::Auto,
    };
    let delay = |delay| at_least_1("update delay", delay, "64 is usual for up to 4 clusters");
    Ok(Clustering {
        update,
        clusters,
        update_delay: args.update_delay.map(delay).transpose()?,
        beta: args.ring_beta,
        lambda: args.ring_lambda,
        pin: args.pin,
    })
}

fn at_least_1(name: &'static str, value: i64, hint: &'static str) -> Result<usize, Error> {
    usize::try_from(value).ok().filter(|&n| n >= 1).ok_or_else(|| parameter(name, value, "1 or more", hint))
}

fn time_limit(seconds: f64) -> Result<Duration, Error> {
    /// Thirty years: no clock runs over.
    const MOST: f64 = 1e9;
    if seconds > 0.0 && seconds <= MOST {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(parameter(
        "time limit",
        seconds,
        "a number of seconds above 0 and at most 1e9",
        "leave it out for no limit",
    ))
}

fn parameter(name: &'static str, value: impl ToString, expected: &'static str, hint: &'static str) -> Error {
    Error::Parameter { name, value: value.to_string(), expected, hint }
}
