//! One vector of weights in shared memory.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek};
use std::marker::PhantomData;
use std::path::Path;
use std::slice;

use memmap2::{MmapMut, MmapOptions, MmapRaw};
use rayon::prelude::*;

use super::Real;
use crate::error::{Error, Result};
use crate::row::prefetch;
use crate::row::real::Slot;
use crate::save::{self, Temporary};

/// A vector of weights that any number of threads read and write at the same time, in a memory map.
///
/// # Guarantees
/// - **Size and alignment.** A weight takes `size_of::<R>()` bytes (4 for f32, 8 for f64), nothing
///   lies between two weights, and the first is page-aligned, so no weight crosses a cache line.
/// - **Ordering.** All accesses are relaxed. A thread may see another's writes late and in another
///   order. Whoever needs all writes of a worker joins its thread first, which makes them visible.
/// - **Tearing.** A weight is read and written as a whole: a reader sees one of the values that
///   were written, never half of one and half of another. No guarantee spans two weights.
/// - **No plain view of shared weights.** Whoever shares the vector reaches its weights as atomics
///   only, so racing threads are defined behavior in Rust's memory model. Dense passes work on a
///   copy ([`SharedParams::copy_to`]); whoever has the vector alone may have them as plain memory
///   ([`SharedParams::alone`]).
/// - **Named file.** The file is the raw array in the machine's byte order and nothing else; other
///   processes may map it and read along. If one shortens the file, the system ends this process
///   (SIGBUS), as with any map.
pub struct SharedParams<R: Real> {
    map: MmapRaw,
    len: usize,
    /// The file that the map is of, locked, if there is one: other processes may map it too.
    lock: Option<File>,
    real: PhantomData<R>,
}

impl<R: Real> SharedParams<R> {
    /// Allocates `len` zeros in anonymous memory.
    ///
    /// # Errors
    /// If the system has no room for them.
    pub fn anonymous(len: usize) -> Result<Self> {
        let bytes = Self::bytes(len)?;
        let map = zeros(bytes)
            .map_err(|source| Error::io(format!("<{bytes} bytes of weights>"), "map", source))?;
        Ok(SharedParams { map: map.into(), len, lock: None, real: PhantomData })
    }

