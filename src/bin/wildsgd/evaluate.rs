//! `wildsgd evaluate`: how good a model is on labeled examples.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use wildsgd::model::Evaluation;
use wildsgd::{Error, Model, report};

use crate::args::EvaluateArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::outputs;
use crate::terminal::{Terminal, measures, short, warnings};

pub fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--report`", args.report.as_ref())], &inputs)?;
    let model = Model::load(&args.model)?;
    let input = Input::load(&args.data, args.index_base)?;
    input.data.verify()?;
    let evaluation = model.evaluate(&input.data);

    print(&input, &evaluation).map_err(|error| Error::io("<stdout>", "write", error))?;
    if let Some(path) = &args.report {
        let model_name = args.model.display().to_string();
        report::write(
            &report::Evaluated::new(&model_name, &model, input.report(), &input.data, evaluation),
            path,
        )?;
    }
    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::unknown_labels(&input, &evaluation));
    terminal.warn(warnings::unseen(&input, &model));
    Ok(ExitCode::SUCCESS)
}

fn print(input: &Input, evaluation: &Evaluation) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{:<10} {}", "examples", input.data.len())?;
    for (name, value) in measures(evaluation) {
        writeln!(out, "{name:<10} {}", short(value))?;
    }
    out.flush()
}
