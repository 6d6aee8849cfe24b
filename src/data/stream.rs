//! Reads text from a stream: one thread reads and decompresses it, others make rows of it
//! meanwhile.
//!
//! The reader cuts blocks of whole lines and sends them through a bounded channel. A block also
//! holds the bytes after it that affect the message of an error in it. Results are delivered in the
//! order of the text. Invariant: there is a fixed number of buffers for text, and a block keeps its
//! own until it was delivered, so that neither the reader nor a fast parser gets far ahead of a
//! slow one.

use super::ParseOptions;
use super::csr::Block;
use super::libsvm::{self, LOOKAHEAD, ParseError};
use crate::sync::{AtomicBool, Ordering};
use crossbeam::channel::{Receiver, Sender, bounded};
use memchr::memrchr;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::mem;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes of text in a block: its rows stay in the cache of a core.
pub(super) const BLOCK: usize = 1 << 18;

/// Options of reading a stream.
pub(super) struct Reading<'a> {
    pub(super) options: &'a ParseOptions,
    /// Threads that make rows of the text, at least 1.
    pub(super) threads: usize,
    /// Bytes of text in a block, at least 1.
    pub(super) block: usize,
    /// If set, a stream that can detect damage is read to its end even if its text was refused
    /// before: damage is then the likelier reason.
    pub(super) read_on: bool,
}

/// The reason why a stream was not read to its end.
#[derive(Debug)]
pub(super) enum Stop<E> {
    /// It could not be read.
    Unread(io::Error),
    /// There was no byte.
    Empty,
    /// The text is refused.
    Text(ParseError),
    /// The system starts no more threads.
    NoThread(io::Error),
    /// The consumer of the blocks takes no more.
    Consumer(E),
}

/// Some lines of the text.
struct Lines<'a> {
    /// Number of blocks before this one.
    number: usize,
    buffer: Buffer<'a>,
    start: usize,
    end: usize,
}

/// Memory for text, on loan. It goes back to the reader when it is dropped. A drop by a panic also
/// stops the reader.
struct Buffer<'a> {
    bytes: Vec<u8>,
    pool: &'a BufferPool,
}

/// The pool that buffers return to.
struct BufferPool {
    sender: Sender<Vec<u8>>,
    receiver: Receiver<Vec<u8>>,
    /// Largest buffer to keep. Larger ones, which long lines need, are freed.
    largest: usize,
    /// If set, the reader stops.
    stop: AtomicBool,
}

impl BufferPool {
    fn new(buffers: usize, largest: usize) -> Self {
        let (sender, receiver) = bounded(buffers);
        (0..buffers).for_each(|_| sender.send(Vec::new()).expect("there is room for all buffers"));
        BufferPool { sender, receiver, largest, stop: AtomicBool::new(false) }
    }

    /// Waits for a buffer and returns it, empty.
    fn lend(&self) -> Buffer<'_> {
        let mut bytes = self.receiver.recv().expect("this pool holds the other end too");
        bytes.clear();
        Buffer { bytes, pool: self }
    }

    fn stop(&self) {
        // Relaxed: only makes the reader stop earlier; outcomes go through the lock.
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.pool.stop();
        }
        let bytes = mem::take(&mut self.bytes);
        let returned = if bytes.capacity() <= self.pool.largest { bytes } else { Vec::new() };
        // There is room for all buffers, and the pool holds the other end too.
        let _ = self.pool.sender.send(returned);
    }
}

/// Outcome of a block: the result of work on its rows and its number of lines, or an error whose
/// line counts from the block's first.
type Outcome<T> = Result<(T, u64), ParseError>;

/// Delivers blocks in order.
struct Delivery<'a, T, E, F> {
    /// Number of the block that comes next.
    next: usize,
    /// Outcomes that came too early.
    waiting: BTreeMap<usize, (Outcome<T>, Buffer<'a>)>,
    /// Number of lines of the delivered blocks.
    lines: u64,
    take: F,
    stop: Option<Stop<E>>,
}

impl<'a, T, E, F: FnMut(T) -> Result<(), E>> Delivery<'a, T, E, F> {
    fn new(take: F) -> Self {
        Delivery { next: 0, waiting: BTreeMap::new(), lines: 0, take, stop: None }
    }

    fn put(&mut self, number: usize, outcome: Outcome<T>, buffer: Buffer<'a>) {
        self.waiting.insert(number, (outcome, buffer));
        while self.stop.is_none()
            && let Some((outcome, buffer)) = self.waiting.remove(&self.next)
        {
            self.next += 1;
            match outcome {
                Ok((made, lines)) => {
                    self.lines += lines;
                    self.stop = (self.take)(made).err().map(Stop::Consumer);
                }
                Err(mut error) => {
                    error.line += self.lines;
                    self.stop = Some(Stop::Text(error));
                }
            }
            if self.stop.is_some() {
                buffer.pool.stop();
            }
        }
        if self.stop.is_some() {
            self.waiting.clear();
        }
    }
}

