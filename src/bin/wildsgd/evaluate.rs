//! `wildsgd evaluate`: measures a model on labeled examples.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use wildsgd::internal::Evaluator;
use wildsgd::internal::report;
use wildsgd::model::{ClassQuality, Evaluation, is_factors};
use wildsgd::{Error, Model};

use crate::args::EvaluateArgs;
use crate::failure::Failure;
use crate::streaming::Streamed;
use crate::terminal::{Terminal, digits, measures, short, warnings};
use crate::{factorize, outputs};

pub fn run(args: &EvaluateArgs) -> Result<ExitCode, Failure> {
    let inputs = [("the model", args.model.as_path()), ("the data", args.data.as_path())];
    outputs::check(&[("`--report`", args.report.as_ref())], &inputs)?;
    if is_factors(&args.model) {
        return factorize::evaluate(args);
    }
    let model = Model::load(&args.model)?;
    let mut evaluator = Evaluator::new(&model);
    let add = |(), scores: &[f64], labels: &[f64]| {
        evaluator.add(scores, labels);
        Ok(())
    };
    let streamed = Streamed::score(&args.data, args.index_base, &model, |_| (), add)?;
    let data = streamed.report();
    let examples = evaluator.examples();
    let (evaluation, classes) = evaluator.finish();

    print(examples, &evaluation, &classes)
        .map_err(|error| Error::io("<stdout>", "write", error))?;
    if let Some(path) = &args.report {
        let model_name = args.model.display().to_string();
        report::write(
            &report::Evaluated::new(
                &model_name,
                &model,
                data,
                streamed.counts.unseen,
                (evaluation, classes),
            ),
            path,
        )?;
    }
    let terminal = Terminal::new(args.quiet);
    terminal.warn(warnings::unknown_labels(&streamed.name, examples, &evaluation));
    terminal.warn(warnings::unseen(&streamed.name, streamed.counts, &model));
    Ok(ExitCode::SUCCESS)
}

fn print(examples: usize, evaluation: &Evaluation, classes: &[ClassQuality]) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{:<10} {examples}", "examples")?;
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
