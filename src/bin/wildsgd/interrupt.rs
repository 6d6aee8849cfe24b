//! Ctrl-C: the first stops training and saves the model, the second ends the process.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wildsgd::{Error, Result};

use crate::failure::INTERRUPTED;
use crate::terminal::Terminal;

/// Makes Ctrl-C set `flag` instead of ending the process.
pub fn set_on_ctrl_c(flag: Arc<AtomicBool>, terminal: Terminal) -> Result<()> {
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
        terminal.line("interrupted: finishing the block and saving; a second Ctrl-C ends at once");
    })
    .map_err(|error| Error::io("<Ctrl-C>", "catch", std::io::Error::other(error)))
}
