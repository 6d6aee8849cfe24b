//! Peak memory of reading data, by a counting allocator, in a test binary of its own.
//!
//! The peak counts all allocated bytes, touched or not, so it bounds the anonymous memory.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use tempfile::TempDir;
use wildsgd::data::{LoadOptions, load};
use wildsgd::internal::data::Scan;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn add(bytes: usize) {
    let now = NOW.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: each call is passed on unchanged to the system's allocator, and its result is returned
// unchanged; counting touches only two atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of the
        // system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above; all memory comes from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both copies may exist during the move, but the system moves pages, not bytes, if it is
        // large.
        add(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns the peak of bytes allocated while `work` ran, beyond those before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let made = work();
    (made, MOST.load(Ordering::Relaxed) - before)
}

/// Writes `rows` rows of `entries` entries over 2^20 features.
fn write(path: &Path, rows: usize, entries: usize, ones: bool) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut random = 1_u64;
    for i in 0..rows {
        write!(out, "{}", if i % 3 == 0 { 1 } else { -1 }).unwrap();
        let mut index = 0;
        for _ in 0..entries {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            index += 1 + (random >> 40) as usize % ((1 << 20) / entries);
            match ones {
                true => write!(out, " {index}:1").unwrap(),
                false => write!(out, " {index}:0.{:05}", (random >> 20) % 100_000).unwrap(),
            }
        }
        out.write_all(b"\n").unwrap();
    }
    out.flush().unwrap();
}

fn zstd(folder: &TempDir, text: &Path) -> PathBuf {
    let path = folder.path().join("zstd");
    zstd::stream::copy_encode(File::open(text).unwrap(), File::create(&path).unwrap(), 1).unwrap();
    path
}

/// Loads `path` in random order; returns peak and size of the arrays.
fn load_peak(path: &Path, threads: usize) -> (usize, usize) {
    let options = LoadOptions { threads, shuffle: Some(1), ..LoadOptions::default() };
    let (data, most) = peak(|| load(path, &options).unwrap());
    (most, data.memory())
}

/// Loads text from a pipe, as on standard input.
fn piped_peak(folder: &TempDir, text: &Path, threads: usize) -> (usize, usize) {
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let writer = thread::spawn({
        let (text, pipe) = (text.to_owned(), pipe.clone());
        move || io::copy(&mut File::open(text).unwrap(), &mut File::create(pipe).unwrap()).unwrap()
    });
    let peak = load_peak(&pipe, threads);
    writer.join().unwrap();
    fs::remove_file(pipe).unwrap();
    peak
}

/// One test: others would allocate at the same time.
#[test]
fn reading_keeps_to_its_memory() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    for (rows, entries, ones) in [(30_000, 50, false), (400_000, 3, false), (500_000, 4, true)] {
        write(&text, rows, entries, ones);
        let zstd = zstd(&folder, &text);
        let peaks = [
            ("plain file", 1.15, load_peak(&text, 2)),
            ("compressed file", 2.0, load_peak(&zstd, 2)),
            ("pipe", 2.0, piped_peak(&folder, &text, 2)),
        ];
        for (source, limit, (most, arrays)) in peaks {
            let times = most as f64 / arrays as f64;
            assert!(
                (1.0..limit).contains(&times),
                "{source}, {rows} rows of {entries}: {times:.3} times the arrays"
            );
        }
    }
    // The arrays would take 17 MB.
    let most = scan_peak(&text, 400_000);
    assert!(most < 4 << 20, "{most} bytes for rows in passing");
}

/// Streams `rows` rows.
fn scan_peak(text: &Path, rows: usize) -> usize {
    write(text, rows, 5, false);
    let mut passed = 0;
    let scan = Scan { threads: 2, ..Scan::default() };
    let count = |block| {
        passed += block;
        Ok(())
    };
    let (_, most) = peak(|| scan.blocks(text, |block| block.len(), count).unwrap());
    assert_eq!(passed, rows);
    most
}
