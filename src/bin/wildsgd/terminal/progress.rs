//! Progress of a training: a bar on a terminal, and a row per epoch everywhere.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use wildsgd::strategy::Progress;
use wildsgd::train::{Began, Event};

use super::Terminal;
use super::table::Table;

const TICK: Duration = Duration::from_millis(100);

/// Rows of epochs, above a bar if standard error is a terminal.
pub struct Screen {
    terminal: Terminal,
    table: Table,
    bar: ProgressBar,
    ticker: Option<Ticker>,
    undone: usize,
}

impl Screen {
    /// Creates a screen for a training without held-out data.
    pub fn new(terminal: Terminal) -> Self {
        let is_visible = !terminal.quiet && io::stderr().is_terminal();
        let bar = if is_visible { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        Screen { terminal, table: Table::default(), bar, ticker: None, undone: 0 }
    }

    /// Sets the measures on held-out data, besides objective and loss.
    pub fn measures(&mut self, names: &'static [&'static str]) {
        self.table.measures = names;
    }

    /// Shows the current activity while there is nothing to count.
    pub fn busy(&self, what: String) {
        if !self.bar.is_hidden() {
            self.bar.set_message(what);
            self.bar.enable_steady_tick(TICK);
        }
    }

    /// Shows a warning.
    pub fn warn(&self, warning: String) {
        self.bar.suspend(|| self.terminal.warn(Some(warning)));
    }

    /// Shows an event.
    pub fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Began(began) => {
                self.line(self.table.header());
                self.count(began);
            }
            Event::Classes { count, at_once, threads } => {
                self.line(self.table.classes(count, at_once, threads));
                self.count_classes(count);
            }
            Event::Class { fit, done } => {
                self.line(self.table.class(fit));
                self.undone += fit.undone;
                self.bar.set_position(done as u64);
            }
            Event::Epoch(epoch) => {
                self.line(self.table.row(epoch));
                self.bar.set_message(format!("epoch {}", epoch.epoch + 1));
            }
            Event::Continued { solver, gap, .. } => {
                self.line(self.table.continued(solver.name(), gap));
            }
            Event::RolledBack { objective, learning_rate } => {
                self.undone += 1;
                self.line(self.table.undone(objective, learning_rate));
            }
            _ => {}
        }
    }

    /// Removes the bar.
    pub fn end(&mut self) {
        self.ticker = None;
        self.bar.finish_and_clear();
    }

    /// Returns the number of epochs that were rolled back.
    pub fn undone(&self) -> usize {
        self.undone
    }

    fn line(&self, text: String) {
        self.bar.suspend(|| self.terminal.line(text));
    }

    fn count(&mut self, began: &Began) {
        if self.bar.is_hidden() {
            return;
        }
        self.measure(began.terms, "epoch 1");
        self.ticker = Some(Ticker::start(self.bar.clone(), began.progress.clone(), began.terms));
    }

    fn count_classes(&self, classes: usize) {
        if !self.bar.is_hidden() {
            self.measure(classes, "classes");
        }
    }

    fn measure(&self, length: usize, of: &'static str) {
        self.bar.disable_steady_tick();
        self.bar.set_length(length as u64);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %");
        self.bar.set_style(style.expect("the template is well-formed"));
        self.bar.set_message(of);
    }
}

impl Drop for Screen {
    /// Removes the bar after a failure, too.
    fn drop(&mut self) {
        self.end();
    }
}

/// A thread that moves the bar.
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(bar: ProgressBar, progress: Arc<Progress>, terms: usize) -> Self {
        let (stop, stopped) = mpsc::channel();
        // The search for a step size counted visits, too.
        let before = progress.visits();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                bar.set_position(((progress.visits() - before) % terms) as u64);
            }
        });
        Ticker { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // The thread does nothing that can panic.
            let _ = thread.join();
        }
    }
}
