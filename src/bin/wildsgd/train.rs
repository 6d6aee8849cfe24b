//! `wildsgd train`: trains a model on a data file.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use wildsgd::Error;
use wildsgd::data::{LoadOptions, load_weights, source};
use wildsgd::internal::report::{self, Trained as Report};
use wildsgd::internal::save;
use wildsgd::model::{LossKind, ModelFormat};
use wildsgd::strategy::{ClusterConfig, Clusters, StrategyKind, Update as Write};
use wildsgd::train::{
    ExampleWeights, Multiclass as ManyClasses, Precision, Settings, Solver, StopReason, Trained,
    Trainer,
};

use crate::args::{
    self, ClassWeight, LearningRate, Multiclass, RingArgs, RunArgs, TrainArgs, Update,
};
use crate::failure::{Failure, NOT_CERTIFIED};
use crate::input::Input;
use crate::streaming::Counts;
use crate::terminal::{Screen, Summary, Terminal, warnings};
use crate::{interrupt, outputs, train_cache};

pub fn run(args: &TrainArgs, started: Instant) -> Result<ExitCode, Failure> {
    refuse_contradictions(args)?;
    let mut trainer = trainer(args)?;
    check_files(args)?;

    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::too_many_threads(trainer.settings.workers()));
    let mut screen = Screen::new(terminal);
    screen.busy(format!("loading {}", trainer.data_name));
    let settings = &trainer.settings;
    let layout = LoadOptions {
        shuffle: Some(settings.seed),
        threads: settings.workers().min(cores()),
        ..LoadOptions::default()
    };
    let data = if args.cache {
        let warn = &mut |warning| screen.warn(warning);
        train_cache::load(&args.data, args.index_base, layout.threads, warn)?
    } else {
        Input::load_with(&args.data, args.index_base, layout)?
    };
    terminal.warn(warnings::merged_values(&data.name, &data.data));
    let test = args.test.as_ref().map(|path| Input::load(path, data.base)).transpose()?;
    if test.is_some() {
        screen.measures(measures(trainer.loss, data.data.labels()));
    }
    trainer.weights.examples = args.problem.weights.as_ref().map(load_weights).transpose()?;
    if let Some(cost) = args.problem.cost {
        trainer.l2 = Some(1.0 / (cost * data.data.len() as f64));
    }

    interrupt::set_on_signals(trainer.settings.interrupt.clone(), terminal);
    screen.busy("preparing".into());
    let held_out = test.as_ref().map(|test| &test.data);
    let trained = trainer.fit_watched(&data.data, held_out, &mut |event| {
        screen.show(event);
        ControlFlow::Continue(())
    })?;
    screen.end();

    let interrupted = trained.fit.stop == StopReason::Interrupted;
    if trained.fit.visits == 0 {
        return without_model(&trainer, &trained, terminal);
    }
    if let Some(path) = &args.model {
        let are_whole =
            trained.model.labels().iter().all(|&label| f64::from(label as i32) == label);
        let format = match args.model_format {
            None if !are_whole => ModelFormat::Native,
            _ => model_format(args),
        };
        if format == ModelFormat::Liblinear && !are_whole {
            terminal.warn(Some(warnings::LABELS_NOT_WHOLE.into()));
        }
        trained.model.save_as(path, format)?;
    }
    let report = Report::new(&trainer, &trained, data.report(), started.elapsed())
        .with_test_data(test.as_ref().map(Input::report));
    if let Some(path) = &args.report {
        report::write(&report, path)?;
    }

    let summary =
        Summary { report: &report, model: args.model.as_deref(), file: args.report.as_deref() };
    terminal.line(summary);
    warn(terminal, &trainer, &trained, test.as_ref(), screen.undone());
    Ok(match interrupted {
        true => interrupt::exit_code(),
        false if args.strict && !trained.is_certified(trainer.settings.tolerance) => {
            ExitCode::from(NOT_CERTIFIED)
        }
        false => ExitCode::SUCCESS,
    })
}

fn model_format(args: &TrainArgs) -> ModelFormat {
    let fitting = if args.problem.loss.kind == LossKind::Softmax {
        ModelFormat::Native
    } else {
        ModelFormat::default()
    };
    args.model_format.unwrap_or(fitting)
}

/// Returns the names of the measures on held-out data.
fn measures(loss: LossKind, labels: &[f64]) -> &'static [&'static str] {
    let differ = |label: &f64| *label != labels[0];
    let second = labels.iter().copied().find(differ);
    let many = labels.iter().any(|&label| differ(&label) && Some(label) != second);
    match loss {
        _ if loss.is_regression() => &["RMSE", "MAE", "R2"],
        LossKind::Softmax if many => &["accuracy", "macro F1", "log loss"],
        _ => &["accuracy", "AUC"],
    }
}

