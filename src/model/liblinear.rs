//! LIBLINEAR's text format of models: either program reads the other's files.
//!
//! ```text
//! solver_type L2R_LR
//! nr_class 2              number of classes; 2 in regression, too
//! label 1 -1              only in classification; one a class
//! nr_feature 3
//! bias 1                  value of the constant feature, negative if there is none
//! w
//! 0.25                    one line per feature, then one for the constant feature;
//!                         with more than two classes, one number a class in each
//! ...
//! ```
//!
//! Numbers have 17 significant digits, so weights read back bit for bit. LIBLINEAR reads labels
//! only if they are whole and within i32; others are written as the shortest decimal that names
//! them.
//!
//! The format names a solver, not a loss, and says less than a [`Model`]:
//!
//! | loss | written as | read from |
//! |---|---|---|
//! | logistic | `L2R_LR`; with l1 `L1R_LR` | these, `L2R_LR_DUAL` |
//! | squared hinge | `L2R_L2LOSS_SVC`; with l1 `L1R_L2LOSS_SVC` | these, `L2R_L2LOSS_SVC_DUAL` |
//! | hinge | `L2R_L1LOSS_SVC_DUAL` | this |
//! | squared | `L2R_L2LOSS_SVR` | this, `L2R_L2LOSS_SVR_DUAL` |
//! | epsilon-insensitive | `L2R_L1LOSS_SVR_DUAL` | this, with LIBLINEAR's usual epsilon of 0.1 |
//! | Huber | `L2R_L1LOSS_SVR_DUAL` | - |
//!
//! The file loses the strengths of l1 and l2, the fact that l2 took part beside l1, l1 itself with
//! hinge and the losses of regression (LIBLINEAR has no such solver), and the exact loss of
//! regression: epsilon, the fact that the squared loss has none (LIBLINEAR's has), and Huber, which
//! has no solver either. Predictions depend on none of these.

mod read;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Write};

pub use read::read;

use super::number::push_g17;
use super::{LossKind, Model};

/// LIBLINEAR's solver for each of our losses, without l1 (`false`) or with it. Of those with one
/// meaning, the first is written.
const SOLVERS: [(&str, LossKind, bool); 10] = [
    ("L2R_LR", LossKind::Logistic, false),
    ("L2R_LR_DUAL", LossKind::Logistic, false),
    ("L1R_LR", LossKind::Logistic, true),
    ("L2R_L2LOSS_SVC", LossKind::SquaredHinge, false),
    ("L2R_L2LOSS_SVC_DUAL", LossKind::SquaredHinge, false),
    ("L1R_L2LOSS_SVC", LossKind::SquaredHinge, true),
    ("L2R_L1LOSS_SVC_DUAL", LossKind::Hinge, false),
    ("L2R_L2LOSS_SVR", LossKind::Squared, false),
    ("L2R_L2LOSS_SVR_DUAL", LossKind::Squared, false),
    ("L2R_L1LOSS_SVR_DUAL", LossKind::EPSILON_INSENSITIVE, false),
];

fn solver(loss: LossKind, l1: bool) -> &'static str {
    let of = |wanted: LossKind, l1: bool| {
        SOLVERS.iter().find(|(_, loss, with_l1)| loss.name() == wanted.name() && *with_l1 == l1)
    };
    // Losses that LIBLINEAR does not have get the name of one with equal predictions.
    let alike = match loss {
        // With two classes only, where it is the logistic loss.
        LossKind::Softmax => LossKind::Logistic,
        _ if loss.is_regression() => LossKind::EPSILON_INSENSITIVE,
        _ => LossKind::Hinge,
    };
    let found = of(loss, l1)
        .or_else(|| of(loss, false))
        .or_else(|| of(alike, l1))
        .or_else(|| of(alike, false));
    found.expect("a loss that LIBLINEAR has").0
}

/// Writes `model`, byte for byte as LIBLINEAR 2.50 does (a space ends each line of weights).
/// LIBLINEAR itself reads at most 2^31 - 1 features. `out` should be buffered: it gets one call a
/// line.
///
/// # Errors
/// Those of `out`.
pub fn write(model: &Model, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "solver_type {}", solver(model.loss(), model.uses_l1()))?;
    // LIBLINEAR gives its regression models two classes, too.
    writeln!(out, "nr_class {}", model.labels().len().max(2))?;
    if !model.labels().is_empty() {
        write!(out, "label")?;
        model.labels().iter().try_for_each(|label| write!(out, " {label}"))?;
        writeln!(out)?;
    }
    writeln!(out, "nr_feature {}", model.width())?;
    let mut line = String::from("bias ");
    push_g17(&mut line, model.bias().map_or(-1.0, |bias| bias.value));
    writeln!(out, "{line}\nw")?;
    for weights in model.weights().chunks(model.outputs()).chain([model.bias_weights()]) {
        line.clear();
        for &weight in weights {
            push_g17(&mut line, weight);
            line.push(' ');
        }
        if !weights.is_empty() {
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
    }
    Ok(())
}