    /// Maps `len` zeros in the file `path`, which other processes may map to watch the training.
    ///
    /// The file is made if there is none: under another name, so that it has its own once it has
    /// its size. One that exists must be empty or of exactly the size needed, so that a mistyped
    /// name destroys nothing. Its contents are set to zero. It is locked (flock) as long as this
    /// lives: a second vector in it is refused.
    ///
    /// # Errors
    /// If the file has another size or another vector lies in it, or the system refuses to create,
    /// size or map it.
    pub fn file(path: &Path, len: usize) -> Result<Self> {
        let bytes = Self::bytes(len)?;
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(path, bytes as u64),
            opened => opened,
        };
        let file = file.map_err(|source| Error::io(path, "open", source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::input(
                    path.display().to_string(),
                    "the file holds the weights of another training",
                    "a file of its own for each training",
                    "wait until the other training has ended, or name another file",
                ));
            }
            Err(TryLockError::Error(source)) => return Err(Error::io(path, "lock", source)),
        }
        let found = file.metadata().map_err(|source| Error::io(path, "inspect", source))?.len();
        if found != 0 && found != bytes as u64 {
            return Err(Error::input(
                path.display().to_string(),
                format!("the file holds {found} bytes"),
                format!("no file, an empty one, or one of {bytes} bytes for {len} weights"),
                "name another file, or remove this one if it is no longer needed",
            ));
        }
        write_zeros(&file, bytes as u64).map_err(|source| {
            // A file that was empty stays so. The first error is the one that matters.
            let _ = if found == 0 { file.set_len(0) } else { Ok(()) };
            Error::io(path, "write", source)
        })?;
        let map = MmapOptions::new()
            .len(bytes)
            .map_raw(&file)
            .map_err(|source| Error::io(path, "map", source))?;
        Ok(SharedParams { map, len, lock: Some(file), real: PhantomData })
    }

    fn bytes(len: usize) -> Result<usize> {
        len.max(1)
            .checked_mul(size_of::<R>())
            .filter(|&bytes| isize::try_from(bytes).is_ok())
            .ok_or_else(|| {
                Error::input(
                    "weights",
                    format!("{len} weights are more than memory can address"),
                    "a vector that fits into memory",
                    "look for a mistyped feature index in the data",
                )
            })
    }

    /// Returns the number of weights.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns true if there are no weights.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the weights as atomics.
    pub fn slots(&self) -> &[R::Shared] {
        // SAFETY: the map is at least `len * size_of::<R>()` bytes long (both constructors map
        // that many), page-aligned and lives as long as `self`, which owns it. `R::Shared` is
        // `AtomicF32` or `AtomicF64`, transparent over `AtomicU32` or `AtomicU64`, which have the
        // size of f32 and f64, accept any bit pattern, and are themselves the `UnsafeCell` that
        // lets other threads and processes write behind a shared reference. Only `alone`
        // reaches the memory otherwise, and nobody can call it while this reference lives.
        unsafe { slice::from_raw_parts(self.map.as_ptr().cast::<R::Shared>(), self.len) }
    }

    /// Returns the weights as plain memory, for a thread that has them to itself, or `None` if
    /// other processes may map them too.
    pub fn alone(&mut self) -> Option<&mut [R]> {
        // SAFETY: size, alignment and lifetime are as in `slots`, and any bit pattern is an `R`, a
        // float. `&mut self` proves that no reference into the map from `slots` or from here lives,
        // and that none is made while this one lives. Only this process reaches an anonymous map.
        self.lock.is_none().then(|| unsafe {
            slice::from_raw_parts_mut(self.map.as_mut_ptr().cast::<R>(), self.len)
        })
    }

    /// Calls `f` on the weights as plain memory. If other processes may look on, `f` changes a
    /// copy, which they see when it has returned.
    pub(crate) fn with_plain<T>(&mut self, f: impl FnOnce(&mut [R]) -> T) -> T {
        if let Some(weights) = self.alone() {
            return f(weights);
        }
        let mut weights = vec![R::ZERO; self.len];
        self.copy_to(&mut weights);
        let value = f(&mut weights);
        self.copy_from(&weights);
        value
    }

    /// Copies all weights to `to`. Exact when no worker runs. Otherwise each weight is a value that
    /// it had at some moment.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn copy_to(&self, to: &mut [R]) {
        assert_eq!(to.len(), self.len, "one slot per weight");
        let parts =
            to.par_chunks_mut(COPIED_TOGETHER).zip(self.slots().par_chunks(COPIED_TOGETHER));
        parts.for_each(|(to, slots)| {
            to.iter_mut().zip(slots).for_each(|(to, slot)| *to = slot.get())
        });
    }

    /// Sets all weights from `from`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn copy_from(&self, from: &[R]) {
        assert_eq!(from.len(), self.len, "one weight per slot");
        let (slots, line) = (self.slots(), LINE / size_of::<R>());
        for (k, (slots_of_line, from)) in slots.chunks(line).zip(from.chunks(line)).enumerate() {
            // The lines are in the cache of the core that read the weights last. Without a prefetch
            // the copy takes several times as long.
            prefetch::at_for_write(slots, (k + AHEAD) * line);
            slots_of_line.iter().zip(from).for_each(|(slot, &x)| slot.set(x));
        }
    }

    /// Sets all weights to `x`.
    pub fn fill(&self, x: R) {
        for slot in self.slots() {
            slot.set(x);
        }
    }
}

/// Bytes in a cache line.
const LINE: usize = 64;
/// Lines between the prefetch and the copy.
const AHEAD: usize = 16;

/// Weights per copying task.
const COPIED_TOGETHER: usize = 1 << 15;

