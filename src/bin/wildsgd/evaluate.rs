//! `wildsgd evaluate`: how good a model is on labeled examples.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use wildsgd::model::{ClassQuality, Evaluation};
use wildsgd::{Error, Model, report};

use crate::args::EvaluateArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::outputs;
use crate::terminal::{Terminal, digits, measures, short, warnings};

pub fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--report`", args.report.as_ref())], &inputs)?;
    let model = Model::load(&args.model)?;
    let input = Input::load(&args.data, args.index_base)?;
    let (evaluation, classes) = model.evaluate_classes(&input.data);

    print(&input, &evaluation, &classes).map_err(|error| Error::io("<stdout>", "write", error))?;
    if let Some(path) = &args.report {
        let model_name = args.model.display().to_string();
        report::write(
            &report::Evaluated::new(&model_name, &model, input.report(), &input.data, (evaluation, classes)),
            path,
        )?;
    }
    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::unknown_labels(&input, &evaluation));
    terminal.warn(warnings::unseen(&input, &model));
    Ok(ExitCode::SUCCESS)
}

fn print(input: &Input, evaluation: &Evaluation, classes: &[ClassQuality]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{:<10} {}", "examples", input.data.len())?;
    for (name, value) in measures(evaluation) {
        writeln!(out, "{name:<10} {}", short(value))?;
    }
    if classes.len() > 2 {
        writeln!(
            out,
            "\n{:>9} {:>10} {:>10} {:>10} {:>10}",
            "class", "examples", "precision", "recall", "F1"
        )?;
        for class in classes {
            let [precision, recall, f1] = [class.precision, class.recall, class.f1].map(digits);
            let ClassQuality { label, examples, .. } = class;
            writeln!(out, "{label:>9} {examples:>10} {precision:>10} {recall:>10} {f1:>10}")?;
        }
    }
    out.flush()
}
