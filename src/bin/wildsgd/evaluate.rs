//! `wildsgd evaluate`: how good a model is on labeled examples.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use wildsgd::model::{Evaluation, Judge};
use wildsgd::{Error, Model, report};

use crate::args::EvaluateArgs;
use crate::failure::Failure;
use crate::outputs;
use crate::passing::Passed;
use crate::terminal::{Terminal, measures, short, warnings};

pub fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--report`", args.report.as_ref())], &inputs)?;
    let model = Model::load(&args.model)?;
    let mut judge = Judge::new(&model);
    let judged = |(), scores: &[f64], labels: &[f32]| {
        judge.add(scores, labels);
        Ok(())
    };
    let passed = Passed::all(&args.data, args.index_base, &model, |_| (), judged)?;
    let data = passed.report();
    let examples = judge.examples();
    let evaluation = judge.finish();

    print(examples, &evaluation).map_err(|error| Error::io("<stdout>", "write", error))?;
    if let Some(path) = &args.report {
        let model_name = args.model.display().to_string();
        report::write(
            &report::Evaluated::new(&model_name, &model, data, passed.counts.unseen, evaluation),
            path,
        )?;
    }
    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::unknown_labels(&passed.name, examples, &evaluation));
    terminal.warn(warnings::unseen(&passed.name, passed.counts, &model));
    Ok(ExitCode::SUCCESS)
}

fn print(examples: usize, evaluation: &Evaluation) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{:<10} {examples}", "examples")?;
    for (name, value) in measures(evaluation) {
        writeln!(out, "{name:<10} {}", short(value))?;
    }
    out.flush()
}