/// Maps zeros in memory, in huge pages if they fill one. Weights are gathered from all over the
/// vector, and every small page is one more address to look up.
fn zeros(bytes: usize) -> io::Result<MmapMut> {
    let is_huge = bytes >= HUGE_PAGE;
    // The system aligns a map to huge pages if its length is a multiple of one.
    let bytes = if is_huge { bytes.next_multiple_of(HUGE_PAGE) } else { bytes };
    let map = MmapOptions::new().len(bytes).map_anon()?;
    #[cfg(target_os = "linux")]
    if is_huge {
        // The vector works without them.
        let _ = map.advise(memmap2::Advice::HugePage);
    }
    Ok(map)
}

/// Bytes of a huge page where pages have 4 KiB.
/// Record: D125.
const HUGE_PAGE: usize = 2 << 20;

/// Fills `file` with zeros, or leaves it empty on error. The zeros are written rather than left as
/// a hole, so that a full disk is an error now and not a signal at the first store through the map.
fn write_zeros(mut file: &File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(bytes), &mut file).map(|_| ())
}

/// Makes a file of this many zeros; it gets its name when it is complete.
fn make(path: &Path, bytes: u64) -> io::Result<File> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let file = Temporary::new(folder, save::USUAL)?;
    write_zeros(file.as_file(), bytes)?;
    let mut file = file.name(path, folder)?;
    file.rewind()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_holds_the_weights_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let params = SharedParams::<f32>::file(&path, 3).unwrap();
        params.copy_from(&[1.0, -2.5, 3.0]);
        let watcher: Vec<f32> = fs::read(&path)
            .unwrap()
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_ne_bytes(bytes))
            .collect();
        assert_eq!(watcher, [1.0, -2.5, 3.0]);
        drop(params);
        let mut again = [9.0; 3];
        SharedParams::<f32>::file(&path, 3).unwrap().copy_to(&mut again);
        assert_eq!(again, [0.0; 3], "a file that is used again starts from zero");
    }

    #[test]
    fn a_file_holds_one_vector_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let first = SharedParams::<f32>::file(&path, 3).unwrap();
        first.copy_from(&[1.0, 2.0, 3.0]);
        let error = SharedParams::<f32>::file(&path, 3).err().unwrap().to_string();
        assert!(error.contains("holds the weights of another training"), "{error}");
        let mut kept = [0.0; 3];
        first.copy_to(&mut kept);
        assert_eq!(kept, [1.0, 2.0, 3.0]);
        drop(first);
        SharedParams::<f32>::file(&path, 3).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_another_size_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thesis");
        fs::write(&path, "not weights").unwrap();
        let error = SharedParams::<f32>::file(&path, 3).err().unwrap().to_string();
        assert!(
            error.contains("holds 11 bytes (expected no file, an empty one, or one of 12 bytes"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"not weights");
    }

    #[test]
    fn weights_that_one_thread_has_to_itself_are_plain_memory() {
        // With and without huge pages.
        for len in [5, HUGE_PAGE / size_of::<f64>() + 5] {
            let mut params = SharedParams::<f64>::anonymous(len).unwrap();
            params.slots()[3].set(1.5);
            let weights = params.alone().unwrap();
            assert_eq!((weights.len(), weights[3], weights.iter().sum::<f64>()), (len, 1.5, 1.5));
            weights[len - 1] = -2.0;
            assert_eq!(params.slots()[len - 1].get(), -2.0);
        }
        let folder = tempfile::tempdir().unwrap();
        let mut named = SharedParams::<f64>::file(&folder.path().join("w"), 5).unwrap();
        assert!(named.alone().is_none(), "another process may map the file");
    }

    #[test]
    fn weights_are_laid_out_as_promised() {
        assert_eq!(
            (size_of::<<f32 as Real>::Shared>(), align_of::<<f32 as Real>::Shared>()),
            (4, 4)
        );
        assert_eq!(
            (size_of::<<f64 as Real>::Shared>(), align_of::<<f64 as Real>::Shared>()),
            (8, 8)
        );
        let params = SharedParams::<f64>::anonymous(5).unwrap();
        assert_eq!(params.slots().as_ptr().addr() % 4096, 0);
        assert_eq!(params.slots().len(), 5);
        assert!(SharedParams::<f32>::anonymous(0).unwrap().is_empty());
        assert!(SharedParams::<f32>::anonymous(usize::MAX / 2).is_err());
    }
}