impl Reading<'_> {
    /// Parses the text in `reader`. Calls `work` on each block, and passes its results to `take` in
    /// the order of the text.
    ///
    /// # Errors
    /// Without [`Reading::read_on`], the first one: a line that is refused, an error of the stream
    /// or of `take`. With it, an error of the stream takes precedence over any other.
    pub(super) fn run<T: Send, E: Send>(
        &self,
        mut reader: impl Read,
        work: impl Fn(&mut Block) -> T + Sync,
        take: impl FnMut(T) -> Result<(), E> + Send,
    ) -> Result<(), Stop<E>> {
        let pool = BufferPool::new(2 * self.threads + 1, 4 * (self.block + LOOKAHEAD));
        let delivery = Mutex::new(Delivery::new(take));
        let (sender, receiver) = bounded(self.threads);
        // Not in a pool: there, parallel work on one block could wait for a task that waits for the
        // next.
        let read = thread::scope(|scope| {
            let mut parsers = Vec::with_capacity(self.threads);
            for _ in 0..self.threads {
                let (receiver, work, delivery) = (receiver.clone(), &work, &delivery);
                let parse = move || self.parse(receiver, work, delivery);
                parsers.push(
                    thread::Builder::new().spawn_scoped(scope, parse).map_err(Stop::NoThread)?,
                );
            }
            drop(receiver);
            let mut sent = self.send(&mut reader, sender, &pool);
            let wanted = || matches!(lock(&delivery).stop, None | Some(Stop::Text(_)));
            if self.read_on && sent.is_ok() && wanted() {
                sent = io::copy(&mut reader, &mut io::sink()).and(sent);
            }
            parsers
                .into_iter()
                .try_for_each(|parser| parser.join())
                .unwrap_or_else(|panic| resume_unwind(panic));
            Ok(sent)
        })?;
        let stop = delivery.into_inner().unwrap_or_else(PoisonError::into_inner).stop;
        match (read, stop) {
            (Ok(false), _) => Err(Stop::Empty),
            (Ok(true), None) => Ok(()),
            (Err(error), None) => Err(Stop::Unread(error)),
            (Err(error), Some(Stop::Text(_))) if self.read_on => Err(Stop::Unread(error)),
            (_, Some(stop)) => Err(stop),
        }
    }

    /// Cuts the text into blocks and sends them until it ends or nobody wants more. Returns true if
    /// there was a byte.
    fn send<'h>(
        &self,
        reader: &mut impl Read,
        sender: Sender<Lines<'h>>,
        pool: &'h BufferPool,
    ) -> io::Result<bool> {
        let mut buffer = pool.lend();
        for number in 0.. {
            let (start, end) = self.fill(reader, &mut buffer.bytes, number == 0)?;
            if number == 0 && buffer.bytes.is_empty() {
                return Ok(false);
            }
            let mut next = pool.lend();
            next.bytes.extend_from_slice(&buffer.bytes[end..]);
            let ended = next.bytes.is_empty();
            // If there are no receivers, a parser has panicked, which the scope propagates.
            let sent =
                sender.send(Lines { number, buffer: mem::replace(&mut buffer, next), start, end });
            if ended || sent.is_err() || pool.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(true)
    }

    /// Reads until `bytes` hold a block of whole lines and the bytes after it, or the rest of the
    /// text. Returns start and end of its lines.
    fn fill(
        &self,
        reader: &mut impl Read,
        bytes: &mut Vec<u8>,
        first: bool,
    ) -> io::Result<(usize, usize)> {
        let mut least = self.block;
        loop {
            let missing = least.saturating_add(LOOKAHEAD).saturating_sub(bytes.len());
            bytes.reserve_exact(missing);
            let got = reader.by_ref().take(missing as u64).read_to_end(bytes)?;
            let start = if first { libsvm::mark_length(bytes) } else { 0 };
            if got < missing {
                return Ok((start, bytes.len()));
            }
            let searched = bytes.len() - LOOKAHEAD;
            match memrchr(b'\n', &bytes[..searched]) {
                Some(last) => return Ok((start, last + 1)),
                // The line will be refused.
                None if searched > start.saturating_add(self.options.max_line) => {
                    return Ok((start, bytes.len()));
                }
                None => least = bytes.len().saturating_mul(2),
            }
        }
    }

    /// Parses all blocks that it receives.
    fn parse<'h, T, E, F: FnMut(T) -> Result<(), E>>(
        &self,
        receiver: Receiver<Lines<'h>>,
        work: impl Fn(&mut Block) -> T,
        delivery: &Mutex<Delivery<'h, T, E, F>>,
    ) {
        let mut block = Block::default();
        for Lines { number, buffer, start, end } in receiver {
            let outcome = libsvm::parse_lines(&buffer.bytes, start..end, self.options, &mut block)
                .map(|lines| (work(&mut block), lines));
            if outcome.is_err() {
                buffer.pool.stop();
            }
            lock(delivery).put(number, outcome, buffer);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
