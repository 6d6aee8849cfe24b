//! Measures the speed of loading a file, next to a plain copy of its text (of its bytes, if it is a
//! cache).

use super::load::pool;
use super::{LoadOptions, cache, load, source};
use crate::error::{Error, Result};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

/// Times of [`throughput`].
#[derive(Clone, Debug, PartialEq)]
pub struct Throughput {
    /// Bytes of the text, decompressed. For a cache, bytes of the file.
    pub bytes: usize,
    /// Number of examples.
    pub examples: usize,
    /// Number of entries of all examples.
    pub nonzeros: usize,
    /// Time to load, up to checked rows in place: the median of all runs.
    pub load: Duration,
    /// Time to open a data set. In a cache, its rows are not checked yet. The median of all runs.
    pub open: Duration,
    /// Time to copy the text between two buffers in memory, on one thread: the median of all runs.
    pub copy: Duration,
}

impl Throughput {
    /// Bytes of text per second.
    pub fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.load.as_secs_f64()
    }

    /// Entries per second.
    pub fn nonzeros_per_second(&self) -> f64 {
        self.nonzeros as f64 / self.load.as_secs_f64()
    }

    /// Bytes copied per second.
    pub fn copied_per_second(&self) -> f64 {
        self.bytes as f64 / self.copy.as_secs_f64()
    }

    /// Rate of loading as a fraction of the rate of copying.
    pub fn share_of_copy(&self) -> f64 {
        self.copy.as_secs_f64() / self.load.as_secs_f64()
    }
}

/// Loads the file at `path`, text or a cache, `runs` times (at least once). Each run follows a copy
/// of the bytes, so that both see the same load of the machine. Takes memory for the text twice
/// beside the data set. A first run, which is not counted, brings the file into the system's cache.
/// Standard input cannot be read twice.
///
/// # Errors
/// Those of [`load`].
pub fn throughput(
    path: impl AsRef<Path>,
    options: &LoadOptions,
    runs: usize,
) -> Result<Throughput> {
    let path = path.as_ref();
    let text = match cache::is_cache(path) {
        true => std::fs::read(path).map_err(|error| Error::io(path, "read", error))?,
        false => source::read(path)?,
    };
    let mut copied = text.clone();
    let pool = pool(options.threads)?;
    let (mut loads, mut opens, mut copies) = (Vec::new(), Vec::new(), Vec::new());
    let data = load(path, options)?;
    data.verify()?;
    let (examples, nonzeros) = (data.len(), data.nonzeros());
    drop(data);
    for _ in 0..runs.max(1) {
        let start = Instant::now();
        black_box(&mut copied).copy_from_slice(black_box(&text));
        copies.push(start.elapsed());
        let start = Instant::now();
        let data = load(path, options)?;
        opens.push(start.elapsed());
        pool.install(|| data.verify())?;
        loads.push(start.elapsed());
        drop(data);
    }
    let (load, open, copy) = (median(loads), median(opens), median(copies));
    Ok(Throughput { bytes: text.len(), examples, nonzeros, load, open, copy })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_text() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"1 1:1 3:2\n-1\n").unwrap();
        let mut found = throughput(file.path(), &LoadOptions::default(), 3).unwrap();
        assert_eq!((found.bytes, found.examples, found.nonzeros), (13, 2, 2));
        (found.load, found.copy) = (Duration::from_millis(4), Duration::from_millis(1));
        assert_eq!(found.nonzeros_per_second(), 500.0);
        assert_eq!((found.bytes_per_second(), found.copied_per_second()), (3250.0, 13000.0));
        assert_eq!(found.share_of_copy(), 0.25);
        assert!(throughput("no such file", &LoadOptions::default(), 1).is_err());
    }
}
