//! Runs the built command in a temporary directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

pub const COMMAND: &str = env!("CARGO_BIN_EXE_wildsgd");
pub const TRAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/debian-packages.train.svm.zst");
pub const TEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/debian-packages.test.svm.zst");

/// Two classes of two examples each.
pub const SMALL: &str = "1 1:1 3:0.5\n-1 2:1\n1 1:0.5\n-1 2:2 3:1\n";

/// A directory with files.
pub struct Place(TempDir);

/// Result of a run.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    /// Creates a place with some files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let place = Place::new();
        files.iter().for_each(|(name, text)| place.write(name, text));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    /// Returns names and contents of all files; a directory has none.
    pub fn contents(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), std::fs::read(path).ok()))
            .collect()
    }

    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, Vec::new())
    }

    /// Runs with bytes on standard input.
    pub fn run_with(&self, args: &[&str], stdin: impl Into<Vec<u8>>) -> Run {
        let mut command = assert_cmd::Command::new(COMMAND);
        command
            .args(args)
            .current_dir(self.0.path())
            .timeout(Duration::from_secs(120))
            .write_stdin(stdin);
        let output = command.output().unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the command, which must succeed.
    pub fn succeed(&self, args: &[&str]) -> Run {
        let run = self.run(args);
        assert_eq!(run.code, 0, "{args:?}: {run:?}");
        run
    }

    /// Runs the command, which must fail with exit code 1 and this one-line message, and leave all
    /// files unchanged.
    pub fn fail(&self, args: &[&str], message: &str) {
        let run = self.fail_somehow(args);
        assert_eq!(run.stderr, format!("error: {message}\n"), "{args:?}");
    }

    /// Runs the command, which must fail as with [`Place::fail`], whatever the message.
    pub fn fail_somehow(&self, args: &[&str]) -> Run {
        let before = self.contents();
        let run = self.run(args);
        assert_eq!((run.code, &*run.stdout), (1, ""), "{args:?}: {run:?}");
        assert!(
            run.stderr.starts_with("error: ") && run.stderr.lines().count() == 1,
            "{args:?}: {run:?}"
        );
        assert!(before == self.contents(), "{args:?} changed a file");
        run
    }

    /// Prepares a command without starting it.
    pub fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(COMMAND);
        command.args(args).current_dir(self.0.path());
        command
    }
}

/// Generates text that is large enough for real compression: two classes, distinguished by two of
/// the features.
pub fn generated(examples: usize) -> String {
    let mut text = String::new();
    for i in 0..examples as u64 {
        // A multiplicative hash is random enough.
        let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (label, signal) = if mixed >> 63 == 1 { ("1", 1) } else { ("-1", 2) };
        let (noise, value) = (3 + (mixed >> 40) % 97, (mixed >> 20) % 1000);
        text += &format!("{label} {signal}:1 {noise}:0.{value:03}\n");
    }
    text
}

pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
