//! Text that comes one byte after another: one thread reads and decompresses it, others make rows of it meanwhile.
//!
//! The reader cuts blocks of whole lines and sends them through a bounded channel, so that it is never far ahead.
//! A block also holds the bytes after it that decide how an error in it reads. Rows wait in compact blocks until their
//! number is known, which is why a stream takes twice the memory of the data set.

use super::csr::{self, Block, Layout};
use super::libsvm::{self, IndexBase, LOOKAHEAD};
use super::{Dataset, ParseError, ParseOptions};
use crate::sync::{AtomicBool, Ordering};
use crossbeam::channel::{Receiver, Sender, bounded};
use memchr::memrchr;
use rayon::ThreadPool;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

/// Bytes of text in a block.
pub(super) const BLOCK: usize = 1 << 20;

/// How a stream is read.
pub(super) struct Reading<'a> {
    pub(super) options: &'a ParseOptions,
    /// Makes rows of the text.
    pub(super) pool: &'a ThreadPool,
    /// Bytes of text in a block, at least 1.
    pub(super) block: usize,
    /// Whether a stream that can tell damage is read to its end even if its text is refused before, as damage is then
    /// the likelier reason.
    pub(super) read_on: bool,
}

/// Why a stream is no data set.
#[derive(Debug)]
pub(super) enum Stop {
    /// It could not be read.
    Unread(io::Error),
    /// There was no byte.
    Empty,
    /// The text is refused.
    Text(ParseError),
}

/// Some lines of the text.
struct Lines {
    /// Blocks before this one.
    number: usize,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// What became of a block: its rows and its number of lines, or an error whose line counts from the block's first.
type Outcome = Result<(Block, u64), ParseError>;

impl Reading<'_> {
    /// The data set of the text in `reader`, laid out in the order of `seed`.
    ///
    /// # Errors
    /// Without [`Reading::read_on`], what comes first: a line that is refused or an error of the stream. With it,
    /// an error of the stream comes before any other.
    pub(super) fn read(&self, reader: impl Read, seed: Option<u64>) -> Result<Dataset, Stop> {
        let threads = self.pool.current_num_threads();
        let (sender, receiver) = bounded(threads);
        let (giver, taker) = bounded(2 * threads + 1);
        let refused = AtomicBool::new(false);
        let outcomes = Mutex::new(Vec::new());
        let read = self.pool.in_place_scope(|scope| {
            for _ in 0..threads {
                let (receiver, giver) = (receiver.clone(), giver.clone());
                scope.spawn(|_| self.parse(receiver, giver, &outcomes, &refused));
            }
            drop((receiver, giver));
            self.send(reader, sender, &taker, &refused)
        });
        drop(taker);
        let outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let unread = match read {
            Ok(false) => return Err(Stop::Empty),
            Ok(true) => None,
            Err(error) if self.read_on => return Err(Stop::Unread(error)),
            Err(error) => Some(error),
        };
        let blocks = in_order(outcomes).map_err(Stop::Text)?;
        match unread {
            Some(error) => Err(Stop::Unread(error)),
            None => self.pool.install(|| self.lay_out(blocks, seed)).map_err(Stop::Text),
        }
    }

    /// Cuts the text into blocks and sends them; returns whether there was a byte.
    /// Used buffers come back through `used`: were they freed, the allocator would keep their memory to itself.
    fn send(
        &self,
        mut reader: impl Read,
        sender: Sender<Lines>,
        used: &Receiver<Vec<u8>>,
        refused: &AtomicBool,
    ) -> io::Result<bool> {
        let mut bytes = Vec::new();
        let mut least = self.block;
        for number in 0.. {
            let (start, end) = loop {
                let missing = least.saturating_add(LOOKAHEAD).saturating_sub(bytes.len());
                bytes.reserve_exact(missing);
                let got = reader.by_ref().take(missing as u64).read_to_end(&mut bytes)?;
                let start = if number == 0 { libsvm::mark_length(&bytes) } else { 0 };
                if got < missing {
                    break (start, bytes.len());
                }
                let searched = bytes.len() - LOOKAHEAD;
                match memrchr(b'\n', &bytes[..searched]) {
                    Some(last) => break (start, last + 1),
                    // The line will be refused.
                    None if searched > start.saturating_add(self.options.max_line) => {
                        break (start, bytes.len());
                    }
                    None => least = bytes.len().saturating_mul(2),
                }
            };
            if number == 0 && bytes.is_empty() {
                return Ok(false);
            }
            let mut rest = used.try_recv().unwrap_or_default();
            rest.clear();
            rest.extend_from_slice(&bytes[end..]);
            let ended = rest.is_empty();
            // Without receivers a parser has panicked, which the scope passes on.
            let sent = sender.send(Lines { number, bytes, start, end });
            if ended || sent.is_err() || refused.load(Ordering::Relaxed) {
                break;
            }
            bytes = rest;
            least = self.block;
        }
        if self.read_on {
            io::copy(&mut reader, &mut io::sink())?;
        }
        Ok(true)
    }

    /// Makes rows of all blocks that it gets.
    fn parse(
        &self,
        receiver: Receiver<Lines>,
        used: Sender<Vec<u8>>,
        outcomes: &Mutex<Vec<(usize, Outcome)>>,
        refused: &AtomicBool,
    ) {
        for Lines { number, bytes, start, end } in receiver {
            let outcome = libsvm::parse_lines(&bytes, start..end, self.options);
            if outcome.is_err() {
                // Relaxed: only hastens the reader's end; outcomes go through the lock.
                refused.store(true, Ordering::Relaxed);
            }
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((number, outcome));
            // A buffer that finds no room is one too many.
            let _ = used.try_send(bytes);
        }
    }

    fn lay_out(&self, blocks: Vec<Block>, seed: Option<u64>) -> Result<Dataset, ParseError> {
        let rows: u64 = blocks.iter().map(|block| block.len() as u64).sum();
        libsvm::check_rows(rows, self.options)?;
        let mut lengths = Vec::with_capacity(rows as usize);
        blocks.iter().for_each(|block| lengths.extend_from_slice(block.lengths()));
        let values = blocks.iter().any(|block| block.values().is_some());
        let layout = Layout::new(lengths, seed);
        let parts = blocks.into_iter().map(|block| (block.len(), block));
        let place = |part, block: &mut Block| {
            *block = part;
            Ok(())
        };
        match layout.fill(values, parts, place) {
            Ok(filled) => Ok(layout.finish(filled, self.options.index_base == IndexBase::Auto)),
            Err(csr::Stop::Unread(error)) => Err(error),
            Err(csr::Stop::Values | csr::Stop::Changed) => {
                unreachable!("the layout was made from these blocks")
            }
        }
    }
}

/// The blocks in the order of the text, or the error of the first one that has one, with its line in the text.
fn in_order(mut outcomes: Vec<(usize, Outcome)>) -> Result<Vec<Block>, ParseError> {
    outcomes.sort_unstable_by_key(|&(number, _)| number);
    let mut before = 0;
    let mut blocks = Vec::with_capacity(outcomes.len());
    for (_, outcome) in outcomes {
        let (block, lines) = outcome.map_err(|mut error: ParseError| {
            error.line += before;
            error
        })?;
        blocks.push(block);
        before += lines;
    }
    Ok(blocks)
}