/// Returns the number of cores, which bounds parsing whatever the number of training threads.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Ends a training that had no time for a single visit, or not for one in each class: zero weights
/// must not replace a model.
fn without_model(
    trainer: &Trainer,
    trained: &Trained,
    terminal: Terminal,
) -> Result<ExitCode, Failure> {
    if trained.fit.stop == StopReason::Interrupted {
        terminal.line(if trained.classes.is_empty() {
            "interrupted before the first block: no model is written"
        } else {
            "interrupted before every class was trained: no model is written"
        });
        return Ok(interrupt::exit_code());
    }
    let limit = trainer.settings.time_limit.unwrap_or_default().as_secs_f64();
    Err(parameter(
        "time limit",
        limit,
        "enough seconds to prepare and to train a block",
        "raise it",
    )
    .into())
}

fn warn(
    terminal: Terminal,
    trainer: &Trainer,
    trained: &Trained,
    test: Option<&Input>,
    undone: usize,
) {
    terminal.warn(warnings::many_classes(
        trained.classes.len(),
        trained.classes.iter().map(|class| class.examples).sum(),
    ));
    terminal.warn(warnings::undone(undone, trained.fit.began.searched));
    terminal.warn(warnings::unsettled(&trainer.settings, trained));
    if let (Some(test), Some(evaluation)) = (test, &trained.test) {
        terminal.warn(warnings::unknown_labels(&test.name, test.data.len(), evaluation));
        terminal.warn(warnings::unseen(
            &test.name,
            Counts::of(&test.data, &trained.model),
            &trained.model,
        ));
    }
}

/// Refuses contradictory arguments that clap cannot detect.
fn refuse_contradictions(args: &TrainArgs) -> Result<(), Failure> {
    let refuse = |why: &str| Err(Failure::conflict("train", why));
    refuse_strategy("train", &args.run)?;
    if args.data.as_os_str() == "-" && args.cache {
        return refuse("`--cache` keeps a file beside DATA: name a file");
    }
    let loss = args.problem.loss.chosen("train")?;
    if args.problem.multiclass == Multiclass::Ovr && loss == LossKind::Softmax {
        return refuse(
            "`--multiclass ovr` trains each class against the rest, but `--loss softmax` trains all at once",
        );
    }
    let liblinear = args.model_format == Some(ModelFormat::Liblinear);
    if liblinear && loss == LossKind::Softmax {
        return refuse(
            "LIBLINEAR has no softmax: leave `--model-format` out for the native format, or choose `--loss logistic`",
        );
    }
    if args.problem.multiclass == Multiclass::Ovr && loss.is_regression() {
        return refuse(&format!(
            "`--multiclass ovr` trains classes, but `--loss {loss}` is for regression"
        ));
    }
    let inputs = [Some(&args.data), args.test.as_ref(), args.problem.weights.as_ref()];
    if inputs.into_iter().flatten().filter(|path| path.as_os_str() == "-").count() > 1 {
        return refuse("standard input can be used for only one of DATA, `--test` and `--weights`");
    }
    Ok(())
}

/// Refuses arguments that the strategy does not use.
pub fn refuse_strategy(command: &str, args: &RunArgs) -> Result<(), Failure> {
    let refuse = |why| Err(Failure::conflict(command, why));
    if args.strategy == StrategyKind::Sequential {
        if args.update.is_some() {
            return refuse(
                "`--update` chooses how threads share weights, but `--strategy sequential` has one thread",
            );
        }
        if args.threads.is_some_and(|threads| threads > 1) {
            return refuse(
                "`--strategy sequential` has one thread: leave `--threads` out, or choose hogwild",
            );
        }
    }
    let is_hogwild = matches!(args.strategy, StrategyKind::Hogwild(_));
    let has_clusters = matches!(args.strategy, StrategyKind::HogwildPlusPlus(_));
    if has_clusters && matches!(args.update, Some(Update::Merged | Update::Split)) {
        return refuse(
            "`--update merged` and `split` are for `--strategy hogwild`: hogwild++ merges its clusters along the ring",
        );
    }
    if !has_clusters && args.ring.is_given() {
        return refuse(
            "`--clusters`, `--cluster-size`, `--update-delay`, `--ring-beta`, `--ring-lambda` and `--pin` are for \
             `--strategy hogwild++`",
        );
    }
    if let Some(why) = args.strategy_args.misplaced(args.strategy) {
        return refuse(why);
    }
    let has_updates = args.strategy == StrategyKind::Auto || is_hogwild || has_clusters;
    if args.update.is_some() && !has_updates {
        return refuse("`--update` is for `--strategy hogwild` and `hogwild++`");
    }
    Ok(())
}

/// Checks before hours of training that all files can be read and written.
fn check_files(args: &TrainArgs) -> Result<(), Failure> {
    // The weights are mapped in place, so a file that exists needs no space beside it.
    let params = args.params.as_ref().filter(|path| !path.is_file());
    let cache = args.cache.then(|| train_cache::path_of(&args.data));
    let weights = args.problem.weights.iter().map(|path| ("`--weights`", path.as_path()));
    let test = args.test.iter().map(|path| ("`--test`", path.as_path())).chain(weights);
    let mapped =
        args.params.iter().filter(|path| path.is_file()).map(|path| ("`--params`", path.as_path()));
    let inputs: Vec<_> = [("the data", args.data.as_path())]
        .into_iter()
        .chain(test)
        .chain(mapped)
        .chain(cache.iter().map(|path| ("`--cache`", path.as_path())))
        .collect();
    if let Some(path) = params {
        save::check(path)?;
    }
    if let (Some(path), ModelFormat::Native) = (&args.model, model_format(args)) {
        save::check_file(path)?;
    }
    outputs::check(
        &[
            ("`--params`", params),
            ("`--model`", args.model.as_ref()),
            ("`--report`", args.report.as_ref()),
        ],
        &inputs,
    )?;
    Ok(())
}

