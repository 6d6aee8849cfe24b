//! A table with one row per epoch, or per class with more than two classes.

use wildsgd::train::{ClassFit, Epoch};

use super::{digits, measures, short};

/// The columns of the table.
#[derive(Default)]
pub struct Table {
    /// Names of the measures on held-out data besides objective and loss; empty without such data.
    pub measures: &'static [&'static str],
}

impl Table {
    /// Returns the header.
    pub fn header(&self) -> String {
        let mut line =
            format!("{:>5} {:>10} {:>12} {:>10}", "epoch", "seconds", "objective", "gap");
        if !self.measures.is_empty() {
            line += &format!(" | {:>14} {:>12}", "test objective", "loss");
            self.measures.iter().for_each(|name| line += &format!(" {name:>10}"));
        }
        line
    }

    /// Returns the row of an epoch.
    pub fn row(&self, epoch: &Epoch) -> String {
        let seconds = epoch.train_time.as_secs_f64();
        let (objective, gap) = (digits(Some(epoch.objective)), short(epoch.gap));
        let mut line = format!("{:>5} {seconds:>10.3} {objective:>12} {gap:>10}", epoch.epoch);
        if let Some(test) = &epoch.test {
            let widths = [14, 12, 10, 10, 10];
            line += " |";
            for ((_, value), width) in measures(test).into_iter().zip(widths) {
                line += &format!(" {:>width$}", digits(value));
            }
        }
        line
    }

    /// Describes a training with more than two classes, followed by the header of its rows.
    pub fn classes(&self, count: usize, at_once: usize, threads: usize) -> String {
        let each = if threads == 1 { "one thread".into() } else { format!("{threads} threads") };
        let how = match at_once {
            1 => format!("one class after the other with {each}"),
            _ => format!("{at_once} classes at a time with {each} each"),
        };
        let columns = format!(
            "{:>9} {:>10} {:>10} {:>6} {:>12}   stopped",
            "class", "examples", "seconds", "epochs", "objective"
        );
        format!("{count} classes, each against the rest (one-vs-rest): {how}\n{columns}")
    }

    /// Returns the row of a class against the rest.
    pub fn class(&self, fit: &ClassFit) -> String {
        let undone = match fit.undone {
            0 => String::new(),
            n => format!(", {n} rolled back"),
        };
        let ClassFit { label, examples, epochs, .. } = fit;
        let (seconds, objective) = (fit.train_time.as_secs_f64(), digits(Some(fit.objective)));
        let stop = fit.stop.name();
        format!(
            "{label:>9} {examples:>10} {seconds:>10.3} {epochs:>6} {objective:>12}   {stop}{undone}"
        )
    }

    /// Says that another solver goes on.
    pub fn continued(&self, solver: &str, gap: Option<f64>) -> String {
        let why = match gap {
            Some(gap) => format!("the gap stays at {}", short(Some(gap))),
            None => "this solver has no gap".into(),
        };
        format!("{:>5} {why}: the solver {solver} goes on", "-")
    }

    /// Returns the row of an epoch that was rolled back.
    pub fn undone(&self, objective: f64, learning_rate: f64) -> String {
        let (objective, rate) = (short(Some(objective)), short(Some(learning_rate)));
        format!(
            "{:>5} {:>10} {objective:>12} {:>10}   rolled back; the step size is {rate} from here on",
            "-", "-", "-"
        )
    }
}
