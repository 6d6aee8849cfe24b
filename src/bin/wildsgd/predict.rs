//! `wildsgd predict`: one prediction a line.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
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
    let predictions = model.predictions(&input.data);
    let lines = Lines { args, model: &model, data: &input.data, predictions: &predictions };
    match &args.output {
        Some(path) => save::atomically(path, |out| lines.write(out))?,
        None => lines.print().map_err(|error| Error::io("<stdout>", "write", error))?,
    }
    let terminal = Terminal::new(args.quiet);
    terminal.line(quality(&model, &predictions, input.data.labels()));
    terminal.warn(warnings::unseen(&input, &model));
    Ok(ExitCode::SUCCESS)
}

/// What is written.
struct Lines<'a> {
    args: &'a PredictArgs,
    model: &'a Model,
    data: &'a Dataset,
    predictions: &'a [f64],
}

/// Numbers that are computed before some of their lines are written.
const NUMBERS_AHEAD: usize = 1 << 20;

impl Lines<'_> {
    fn print(&self) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        self.write(&mut out)?;
        out.flush()
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.args.proba {
            write!(out, "labels")?;
            self.model.labels().iter().try_for_each(|label| write!(out, " {label}"))?;
            writeln!(out)?;
            let refused = "the loss was looked at before the data were read";
            let numbers = |rows| self.model.probabilities_of(self.data, rows).expect(refused);
            return self.write_all(out, self.model.labels().len(), true, numbers);
        }
        if self.args.decision {
            let numbers = |rows| self.model.decisions_of(self.data, rows);
            return self.write_all(out, self.model.outputs(), false, numbers);
        }
        self.predictions.iter().try_for_each(|&prediction| writeln!(out, "{}", exact(prediction)))
    }

    /// A line an example: its label if it is to be `labeled`, and the `width` numbers that `numbers` finds for each.
    fn write_all(
        &self,
        out: &mut dyn Write,
        width: usize,
        labeled: bool,
        numbers: impl Fn(Range<usize>) -> Vec<f64>,
    ) -> io::Result<()> {
        let rows = (NUMBERS_AHEAD / width).max(1);
        for start in (0..self.data.len()).step_by(rows) {
            let end = self.data.len().min(start + rows);
            for (line, prediction) in numbers(start..end).chunks(width).zip(&self.predictions[start..]) {
                let label = labeled.then_some(prediction);
                for (k, &number) in label.into_iter().chain(line).enumerate() {
                    let blank = if k == 0 { "" } else { " " };
                    write!(out, "{blank}{}", exact(number))?;
                }
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

/// How well predictions fit the labels in the file.
fn quality(model: &Model, predictions: &[f64], labels: &[f32]) -> String {
    let total = labels.len();
    if model.labels().is_empty() {
        let squared = metrics::rmse(predictions, labels).map(|rmse| rmse * rmse);
        return format!(
            "Mean squared error = {}, R2 = {}",
            short(squared),
            short(metrics::r2(predictions, labels))
        );
    }
    if !labels.iter().any(|&label| model.labels().contains(&f64::from(label))) {
        return format!(
            "no accuracy: none of the {total} labels is one of the model's, {}",
            enumeration(model.labels())
        );
    }
    let right = predictions.iter().zip(labels).filter(|&(&p, &label)| p == f64::from(label)).count();
    format!("Accuracy = {} % ({right}/{total})", short(Some(100.0 * right as f64 / total as f64)))
}

/// Two labels or more in words.
fn enumeration(labels: &[f64]) -> String {
    /// Labels that a message bears.
    const MOST: usize = 8;
    let text = |labels: &[f64]| labels.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    match labels {
        [others @ .., last] if labels.len() <= MOST => format!("{} and {last}", text(others)),
        _ => format!("{} and {} more", text(&labels[..MOST]), labels.len() - MOST),
    }
}
