//! `wildsgd predict`: one prediction a line, written while the data are read.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use wildsgd::{Dataset, Error, Model, metrics, save};

use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::outputs;
use crate::passing::Passed;
use crate::terminal::{Terminal, exact, short, warnings};

pub fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--output`", args.output.as_ref())], &inputs)?;
    let model = Model::load(&args.model)?;
    let form = Form::of(args, &model)?;
    let (passed, quality) = match &args.output {
        Some(path) => to_file(path, |out| write(args, &model, form, path, out))?,
        None => {
            // Not locked: blocks come from several threads.
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
            let written = write(args, &model, form, Path::new("<stdout>"), &mut out);
            out.flush().map_err(|error| Error::io("<stdout>", "write", error)).and(written)?
        }
    };
    let terminal = Terminal::new(args.quiet);
    terminal.line(quality.sentence(&model, passed.counts.examples));
    terminal.warn(warnings::unseen(&passed.name, passed.counts, &model));
    Ok(ExitCode::SUCCESS)
}

/// Gives `path` what `write` writes, or leaves it as it is.
fn to_file<T>(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut written = None;
    let saved = save::atomically(path, |out| match written.insert(write(out)) {
        Ok(_) => Ok(()),
        Err(error) => Err(io::Error::other(error.to_string())),
    });
    match written {
        Some(Ok(made)) => saved.map(|()| made),
        Some(Err(error)) => Err(error),
        None => Err(saved.expect_err("nothing was written")),
    }
}

/// Writes all predictions; `name` is what `out` is called.
fn write(
    args: &PredictArgs,
    model: &Model,
    form: Form,
    name: &Path,
    out: &mut (dyn Write + Send),
) -> Result<(Passed, Quality), Error> {
    let failed = |error| Error::io(name, "write", error);
    if let (Form::Probabilities, &[first, second]) = (form, model.labels()) {
        writeln!(out, "labels {first} {second}").map_err(failed)?;
    }
    let mut quality = Quality::default();
    let lines = |scores: &[f64]| form.lines(model, scores);
    let passed = Passed::all(&args.data, args.index_base, model, lines, |lines, scores, labels| {
        quality.add(model, scores, labels);
        out.write_all(&lines).map_err(failed)
    })?;
    Ok((passed, quality))
}

/// What a line says.
#[derive(Clone, Copy)]
enum Form {
    Label,
    Decision,
    Probabilities,
}

impl Form {
    fn of(args: &PredictArgs, model: &Model) -> Result<Self, Error> {
        if args.proba {
            // Refused before the data are read.
            model.probabilities(&Dataset::from_parts(vec![0], vec![], None, vec![], 0)?)?;
            return Ok(Form::Probabilities);
        }
        Ok(if args.decision { Form::Decision } else { Form::Label })
    }

    fn lines(self, model: &Model, scores: &[f64]) -> Vec<u8> {
        let mut lines = String::new();
        for &score in scores {
            match self {
                Form::Label => lines += &exact(model.prediction(score)),
                Form::Decision => lines += &exact(score),
                Form::Probabilities => {
                    let p = 1.0 / (1.0 + (-score).exp());
                    lines += &format!("{} {} {}", model.prediction(score), exact(p), exact(1.0 - p));
                }
            }
            lines.push('\n');
        }
        lines.into_bytes()
    }
}

/// How well predictions fit the labels in the file.
#[derive(Default)]
struct Quality {
    /// Labels that the model knows.
    known: usize,
    /// Predictions that are the label.
    right: usize,
    /// Of a regression model.
    errors: metrics::Errors,
}

impl Quality {
    fn add(&mut self, model: &Model, scores: &[f64], labels: &[f32]) {
        let classes = model.labels();
        if classes.is_empty() {
            return self.errors.add(scores, labels);
        }
        for (&score, &label) in scores.iter().zip(labels) {
            let label = f64::from(label);
            self.known += usize::from(classes.iter().any(|&class| f64::from(class) == label));
            self.right += usize::from(model.prediction(score) == label);
        }
    }

    fn sentence(&self, model: &Model, total: usize) -> String {
        match *model.labels() {
            [] => {
                format!("Mean squared error = {}, R2 = {}", short(self.errors.mse()), short(self.errors.r2()))
            }
            [first, second] if self.known == 0 => {
                format!("no accuracy: none of the {total} labels is one of the model's, {first} and {second}")
            }
            _ => format!(
                "Accuracy = {} % ({}/{total})",
                short(Some(100.0 * self.right as f64 / total as f64)),
                self.right
            ),
        }
    }
}
