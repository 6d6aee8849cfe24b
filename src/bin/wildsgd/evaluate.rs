//! `wildsgd evaluate`: how good a model is on labeled examples.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

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
    let evaluation = model.evaluate(&input.data);

    let mut table = vec![("examples", input.data.len().to_string())];
    table.extend(measures(&evaluation).into_iter().map(|(name, value)| (name, short(value))));
    print(&table).map_err(|error| Error::io("<stdout>", "write", error))?;
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

fn print(table: &[(&str, String)]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for (name, value) in table {
        writeln!(out, "{name:<10} {value}")?;
    }
    out.flush()
}