/// Returns the checked settings, except an l2 that depends on the number of examples.
fn trainer(args: &TrainArgs) -> Result<Trainer, Failure> {
    let problem = &args.problem;
    let mut trainer = Trainer {
        loss: problem.loss.chosen("train")?,
        precision: match args.solver.precision {
            args::Precision::Auto => Precision::Auto,
            args::Precision::F32 => Precision::F32,
            args::Precision::F64 => Precision::F64,
        },
        solver: match args.solver.solver {
            args::Solver::Auto => Solver::Auto,
            args::Solver::Sgd => Solver::Sgd,
            args::Solver::Dual => Solver::Dual,
            args::Solver::Saga => Solver::Saga,
            args::Solver::Interior => Solver::Interior,
        },
        l2: problem.l2,
        bias: (!problem.no_bias).then_some(problem.bias),
        free_bias: problem.free_bias,
        weights: class_weights(&problem.class_weight),
        multiclass: match problem.multiclass {
            Multiclass::Auto => ManyClasses::Auto,
            Multiclass::Ovr => ManyClasses::OneVsRest,
        },
        data_name: source::display_name(&args.data),
        settings: Settings { params: args.params.clone(), ..settings(&args.run, problem.l1)? },
    };
    let is_default_update =
        matches!(args.run.strategy, StrategyKind::Hogwild(_)) && args.run.update.is_none();
    let mut penalty = trainer.settings.penalty;
    penalty.l2 = trainer.l2.unwrap_or(1.0);
    if is_default_update && trainer.choose(penalty) != Solver::Sgd {
        trainer.settings.strategy = StrategyKind::Hogwild(Write::Wild);
    }
    trainer.check()?;
    if let Some(cost) = problem.cost.filter(|cost| !(cost.is_finite() && *cost > 0.0)) {
        return Err(parameter(
            "cost",
            cost,
            "a finite number above 0",
            "1 is usual; a larger one fits the data more closely",
        )
        .into());
    }
    Ok(trainer)
}

fn class_weights(given: &[ClassWeight]) -> ExampleWeights {
    let mut weights = ExampleWeights::default();
    for given in given {
        match *given {
            ClassWeight::Balanced => weights.balanced = true,
            ClassWeight::Of { label, weight } => weights.classes.push((label, weight)),
        }
    }
    weights
}

pub fn settings(args: &RunArgs, l1: f64) -> Result<Settings, Error> {
    let update = args.update.map(|update| match update {
        Update::Wild => Write::Wild,
        Update::Atomic => Write::Atomic,
        Update::Merged => Write::Merged,
        Update::Split => Write::Split,
    });
    let mut settings = Settings {
        strategy: match args.strategy {
            StrategyKind::Hogwild(default) => StrategyKind::Hogwild(update.unwrap_or(default)),
            StrategyKind::HogwildPlusPlus(_) => {
                StrategyKind::HogwildPlusPlus(clusters(&args.ring, update.unwrap_or_default())?)
            }
            // A kind of update implies several threads.
            StrategyKind::Auto => update.map_or(StrategyKind::Auto, StrategyKind::Hogwild),
            other => args.strategy_args.refine(other)?,
        },
        pin: args.ring.pin,
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
    args.strategy_args.apply(&mut settings)?;
    Ok(settings)
}

fn clusters(args: &RingArgs, update: Write) -> Result<ClusterConfig, Error> {
    let topology = "leave it out, and clusters follow the machine's sockets and caches";
    let clusters = match (args.clusters, args.cluster_size) {
        (Some(count), _) => Clusters::Count(at_least_1("clusters", count, topology)?),
        (None, Some(size)) => Clusters::Size(at_least_1("cluster size", size, topology)?),
        (None, None) => Clusters::Auto,
    };
    let delay = |delay| at_least_1("update delay", delay, "64 is usual for up to 4 clusters");
    Ok(ClusterConfig {
        update,
        clusters,
        update_delay: args.update_delay.map(delay).transpose()?,
        beta: args.ring_beta,
        lambda: args.ring_lambda,
    })
}

pub fn at_least_1(name: &'static str, value: i64, hint: &'static str) -> Result<usize, Error> {
    usize::try_from(value)
        .ok()
        .filter(|&n| n >= 1)
        .ok_or_else(|| parameter(name, value, "1 or more", hint))
}

/// Converts a time limit from seconds to a duration that clocks can hold.
pub fn time_limit(seconds: f64) -> Result<Duration, Error> {
    /// Thirty years, which no clock overflows.
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

pub fn parameter(
    name: &'static str,
    value: impl ToString,
    expected: &'static str,
    hint: &'static str,
) -> Error {
    Error::Parameter { name, value: value.to_string(), expected, hint }
}
