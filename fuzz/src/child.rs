//! The process that reads.

use std::collections::HashSet;
use std::io;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use wildsgd_fuzz::{Mutator, Reader, Verdict};

use crate::arguments::Arguments;
use crate::findings;

/// One input takes microseconds; this long, and the reader hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Memory for all. No input has more than some 64 KiB, and readers should take a few times as much.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 4 << 30;
/// Inputs of each kind, accepted and refused, that are kept to be mutated again.
const KEPT: usize = 500;

/// Fuzzes the one reader that `arguments` name. The file `input` holds the current input. Returns
/// whether nothing was found.
pub fn run(arguments: &Arguments, input: &Path) -> io::Result<bool> {
    let Arguments { readers, seconds, seed, files } = arguments;
    let reader = readers[0];
    limit_memory()?;
    findings::watch_panics();
    let mut given = files.iter().map(std::fs::read).collect::<io::Result<Vec<_>>>()?;
    given.extend((reader.seeds)());

    let mut campaign = Campaign::new(reader, input);
    for bytes in &given {
        let verdict = campaign.read(bytes)?;
        if *seconds == 0 {
            println!("{}: {} bytes: {}", reader.name, bytes.len(), shown(&verdict));
        }
    }
    let end = Instant::now() + Duration::from_secs(*seconds);
    let mut mutator = Mutator::new(*seed);
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    while Instant::now() < end {
        // What is refused is refused again for the most part, and hides what comes after.
        let inputs = match mutator.below(4) {
            0 if !refused.is_empty() => &refused,
            1 | 2 if !accepted.is_empty() => &accepted,
            _ => &given,
        };
        let bytes = mutator.mutated(inputs);
        let verdict = campaign.read(&bytes)?;
        if campaign.is_news(&verdict) {
            let kept = if verdict == Some(Ok(())) { &mut accepted } else { &mut refused };
            if kept.len() < KEPT {
                kept.push(bytes);
            } else {
                kept[mutator.below(KEPT)] = bytes;
            }
        }
    }
    campaign.report(*seed);
    Ok(campaign.found == 0)
}

struct Campaign<'a> {
    reader: Reader,
    input: &'a Path,
    began: Instant,
    reads: Arc<AtomicU64>,
    accepted: u64,
    refusals: HashSet<String>,
    slowest: Duration,
    found: u64,
}

impl<'a> Campaign<'a> {
    fn new(reader: Reader, input: &'a Path) -> Self {
        let reads = Arc::new(AtomicU64::new(0));
        watch_for_hangs(reads.clone());
        let (refusals, slowest) = (HashSet::new(), Duration::ZERO);
        Campaign {
            reader,
            input,
            began: Instant::now(),
            reads,
            accepted: 0,
            refusals,
            slowest,
            found: 0,
        }
    }

    /// Lets the reader read, and saves the input if it panics in a place that is new. `None` then.
    fn read(&mut self, bytes: &[u8]) -> io::Result<Option<Verdict>> {
        std::fs::write(self.input, bytes)?;
        let start = Instant::now();
        let verdict = catch_unwind(|| (self.reader.read)(bytes)).ok();
        self.slowest = self.slowest.max(start.elapsed());
        self.reads.fetch_add(1, Relaxed);
        if verdict.is_none()
            && let Some(what) = findings::new_panic()
        {
            self.found += 1;
            findings::save(self.reader, bytes, &what)?;
        }
        Ok(verdict)
    }

    /// Counts the verdict. Returns whether its input is worth mutating again: one that is refused
    /// in new words, and some of the accepted ones.
    fn is_news(&mut self, verdict: &Option<Verdict>) -> bool {
        match verdict {
            None => false,
            Some(Ok(())) => {
                self.accepted += 1;
                self.accepted.is_power_of_two() || self.accepted.is_multiple_of(64)
            }
            Some(Err(message)) => self.refusals.insert(words_alone(message)),
        }
    }

    fn report(&self, seed: u64) {
        println!(
            "{}: {} inputs in {:.0} s (seed {seed}), {} accepted, {} kinds of refusal, \
             slowest {:.1} ms, {} found",
            self.reader.name,
            self.reads.load(Relaxed),
            self.began.elapsed().as_secs_f64(),
            self.accepted,
            self.refusals.len(),
            1e3 * self.slowest.as_secs_f64(),
            self.found
        );
    }
}

fn shown(verdict: &Option<Verdict>) -> &str {
    match verdict {
        None => "PANICKED",
        Some(Ok(())) => "accepted",
        Some(Err(message)) => message,
    }
}

/// The plain words of a message, without the quotations and numbers that tell inputs apart.
fn words_alone(message: &str) -> String {
    let (what, expected) = message.rsplit_once("(expected").unwrap_or((message, ""));
    // A quotation may hold what looks like its end.
    let before = what.split('`').next().unwrap_or_default();
    let after = what.rsplit('`').next().unwrap_or_default();
    let words = [before, after, expected].into_iter().flat_map(str::split_whitespace);
    let plain = words.filter(|word| word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase()));
    plain.collect::<Vec<_>>().join(" ")
}

/// Ends the process if one input takes longer than [`PATIENCE`]; the parent saves it.
fn watch_for_hangs(reads: Arc<AtomicU64>) {
    thread::spawn(move || {
        loop {
            let before = reads.load(Relaxed);
            thread::sleep(PATIENCE);
            if reads.load(Relaxed) == before {
                eprintln!("one input takes longer than {} s", PATIENCE.as_secs());
                std::process::abort();
            }
        }
    });
}

#[cfg(target_os = "linux")]
fn limit_memory() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) })?)
}

#[cfg(not(target_os = "linux"))]
fn limit_memory() -> io::Result<()> {
    Ok(())
}
