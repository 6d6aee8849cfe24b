//! Signals that end a training: Ctrl-C, SIGTERM and SIGHUP. The first stops it and saves the model,
//! a second ends the process.

use std::fs;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use wildsgd::{Error, Result};

use crate::terminal::Terminal;

/// The first signal that has come; 0 if none has.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// Makes the first signal set `flag` instead of ending the process. Signals that are ignored when
/// the process starts, as SIGHUP is under nohup, stay so.
pub fn set_on_signals(flag: Arc<AtomicBool>, terminal: Terminal) -> Result<()> {
    let failed = |error| Error::io("<signals>", "catch", error);
    let ignored = ignored();
    let caught = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_in(ignored, *signal));
    let mut signals = Signals::new(caught).map_err(failed)?;
    let wait = move || {
        for signal in signals.forever() {
            if FIRST.swap(signal, Ordering::Relaxed) != 0 {
                process::exit(code(signal).into());
            }
            flag.store(true, Ordering::Relaxed);
            terminal
                .line("interrupted: finishing the block and saving; a second signal ends at once");
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait).map(drop).map_err(failed)
}

/// Makes a file that grows beyond the process's limit (`ulimit -f`) an error of the write, where it
/// would end the process.
pub fn turn_file_limits_into_errors() {
    // If the signal cannot be caught, it ends the process as it would without this.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Returns the exit code of a training that a signal has ended: 128 plus its number.
pub fn exit_code() -> ExitCode {
    let first = FIRST.load(Ordering::Relaxed);
    ExitCode::from(code(if first == 0 { SIGINT } else { first }))
}

fn code(signal: i32) -> u8 {
    128 + signal as u8
}

/// Returns the set of signals that this process ignores, a bit each from that of signal 1 on; none
/// where the system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn is_in(set: u64, signal: i32) -> bool {
    set >> (signal - 1) & 1 == 1
}
