//! Saves files at once or not at all: written under a temporary name beside the target, synced,
//! renamed.
//!
//! Invariant: whatever fails, and whenever the process is killed, the target holds either all of
//! its old bytes or all of the new ones. A kill may leave a file `.wildsgd-*.tmp` behind; a failure
//! leaves none.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

const BUFFER: usize = 1 << 16;
/// Longest chain of symbolic links that Linux follows.
const MOST_LINKS: usize = 40;

/// Replaces the file at `path` by the bytes that `write` writes, all at once. It keeps the
/// permissions of the file that it replaces; a new file gets the usual ones (0666 less the
/// process's mask). A symbolic link stays, and its target is replaced. Another hard link keeps the
/// old bytes.
///
/// Pipes, terminals, `/dev/stdout` and the like cannot be replaced by renaming. They are written
/// directly, and may hold a part of the bytes after a failure.
///
/// # Errors
/// [`Error::Io`] if a file cannot be created in the directory, or if `write` or the system fails,
/// for example because the disk is full.
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

/// Replaces the file at `path` all at once, like [`atomically`], by a file that `write` fills at
/// any offsets. Anything but a regular file is refused.
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
        "is not a regular file",
        "a file, as it is not written from its first byte to its last",
        "name a file",
    )
}

/// Checks a path as [`check`] does, for [`file_atomically`].
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

/// Checks before long work whether [`atomically`] could start to write `path`. Leaves nothing
/// behind.
///
/// # Errors
/// [`Error::Input`] if `path` is a directory or its directory is missing, [`Error::Io`] if no file
/// can be created there.
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
            "create the directory first",
        ),
        _ => tempfile::tempfile_in(directory)
            .map(drop)
            .map_err(|error| Error::io(path, "create", error)),
    }
}

/// The action that failed, and the reason.
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
    let file = match own_stream(target) {
        Some(own) => own.map(File::from).map_err(|e| ("open", e))?,
        // Append: the path may lead to another descriptor, of a regular file that already holds
        // bytes.
        None => OpenOptions::new().append(true).open(target).map_err(|e| ("open", e))?,
    };
    fill(&file, write)
}

/// Returns standard output or error, if `target` is the descriptor of one of them. Both descriptors
/// then share one position in the file: what others write through it before and after stays.
fn own_stream(target: &Path) -> Option<io::Result<OwnedFd>> {
    let own = Path::new("/proc/self/fd").canonicalize().ok()?;
    if target.parent()?.canonicalize().ok()? != own {
        return None;
    }
    match target.file_name()?.to_str()? {
        "1" => Some(io::stdout().as_fd().try_clone_to_owned()),
        "2" => Some(io::stderr().as_fd().try_clone_to_owned()),
        _ => None,
    }
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

/// Makes the rename survive a power cut.
fn sync_directory(directory: &Path) -> io::Result<()> {
    let result = File::open(directory).and_then(|directory| directory.sync_all());
    match result {
        // The new file is in place. A directory that cannot be read or does not support sync is no
        // failure.
        Err(e) if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::InvalidInput) => {
            Ok(())
        }
        result => result,
    }
}

/// Follows a chain of symbolic links. Returns the file at its end, which may not exist yet, and
/// true if the chain passes through the descriptors of a process: such a link is an open file
/// rather than a name.
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
