//! Signals that end the command: Ctrl-C, SIGTERM and SIGHUP. Temporary files are removed before
//! they do. A training is stopped by the first signal and saves its model; a second ends it, too.

use std::fs;
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use wildsgd::internal::save;

use crate::terminal::Terminal;

/// The first signal that has come; 0 if none has.
static FIRST: AtomicI32 = AtomicI32::new(0);
/// What the first signal stops, if there is anything to save.
static WORK: OnceLock<(Arc<AtomicBool>, Terminal)> = OnceLock::new();

/// Catches signals from now on. Those that are ignored when the process starts, as SIGHUP is under
/// nohup, stay so. Where the system refuses, signals end the process at once, as without this.
pub fn catch_signals() {
    let ignored = ignored();
    let caught = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_in(ignored, *signal));
    let Ok(mut signals) = Signals::new(caught) else { return };
    let handle = signals.handle();
    let wait = move || signals.forever().for_each(react);
    if thread::Builder::new().name("signals".into()).spawn(wait).is_err() {
        handle.close();
    }
    // A file that grows beyond the process's limit (`ulimit -f`) is then an error of the write.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Makes the first signal set `flag` instead of ending the process.
pub fn set_on_signals(flag: Arc<AtomicBool>, terminal: Terminal) {
    // A command does one piece of work.
    let _ = WORK.set((flag, terminal));
}

fn react(signal: i32) {
    let is_first = FIRST.swap(signal, Ordering::Relaxed) == 0;
    match WORK.get() {
        Some((flag, terminal)) if is_first => {
            flag.store(true, Ordering::Relaxed);
            terminal
                .line("interrupted: finishing the block and saving; a second signal ends at once");
        }
        work => {
            save::remove_all();
            if work.is_none() {
                // Ends the process by the signal, so that shells see it: a loop ends, too.
                let _ = emulate_default_handler(signal);
            }
            process::exit(code(signal).into());
        }
    }
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
