//! Files that appear at once or not at all: written under a temporary name beside the target,
//! synced, renamed.
//!
//! Invariant: whatever fails, and at whatever moment the process is killed, the target holds either
//! all of its old bytes or all of the new ones. A kill may leave a file `.wildsgd-*.tmp` behind; a
//! failure leaves none.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

const BUFFER: usize = 1 << 16;
/// Longest chain of symbolic links that Linux follows.
const MOST_LINKS: usize = 40;

/// Gives `path` the bytes that `write` writes, all at once. The file has the permissions of the one
/// that it replaces, or else those of any new file (0666 less the process's mask). A symbolic link
/// stays, and its target is replaced; another hard link keeps the old bytes.
///
/// What is no regular file (a pipe, a terminal, `/dev/stdout`) has no name to give to another file:
/// it is written directly, and may hold a part of the bytes after a failure.
///
/// # Errors
/// [`Error::Io`] if a file cannot be made in the directory, `write` or the system fails, as with a
/// full disk.
pub fn atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let (target, is_stream) = follow(path);
    let result = match fs::metadata(&target) {
        Ok(old) if is_stream || !old.is_file() => stream(&target, write),
        Ok(old) => replace(&target, Some(&old), |file| fill(file, write)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            replace(&target, None, |file| fill(file, write))
        }
        Err(error) => Err(("open", error)),
    };
    result.map_err(|(action, source)| Error::io(path, action, source))
}

/// Gives `path` the bytes that `write` puts into the file, all at once, like [`atomically`], at
/// places of its own choice: what is no regular file is refused.
///
/// # Errors
/// [`Error::Io`] as for [`atomically`], [`Error::Input`] if `path` is a pipe, a terminal or the
/// like.
pub fn file_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let (target, is_stream) = follow(path);
    let write = |file: &File| write(file).map_err(|e| ("write", e));
    let result = match fs::metadata(&target) {
        Ok(old) if is_stream || !old.is_file() => return Err(no_file(path)),
        Ok(old) => replace(&target, Some(&old), write),
        Err(error) if error.kind() == ErrorKind::NotFound => replace(&target, None, write),
        Err(error) => Err(("open", error)),
    };
    result.map_err(|(action, source)| Error::io(path, action, source))
}

fn no_file(path: &Path) -> Error {
    Error::input(
        path.display().to_string(),
        "is no regular file",
        "a file, as it is not written from its first byte to its last",
        "name a file",
    )
}

/// [`check`] for [`file_atomically`].
///
/// # Errors
/// Those of [`check`], and [`Error::Input`] if `path` is a pipe, a terminal or the like.
pub fn check_file(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    check(path)?;
    let (target, is_stream) = follow(path);
    match fs::metadata(&target) {
        Ok(old) if is_stream || !old.is_file() => Err(no_file(path)),
        _ => Ok(()),
    }
}

/// Finds out, before long work, whether [`atomically`] could begin with `path`. Leaves nothing
/// behind.
///
/// # Errors
/// [`Error::Input`] if `path` is a directory or its directory is missing, [`Error::Io`] if no file
/// can be made there.
pub fn check(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let wrong = |what: String, expected: &str, hint: &str| {
        Err(Error::input(path.display().to_string(), what, expected, hint))
    };
    let (target, is_stream) = follow(path);
    let directory = directory(&target);
    match fs::metadata(&target) {
        Ok(old) if old.is_dir() => {
            wrong("is a directory".into(), "a file to write", "name a file in it")
        }
        Ok(old) if is_stream || !old.is_file() => Ok(()),
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path, "open", error)),
        _ if !directory.is_dir() => wrong(
            format!("there is no directory {}", directory.display()),
            "a file in an existing directory",
            "make the directory first",
        ),
        _ => tempfile::tempfile_in(directory)
            .map(drop)
            .map_err(|error| Error::io(path, "create", error)),
    }
}

/// What was tried, and why it failed.
type Failure = (&'static str, io::Error);

fn replace(
    target: &Path,
    old: Option<&Metadata>,
    write: impl FnOnce(&File) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let directory = directory(target);
    let temporary = tempfile::Builder::new()
        .prefix(".wildsgd-")
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(directory)
        .map_err(|e| ("create", e))?;
    write(temporary.as_file())?;
    keep_permissions(&temporary, old).map_err(|e| ("set the permissions", e))?;
    temporary.as_file().sync_all().map_err(|e| ("sync", e))?;
    temporary.persist(target).map_err(|e| ("rename", e.error))?;
    sync_directory(directory).map_err(|e| ("sync the directory", e))
}

fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn stream(
    target: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), Failure> {
    // Appending matters if a descriptor of this process leads to a regular file that has bytes
    // already.
    let file = OpenOptions::new().append(true).open(target).map_err(|e| ("open", e))?;
    fill(&file, write)
}

fn fill(
    file: &File,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(BUFFER, file);
    write(&mut out).and_then(|()| out.flush()).map_err(|e| ("write", e))
}

fn keep_permissions(file: &NamedTempFile, old: Option<&Metadata>) -> io::Result<()> {
    let Some(old) = old else { return Ok(()) };
    let (old, new) = (old.permissions(), file.as_file().metadata()?.permissions());
    // Some file systems have one mode for all files and refuse to set any.
    if old.mode() == new.mode() { Ok(()) } else { file.as_file().set_permissions(old) }
}

/// Makes the rename outlive a power cut.
fn sync_directory(directory: &Path) -> io::Result<()> {
    let result = File::open(directory).and_then(|directory| directory.sync_all());
    match result {
        // The new file is in place: a directory that may not be read, or that knows no sync, is no
        // failure.
        Err(e) if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => {
            Ok(())
        }
        result => result,
    }
}

/// The file behind a chain of symbolic links, even if it is still missing, and whether the chain
/// goes through the descriptors of a process: such a link is an open file rather than a name.
fn follow(path: &Path) -> (PathBuf, bool) {
    let mut at = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&at) else { break };
        let directory = at.parent().unwrap_or(Path::new("")).to_path_buf();
        if directory.canonicalize().is_ok_and(|directory| directory.starts_with("/proc")) {
            return (at, true);
        }
        at = directory.join(next);
    }
    (at, false)
}

#[cfg(test)]
mod tests;
