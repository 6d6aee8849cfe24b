//! `wildsgd predict`: one prediction a line.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use wildsgd::{Dataset, Error, Model, metrics, save};

use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::outputs;
use crate::terminal::{Terminal, exact, short, warnings};

pub fn run(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--output`", args.output.as_ref())], &inputs)?;
    let model = Model::load(&args.model)?;
    if args.proba {
        // Refused before the data are read.
        model.probabilities(&Dataset::from_parts(vec![0], vec![], None, vec![], 0)?)?;
    }
    let input = Input::load(&args.data, args.index_base)?;
    let data = &input.data;
    data.verify()?;
    // A line a line of the text, whatever order a cache has.
    let scores = data.in_order_of_file(model.decisions(data));
    let probabilities = match args.proba {
        true => Some(data.in_order_of_file(model.probabilities(data)?)),
        false => None,
    };
    let lines = Lines { model: &model, scores: &scores, decision: args.decision, probabilities };
    match &args.output {
        Some(path) => save::atomically(path, |out| lines.write(out))?,
        None => lines.print().map_err(|error| Error::io("<stdout>", "write", error))?,
    }
    let terminal = Terminal::new(args.quiet);
    terminal.line(quality(&model, &scores, &data.labels_of_file()));
    terminal.warn(warnings::unseen(&input, &model));
    Ok(ExitCode::SUCCESS)
}

/// What is written.
struct Lines<'a> {
    model: &'a Model,
    scores: &'a [f64],
    decision: bool,
    /// Of the first label, if they are asked for.
    probabilities: Option<Vec<f64>>,
}

impl Lines<'_> {
    fn print(&self) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        self.write(&mut out)?;
        out.flush()
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if let Some(probabilities) = &self.probabilities {
            let [first, second] = self.model.labels() else {
                unreachable!("probabilities are of two classes")
            };
            writeln!(out, "labels {first} {second}")?;
            for (&score, &p) in self.scores.iter().zip(probabilities) {
                writeln!(out, "{} {} {}", self.model.prediction(score), exact(p), exact(1.0 - p))?;
            }
            return Ok(());
        }
        for &score in self.scores {
            let value = if self.decision { score } else { self.model.prediction(score) };
            writeln!(out, "{}", exact(value))?;
        }
        Ok(())
    }
}

/// How well predictions fit the labels in the file.
fn quality(model: &Model, scores: &[f64], labels: &[f32]) -> String {
    let total = labels.len();
    if let &[first, second] = model.labels() {
        let known = |label: f32| [first, second].map(f64::from).contains(&f64::from(label));
        if !labels.iter().any(|&label| known(label)) {
            return format!(
                "no accuracy: none of the {total} labels is one of the model's, {first} and {second}"
            );
        }
        let right = |(&score, &label): (&f64, &f32)| model.prediction(score) == f64::from(label);
        let right = scores.iter().zip(labels).filter(|&pair| right(pair)).count();
        return format!(
            "Accuracy = {} % ({right}/{total})",
            short(Some(100.0 * right as f64 / total as f64))
        );
    }
    let squared = metrics::rmse(scores, labels).map(|rmse| rmse * rmse);
    format!("Mean squared error = {}, R2 = {}", short(squared), short(metrics::r2(scores, labels)))
}
