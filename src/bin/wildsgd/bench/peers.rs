//! Comparison with other programs: runs the script of `benches/peers/` in a Python that has their
//! packages.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use wildsgd::data::{cache, libsvm, source};
use wildsgd::internal::report::scaled::Peers;
use wildsgd::internal::save;
use wildsgd::{Dataset, Error, Result};

const SCRIPT: &str = include_str!("../../../../benches/peers/seconds.py");

/// Trains `runs` times on the file `path`, whose rows are `data`, with this program and every peer
/// that `python` has.
///
/// # Errors
/// [`Error::Input`] with the script's last message if it fails; [`Error::Io`] if it cannot be
/// started.
pub fn compare(python: &Path, path: &Path, data: &Dataset, runs: usize) -> Result<Peers> {
    let folder =
        save::Folder::new().map_err(|error| Error::io("<temporary folder>", "create", error))?;
    let (text, json) = (folder.path().join("data.svm"), folder.path().join("peers.json"));
    write_text(path, data, &text)?;
    let program =
        std::env::current_exe().map_err(|error| Error::io("<this program>", "find", error))?;
    let mut command = Command::new(python);
    command
        .arg("-")
        .arg(program)
        .arg(&text)
        .arg("--runs")
        .arg(runs.to_string())
        .arg("--json")
        .arg(&json);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Error::io(python, "run", error))?;
    let stdin = child.stdin.take().expect("standard input is piped");
    let sent = { stdin }.write_all(SCRIPT.as_bytes());
    let output = child.wait_with_output().map_err(|error| Error::io(python, "run", error))?;
    if !output.status.success() {
        let messages = String::from_utf8_lossy(&output.stderr);
        let last =
            messages.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").trim();
        return Err(Error::input(
            python.display().to_string(),
            format!("the comparison with peers failed: {last}"),
            "a Python with scikit-learn and liblinear-official",
            "install the packages of benches/peers/requirements.txt",
        ));
    }
    // A script that succeeds has read all of its input.
    sent.or_else(|error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
        .map_err(|error| Error::io(python, "write", error))?;
    let found = fs::read(&json).map_err(|error| Error::io(&json, "read", error))?;
    let found: Option<BTreeMap<String, Peers>> = serde_json::from_slice(&found).ok();
    found.and_then(|found| found.into_values().next()).ok_or_else(|| {
        Error::input(
            python.display().to_string(),
            "the comparison with peers wrote no figures",
            "an object for the file",
            "run benches/peers/seconds.py by hand to see why",
        )
    })
}

/// Writes the text that peers read: that of the file, decompressed, or of the rows of a cache.
fn write_text(path: &Path, data: &Dataset, to: &Path) -> Result<()> {
    if cache::is_cache(path) {
        let data = data.in_file_order();
        return save::atomically(to, |out| libsvm::write(&data, &mut BufWriter::new(out)));
    }
    let text = source::read(path)?;
    fs::write(to, &text[..]).map_err(|error| Error::io(to, "write", error))
}
