//! Ctrl-C: the first stops training and saves the model, the second ends the process.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wildsgd::{Error, Result};

use crate::failure::INTERRUPTED;
use crate::terminal::Terminal;

/// Makes Ctrl-C set `flag` instead of ending the process.
pub fn set_on_ctrl_c(flag: Arc<AtomicBool>, terminal: Terminal) -> Result<()> {
    // The flag is cleared when training has ended, but the model is still to be saved.
    let has_come = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if has_come.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED.into());
        }
        flag.store(true, Ordering::Relaxed);
        terminal.line("interrupted: finishing the block and saving; a second Ctrl-C ends at once");
    })
    .map_err(|error| Error::io("<Ctrl-C>", "catch", std::io::Error::other(error)))
}
