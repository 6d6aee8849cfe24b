//! One row an epoch.

use wildsgd::train::Epoch;

use super::{digits, measures, short};

/// The columns.
pub struct Table {
    /// Whether the loss is one for regression.
    pub regression: bool,
    /// Whether there are held-out data.
    pub tested: bool,
}

impl Table {
    /// The first line.
    pub fn header(&self) -> String {
        let mut line = format!("{:>5} {:>10} {:>12}", "epoch", "seconds", "objective");
        if self.tested {
            let quality: &[_] = if self.regression { &["RMSE", "MAE", "R2"] } else { &["accuracy", "AUC"] };
            line += &format!(" | {:>14} {:>12}", "test objective", "loss");
            quality.iter().for_each(|name| line += &format!(" {name:>10}"));
        }
        line
    }

    /// An epoch that was kept.
    pub fn row(&self, epoch: &Epoch) -> String {
        let seconds = epoch.train_time.as_secs_f64();
        let mut line = format!("{:>5} {seconds:>10.3} {:>12}", epoch.epoch, digits(Some(epoch.objective)));
        if let Some(test) = &epoch.test {
            let widths = [14, 12, 10, 10, 10];
            line += " |";
            for ((_, value), width) in measures(test).into_iter().zip(widths) {
                line += &format!(" {:>width$}", digits(value));
            }
        }
        line
    }

    /// An epoch that was rolled back.
    pub fn undone(&self, objective: f64, learning_rate: f64) -> String {
        let (objective, rate) = (short(Some(objective)), short(Some(learning_rate)));
        format!("{:>5} {:>10} {objective:>12}   rolled back; the step size is {rate} from here on", "-", "-")
    }
}
