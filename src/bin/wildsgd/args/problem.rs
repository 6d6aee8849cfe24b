//! Arguments that define the objective.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use wildsgd::model::LossKind;

use crate::failure::Failure;

/// The loss.
#[derive(Args)]
pub struct LossArgs {
    #[arg(long = "loss", value_name = "LOSS", help = loss_help(), default_value = "logistic", value_parser = loss())]
    pub kind: LossKind,
    /// epsilon-insensitive: size of the errors that cost nothing, in units of the labels, 0 or
    /// larger (LIBLINEAR's -p) [default: 0.1]
    #[arg(long, value_name = "E", allow_hyphen_values = true)]
    pub epsilon: Option<f64>,
}

impl LossArgs {
    /// Returns the loss, with its epsilon if one is given, for the subcommand `name`.
    pub fn chosen(&self, name: &str) -> Result<LossKind, Failure> {
        match (self.kind, self.epsilon) {
            (LossKind::EpsilonInsensitive { .. }, Some(epsilon)) => {
                Ok(LossKind::EpsilonInsensitive { epsilon })
            }
            (_, Some(_)) => {
                Err(Failure::conflict(name, "`--epsilon` is for `--loss epsilon-insensitive`"))
            }
            (kind, None) => Ok(kind),
        }
    }
}

/// The objective: loss, regularizer, bias and example weights.
#[derive(Args)]
#[command(next_help_heading = "Problem")]
pub struct ProblemArgs {
    #[command(flatten)]
    pub loss: LossArgs,
    /// More than two labels: ovr trains each class against the rest, and accepts any numbers as
    /// labels; auto does so if all labels are whole numbers
    #[arg(long, value_enum, default_value_t = Multiclass::Auto)]
    pub multiclass: Multiclass,
    /// Strength of the squares in the regularizer, 0 or larger [default: 1/n for n examples]
    #[arg(long, value_name = "X", allow_hyphen_values = true, conflicts_with = "cost")]
    pub l2: Option<f64>,
    /// LIBLINEAR's C, above 0: equivalent to --l2 1/(C*n) for n examples
    #[arg(long, value_name = "C", allow_hyphen_values = true)]
    pub cost: Option<f64>,
    /// Strength of the absolute values in the regularizer, 0 or larger; makes weights exactly 0
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_hyphen_values = true)]
    pub l1: f64,
    /// Value of a constant feature that every example gets, 0 or larger, like LIBLINEAR's -B: its
    /// weight is the bias, regularized like the others; a larger value regularizes the bias less
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_hyphen_values = true)]
    pub bias: f64,
    /// Train without that constant feature
    #[arg(long, conflicts_with = "bias")]
    pub no_bias: bool,
    /// Do not regularize the bias
    #[arg(long, conflicts_with = "no_bias")]
    pub free_bias: bool,
    /// Weight W, above 0, of the losses of examples with this label (LIBLINEAR's -wi), repeatable;
    /// balanced: every class has the same total weight [default: 1]
    #[arg(long, value_name = "LABEL:W|balanced", value_parser = class_weight, allow_hyphen_values = true)]
    pub class_weight: Vec<ClassWeight>,
    /// Weights of the examples' losses: a file with one number per line, 0 or larger, in the order
    /// of DATA [default: all 1]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Multiclass {
    Auto,
    Ovr,
}

#[derive(Clone, Copy)]
pub enum ClassWeight {
    Balanced,
    Of { label: f64, weight: f64 },
}

fn class_weight(text: &str) -> Result<ClassWeight, String> {
    if text == "balanced" {
        return Ok(ClassWeight::Balanced);
    }
    let parts = text
        .rsplit_once(':')
        .and_then(|(label, weight)| Some((label.parse().ok()?, weight.parse().ok()?)));
    let (label, weight) =
        parts.ok_or("expected `balanced` or LABEL:W with two numbers, like -1:2.5")?;
    Ok(ClassWeight::Of { label, weight })
}

fn loss() -> impl TypedValueParser<Value = LossKind> {
    PossibleValuesParser::new(LossKind::ALL.map(LossKind::name))
        .try_map(|name| name.parse::<LossKind>())
}

fn loss_help() -> String {
    let numeric = LossKind::ALL.into_iter().filter(|kind| kind.is_regression());
    let names: Vec<_> = numeric.map(LossKind::name).collect();
    let (last, others) = names.split_last().expect("a loss for regression");
    format!(
        "Loss; {} and {last} are for regression; softmax trains all classes jointly, and accepts any \
         numbers as labels",
        others.join(", ")
    )
}
