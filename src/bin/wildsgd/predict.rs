//! `wildsgd predict`: writes one prediction per line while the data are read.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use wildsgd::internal::Errors;
use wildsgd::model::is_factors;
use wildsgd::{Error, Model};

use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::streaming::Streamed;
use crate::terminal::{Terminal, exact, short, warnings};
use crate::{factorize, outputs};

pub fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--output`", args.output.as_ref())], &inputs)?;
    if is_factors(&args.model) {
        return factorize::predict(args);
    }
    let model = Model::load(&args.model)?;
    let form = Form::of(args, &model)?;
    let (streamed, quality) = match &args.output {
        Some(path) => outputs::to_file(path, |out| write(args, &model, form, path, out))?,
        None => {
            // Not locked: several threads write blocks.
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
            let written = write(args, &model, form, Path::new("<stdout>"), &mut out);
            out.flush().map_err(|error| Error::io("<stdout>", "write", error)).and(written)?
        }
    };
    let terminal = Terminal::new(args.quiet);
    terminal.line(quality.sentence(&model, streamed.counts.examples));
    terminal.warn(warnings::unseen(&streamed.name, streamed.counts, &model));
    Ok(ExitCode::SUCCESS)
}

/// Writes all predictions to `out`, which messages call `name`.
fn write(
    args: &PredictArgs,
    model: &Model,
    form: Form,
    name: &Path,
    out: &mut (dyn Write + Send),
) -> Result<(Streamed, Quality), Error> {
    let failed = |error| Error::io(name, "write", error);
    if let Form::Probabilities = form {
        let labels: String = model.labels().iter().map(|label| format!(" {label}")).collect();
        writeln!(out, "labels{labels}").map_err(failed)?;
    }
    let mut quality = Quality::default();
    let lines = |scores: &[f64]| form.lines(model, scores);
    let streamed =
        Streamed::score(&args.data, args.index_base, model, lines, |lines, scores, labels| {
            quality.add(model, scores, labels);
            out.write_all(&lines).map_err(failed)
        })?;
    Ok((streamed, quality))
}

/// Contents of an output line.
#[derive(Clone, Copy)]
enum Form {
    Label,
    /// All scores of the example.
    Decision,
    /// The label, and the probability of each class.
    Probabilities,
}

impl Form {
    fn of(args: &PredictArgs, model: &Model) -> Result<Self, Error> {
        if args.proba {
            // Refused before any data are read.
            model.probabilities_of_scores(&[])?;
            return Ok(Form::Probabilities);
        }
        Ok(if args.decision { Form::Decision } else { Form::Label })
    }

    fn lines(self, model: &Model, scores: &[f64]) -> Vec<u8> {
        let outputs = model.outputs();
        let probabilities = match self {
            Form::Probabilities => {
                model.probabilities_of_scores(scores).expect("a loss without them was refused")
            }
            Form::Label | Form::Decision => Vec::new(),
        };
        let mut lines = String::new();
        for (i, scores) in scores.chunks(outputs).enumerate() {
            let (label, numbers) = match self {
                Form::Label => (true, &[][..]),
                Form::Decision => (false, scores),
                Form::Probabilities => {
                    let classes = model.labels().len();
                    (true, &probabilities[i * classes..][..classes])
                }
            };
            let label = label.then(|| model.prediction(scores));
            for (k, number) in label.into_iter().chain(numbers.iter().copied()).enumerate() {
                lines += if k == 0 { "" } else { " " };
                lines += &exact(number);
            }
            lines.push('\n');
        }
        lines.into_bytes()
    }
}

/// Fit of the predictions to the labels in the file.
#[derive(Default)]
struct Quality {
    /// Number of labels that the model knows.
    known: usize,
    /// Number of predictions that equal the label.
    right: usize,
    /// Errors of a regression model.
    errors: Errors,
}

impl Quality {
    fn add(&mut self, model: &Model, scores: &[f64], labels: &[f64]) {
        let classes = model.labels();
        if classes.is_empty() {
            return self.errors.add(scores, labels);
        }
        for (scores, &label) in scores.chunks(model.outputs()).zip(labels) {
            let right = model.prediction(scores) == label;
            self.right += usize::from(right);
            self.known += usize::from(right || classes.contains(&label));
        }
    }

    fn sentence(&self, model: &Model, total: usize) -> String {
        if model.labels().is_empty() {
            return format!(
                "Mean squared error = {}, R2 = {}",
                short(self.errors.mse()),
                short(self.errors.r2())
            );
        }
        if self.known == 0 {
            return format!(
                "no accuracy: none of the {total} labels is one of the model's, {}",
                enumeration(model.labels())
            );
        }
        let share = 100.0 * self.right as f64 / total as f64;
        format!("Accuracy = {} % ({}/{total})", short(Some(share)), self.right)
    }
}

/// Lists two or more labels in words.
fn enumeration(labels: &[f64]) -> String {
    /// Maximum number of labels in a message.
    const MOST: usize = 8;
    let text = |labels: &[f64]| labels.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    match labels {
        [others @ .., last] if labels.len() <= MOST => format!("{} and {last}", text(others)),
        _ => format!("{} and {} more", text(&labels[..MOST]), labels.len() - MOST),
    }
}
