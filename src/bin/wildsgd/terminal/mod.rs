//! Messages to people, on standard error. Nothing here changes training, and a closed standard
//! error is no failure.

mod number;
mod progress;
mod ratings;
mod summary;
mod table;
pub mod warnings;

use std::fmt::Display;
use std::io::{self, Write};

use wildsgd::model::{Evaluation, Quality};

pub use number::{digits, exact, short};
pub use progress::Screen;
pub use ratings::RatingsSummary;
pub use summary::Summary;

/// Standard error, or nothing.
#[derive(Clone, Copy)]
pub struct Terminal {
    quiet: bool,
}

impl Terminal {
    /// Creates a terminal that prints nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Terminal { quiet }
    }

    /// Prints a line.
    pub fn line(self, text: impl Display) {
        if !self.quiet {
            // Standard error may be closed: nothing is left to report that to.
            let _ = writeln!(io::stderr().lock(), "{}", harmless(&text.to_string()));
        }
    }

    /// Prints a warning, if there is one.
    pub fn warn(self, warning: Option<String>) {
        if let Some(warning) = warning {
            self.line(format_args!("warning: {warning}"));
        }
    }
}

/// Escapes control characters but line feeds: names of files and strings of damaged models may hold
/// sequences that terminals obey.
pub fn harmless(text: &str) -> String {
    let is_plain = |c: char| c == '\n' || !c.is_control();
    if text.chars().all(is_plain) {
        return text.into();
    }
    let escaped =
        |c: char| if is_plain(c) { c.to_string() } else { c.escape_default().to_string() };
    text.chars().map(escaped).collect()
}

/// Returns the measures by name, in display order.
pub fn measures(evaluation: &Evaluation) -> Vec<(&'static str, Option<f64>)> {
    let mut all = Vec::with_capacity(5);
    if evaluation.objective.is_some() {
        all.push(("objective", evaluation.objective));
    }
    all.push(("loss", evaluation.loss));
    match evaluation.quality {
        Quality::Classes { accuracy, auc, .. } => {
            all.extend([("accuracy", Some(accuracy)), ("AUC", auc)])
        }
        Quality::ManyClasses { accuracy, macro_f1, log_loss, .. } => {
            all.extend([("accuracy", Some(accuracy)), ("macro F1", macro_f1)]);
            all.extend(log_loss.map(|loss| ("log loss", Some(loss))));
        }
        Quality::Regression { rmse, mae, r2 } => {
            all.extend([("RMSE", rmse), ("MAE", mae), ("R2", r2)])
        }
    }
    all
}
