//! Throughput of loading text, beside memcpy:
//! `cargo bench --bench load -- [--runs 11] [--threads 1,2] [DATA]`.
//!
//! Without DATA it reads the data set of Debian packages in this repository. The text is written
//! plain, with each compression and as a cache to a temporary folder, and loaded from there, in the
//! file's order and shuffled; MB/s count the decompressed text, or the cache. The last column, on
//! Linux, is the peak of anonymous memory during one load in its own process, as a multiple of the
//! data set's arrays.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use wildsgd::data::{LoadOptions, load, source};
use wildsgd::internal::cache;
use wildsgd::internal::data::throughput;

const SEED: u64 = 1;

fn main() {
    let arguments: Vec<String> =
        env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, path, threads, shuffle] = arguments.as_slice()
        && flag == "--peak"
    {
        return print_peak(Path::new(path), &options(number(threads), shuffle == "shuffled"));
    }
    if let [flag, path, threads] = arguments.as_slice()
        && flag == "--once"
    {
        return print_once(Path::new(path), &options(number(threads), true));
    }
    let mut path = PathBuf::from("data/debian-packages.train.svm.zst");
    let (mut runs, mut threads) = (11, vec![1, 2]);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--runs" => runs = number(&next()),
            "--threads" => threads = next().split(',').map(number).collect(),
            _ => path = argument.into(),
        }
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files =
        write_all(&source::read(&path).unwrap_or_else(|error| panic!("{error}")), folder.path())
            .expect("the temporary folder takes the text");
    println!(
        "{:<6} {:<8} {:>7} {:>8} {:>14} {:>11} {:>14} {:>13}",
        "format",
        "order",
        "threads",
        "MB/s",
        "non-zeros/s, M",
        "memcpy MB/s",
        "load / memcpy",
        "peak / arrays"
    );
    for (format, file) in files {
        // A cache has one order, whatever is requested.
        for order in if format == "cache" { &["shuffled"][..] } else { &["file", "shuffled"] } {
            for &threads in &threads {
                row(format, &file, order, threads, runs);
            }
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

fn options(threads: usize, shuffled: bool) -> LoadOptions {
    LoadOptions { threads, shuffle: shuffled.then_some(SEED), ..LoadOptions::default() }
}

fn row(format: &str, file: &Path, order: &str, threads: usize, runs: usize) {
    let measured = throughput(file, &options(threads, order == "shuffled"), runs)
        .unwrap_or_else(|error| panic!("{error}"));
    let peak = Command::new(env::current_exe().expect("this program has a name"))
        .args(["--peak".as_ref(), file.as_os_str()])
        .args([threads.to_string().as_str(), order])
        .output()
        .expect("this program starts");
    println!(
        "{format:<6} {order:<8} {threads:>7} {:>8.0} {:>14.1} {:>11.0} {:>14.3} {:>13}",
        measured.bytes_per_second() / 1e6,
        measured.nonzeros_per_second() / 1e6,
        measured.copied_per_second() / 1e6,
        measured.share_of_copy(),
        String::from_utf8_lossy(&peak.stdout).trim(),
    );
}

/// Writes the text as files of each format.
fn write_all(text: &[u8], folder: &Path) -> io::Result<Vec<(&'static str, PathBuf)>> {
    let path = |format: &str| folder.join(format);
    fs::write(path("text"), text)?;
    let mut gzip = flate2::write::GzEncoder::new(
        fs::File::create(path("gzip"))?,
        flate2::Compression::default(),
    );
    gzip.write_all(text)?;
    gzip.finish()?;
    let mut bzip2 = bzip2::write::BzEncoder::new(
        fs::File::create(path("bzip2"))?,
        bzip2::Compression::default(),
    );
    bzip2.write_all(text)?;
    bzip2.finish()?;
    zstd::stream::copy_encode(
        text,
        fs::File::create(path("zstd"))?,
        zstd::DEFAULT_COMPRESSION_LEVEL,
    )?;
    let data = load(path("text"), &options(0, true)).map_err(io::Error::other)?;
    cache::write(&data, path("cache")).map_err(io::Error::other)?;
    Ok(["text", "gzip", "bzip2", "zstd", "cache"].map(|format| (format, path(format))).into())
}

/// Prints the seconds of one load, after a warm-up load as in a process that has been working, for
/// comparison with other programs.
fn print_once(path: &Path, options: &LoadOptions) {
    let seconds = [(); 2].map(|()| {
        let start = Instant::now();
        let data = load(path, options).unwrap_or_else(|error| panic!("{error}"));
        data.verify().unwrap_or_else(|error| panic!("{error}"));
        let time = start.elapsed();
        drop(data);
        time.as_secs_f64()
    });
    println!("{}", seconds[1]);
}

/// Loads once, and prints the peak of anonymous memory as a multiple of the arrays.
fn print_peak(path: &Path, options: &LoadOptions) {
    let Some(before) = anonymous() else { return println!("-") };
    let (path, options) = (path.to_owned(), options.clone());
    let loading = thread::spawn(move || {
        let data = load(path, &options).unwrap_or_else(|error| panic!("{error}"));
        data.verify().unwrap_or_else(|error| panic!("{error}"));
        data
    });
    let mut most = before;
    while !loading.is_finished() {
        most = most.max(anonymous().unwrap_or(0));
        thread::sleep(Duration::from_micros(100));
    }
    let data = loading.join().expect("loading does not panic");
    most = most.max(anonymous().unwrap_or(0));
    println!("{:.3}", (most - before) as f64 / data.memory() as f64);
}

/// Returns the bytes of anonymous memory of this process, if the system reports them.
fn anonymous() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? << 10)
}
